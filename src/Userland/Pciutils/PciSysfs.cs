using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>Reads /sys/bus/pci as libpci does (Documentation/ABI/testing/sysfs-bus-pci).</summary>
internal sealed class PciSysfs(Libc libc, string program)
{
    private const string Root = "/sys/bus/pci";
    private const int ReadBytes = 4096;

    /// <summary>All devices in order of domain, bus, slot and function; null when there is no PCI, which was reported.</summary>
    /// <param name="configurationBytes">How much of configuration space to read.</param>
    public async Task<List<PciSysfsDevice>?> Scan(int configurationBytes)
    {
        (long result, IReadOnlyList<string> names) = await libc.List($"{Root}/devices");
        if (result < 0)
        {
            await libc.Print(
                2,
                $"pcilib: Cannot open {Root}/devices\n{program}: Cannot find any working access method.\n"
            );
            return null;
        }

        var devices = new List<PciSysfsDevice>();
        foreach (string name in names.Where(name => name[0] != '.'))
        {
            if (await Read(name, configurationBytes) is { } device)
            {
                devices.Add(device);
            }
        }

        devices.Sort(Compare);
        await ReadSlots(devices);
        return devices;
    }

    /// <summary>Writes to a device's configuration space.</summary>
    public async Task<bool> Write(PciSysfsDevice device, int offset, byte[] value)
    {
        string path = $"{Root}/devices/{device.Name}/config";
        long file = await libc.Open(path, OpenFlags.WriteOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            await libc.Print(2, $"{program}: Cannot open {path}: {ErrnoText.Of(file)}\n");
            return false;
        }

        long written = await libc.PWrite(file, value, offset);
        await libc.Close(file);
        if (written == value.Length)
        {
            return true;
        }

        string why = written < 0 ? ErrnoText.Of(written) : "short write";
        await libc.Print(2, $"pcilib: sysfs_write: write failed: {why}\n");
        return false;
    }

    /// <summary>The path of a device.</summary>
    public static string PathOf(PciSysfsDevice device) => $"{Root}/devices/{device.Name}";

    /// <summary>Reads configuration space anew.</summary>
    public async Task<byte[]> ReadConfiguration(string name, int lengthBytes)
    {
        long file = await libc.Open($"{Root}/devices/{name}/config", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return [];
        }

        var bytes = new List<byte>();
        while (bytes.Count < lengthBytes)
        {
            (long result, byte[] data) = await libc.Read(file, lengthBytes - bytes.Count);
            if (result <= 0)
            {
                break;
            }

            bytes.AddRange(data);
        }

        await libc.Close(file);
        return [.. bytes];
    }

    private static int Compare(PciSysfsDevice one, PciSysfsDevice other) =>
        (one.Domain, one.Bus, one.Slot, one.Function).CompareTo((other.Domain, other.Bus, other.Slot, other.Function));

    private async Task<PciSysfsDevice?> Read(string name, int configurationBytes)
    {
        if (!TryParse(name, out uint[] place))
        {
            return null;
        }

        string path = $"{Root}/devices/{name}";
        uint classCode = (uint)(await Number(path, "class") ?? 0);
        long? subsystemVendor = await Number(path, "subsystem_vendor");
        return new PciSysfsDevice
        {
            Name = name,
            Domain = place[0],
            Bus = place[1],
            Slot = place[2],
            Function = place[3],
            Vendor = (uint)(await Number(path, "vendor") ?? 0xFFFF),
            Device = (uint)(await Number(path, "device") ?? 0xFFFF),
            Class = classCode >> 8,
            Interface = classCode & 0xFF,
            Revision = (uint)(await Number(path, "revision") ?? 0),
            SubsystemVendor = (uint?)subsystemVendor,
            Subsystem = (uint)(await Number(path, "subsystem_device") ?? 0),
            Irq = (uint)(await Number(path, "irq") ?? 0),
            Resources = await ReadResources(path),
            NumaNode = (int)(await Number(path, "numa_node") ?? -1),
            IommuGroup = await LinkName(path, "iommu_group"),
            TreeNode = await FullLink(path, "of_node"),
            Driver = await LinkName(path, "driver"),
            Label = await Content(path, "label"),
            ParentName = await Parent(name),
            Configuration = await ReadConfiguration(name, configurationBytes),
        };
    }

    private async Task ReadSlots(List<PciSysfsDevice> devices)
    {
        (long result, IReadOnlyList<string> names) = await libc.List($"{Root}/slots");
        if (result < 0)
        {
            return;
        }

        foreach (string slot in names.Where(name => name[0] != '.'))
        {
            string? address = await Content($"{Root}/slots/{slot}", "address");
            foreach (PciSysfsDevice device in devices)
            {
                string own = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{device.Domain:x4}:{device.Bus:x2}:{device.Slot:x2}"
                );
                if (string.Equals(address, own, StringComparison.Ordinal))
                {
                    device.PhysicalSlot ??= slot;
                }
            }
        }
    }

    private async Task<List<PciResourceLine>> ReadResources(string path)
    {
        var lines = new List<PciResourceLine>();
        foreach (string line in (await Content(path, "resource") ?? "").Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 3)
            {
                ulong start = Hexadecimal(words[0]);
                ulong end = Hexadecimal(words[1]);
                lines.Add(new PciResourceLine(start, end > start ? end - start + 1 : 0, Hexadecimal(words[2])));
            }
        }

        return lines;
    }

    private static ulong Hexadecimal(string text) =>
        ulong.TryParse(
            text.AsSpan(text.StartsWith("0x", StringComparison.Ordinal) ? 2 : 0),
            NumberStyles.HexNumber,
            CultureInfo.InvariantCulture,
            out ulong value
        )
            ? value
            : 0;

    /// <summary>dddd:bb:dd.f</summary>
    private static bool TryParse(string name, out uint[] place)
    {
        string[] parts = name.Split(':', '.');
        place = new uint[4];
        if (parts.Length != 4)
        {
            return false;
        }

        for (int n = 0; n < 4; n++)
        {
            if (!uint.TryParse(parts[n], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out place[n]))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<long?> Number(string path, string attribute)
    {
        string? text = await Content(path, attribute);
        return text is null ? null
            : text.StartsWith("0x", StringComparison.Ordinal) ? (long)Hexadecimal(text)
            : long.TryParse(text, CultureInfo.InvariantCulture, out long value) ? value
            : null;
    }

    private async Task<string?> Content(string path, string attribute)
    {
        long file = await libc.Open($"{path}/{attribute}", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return null;
        }

        var bytes = new List<byte>();
        long result;
        do
        {
            (result, byte[] data) = await libc.Read(file, ReadBytes);
            bytes.AddRange(result > 0 ? data : []);
        } while (result > 0);

        await libc.Close(file);
        return Encoding.UTF8.GetString([.. bytes]).TrimEnd('\n');
    }

    private async Task<string?> LinkName(string path, string link) =>
        (await libc.ReadLink($"{path}/{link}")) is (>= 0, { } target) ? target[(target.LastIndexOf('/') + 1)..] : null;

    /// <summary>Where a link leads, from the root.</summary>
    private async Task<string?> FullLink(string path, string link)
    {
        (long result, string target) = await libc.ReadLink($"{path}/{link}");
        return result < 0 ? null : await RealPath($"{path}/{link}", target);
    }

    private async Task<string?> RealPath(string path, string target)
    {
        string cwd = await libc.GetCwd();
        string? real = target.StartsWith('/') ? target : null;
        if (await libc.ChDir(path) == 0)
        {
            real = await libc.GetCwd();
            await libc.ChDir(cwd);
        }

        return real;
    }

    /// <summary>The device directory that holds the device's own one.</summary>
    private async Task<string?> Parent(string name)
    {
        (long result, string target) = await libc.ReadLink($"{Root}/devices/{name}");
        string[] parts = result < 0 ? [] : target.Split('/');
        return parts.Length >= 2 && TryParse(parts[^2], out _) ? parts[^2] : null;
    }
}
