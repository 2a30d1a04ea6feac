using System.Globalization;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Scenarios;

/// <summary>A stretch of memory that a step has named: of a process, or of the board where there is no owner.</summary>
internal readonly record struct Region(string Name, ulong Address, ulong SizeBytes, UserProcess? Owner = null);

/// <summary>
/// The world that a running scenario acts on: a board, seen from its boot CPU as a boot ROM sees it or from the processes of a
/// Linux on it, and the scenario's variables.
/// </summary>
internal sealed class World(Board board, IProgramAssembler dma330Assembler)
{
    /// <summary>What a load or store of a device register costs the program.</summary>
    public const long RegisterAccessTime = 50 * VirtualTime.Nanosecond;

    /// <summary>What writing up to 64 bytes of memory costs the program.</summary>
    public const long MemoryAccessTime = 50 * VirtualTime.Nanosecond;

    /// <summary>No scenario runs longer than this.</summary>
    public const long MaximumTime = 100 * VirtualTime.Second;

    /// <summary>No memory step is longer than this.</summary>
    public const ulong MaximumMemoryStep = 64UL << 20;

    /// <summary>No scenario has more events and DMA instructions than this; it bounds programs that never end.</summary>
    public const long MaximumActions = 20_000_000;

    /// <summary>No scenario makes more steps than this, repetitions counted.</summary>
    public const long MaximumSteps = 5_000_000;

    /// <summary>
    /// No scenario makes its host work more than this: a number computed, an access made, 64 bytes moved count one each.
    /// </summary>
    public const long MaximumWork = 100_000_000;

    /// <summary>What an event counts of it while programs run: a system call is more than an addition.</summary>
    private const long WorkOfAnEvent = 100;

    /// <summary>No scenario touches more memory than this.</summary>
    public const long MaximumTouchedBytes = 1L << 30;

    private readonly Dictionary<string, Region> _regions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (BoardRegister Register, RegisterField? Field)> _registers = new(
        StringComparer.Ordinal
    );

    public Board Board { get; } = board;

    public Simulation Simulation { get; } = Limited(board.Simulation);

    public CpuPort Cpu => Board.Cpu;

    public IProgramAssembler Dma330Assembler { get; } = dma330Assembler;

    public Variables Variables { get; } = new();

    /// <summary>The translation tables that steps have laid out: where they are, never what they say.</summary>
    public Dictionary<string, TranslationTables> Tables { get; } = new(StringComparer.Ordinal);

    private Host? _host;
    private long _stepsRun;
    private long _workDone;

    private ITraceSink? _lateSink;

    private static Simulation Limited(Simulation simulation)
    {
        simulation.ActionLimit = MaximumActions;
        return simulation;
    }

    /// <summary>Boots a kernel on the board.</summary>
    /// <param name="profile">Which.</param>
    /// <param name="tree">The device tree it is told; null for the board's own.</param>
    /// <param name="byAcpi">Whether firmware describes the board by ACPI.</param>
    public void Boot(KernelProfile profile, DeviceTree? tree, bool byAcpi = false) =>
        _host = new Host(Board, profile, tree, byAcpi);

    /// <summary>What the kernel refused last; nothing on bare metal.</summary>
    public IEnumerable<string> LastRefusals => _host?.LastRefusals ?? [];

    /// <summary>The booted Linux.</summary>
    public Host Host(Place place) => _host ?? throw StepFailedException.At(place, "no kernel has been booted");

    /// <summary>Lets a sink listen from an action on, so that a long run is traced only where it matters.</summary>
    public void TraceFrom(long action, ITraceSink sink)
    {
        _lateSink = sink;
        Simulation.ActionLimit = Math.Min(action, MaximumActions);
        if (action == 0)
        {
            BeginTrace();
        }
    }

    /// <summary>Begins the trace that was asked for, if there is one that has not begun.</summary>
    private bool BeginTrace()
    {
        Simulation.ActionLimit = MaximumActions;
        if (_lateSink is not { } sink)
        {
            return false;
        }

        _lateSink = null;
        Simulation.Trace.Add(sink);
        return Simulation.ActionsLeft > 0;
    }

    /// <summary>Counts what the host does for the scenario, which virtual time does not bound.</summary>
    public void Work(long units, Place place)
    {
        _workDone += units;
        if (_workDone > MaximumWork)
        {
            throw StepFailedException.At(
                place,
                $"the scenario has computed {MaximumWork} numbers, accesses and blocks of 64 bytes; that is the limit"
            );
        }
    }

    public ulong Number(NumberValue value)
    {
        Work(1, value.Place);
        try
        {
            return value.Expression.Evaluate(Variables);
        }
        catch (ExpressionException exception)
        {
            throw StepFailedException.At(
                new Place(value.Place.Line, value.Place.Column + exception.Offset),
                exception.Message
            );
        }
    }

    public string Text(TextValue value)
    {
        try
        {
            string text = value.Template.Expand(Variables);
            Work(1 + text.Length / 4, value.Place);
            return text;
        }
        catch (ExpressionException exception)
        {
            throw StepFailedException.At(value.Place, exception.Message);
        }
    }

    public void Name(Region region, ulong iova)
    {
        _regions[region.Name] = region;
        Variables.Set(region.Name, region.Address);
        Variables.Set(region.Name + ".iova", iova);
        Variables.Set(region.Name + ".size", region.SizeBytes);
        Variables.Set(region.Name + ".end", region.Address + region.SizeBytes);
    }

    public Region? FindRegion(string name) => _regions.TryGetValue(name, out Region region) ? region : null;

    /// <summary>What is at an address of a process, or of the board, for people: "dst + 0x40".</summary>
    public string Locate(ulong address, UserProcess? owner = null)
    {
        foreach (Region region in _regions.Values)
        {
            if (region.Owner == owner && address - region.Address < region.SizeBytes)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{region.Name} + 0x{address - region.Address:x} ({Hexadecimal.Format(address)})"
                );
            }
        }

        return Hexadecimal.Format(address);
    }

    /// <summary>A register by name (<c>smmu.CB0_FSR</c>, a field of one: <c>smmu.CB0_FSR.TF</c>).</summary>
    public (BoardRegister Register, RegisterField? Field) Register(string name, Place place)
    {
        if (_registers.TryGetValue(name, out (BoardRegister, RegisterField?) known))
        {
            return known;
        }

        RegisterReference reference = RegisterReference.Find(Board, name);
        if (reference.Problem is { } problem)
        {
            throw StepFailedException.At(place, problem);
        }

        return _registers[name] = (reference.Register!.Value, reference.Field);
    }

    /// <summary>Runs one step, within the bounds of a scenario.</summary>
    public void Run(Step step)
    {
        if (++_stepsRun > MaximumSteps)
        {
            throw StepFailedException.At(step.Place, $"the scenario has made {MaximumSteps} steps; that is the limit");
        }

        step.Run(this);
    }

    /// <summary>Lets the program's own time pass.</summary>
    public void Spend(long time, Place place)
    {
        RunUntil(() => false, VirtualTime.Add(Simulation.Now, time), place);
        Work(1 + Board.Memory.Count / 8, place);
        long touched = 0;
        foreach (BusRegion memory in Board.Memory)
        {
            touched += memory.Target is Ram ram ? ram.TouchedBytes : 0;
        }

        if (touched > MaximumTouchedBytes)
        {
            throw StepFailedException.At(
                place,
                $"the scenario has touched more than {MaximumTouchedBytes >> 20} MiB of memory; that is the limit"
            );
        }
    }

    /// <summary>Lets the time pass that writing so many bytes takes.</summary>
    public void SpendOnMemory(long lengthBytes, Place place) =>
        Spend(MemoryAccessTime * Math.Max(1, lengthBytes / 64), place);

    /// <summary>Runs until a condition holds or a time comes, within the bounds of a scenario.</summary>
    public bool RunUntil(Func<bool> condition, long deadline, Place place)
    {
        long limit = Math.Min(deadline, MaximumTime);
        Simulation.CountActions(1);
        bool reached = false;
        RunResult result = Simulation.RunUntil(
            () =>
            {
                if (Simulation.ActionsLeft == 0 && !BeginTrace())
                {
                    throw StepFailedException.At(
                        place,
                        $"{MaximumActions} events and DMA instructions without an end; does a program run for ever?"
                    );
                }

                return reached = condition();
            },
            limit
        );
        if (result == RunResult.DeadlinePassed && limit < deadline)
        {
            throw StepFailedException.At(
                place,
                $"the scenario has used all the virtual time it may ({VirtualTime.Format(MaximumTime)})"
            );
        }

        return reached;
    }

    /// <summary>
    /// Runs programs of the kernel until a condition holds, and counts their work; false when time is up first.
    /// </summary>
    public bool RunPrograms(Func<bool> condition, long patience, Place place) =>
        RunUntil(
            () =>
            {
                Work(WorkOfAnEvent, place);
                return condition();
            },
            VirtualTime.Add(Simulation.Now, patience),
            place
        );

    /// <summary>Loads a word. A message names <paramref name="what"/> stands there, or the address where that is null.</summary>
    public ulong Load(ulong address, int sizeBytes, Place place, string? what)
    {
        Work(1, place);
        BusStatus status = Cpu.Load(address, sizeBytes, out ulong value);
        return status == BusStatus.Okay
            ? value
            : throw StepFailedException.At(
                place,
                $"reading {what ?? Locate(address)} gave {Show(status)}",
                "OKAY",
                Show(status)
            );
    }

    /// <summary>Stores a word. A message names <paramref name="what"/> stands there, or the address where that is null.</summary>
    public void Store(ulong address, int sizeBytes, ulong value, Place place, string? what)
    {
        Work(1, place);
        BusStatus status = Cpu.Store(address, sizeBytes, value);
        if (status != BusStatus.Okay)
        {
            throw StepFailedException.At(
                place,
                $"writing {what ?? Locate(address)} gave {Show(status)}",
                "OKAY",
                Show(status)
            );
        }
    }

    /// <summary>Loads bytes of a process's memory, or of the board's where there is no owner.</summary>
    public byte[] LoadBytes(UserProcess? owner, ulong address, ulong sizeBytes, Place place)
    {
        byte[] bytes = new byte[BoundedSize(sizeBytes, place)];
        Work(1 + bytes.Length / 64, place);
        string answer = owner is null
            ? Show(Cpu.Load(address, bytes))
            : Answer(owner, owner.Process.Memory.TryRead(address, bytes));
        return answer is "OKAY"
            ? bytes
            : throw StepFailedException.At(
                place,
                $"reading {sizeBytes} bytes at {Locate(address, owner)} gave {answer}",
                "OKAY",
                answer
            );
    }

    /// <summary>Stores bytes into a process's memory, or the board's where there is no owner.</summary>
    public void StoreBytes(UserProcess? owner, ulong address, ReadOnlySpan<byte> bytes, Place place)
    {
        Work(1 + bytes.Length / 64, place);
        string answer = owner is null
            ? Show(Cpu.Store(address, bytes))
            : Answer(owner, owner.Process.Memory.TryWrite(address, bytes));
        if (answer is not "OKAY")
        {
            throw StepFailedException.At(
                place,
                $"writing {bytes.Length} bytes at {Locate(address, owner)} gave {answer}",
                "OKAY",
                answer
            );
        }
    }

    /// <summary>What a program would get for an access to its own memory.</summary>
    private static string Answer(UserProcess owner, bool worked) =>
        worked ? "OKAY"
        : owner.Process.HasExited ? $"nothing: process '{owner.Name}' has ended"
        : "SIGSEGV";

    public static int BoundedSize(ulong sizeBytes, Place place) =>
        sizeBytes is > 0 and <= MaximumMemoryStep
            ? (int)sizeBytes
            : throw StepFailedException.At(
                place,
                $"a memory step takes 1 byte to {MaximumMemoryStep >> 20} MiB, not {sizeBytes} bytes"
            );

    public static string Show(BusStatus status) =>
        status switch
        {
            BusStatus.Okay => "OKAY",
            BusStatus.SlaveError => "SLVERR",
            BusStatus.DecodeError => "DECERR",
            _ => "held",
        };
}
