using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>
/// The booted Linux of a scenario: its consoles, the processes that steps drive, and what these have opened. Everything steps do
/// goes through system calls; what they expect of the log, of files and of counts is read where a person would read it.
/// </summary>
internal sealed class Host
{
    /// <summary>The console that the kernel logs to, and on which steps type that name none.</summary>
    public const string FirstConsole = "ttyAMA0";

    /// <summary>No scenario opens more consoles than this.</summary>
    public const int MaximumConsoles = 64;

    private readonly SortedDictionary<string, HostConsole> _consoles = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, UserProcess> _processes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, OpenedDevice> _vfio = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, (UserProcess Process, int Descriptor)> _descriptors = new(
        StringComparer.Ordinal
    );

    /// <summary>Boots a kernel on the board, with the drivers it has and the programs of its file system.</summary>
    /// <param name="board">The board.</param>
    /// <param name="profile">Which kernel.</param>
    /// <param name="tree">The device tree it is told; null for the board's own.</param>
    /// <param name="byAcpi">Whether firmware describes the board by ACPI.</param>
    public Host(Board board, KernelProfile profile, DeviceTree? tree, bool byAcpi)
    {
        Kernel = BuiltInDrivers.Boot(board, profile, tree, byAcpi);
        Files = new FileObserver(Kernel);
        var programs = new ProgramRunner(UserlandPrograms.All);
        programs.Install(Kernel);
        VfioTestSuite.Install(Kernel, programs);
        Console(FirstConsole, 0, default);
    }

    /// <summary>The kernel.</summary>
    public Kernel Kernel { get; }

    /// <summary>What expectations look at files with.</summary>
    public FileObserver Files { get; }

    /// <summary>The last refusals that are more than a question answered with no, for the report of a failure.</summary>
    public IEnumerable<string> LastRefusals =>
        Kernel
            .Refusals.Where(refusal => refusal.Errno is not (Errno.ENOENT or Errno.ENOTTY or Errno.EAGAIN))
            .TakeLast(3)
            .Select(refusal => $"refused: {refusal}");

    /// <summary>A console by name; it is opened when a step first names it.</summary>
    /// <param name="name">The name.</param>
    /// <param name="userId">Whose shell it gets when it is opened.</param>
    /// <param name="place">The step.</param>
    public HostConsole Console(string name, int userId, Place place)
    {
        if (!_consoles.TryGetValue(name, out HostConsole? console))
        {
            Bound(_consoles.Count, MaximumConsoles, "consoles", place);
            console = new HostConsole(Kernel, showsLog: name is FirstConsole, userId);
            _consoles[name] = console;
        }

        return console;
    }

    /// <summary>Starts a process for the steps that name it.</summary>
    public UserProcess StartProcess(string name, Place place)
    {
        Bound(Kernel.Processes.Count, Libc.MaximumProcesses, "processes", place);
        var process = new UserProcess(Kernel, name);
        _processes[name] = process;
        return process;
    }

    /// <summary>Names what a process has opened of VFIO.</summary>
    public void Name(string name, OpenedDevice user)
    {
        _vfio[name] = user;
        Name(name + ".container", user.Process, user.Container);
        Name(name + ".group", user.Process, user.Group);
        Name(name + ".device", user.Process, user.Device);
    }

    /// <summary>Names a descriptor of a process.</summary>
    public void Name(string name, UserProcess process, int descriptor) => _descriptors[name] = (process, descriptor);

    /// <summary>The process that a name stands for: its own, that of an opened device, or that of a descriptor.</summary>
    public UserProcess Process(HostName name) =>
        name.Kind switch
        {
            HostObjectKind.Vfio => Vfio(name).Process,
            HostObjectKind.Descriptor => Descriptor(name).Process,
            _ => _processes.TryGetValue(name.Name, out UserProcess? process) ? process : throw Unknown(name),
        };

    /// <summary>What has been opened under a name.</summary>
    public OpenedDevice Vfio(HostName name) =>
        _vfio.TryGetValue(name.Name, out OpenedDevice? user) ? user : throw Unknown(name);

    /// <summary>The descriptor that a name stands for.</summary>
    public (UserProcess Process, int Descriptor) Descriptor(HostName name) =>
        _descriptors.TryGetValue(name.Name, out (UserProcess, int) found) ? found : throw Unknown(name);

    private static StepFailedException Unknown(HostName name) =>
        StepFailedException.At(name.Place, $"'{name.Name}' has not been made: the step that names it has not run");

    private static void Bound(int count, int maximum, string what, Place place)
    {
        if (count >= maximum)
        {
            throw StepFailedException.At(place, $"the scenario has {maximum} {what}; that is the limit");
        }
    }
}
