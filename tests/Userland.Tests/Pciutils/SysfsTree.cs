using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland.Tests;

/// <summary>
/// The part of sysfs that lspci reads, as files: put into a simulated system's tmpfs, and into a folder of the host, where the
/// real lspci can read the same.
/// </summary>
/// <param name="root">Its path, the same in both worlds.</param>
internal sealed class SysfsTree(string root)
{
    private readonly SortedDictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _links = new(StringComparer.Ordinal);

    /// <summary>What -O sysfs.path= has to be.</summary>
    public string BusPath => $"{root}/bus/pci";

    /// <summary>Adds a function.</summary>
    /// <param name="folder">Its folder below devices, as <c>pci0000:00/0000:00:01.0</c>.</param>
    /// <param name="config">Its configuration space.</param>
    /// <param name="attributes">Its other files.</param>
    /// <param name="group">Its group, or null.</param>
    /// <param name="driver">Its driver, or null.</param>
    public void AddFunction(
        string folder,
        byte[] config,
        IEnumerable<(string Name, string Value)> attributes,
        string? group = null,
        string? driver = null
    )
    {
        string device = $"devices/{folder}";
        string up = string.Concat(Enumerable.Repeat("../", folder.Split('/').Length + 1));
        _files[$"{device}/config"] = config;
        foreach ((string name, string value) in attributes)
        {
            _files[$"{device}/{name}"] = Encoding.UTF8.GetBytes(value + "\n");
        }

        _links[$"bus/pci/devices/{folder[(folder.LastIndexOf('/') + 1)..]}"] = $"../../../{device}";
        if (group is not null)
        {
            _files[$"kernel/iommu_groups/{group}/type"] = "DMA\n"u8.ToArray();
            _links[$"{device}/iommu_group"] = $"{up}kernel/iommu_groups/{group}";
        }

        if (driver is not null)
        {
            _files[$"bus/pci/drivers/{driver}/uevent"] = [];
            _links[$"{device}/driver"] = $"{up}bus/pci/drivers/{driver}";
        }
    }

    /// <summary>Adds a slot.</summary>
    public void AddSlot(string name, string address) => AddFile($"bus/pci/slots/{name}/address", address + "\n");

    /// <summary>Adds a file.</summary>
    public void AddFile(string path, string text) => AddFile(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Adds a file.</summary>
    public void AddFile(string path, byte[] content) => _files[path] = content;

    /// <summary>Adds a link.</summary>
    public void AddLink(string path, string target) => _links[path] = target;

    /// <summary>Puts the tree into a simulated system.</summary>
    public void Install(Kernel kernel)
    {
        foreach ((string path, byte[] content) in _files)
        {
            (DirectoryInode folder, string name) = Place(kernel, path);
            folder.Add(name, new RegularInode(0x1A4)).Content.AddRange(content);
        }

        foreach ((string path, string target) in _links)
        {
            (DirectoryInode folder, string name) = Place(kernel, path);
            folder.AddLink(name, target);
        }
    }

    /// <summary>Puts the tree into a folder of the host.</summary>
    public void Materialise()
    {
        foreach ((string path, byte[] content) in _files)
        {
            File.WriteAllBytes(MakeFolder(path), content);
        }

        foreach ((string path, string target) in _links)
        {
            File.CreateSymbolicLink(MakeFolder(path), target);
        }
    }

    /// <summary>The attributes that every function has.</summary>
    public static IEnumerable<(string Name, string Value)> Identity(
        int vendor,
        int device,
        int code,
        int revision,
        int subVendor,
        int subDevice,
        int irq
    ) =>
        [
            ("vendor", $"0x{vendor:x4}"),
            ("device", $"0x{device:x4}"),
            ("class", $"0x{code:x6}"),
            ("revision", $"0x{revision:x2}"),
            ("subsystem_vendor", $"0x{subVendor:x4}"),
            ("subsystem_device", $"0x{subDevice:x4}"),
            ("irq", irq.ToString(CultureInfo.InvariantCulture)),
            ("numa_node", "-1"),
            (
                "modalias",
                $"pci:v{vendor:X8}d{device:X8}sv{subVendor:X8}sd{subDevice:X8}"
                    + $"bc{code >> 16:X2}sc{(code >> 8) & 0xFF:X2}i{code & 0xFF:X2}"
            ),
        ];

    /// <summary>The file <c>resource</c>.</summary>
    public static string Resource(IEnumerable<(ulong Start, ulong Size, ulong Flags)> ranges) =>
        string.Join(
            '\n',
            ranges.Select(range =>
            {
                ulong end = range.Size == 0 ? 0 : range.Start + range.Size - 1;
                return $"0x{range.Start:x16} 0x{end:x16} 0x{range.Flags:x16}";
            })
        );

    private (DirectoryInode Folder, string Name) Place(Kernel kernel, string path)
    {
        string full = $"{root}/{path}";
        int slash = full.LastIndexOf('/');
        return (kernel.Files.Make(full[..slash]), full[(slash + 1)..]);
    }

    private string MakeFolder(string path)
    {
        string full = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return full;
    }
}
