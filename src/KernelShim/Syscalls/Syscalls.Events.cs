using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Pipes, eventfds, poll, time, limits and the end of a process.</content>
public sealed partial class Syscalls
{
    private const int PollBytes = 8;
    private const int MaximumPolls = 1024;

    private Attempt EventFdCore(Process process, uint initial, int flags)
    {
        Enter(process, "eventfd2");
        const int Known = 1 | (int)OpenFlags.NonBlocking | (int)OpenFlags.CloseOnExec;
        if ((flags & ~Known) != 0)
        {
            return process.Refuse(Errno.EINVAL, "do_eventfd", "unknown flags");
        }

        var file = new EventFile(initial, (flags & 1) != 0)
        {
            Flags = OpenFlags.ReadWrite | ((OpenFlags)flags & OpenFlags.NonBlocking),
        };
        return process.Install(file, ((OpenFlags)flags).HasFlag(OpenFlags.CloseOnExec));
    }

    private Attempt PipeCore(Process process, ulong descriptors, int flags)
    {
        Enter(process, "pipe2");
        const int Known = (int)(OpenFlags.NonBlocking | OpenFlags.CloseOnExec);
        if ((flags & ~Known) != 0)
        {
            return process.Refuse(Errno.EINVAL, "do_pipe2", "unknown flags");
        }

        (OpenFile reader, OpenFile writer) = PipeFile.Create((OpenFlags)flags & OpenFlags.NonBlocking);
        bool closeOnExec = ((OpenFlags)flags).HasFlag(OpenFlags.CloseOnExec);
        long first = process.Install(reader, closeOnExec);
        long second = first < 0 ? first : process.Install(writer, closeOnExec);
        if (second < 0)
        {
            writer.Put(process);
            if (first < 0)
            {
                reader.Put(process);
            }
            else
            {
                process.Close((int)first);
            }

            return second;
        }

        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)first);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], (int)second);
        if (process.Memory.TryWrite(descriptors, bytes))
        {
            return 0;
        }

        process.Close((int)first);
        process.Close((int)second);
        return process.Refuse(Errno.EFAULT, "do_pipe2", "the array is not in the process's memory");
    }

    private Attempt PollCore(Process process, ulong array, int count, long deadline)
    {
        Enter(process, "poll");
        if (count is < 0 or > MaximumPolls)
        {
            return process.Refuse(Errno.EINVAL, "do_sys_poll", "too many descriptors");
        }

        byte[] bytes = new byte[count * PollBytes];
        if (!process.Memory.TryRead(array, bytes))
        {
            return process.Refuse(Errno.EFAULT, "do_sys_poll", "the array is not in the process's memory");
        }

        int ready = 0;
        var waitsFor = new List<WaitQueue>();
        for (int n = 0; n < count; n++)
        {
            Span<byte> entry = bytes.AsSpan(n * PollBytes, PollBytes);
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(entry);
            var wanted = (PollEvents)BinaryPrimitives.ReadInt16LittleEndian(entry[4..]);
            OpenFile? file = descriptor < 0 ? null : process.FindFile(descriptor);
            short events =
                descriptor < 0 ? (short)0
                : file is null ? (short)0x20
                : (short)(file.Poll() & (wanted | PollEvents.Error | PollEvents.HangUp));
            if (file is not null)
            {
                waitsFor.Add(file.Waiters);
            }

            ready += events != 0 ? 1 : 0;
            BinaryPrimitives.WriteInt16LittleEndian(entry[6..], events);
        }

        if (ready == 0 && deadline > _kernel.Simulation.Now)
        {
            return waitsFor.Count == 0
                ? Attempt.Block(_kernel.Sleepers, deadline)
                : Attempt.BlockOnAny(waitsFor, deadline);
        }

        return process.Memory.TryWrite(array, bytes)
            ? ready
            : process.Refuse(Errno.EFAULT, "do_sys_poll", "the array is not in the process's memory");
    }

    private Attempt SleepCore(Process process, long until, WakeReason reason)
    {
        Enter(process, "nanosleep");
        return reason == WakeReason.Signal ? process.Refuse(Errno.EINTR, "do_nanosleep", "a signal came")
            : _kernel.Simulation.Now >= until ? 0
            : Attempt.Block(_kernel.Sleepers, until);
    }

    private Attempt WaitCore(Process process, int id, bool noHang)
    {
        Enter(process, "wait4");
        if (!_kernel.Processes.TryGetValue(id, out Process? child) || child.Parent != process)
        {
            return process.Refuse(Errno.ECHILD, "do_wait", $"{id} is no child of this process");
        }

        if (child.HasExited)
        {
            _kernel.Reap(child);
            return child.ExitStatus;
        }

        return noHang ? -(long)Errno.EAGAIN : Attempt.Block(child.Exited);
    }

    private Attempt SetMemlockLimitCore(Process process, ulong bytes)
    {
        Enter(process, "setrlimit");
        if (bytes > process.MemlockLimitBytes && !process.Has(Capabilities.SysResource))
        {
            return process.Refuse(Errno.EPERM, "do_prlimit", "raising a limit needs CAP_SYS_RESOURCE");
        }

        process.MemlockLimitBytes = bytes;
        return 0;
    }

    private Attempt KillCore(Process process, int id, int signal)
    {
        Enter(process, "kill");
        if (!_kernel.Processes.TryGetValue(id, out Process? target))
        {
            return process.Refuse(Errno.ESRCH, "kill_something_info", $"there is no process {id}");
        }

        if (signal is < 0 or > 64)
        {
            return process.Refuse(Errno.EINVAL, "check_kill_permission", $"there is no signal {signal}");
        }

        if (process.UserId != target.UserId && !process.Has(Capabilities.Kill))
        {
            return process.Refuse(Errno.EPERM, "check_kill_permission", "another user's process");
        }

        // A zombie feels nothing, and the first process takes no signal that it has no handler for (SIGNAL_UNKILLABLE).
        bool isIgnored = signal is 0 or 17 or 18 or 23 or 28 || target.HasExited || target == _kernel.Init;
        if (!isIgnored)
        {
            target.PendingSignal = signal;
            target.Thread.Signal();
        }

        return 0;
    }
}
