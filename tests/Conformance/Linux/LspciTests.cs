using System.Globalization;
using System.Text;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;
using Emulator.Userland.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Conformance.Linux;

/// <summary>
/// lspci on the recorded configuration spaces prints what the recorded lspci printed. What that one had from sysfs and what the
/// recording does not keep (sizes of BARs, interrupts, slots, subsystems, modules) is taken from its text; addresses, bridge
/// windows, every register and capability come from the dumps.
/// </summary>
public sealed class LspciTests
{
    private const string Root = "/tmp/recorded";
    private const ulong Memory = 0x4_0200;
    private const ulong Io = 0x4_0101;
    private const ulong Memory64 = 0x10_0004;
    private const ulong Prefetchable = 0x2008;

    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    [Fact]
    public void Lspci_prints_recorded_functions_as_it_was_recorded()
    {
        var report = new Report("linux/topologies, lspci");
        foreach (LspciRecording recording in LspciRecording.All())
        {
            string last = recording.Phases[^1];
            Kernel kernel = Boot(recording, last);
            report.Add($"{recording.Name} -nn -vv", Difference(recording.Verbose, Run(kernel, "-nn -vv")));
            foreach (string phase in recording.Phases)
            {
                kernel = Boot(recording, phase);
                report.Add(
                    $"{recording.Name} {phase} -nn -tv",
                    Difference(recording.Tree(phase), Run(kernel, "-nn -tv"))
                );
            }
        }

        report.Publish();
        if (report.Ran == 0)
        {
            Assert.Skip($"no recordings in {Recordings.Folder}");
        }

        report.Differences.Should().BeEmpty();
    }

    private static Kernel Boot(LspciRecording recording, string phase)
    {
        var simulation = new Simulation();
        Board board = Services.Value.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, simulation);
        var kernel = new Kernel(board, KernelProfiles.VosysV6);
        new ProgramRunner(UserlandPrograms.All).Install(kernel);
        var tree = new SysfsTree(Root);
        var aliases = new StringBuilder();
        bool isLast = string.Equals(phase, recording.Phases[^1], StringComparison.Ordinal);
        foreach (RecordedFunction function in recording.Functions(phase))
        {
            Add(tree, recording, function, isLast, aliases);
        }

        tree.Install(kernel);
        DirectoryInode modules = kernel.Files.Make($"/lib/modules/{kernel.Profile.Release}");
        modules
            .Add("modules.alias", new RegularInode(0x1A4))
            .Content.AddRange(Encoding.UTF8.GetBytes(aliases.ToString()));
        return kernel;
    }

    private static void Add(
        SysfsTree tree,
        LspciRecording recording,
        RecordedFunction function,
        bool isLast,
        StringBuilder aliases
    )
    {
        string? Said(string pattern) => isLast ? recording.Said(function.Name, pattern) : null;
        int[] subsystem =
        [
            .. (Said(@"^\tSubsystem: .*\[([0-9a-f:]+)\]$") ?? "0:0")
                .Split(':')
                .Select(word => Convert.ToInt32(word, 16)),
        ];
        int irq = int.Parse(Said(@"routed to IRQ (\d+)") ?? "0", CultureInfo.InvariantCulture);
        (string Name, string Value)[] identity =
        [
            .. SysfsTree.Identity(
                Number(function, "vendor"),
                Number(function, "device"),
                Number(function, "class"),
                Convert.ToInt32(Said(@"\(rev ([0-9a-f]+)\)") ?? "0", 16),
                subsystem[0],
                subsystem[1],
                irq
            ),
            ("resource", SysfsTree.Resource(Ranges(function.Config, Said))),
        ];
        string path = function.Fields["path"];
        tree.AddFunction(
            path[path.IndexOf("pci0000", StringComparison.Ordinal)..],
            function.Config,
            identity,
            Text(function, "group"),
            Text(function, "driver")
        );
        if (Said(@"^\tPhysical Slot: (.*)$") is { } slot)
        {
            tree.AddSlot(slot, function.Name[..^2]);
        }

        foreach (string module in Said(@"^\tKernel modules: (.*)$")?.Split(", ") ?? [])
        {
            aliases.Append(
                CultureInfo.InvariantCulture,
                $"alias {identity.First(a => a.Name is "modalias").Value} {module}\n"
            );
        }
    }

    private static string? Text(RecordedFunction function, string field) =>
        function.Fields[field] is { Length: > 0 } text ? text : null;

    private static int Number(RecordedFunction function, string field) => Convert.ToInt32(function.Fields[field], 16);

    private static IEnumerable<(ulong Start, ulong Size, ulong Flags)> Ranges(byte[] config, Func<string, string?> said)
    {
        bool isBridge = (config[0x0E] & 0x7F) == 1;
        for (int n = 0; n < 6; n++)
        {
            uint bar = n < (isBridge ? 2 : 6) ? BitConverter.ToUInt32(config, 0x10 + 4 * n) : 0;
            bool is64 = (bar & 7) == 4;
            ulong high = is64 ? BitConverter.ToUInt32(config, 0x14 + 4 * n) : 0;
            string? place = said($@"^\tRegion {n}: .* at ([0-9a-f]+) .*\[virtual\]");
            ulong start = place is null ? (bar & 0xFFFF_FFF0) | (high << 32) : Convert.ToUInt64(place, 16);
            string? size = said($@"^\tRegion {n}: .*\[size=(\w+)\]");
            ulong flags =
                (bar & 1) != 0 ? Io
                : place is not null || is64 ? Memory | Memory64
                : Memory;
            flags |= (bar & 9) == 8 ? Prefetchable : 0;
            yield return size is null ? default : (start, LspciRecording.Size(size), flags);
        }

        string? rom = said(@"^\tExpansion ROM at ([0-9a-f]+)");
        yield return rom is null
            ? default
            : (Convert.ToUInt64(rom, 16), LspciRecording.Size(said(@"^\tExpansion ROM .*\[size=(\w+)\]")!), 0x4_6200UL);
        for (int n = 0; n < 6; n++)
        {
            yield return default;
        }

        foreach ((ulong, ulong, ulong) window in isBridge ? Windows(config) : [])
        {
            yield return window;
        }
    }

    /// <summary>The windows of a bridge as its registers have them; what ends before it begins is none.</summary>
    private static IEnumerable<(ulong Start, ulong Size, ulong Flags)> Windows(byte[] config)
    {
        ulong Word(int at) => BitConverter.ToUInt16(config, at);
        ulong Long(int at) => BitConverter.ToUInt32(config, at);
        ulong high = (config[0x1C] & 0xFUL) == 1 ? 1UL : 0;
        ulong ioStart = ((config[0x1CUL] & 0xF0UL) << 8) | (high * Word(0x30) << 16);
        ulong ioEnd = ((config[0x1DUL] & 0xF0UL) << 8) | (high * Word(0x32) << 16) | 0xFFF;
        yield return Window(ioStart, ioEnd, 0x101);
        yield return Window(Word(0x20) << 16, (Word(0x22) << 16) | 0xF_FFFF, 0x200);
        ulong start = ((Word(0x24) & 0xFFF0) << 16) | (Long(0x28) << 32);
        ulong end = ((Word(0x26) & 0xFFF0) << 16) | (Long(0x2C) << 32) | 0xF_FFFF;
        yield return Window(start, end, 0x10_2201);
        yield return default;
    }

    private static (ulong Start, ulong Size, ulong Flags) Window(ulong start, ulong end, ulong flags) =>
        start > end || start == 0 ? default : (start, end - start + 1, flags);

    private static string Run(Kernel kernel, string options)
    {
        DirectoryInode capture = kernel.Files.Make("/var/capture");
        capture.Remove("out");
        RegularInode output = capture.Add("out", new RegularInode(0x1A4));
        OpenFile sink = output.Open(kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!;
        OpenFile none = kernel.Files.Walk(kernel.Init, "/dev/null").Inode!.Open(kernel.Init, OpenFlags.ReadOnly).File!;
        Process process = ProgramRunner.Start(
            kernel.Init,
            new Shell("sh"),
            ["sh", "-c", $"lspci -O sysfs.path={Root}/bus/pci {options}"],
            new SortedDictionary<string, string>(StringComparer.Ordinal),
            new SortedDictionary<int, OpenFile>
            {
                [0] = none,
                [1] = sink,
                [2] = output.Open(kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
            }
        );
        kernel.Simulation.RunUntil(() => process.HasExited, kernel.Simulation.Now + 60 * VirtualTime.Second);
        return Encoding.UTF8.GetString([.. output.Content]);
    }

    /// <summary>The first line that differs; null when none does.</summary>
    private static string? Difference(string recorded, string ours)
    {
        string[] there = recorded.TrimEnd('\n').Split('\n');
        string[] here = ours.TrimEnd('\n').Split('\n');
        for (int n = 0; n < Math.Max(there.Length, here.Length); n++)
        {
            string left = there.ElementAtOrDefault(n) ?? "(end)";
            string right = here.ElementAtOrDefault(n) ?? "(end)";
            if (!string.Equals(left, right, StringComparison.Ordinal))
            {
                return $"line {n + 1} is \"{right}\", recorded \"{left}\"";
            }
        }

        return null;
    }
}
