using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>The functions as sysfs shows them: /sys/bus/pci/devices, or another folder of the same form.</summary>
/// <remarks>Which files are read, and which must be there, is as in pciutils (lib/sysfs.c).</remarks>
/// <param name="libc">The system calls.</param>
/// <param name="path">The folder that has <c>devices</c> and <c>slots</c>.</param>
/// <param name="writes">Whether configuration spaces are opened to be written as well.</param>
internal sealed class SysfsAccess(Libc libc, string path, bool writes) : PciAccess
{
    /// <summary>Where sysfs has the PCI bus.</summary>
    public const string DefaultPath = "/sys/bus/pci";

    private const int LongestValue = 1024;

    private PciAddress? _open;
    private long _config = -1;
    private IReadOnlyDictionary<(int Domain, int Bus, int Slot), string>? _slots;

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<PciFunction>> Scan()
    {
        (long result, IReadOnlyList<string> names) = await libc.List($"{path}/devices");
        if (result < 0)
        {
            throw new PciFailure($"Cannot open {path}/devices");
        }

        return
        [
            .. names
                .Where(name => name[0] != '.')
                .Select(name =>
                    Make(
                        PciAddress.Parse(name) ?? throw new PciFailure($"sysfs_scan: Couldn't parse entry name {name}")
                    )
                ),
        ];
    }

    /// <inheritdoc/>
    public override async Task FillIdentity(PciFunction function)
    {
        if (IsBusCentric)
        {
            await base.FillIdentity(function);
            return;
        }

        function.Vendor = await Number(function, "vendor", mandatory: true) ?? 0;
        function.Device = await Number(function, "device", mandatory: true) ?? 0;
        int code = await Number(function, "class", mandatory: true) ?? 0;
        function.Class = code >> 8;
        function.ProgIf = code & 0xFF;
        function.Revision =
            await Number(function, "revision") ?? (function.HasNoConfig ? 0 : function.Config.Byte(0x08));
        if (await Number(function, "subsystem_vendor") is { } vendor)
        {
            function.SubsystemVendor = vendor;
            function.SubsystemDevice = await Number(function, "subsystem_device") ?? 0;
        }
    }

    /// <inheritdoc/>
    public override async Task FillResources(PciFunction function)
    {
        if (IsBusCentric)
        {
            await base.FillResources(function);
            return;
        }

        function.Irq = await Number(function, "irq", mandatory: true) ?? 0;
        string file = FileOf(function, "resource");
        string text = await Text(file) ?? throw new PciFailure($"Cannot open {file}: No such file or directory");
        SysfsResources.Fill(function, text, file);
    }

    /// <inheritdoc/>
    public override async Task FillKernelFacts(PciFunction function)
    {
        function.Label = await Text(FileOf(function, "label"));
        function.ModuleAlias = await Text(FileOf(function, "modalias"));
        function.NumaNode = await Number(function, "numa_node") ?? -1;
        function.IommuGroup = LastPart(await Target(function, "iommu_group"));
        function.DeviceTreeNode = await Target(function, "of_node");
        function.Driver = LastPart(await Target(function, "driver"));
        _slots ??= await ReadSlots();
        PciAddress at = function.Address;
        function.PhysicalSlot = _slots.GetValueOrDefault((at.Domain, at.Bus, at.Slot));
    }

    /// <inheritdoc/>
    public override async Task FillParents(IReadOnlyList<PciFunction> functions)
    {
        if (IsBusCentric)
        {
            return;
        }

        var byFolder = new Dictionary<string, PciFunction>(StringComparer.Ordinal);
        var folders = new List<(PciFunction Function, string Folder)>();
        foreach (PciFunction function in functions)
        {
            if (await NameCommands.Resolve(libc, $"{path}/devices/{function.Address}") is { } folder)
            {
                byFolder[folder] = function;
                folders.Add((function, folder));
            }
        }

        foreach ((PciFunction function, string folder) in folders)
        {
            function.Parent = byFolder.GetValueOrDefault(folder[..folder.LastIndexOf('/')]);
        }
    }

    /// <inheritdoc/>
    public override async Task<byte[]?> ReadProductData(PciFunction function, int at, int count)
    {
        long file = await libc.Open(FileOf(function, "vpd"), OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return null;
        }

        (long result, byte[] data) = await libc.PRead(file, count, at);
        await libc.Close(file);
        return result == count ? data : null;
    }

    /// <inheritdoc/>
    public override async Task<byte[]?> ReadConfig(PciAddress address, int at, int count)
    {
        if (await OpenConfig(address) < 0)
        {
            return null;
        }

        (long result, byte[] data) = await libc.PRead(_config, count, at);
        if (result < 0)
        {
            await Warn($"sysfs_read: read failed: {ErrnoText.Of(result)}");
        }

        return result == count ? data : null;
    }

    /// <inheritdoc/>
    public override async Task WriteConfig(PciAddress address, int at, byte[] bytes)
    {
        if (await OpenConfig(address) < 0)
        {
            return;
        }

        long result = await libc.PWrite(_config, bytes, at);
        if (result < 0)
        {
            await Warn($"sysfs_write: write failed: {ErrnoText.Of(result)}");
        }
        else if (result != bytes.Length)
        {
            await Warn($"sysfs_write: tried to write {bytes.Length} bytes at {at}, but only {result} succeeded");
        }
    }

    /// <inheritdoc/>
    public override async Task Close()
    {
        if (_config >= 0)
        {
            await libc.Close(_config);
        }

        _config = -1;
        _open = null;
    }

    private static string? LastPart(string? target) => target?[(target.LastIndexOf('/') + 1)..];

    private string FileOf(PciFunction function, string name) => FileOf(function.Address, name);

    private string FileOf(PciAddress address, string name) => $"{path}/devices/{address}/{name}";

    private async Task<long> OpenConfig(PciAddress address)
    {
        if (_open == address && _config >= 0)
        {
            return _config;
        }

        await Close();
        string file = FileOf(address, "config");
        OpenFlags flags = (writes ? OpenFlags.ReadWrite : OpenFlags.ReadOnly) | OpenFlags.CloseOnExec;
        _config = await libc.Open(file, flags);
        _open = address;
        if (_config < 0)
        {
            await Warn($"Cannot open {file}");
        }

        return _config;
    }

    private Task<long> Warn(string message) => libc.Print(2, $"pcilib: {message}\n");

    private async Task<string?> Text(string file)
    {
        long descriptor = await libc.Open(file, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (descriptor < 0)
        {
            if (descriptor != -(long)Errno.ENOENT)
            {
                await Warn($"Cannot open {file}: {ErrnoText.Of(descriptor)}");
            }

            return null;
        }

        (long result, byte[] data) = await WholeFile.Read(libc, descriptor);
        await libc.Close(descriptor);
        if (result < 0)
        {
            await Warn($"Error reading {file}: {ErrnoText.Of(result)}");
        }

        return result < 0 ? null : Encoding.UTF8.GetString(data);
    }

    /// <summary>The number in a file, as strtol(3) with base 0 reads it.</summary>
    private async Task<int?> Number(PciFunction function, string name, bool mandatory = false)
    {
        string file = FileOf(function, name);
        string? text = await Text(file);
        if (text is null || text.Length >= LongestValue)
        {
            return mandatory
                ? throw new PciFailure(
                    text is null ? $"Cannot open {file}: No such file or directory" : $"Value in {file} too long"
                )
                : null;
        }

        string trimmed = text.Trim();
        bool isHex = trimmed.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return int.TryParse(
            isHex ? trimmed[2..] : trimmed,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out int value
        )
            ? value
            : 0;
    }

    /// <summary>The real path behind a link of a function; null when there is none.</summary>
    private async Task<string?> Target(PciFunction function, string name)
    {
        string link = FileOf(function, name);
        if ((await libc.ReadLink(link)).Result <= 0)
        {
            return null;
        }

        string? real = await NameCommands.Resolve(libc, link);
        return real is not null && await libc.Exists(real) ? real : null;
    }

    private async Task<IReadOnlyDictionary<(int Domain, int Bus, int Slot), string>> ReadSlots()
    {
        var slots = new Dictionary<(int, int, int), string>();
        (_, IReadOnlyList<string> names) = await libc.List($"{path}/slots");
        foreach (string name in names.Where(name => name[0] != '.'))
        {
            string? text = await Text($"{path}/slots/{name}/address");
            if (text is not null && PciAddress.Parse(text.Trim() + ".0") is { } at)
            {
                slots.TryAdd((at.Domain, at.Bus, at.Slot), name);
            }
        }

        return slots;
    }
}
