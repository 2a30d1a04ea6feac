using System.Diagnostics;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// A simulated Linux on a board: it reaches hardware through the boot CPU's port alone, and programs reach it through
/// system calls alone.
/// </summary>
[DebuggerDisplay("Linux {Profile.Release,nq} on {Board.Name,nq}")]
public sealed partial class Kernel
{
    /// <summary>How much RAM the kernel image, its own tables and the device tree take.</summary>
    private const ulong ReservedBytes = 16UL << 20;

    private static readonly TraceKind Refused = new("kernel.refusal", Severity.Info, "{what}");

    private readonly SortedDictionary<int, Process> _processes = [];
    private readonly Queue<Refusal> _refusals = new();
    private int _lastPid;

    /// <summary>Starts a kernel: drivers probe, devices appear, and the first process exists when this returns.</summary>
    /// <param name="board">The board.</param>
    /// <param name="profile">Which kernel it is.</param>
    /// <param name="tree">The device tree it is told; null for the board's own without the facts of the hardware.</param>
    public Kernel(Board board, KernelProfile profile, DeviceTree? tree = null)
    {
        Board = board;
        Profile = profile;
        Tree = tree ?? HardwareFacts.KernelTree(board.HardwareTree);
        Simulation = board.Simulation;
        Log = new KernelLog(Simulation);
        Pages = new PageAllocator(board, ReservedBytes);
        Files = new FileTree();
        MemoryDevices.Add(Files.Dev);
        KernelLogDevice.Add(this);
        Calls = new Syscalls(this);
        Init = CreateProcess("init", null);
    }

    /// <summary>The system calls.</summary>
    public Syscalls Calls { get; }

    /// <summary>What runs programs; null on a kernel without any.</summary>
    public IBinaryFormat? BinaryFormat { get; set; }

    /// <summary>uname -n.</summary>
    public string HostName { get; set; } = "localhost";

    /// <summary>The wall-clock time at the start of the simulation, in seconds since 1970.</summary>
    public long EpochSeconds { get; set; }

    /// <summary>Where those wait who only wait for time to pass.</summary>
    public WaitQueue Sleepers { get; } = new("hrtimer_nanosleep");

    /// <summary>The board it runs on.</summary>
    public Board Board { get; }

    /// <summary>Which kernel it is.</summary>
    public KernelProfile Profile { get; }

    /// <summary>The device tree it was told.</summary>
    public DeviceTree Tree { get; }

    /// <summary>The simulation.</summary>
    public Simulation Simulation { get; }

    /// <summary>dmesg.</summary>
    public KernelLog Log { get; }

    /// <summary>The board's RAM, in pages.</summary>
    public PageAllocator Pages { get; }

    /// <summary>The file tree.</summary>
    public FileTree Files { get; }

    /// <summary>The first process.</summary>
    public Process Init { get; }

    /// <summary>Interrupts. Set when the kernel starts.</summary>
    public IIrqSubsystem Interrupts { get; internal set; } = null!;

    /// <summary>The driver core. Set when the kernel starts.</summary>
    public IDriverCore Drivers { get; internal set; } = null!;

    /// <summary>The IOMMU core. Set when the kernel starts.</summary>
    public IIommuCore Iommus { get; internal set; } = null!;

    /// <summary>The PCI core. Set when the kernel starts.</summary>
    public PciCore Pci { get; internal set; } = null!;

    /// <summary>
    /// Whether firmware told the kernel of its devices by ACPI tables instead of a device tree. The tables are not modelled: the
    /// kernel reads the tree and does what it does on such a boot where that shows.
    /// </summary>
    public bool BootsByAcpi { get; init; }

    /// <summary>The processes by pid.</summary>
    public IReadOnlyDictionary<int, Process> Processes => _processes;

    /// <summary>The last refusals, oldest first.</summary>
    public IReadOnlyCollection<Refusal> Refusals => _refusals;

    /// <summary>Makes a process that runs nothing yet.</summary>
    public Process CreateProcess(string command, Process? parent)
    {
        var process = new Process(this, NextPid(), command, parent);
        _processes[process.Id] = process;
        return process;
    }

    internal void Report(Refusal refusal)
    {
        if (_refusals.Count == 100)
        {
            _refusals.Dequeue();
        }

        _refusals.Enqueue(refusal);
        if (Simulation.Trace.IsOn)
        {
            Simulation.Trace.Emit(Refused, "kernel", TraceField.Of("what", refusal.ToString()));
        }
    }

    /// <summary>Forgets a process that has ended and was waited for.</summary>
    internal void Reap(Process process) => _processes.Remove(process.Id);

    internal void OnExit(Process process)
    {
        foreach (Process child in _processes.Values.Where(other => other.Parent == process).ToArray())
        {
            if (child.HasExited)
            {
                Reap(child);
            }
            else
            {
                child.IsOrphan = true;
            }
        }

        if (process.IsOrphan)
        {
            Reap(process);
        }

        foreach (SimulatedProcess thread in process.Threads)
        {
            Simulation.Scheduler.End(thread);
        }
    }

    internal int NextPid() => ++_lastPid;
}
