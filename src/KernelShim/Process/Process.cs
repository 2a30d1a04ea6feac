using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>Capabilities that the modelled checks ask for (include/uapi/linux/capability.h).</summary>
[Flags]
public enum Capabilities : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>CAP_CHOWN.</summary>
    Chown = 1UL << 0,

    /// <summary>CAP_DAC_OVERRIDE.</summary>
    DacOverride = 1UL << 1,

    /// <summary>CAP_FOWNER.</summary>
    FileOwner = 1UL << 3,

    /// <summary>CAP_KILL.</summary>
    Kill = 1UL << 5,

    /// <summary>CAP_IPC_LOCK.</summary>
    IpcLock = 1UL << 14,

    /// <summary>CAP_SYS_MODULE.</summary>
    SysModule = 1UL << 16,

    /// <summary>CAP_SYS_RAWIO.</summary>
    SysRawIo = 1UL << 17,

    /// <summary>CAP_SYS_ADMIN.</summary>
    SysAdmin = 1UL << 21,

    /// <summary>CAP_SYS_RESOURCE.</summary>
    SysResource = 1UL << 24,

    /// <summary>All of them.</summary>
    All = ulong.MaxValue,
}

/// <summary>A descriptor of a process.</summary>
/// <param name="File">The open file it refers to.</param>
/// <param name="CloseOnExec">FD_CLOEXEC.</param>
public readonly record struct Descriptor(OpenFile File, bool CloseOnExec);

/// <summary>A simulated process (struct task_struct): memory, descriptors, credentials, limits.</summary>
[DebuggerDisplay("{Command,nq} ({Id})")]
public sealed partial class Process
{
    /// <summary>RLIMIT_NOFILE.</summary>
    public const int MaximumDescriptors = 1024;

    private readonly SortedDictionary<int, Descriptor> _descriptors = [];

    internal Process(Kernel kernel, int id, string command, Process? parent)
    {
        Kernel = kernel;
        Id = id;
        Command = command;
        Parent = parent;
        Memory = new AddressSpace(kernel.Pages, kernel.Board.Cpu);
        Thread = kernel.Simulation.Scheduler.Create(command);
        if (parent is not null)
        {
            UserId = parent.UserId;
            Capabilities = parent.Capabilities;
            MemlockLimitBytes = parent.MemlockLimitBytes;
            WorkingDirectory = parent.WorkingDirectory;
        }
        else
        {
            WorkingDirectory = kernel.Files.Root;
        }
    }

    /// <summary>The kernel it belongs to.</summary>
    public Kernel Kernel { get; }

    /// <summary>Its pid.</summary>
    public int Id { get; }

    /// <summary>Its name, cut to 15 characters in logs as the kernel does (TASK_COMM_LEN).</summary>
    public string Command { get; set; }

    /// <summary>Its parent; null for the first.</summary>
    public Process? Parent { get; }

    /// <summary>Its first thread on the simulation's scheduler; signals go to it.</summary>
    public SimulatedProcess Thread { get; internal set; }

    /// <summary>Its memory.</summary>
    public AddressSpace Memory { get; }

    /// <summary>Its effective user.</summary>
    public int UserId { get; set; }

    /// <summary>Its effective capabilities.</summary>
    public Capabilities Capabilities { get; set; } = Capabilities.All;

    /// <summary>RLIMIT_MEMLOCK in bytes.</summary>
    public ulong MemlockLimitBytes { get; set; } = 64 << 10;

    /// <summary>Its working directory.</summary>
    public DirectoryInode WorkingDirectory { get; set; }

    /// <summary>Whether it has ended; its exit status is kept for its parent.</summary>
    public bool HasExited { get; internal set; }

    /// <summary>Whether its parent has ended, so that nobody will wait for it.</summary>
    public bool IsOrphan { get; internal set; }

    /// <summary>The exit status as waitpid(2) gives it.</summary>
    public int ExitStatus { get; internal set; }

    /// <summary>A signal that will end it at the next chance, or 0.</summary>
    public int PendingSignal { get; internal set; }

    /// <summary>Who waits for it to end.</summary>
    public WaitQueue Exited { get; } = new("do_wait");

    /// <summary>The last call that was refused it, and by which check.</summary>
    public Refusal? LastRefusal { get; private set; }

    /// <summary>The system call it is in, for refusals.</summary>
    public string CurrentCall { get; internal set; } = "";

    /// <summary>Its open descriptors, by number.</summary>
    public IReadOnlyDictionary<int, Descriptor> Descriptors => _descriptors;

    /// <summary>Whether it has a capability.</summary>
    public bool Has(Capabilities capability) => (Capabilities & capability) == capability;

    /// <summary>The file behind a descriptor, or null.</summary>
    public OpenFile? FindFile(int descriptor) =>
        _descriptors.TryGetValue(descriptor, out Descriptor found) ? found.File : null;

    /// <summary>
    /// Gives a file the lowest free descriptor from <paramref name="from"/> on; a negative errno when there is none, and then
    /// the file is still the caller's to give up.
    /// </summary>
    public long Install(OpenFile file, bool closeOnExec = false, int from = 0)
    {
        long number = FindFreeDescriptor(from);
        if (number >= 0)
        {
            _descriptors[(int)number] = new Descriptor(file, closeOnExec);
        }

        return number;
    }

    /// <summary>The lowest free descriptor from a number on; -EMFILE when there is none (get_unused_fd).</summary>
    internal long FindFreeDescriptor(int from = 0)
    {
        for (int number = from; number < MaximumDescriptors; number++)
        {
            if (!_descriptors.ContainsKey(number))
            {
                return number;
            }
        }

        return Refuse(Errno.EMFILE, "alloc_fd", $"the process has {MaximumDescriptors} descriptors already");
    }

    /// <summary>Makes a descriptor refer to a file, closing what it referred to.</summary>
    public void Replace(int descriptor, OpenFile file, bool closeOnExec)
    {
        bool isTaken = _descriptors.TryGetValue(descriptor, out Descriptor old);
        _descriptors[descriptor] = new Descriptor(file, closeOnExec);
        if (isTaken)
        {
            old.File.Put(this);
        }
    }

    /// <summary>Closes a descriptor. False when it was not open.</summary>
    public bool Close(int descriptor)
    {
        if (!_descriptors.Remove(descriptor, out Descriptor found))
        {
            return false;
        }

        found.File.Put(this);
        return true;
    }

    /// <summary>Refuses the current call, and remembers which check did.</summary>
    /// <param name="errno">What the program sees.</param>
    /// <param name="function">The kernel function that makes this check.</param>
    /// <param name="reason">Why, in a sentence.</param>
    /// <returns>The negated errno.</returns>
    public long Refuse(Errno errno, string function, string reason)
    {
        LastRefusal = new Refusal(Kernel.Simulation.Now, $"{Command} ({Id})", CurrentCall, errno, function, reason);
        Kernel.Report(LastRefusal);
        return -(long)errno;
    }

    /// <summary>Runs a program in this process; when it returns, the process exits with its status.</summary>
    /// <param name="program">The program: gives the status as waitpid(2) does.</param>
    public void Run(Func<Task<int>> program)
    {
        ArgumentNullException.ThrowIfNull(program);
        Scheduler scheduler = Kernel.Simulation.Scheduler;
        scheduler.End(Thread);
        Thread = scheduler.Start(Command, async _ => Exit(await program()));
    }

    /// <summary>
    /// Ends it (do_exit): first its memory is given back and with it the files that it mapped (exit_mm), then descriptors are
    /// closed in order (exit_files). Pages pinned for DMA outlive the first until the second lets the container go.
    /// </summary>
    public void Exit(int status)
    {
        if (HasExited)
        {
            return;
        }

        HasExited = true;
        ExitStatus = status;
        Syscalls.TraceExit(this, status);
        foreach (OpenFile? file in Memory.Clear())
        {
            file?.Put(this);
        }

        foreach (int descriptor in _descriptors.Keys.ToArray())
        {
            Close(descriptor);
        }

        Kernel.OnExit(this);
        Exited.WakeAll();
    }
}
