using System.Globalization;
using System.Text.RegularExpressions;

namespace Emulator.Boards;

/// <summary>A function as a pasted <c>lspci -vvv</c> shows it.</summary>
/// <param name="Domain">Its domain.</param>
/// <param name="Bus">Its bus.</param>
/// <param name="Devfn">Device number times 8 plus function number.</param>
internal sealed record LspciFunction(int Domain, int Bus, int Devfn)
{
    /// <summary>dddd:bb:dd.f</summary>
    public string Name =>
        string.Create(CultureInfo.InvariantCulture, $"{Domain:x4}:{Bus:x2}:{Devfn >> 3:x2}.{Devfn & 7}");

    /// <summary>Vendor and device, where the dump has numbers.</summary>
    public (uint Vendor, uint Device)? Ids { get; set; }

    /// <summary>Base class and subclass.</summary>
    public uint Class { get; set; } = 0x00FF;

    /// <summary>Secondary and subordinate bus of a bridge.</summary>
    public (int Secondary, int Subordinate)? Buses { get; set; }

    /// <summary>Device/Port Type of an express function.</summary>
    public uint? ExpressType { get; set; }

    /// <summary>ACS capability and control word.</summary>
    public (uint Capability, uint Control)? AccessControl { get; set; }

    /// <summary>The group that the machine of the dump had it in.</summary>
    public int? Group { get; set; }
}

/// <summary>Reads what <c>lspci -vvv</c> printed on somebody's machine.</summary>
internal sealed partial class LspciDump
{
    private static readonly (string Words, uint Type)[] ExpressTypes =
    [
        ("Root Complex Integrated Endpoint", 9),
        ("Root Complex Event Collector", 10),
        ("PCI-Express to PCI/PCI-X Bridge", 7),
        ("PCI/PCI-X to PCI-Express Bridge", 8),
        ("Legacy Endpoint", 1),
        ("Root Port", 4),
        ("Upstream Port", 5),
        ("Downstream Port", 6),
        ("Endpoint", 0),
    ];

    private static readonly string[] AccessControlBits =
    [
        "SrcValid",
        "TransBlk",
        "ReqRedir",
        "CmpltRedir",
        "UpstreamFwd",
        "EgressCtrl",
        "DirectTrans",
    ];

    private readonly List<LspciFunction> _functions = [];
    private bool _isDenied;
    private bool _hasCapabilities;

    private LspciDump() { }

    /// <summary>The functions, in the order of the dump.</summary>
    public IReadOnlyList<LspciFunction> Functions => _functions;

    /// <summary>What the dump does not tell.</summary>
    public IEnumerable<string> Gaps
    {
        get
        {
            if (_isDenied || !_hasCapabilities)
            {
                yield return "the dump shows no capabilities: run 'lspci -vvv' as root, or all functions pass for conventional ones";
            }

            if (_functions.Exists(function => function.Ids is null))
            {
                yield return "the dump has names only: with -nn, devices that are known to isolate without ACS are recognised";
            }

            if (_functions.Exists(function => function.Group is null))
            {
                yield return "not every function had a group on that machine: its IOMMU was off, or no driver had been probed";
            }

            yield return "aliases by device quirks, ACPI tables and the IOMMU of that machine are not in a dump";
        }
    }

    /// <summary>Reads a dump.</summary>
    public static LspciDump Read(string text)
    {
        var dump = new LspciDump();
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            if (HeadPattern().Match(line) is { Success: true } head)
            {
                dump._functions.Add(ReadHead(head));
            }
            else if (dump._functions.Count > 0)
            {
                dump.ReadDetail(dump._functions[^1], line.Trim());
            }
        }

        return dump;
    }

    private static LspciFunction ReadHead(Match head)
    {
        var function = new LspciFunction(
            Hex(head, "domain"),
            Hex(head, "bus"),
            (Hex(head, "slot") << 3) | Hex(head, "function")
        );
        string rest = head.Groups["rest"].Value;
        Match[] numbers = [.. IdPattern().Matches(rest).Cast<Match>()];
        if (numbers.Length > 0)
        {
            function.Ids = ((uint)Hex(numbers[^1], "vendor"), (uint)Hex(numbers[^1], "device"));
        }

        if (ClassPattern().Match(rest) is { Success: true } number)
        {
            function.Class = (uint)Hex(number, "class");
        }
        else if (rest.StartsWith("PCI bridge", StringComparison.Ordinal))
        {
            function.Class = 0x0604;
        }
        else if (rest.StartsWith("Host bridge", StringComparison.Ordinal))
        {
            function.Class = 0x0600;
        }

        return function;
    }

    private void ReadDetail(LspciFunction function, string line)
    {
        _isDenied |= line.Contains("<access denied>", StringComparison.Ordinal);
        if (BusPattern().Match(line) is { Success: true } buses)
        {
            function.Buses = (Hex(buses, "secondary"), Hex(buses, "subordinate"));
        }
        else if (line.StartsWith("Capabilities: [", StringComparison.Ordinal))
        {
            _hasCapabilities = true;
            if (line.Contains("] Express ", StringComparison.Ordinal))
            {
                function.ExpressType = ExpressTypes
                    .Where(entry => line.Contains(entry.Words, StringComparison.Ordinal))
                    .Select(entry => (uint?)entry.Type)
                    .FirstOrDefault();
            }
        }
        else if (line.StartsWith("ACSCap:", StringComparison.Ordinal))
        {
            function.AccessControl = (Bits(line), 0);
        }
        else if (line.StartsWith("ACSCtl:", StringComparison.Ordinal) && function.AccessControl is { } words)
        {
            function.AccessControl = (words.Capability, Bits(line));
        }
        else if (GroupPattern().Match(line) is { Success: true } group)
        {
            function.Group = int.Parse(group.Groups["group"].ValueSpan, CultureInfo.InvariantCulture);
        }
    }

    private static uint Bits(string line)
    {
        uint word = 0;
        for (int bit = 0; bit < AccessControlBits.Length; bit++)
        {
            word |= line.Contains(AccessControlBits[bit] + "+", StringComparison.Ordinal) ? 1u << bit : 0;
        }

        return word;
    }

    private static int Hex(Match match, string group) =>
        match.Groups[group] is { Success: true } found
            ? int.Parse(found.ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : 0;

    [GeneratedRegex(
        "^((?<domain>[0-9a-f]{4}):)?(?<bus>[0-9a-f]{2}):(?<slot>[01][0-9a-f])[.](?<function>[0-7]) (?<rest>.+)$",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex HeadPattern();

    [GeneratedRegex(@"\[(?<vendor>[0-9a-f]{4}):(?<device>[0-9a-f]{4})\]", RegexOptions.ExplicitCapture)]
    private static partial Regex IdPattern();

    [GeneratedRegex(@"^[^:]*\[(?<class>[0-9a-f]{4})\]:", RegexOptions.ExplicitCapture)]
    private static partial Regex ClassPattern();

    [GeneratedRegex(
        "^Bus: primary=[0-9a-f]+, secondary=(?<secondary>[0-9a-f]+), subordinate=(?<subordinate>[0-9a-f]+)",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex BusPattern();

    [GeneratedRegex("IOMMU group:? (?<group>[0-9]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex GroupPattern();
}
