using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>select(2) (fs/select.c).</content>
public sealed partial class Syscalls
{
    private const int MaximumSelect = 1024;

    private Attempt SelectCore(
        Process process,
        int count,
        ulong readers,
        ulong writers,
        ulong exceptions,
        long deadline
    )
    {
        Enter(process, "_newselect");
        if (count is < 0 or > MaximumSelect)
        {
            return process.Refuse(Errno.EINVAL, "core_sys_select", "the number of descriptors is out of range");
        }

        ulong[] addresses = [readers, writers, exceptions];
        byte[][] sets = new byte[3][];
        for (int n = 0; n < sets.Length; n++)
        {
            // Words of 32 bits, as many as the highest descriptor needs (FDS_BYTES).
            sets[n] = new byte[(count + 31) / 32 * 4];
            if (addresses[n] != 0 && !process.Memory.TryRead(addresses[n], sets[n]))
            {
                return process.Refuse(Errno.EFAULT, "get_fd_set", "a set is not in the process's memory");
            }
        }

        var waitsFor = new List<WaitQueue>();
        int ready = 0;
        for (int descriptor = 0; descriptor < count; descriptor++)
        {
            if (!sets.Any(set => Has(set, descriptor)))
            {
                continue;
            }

            if (process.FindFile(descriptor) is not { } file)
            {
                return process.Refuse(Errno.EBADF, "max_select_fd", $"descriptor {descriptor} is not open");
            }

            waitsFor.Add(file.Waiters);
            ready += Keep(sets, descriptor, file.Poll());
        }

        if (ready == 0 && deadline > _kernel.Simulation.Now)
        {
            return waitsFor.Count == 0
                ? Attempt.Block(_kernel.Sleepers, deadline)
                : Attempt.BlockOnAny(waitsFor, deadline);
        }

        for (int n = 0; n < sets.Length; n++)
        {
            if (addresses[n] != 0 && !process.Memory.TryWrite(addresses[n], sets[n]))
            {
                return process.Refuse(Errno.EFAULT, "set_fd_set", "a set is not in the process's memory");
            }
        }

        return ready;
    }

    private static bool Has(byte[] set, int descriptor) => (set[descriptor / 8] >> (descriptor % 8) & 1) != 0;

    /// <summary>Leaves of a descriptor what is true of it (POLLIN_SET and its fellows); how many bits that are.</summary>
    private static int Keep(byte[][] sets, int descriptor, PollEvents events)
    {
        PollEvents[] meanings =
        [
            PollEvents.In | PollEvents.HangUp | PollEvents.Error,
            PollEvents.Out | PollEvents.Error,
            PollEvents.Priority,
        ];
        int kept = 0;
        for (int n = 0; n < sets.Length; n++)
        {
            if (!Has(sets[n], descriptor))
            {
                continue;
            }

            if ((events & meanings[n]) != PollEvents.None)
            {
                kept++;
            }
            else
            {
                sets[n][descriptor / 8] &= (byte)~(1 << (descriptor % 8));
            }
        }

        return kept;
    }

    private static Attempt CloneCore(Process process, Func<SimulatedProcess, Task> body)
    {
        Enter(process, "clone");
        process.StartThread(body);
        return process.Kernel.NextPid();
    }
}
