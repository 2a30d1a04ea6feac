using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Emulator.Conformance.Linux;

/// <summary>What user space sees of the functions at one moment: files of sysfs and configuration space.</summary>
internal sealed partial class TopologyState
{
    private const string Devices = "/sys/bus/pci/devices/";

    private TopologyState(SortedDictionary<string, TopologyFunction> functions) => Functions = functions;

    public SortedDictionary<string, TopologyFunction> Functions { get; }

    public static TopologyState Read(TopologyMachine machine)
    {
        var functions = new SortedDictionary<string, TopologyFunction>(StringComparer.Ordinal);
        foreach (string name in machine.List("/sys/bus/pci/devices"))
        {
            functions[name] = TopologyFunction.Read(machine, Devices + name, name);
        }

        return new TopologyState(functions);
    }

    /// <summary>Where an extended capability is, or 0.</summary>
    public static int FindExtended(byte[] configuration, int id)
    {
        for (int at = 0x100; at != 0 && at + 4 <= configuration.Length; )
        {
            uint head = BinaryPrimitives.ReadUInt32LittleEndian(configuration.AsSpan(at));
            if (head is 0 or uint.MaxValue)
            {
                return 0;
            }

            if ((head & 0xFFFF) == id)
            {
                return at;
            }

            at = (int)(head >> 20);
        }

        return 0;
    }

    /// <summary>The tokens of lspci -t from left to right and top to bottom, names of devices left out.</summary>
    public IReadOnlyList<string> TreeTokens()
    {
        List<string> tokens = ["[0000:00]"];
        AddTokens(tokens, "0000:00");
        return tokens;
    }

    public static IReadOnlyList<string> TreeTokens(string recorded) =>
        [.. TokenPattern().Matches(recorded).Select(match => match.Value)];

    private void AddTokens(List<string> tokens, string bus)
    {
        foreach (
            TopologyFunction function in Functions.Values.Where(item =>
                item.Name.StartsWith(bus, StringComparison.Ordinal)
            )
        )
        {
            string place = function.Name[8..];
            if (function.HeaderType != 1)
            {
                tokens.Add(place);
                tokens.Add($"[{function.Vendor[2..]}:{function.Device[2..]}]");
                continue;
            }

            int first = function.SecondaryBus;
            int last = function.SubordinateBus;
            tokens.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{place}-{(first == last ? $"[{first:x2}]" : $"[{first:x2}-{last:x2}]")}"
                )
            );
            AddTokens(tokens, string.Create(CultureInfo.InvariantCulture, $"0000:{first:x2}"));
        }
    }

    [GeneratedRegex(
        @"\[0000:00\]|\b[0-9a-f]{2}\.[0-7](-\[[0-9a-f]{2}(-[0-9a-f]{2})?\])?|\[[0-9a-f]{4}:[0-9a-f]{4}\]",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex TokenPattern();
}

/// <summary>What user space sees of one function.</summary>
internal sealed record TopologyFunction(string Name, byte[] Configuration)
{
    public string? Parent { get; private init; }

    public string Vendor { get; private init; } = "";

    public string Device { get; private init; } = "";

    public string Class { get; private init; } = "";

    public string? Driver { get; private init; }

    public int? Group { get; private init; }

    public string? PhysicalFunction { get; private init; }

    public int HeaderType => Configuration[0x0E] & 0x7F;

    public bool IsMultifunction => (Configuration[0x0E] & 0x80) != 0;

    public int SecondaryBus => Configuration[0x19];

    public int SubordinateBus => Configuration[0x1A];

    public int Express { get; private init; }

    public string? PortType =>
        Express == 0
            ? null
            : (Configuration[Express + 2] >> 4) switch
            {
                0 => "endpoint",
                1 => "legacy-endpoint",
                4 => "root-port",
                5 => "upstream",
                6 => "downstream",
                7 => "pcie-to-pci-bridge",
                8 => "pci-to-pcie-bridge",
                9 => "rc-integrated-endpoint",
                _ => "event-collector",
            };

    public bool ForwardsAri => Express != 0 && (Configuration[Express + 0x28] & 0x20) != 0;

    public int Acs => TopologyState.FindExtended(Configuration, 0x0D);

    public bool HasAri => TopologyState.FindExtended(Configuration, 0x0E) != 0;

    public static TopologyFunction Read(TopologyMachine machine, string path, string name)
    {
        byte[] configuration = machine.ReadBytes(path + "/config");
        string real = machine.Kernel.Files.Walk(machine.Kernel.Init, path).Inode!.Path;
        string above = real.Split('/')[^2];
        return new TopologyFunction(name, configuration)
        {
            Parent = above.StartsWith("pci", StringComparison.Ordinal) ? null : above,
            Vendor = machine.ReadText(path + "/vendor"),
            Device = machine.ReadText(path + "/device"),
            Class = machine.ReadText(path + "/class"),
            Driver = machine.LinkName(path + "/driver"),
            Group = machine.LinkName(path + "/iommu_group") is { } group
                ? int.Parse(group, CultureInfo.InvariantCulture)
                : null,
            PhysicalFunction = machine.LinkName(path + "/physfn"),
            Express = FindCapability(configuration, 0x10),
        };
    }

    private static int FindCapability(byte[] configuration, int id)
    {
        if ((configuration[6] & 0x10) == 0)
        {
            return 0;
        }

        int at = configuration[0x34];
        for (int left = 48; at >= 0x40 && left > 0; left--)
        {
            if (configuration[at] == id)
            {
                return at;
            }

            at = configuration[at + 1];
        }

        return 0;
    }
}
