using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>The edge itself, calls on memory, events, processes and the system: each call with how a trace writes it.</content>
public sealed partial class Syscalls
{
    /// <summary>mmap(2).</summary>
    public Attempt Mmap(
        Process process,
        ulong address,
        ulong length,
        Protection protection,
        MapFlags flags,
        int descriptor,
        ulong offset
    )
    {
        Attempt result = MmapCore(process, address, length, protection, flags, descriptor, offset);
        return Done(
            process,
            result,
            $"mmap2({Pointer(address)}, {length}, {ProtectionText(protection)}, {MapFlagsText(flags)}, {descriptor}, {Pointer(offset, "0")})"
        );
    }

    /// <summary>munmap(2).</summary>
    public Attempt Munmap(Process process, ulong address, ulong length)
    {
        Attempt result = MunmapCore(process, address, length);
        return Done(process, result, $"munmap({Pointer(address)}, {length})");
    }

    /// <summary>mprotect(2) of whole mappings.</summary>
    public Attempt Mprotect(Process process, ulong address, ulong length, Protection protection)
    {
        Attempt result = MprotectCore(process, address, length, protection);
        return Done(process, result, $"mprotect({Pointer(address)}, {length}, {ProtectionText(protection)})");
    }

    /// <summary>eventfd2(2). Flags: 1 EFD_SEMAPHORE, O_NONBLOCK, O_CLOEXEC.</summary>
    public Attempt EventFd(Process process, uint initial, int flags)
    {
        Attempt result = EventFdCore(process, initial, flags);
        return Done(process, result, $"eventfd2({initial}, {EventFlagsText(flags)})");
    }

    /// <summary>pipe2(2): two descriptors of 32 bits at <paramref name="descriptors"/>, the reading end first.</summary>
    public Attempt Pipe(Process process, ulong descriptors, int flags)
    {
        Attempt result = PipeCore(process, descriptors, flags);
        return Done(
            process,
            result,
            $"pipe2({Integers(process, descriptors, 2)}, {OpenFlagsText((OpenFlags)flags, "0")})"
        );
    }

    /// <summary>poll(2): an array of { fd, events, revents } (struct pollfd); the deadline is an absolute virtual time.</summary>
    public Attempt Poll(Process process, ulong array, int count, long deadline)
    {
        Attempt result = PollCore(process, array, count, deadline);
        return Done(process, result, $"poll({Pointer(array)}, {count}, {Timeout(deadline)})");
    }

    /// <summary>nanosleep(2) until an absolute virtual time in picoseconds. EINTR when a signal comes first.</summary>
    public Attempt Sleep(Process process, long until, WakeReason reason)
    {
        Attempt result = SleepCore(process, until, reason);
        return Done(process, result, $"clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, {Timespec(until)}, NULL)");
    }

    /// <summary>waitpid(2): the exit status of a process; EAGAIN for WNOHANG while it runs.</summary>
    public Attempt Wait(Process process, int id, bool noHang)
    {
        Attempt result = WaitCore(process, id, noHang);
        return Done(process, result, $"wait4({id}, NULL, {(noHang ? "WNOHANG" : "0")}, NULL)");
    }

    /// <summary>setrlimit(2) of RLIMIT_MEMLOCK.</summary>
    public Attempt SetMemlockLimit(Process process, ulong bytes)
    {
        Attempt result = SetMemlockLimitCore(process, bytes);
        return Done(process, result, $"setrlimit(RLIMIT_MEMLOCK, {bytes})");
    }

    /// <summary>kill(2): signal 0 only asks; the others end the process, as their default action does.</summary>
    public Attempt Kill(Process process, int id, int signal)
    {
        Attempt result = KillCore(process, id, signal);
        return Done(process, result, $"kill({id}, {signal})");
    }

    /// <summary>
    /// syslog(2): 3 reads the log, 4 reads and clears it, 5 clears it, 6 and 7 turn the console off and on, 8 sets its level,
    /// 10 asks for the buffer's size. Lines are <c>&lt;6&gt;[    1.234567] text</c>; what does not fit is left out at the front.
    /// </summary>
    public Attempt SysLog(Process process, int type, ulong buffer, int length)
    {
        Attempt result = SysLogCore(process, type, buffer, length);
        return Done(process, result, $"syslog({type}, {Pointer(buffer)}, {length})");
    }

    /// <summary>clock_gettime(2): struct timespec of 64-bit fields; 0 CLOCK_REALTIME, 1 CLOCK_MONOTONIC.</summary>
    public Attempt ClockGetTime(Process process, int clock, ulong buffer)
    {
        Attempt result = ClockGetTimeCore(process, clock, buffer);
        return Done(
            process,
            result,
            $"clock_gettime({(clock == 0 ? "CLOCK_REALTIME" : "CLOCK_MONOTONIC")}, {Pointer(buffer)})"
        );
    }

    /// <summary>uname(2): six strings of <see cref="UtsFieldBytes"/> bytes.</summary>
    public Attempt UName(Process process, ulong buffer)
    {
        Attempt result = UNameCore(process, buffer);
        return Done(process, result, $"uname({Pointer(buffer)})");
    }

    /// <summary>
    /// The first half of execve(2): finds the file and checks that it may be run. What then runs is the caller's affair,
    /// for a program here is no machine code.
    /// </summary>
    public Attempt Exec(Process process, ulong path, out RegularInode? file)
    {
        Attempt result = ExecCore(process, path, out file);
        return Done(process, result, $"execve({Path(process, path)}, [...], [...])");
    }

    /// <summary>
    /// select(2): three sets of bits, 0 for one that is not asked about; the deadline is an absolute virtual time. EBADF for a
    /// descriptor that is not open.
    /// </summary>
    public Attempt Select(Process process, int count, ulong readers, ulong writers, ulong exceptions, long deadline)
    {
        Attempt result = SelectCore(process, count, readers, writers, exceptions, deadline);
        return Done(
            process,
            result,
            $"_newselect({count}, {Pointer(readers)}, {Pointer(writers)}, {Pointer(exceptions)}, {(deadline == VirtualTime.Never ? "NULL" : Timeout(deadline))})"
        );
    }

    /// <summary>clone(2) as pthread_create(3) uses it: a thread of the same process; its id.</summary>
    /// <param name="process">The process.</param>
    /// <param name="body">What the thread runs; it begins when the simulation next runs.</param>
    public Attempt Clone(Process process, Func<SimulatedProcess, Task> body)
    {
        Attempt result = CloneCore(process, body);
        return Done(process, result, $"clone(CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM)");
    }
}
