using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>How threads start and stop: DMAGO, DMAEND, DMAKILL, and the watchdog.</summary>
public sealed partial class Dma330
{
    /// <summary>How long a lock-up lasts before the watchdog reports it. The real time-out is not public.</summary>
    private const int WatchdogCycles = 1024;

    /// <summary>DMAGO (Arm DDI 0424, "DMAGO"). To a channel that is not Stopped it is a no-op (unverified).</summary>
    private Dma330Fault Go(ref Dma330Thread manager, Dma330Instruction instruction, long time)
    {
        int index = instruction.Channel;
        if (index >= Configuration.Channels)
        {
            return Dma330Fault.OperandInvalid;
        }

        if (manager.NonSecure != 0 && !instruction.NonSecure)
        {
            return Dma330Fault.Go;
        }

        ref Dma330Thread channel = ref State.Threads[index];
        if (channel.Status != Dma330ThreadStatus.Stopped)
        {
            string problem = $"DMAGO to channel {index}, which is {channel.Status}: ignored";
            Trace.Emit(Kinds.Debug, Name, TraceField.Of("problem", problem));
            return Dma330Fault.None;
        }

        channel.Pc = instruction.Immediate;
        channel.NonSecure = instruction.NonSecure ? (byte)1 : (byte)0;
        channel.RequestBurst = 0;
        channel.RequestLast = 0;
        channel.Wait = Dma330Wait.Single;
        SetStatus(index, Dma330ThreadStatus.Executing);
        WakeAt(index, time + _cycle);
        return Dma330Fault.None;
    }

    /// <summary>
    /// DMAKILL from the debug interface: a channel is Killing until its bus accesses are over (a held one until it is
    /// resolved), then Stopped. Its fault is forgotten at once (FTRn: unverified). The manager stops at once.
    /// </summary>
    private void Kill(int index, long time)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        thread.FaultType = 0;
        if (thread.Stall != Dma330Stall.None)
        {
            Unstall(index);
        }

        thread.ResumeLength = 0;
        long done = Math.Max(thread.ReadsDoneAt, thread.WritesDoneAt);
        if (index == ManagerIndex || thread.Status == Dma330ThreadStatus.Stopped || (thread.Held == 0 && done <= time))
        {
            Stop(index, time);
        }
        else
        {
            ReleaseLoadLock(index, time);
            SetStatus(index, Dma330ThreadStatus.Killing);
            WakeAt(index, thread.Held != 0 ? VirtualTime.Never : done);
        }

        DriveAbortLine();
    }

    /// <summary>DMAEND: a channel is Completing until its bus accesses are over; what it leaves in the MFIFO is discarded.</summary>
    private Progress End(ref Dma330Thread thread, int index, long time)
    {
        Serve(index, time);
        long done = Math.Max(thread.ReadsDoneAt, thread.WritesDoneAt);
        if (done > time)
        {
            ReleaseLoadLock(index, time);
            SetStatus(index, Dma330ThreadStatus.Completing);
            WakeAt(index, done);
        }
        else
        {
            Stop(index, time);
        }

        return Progress.Executed;
    }

    private void Stop(int index, long time)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        GiveUpAccess(ref thread, index);
        thread.FetchedCount = 0;
        thread.FetchedBytes = 0;
        if (index != ManagerIndex)
        {
            ReleaseLoadLock(index, time);
            DiscardData(ref thread, time);
        }

        SetStatus(index, Dma330ThreadStatus.Stopped);
        WakeAt(index, VirtualTime.Never);
    }

    private void GiveUpAccess(ref Dma330Thread thread, int index)
    {
        ForgetAccess(ref thread);
        thread.Access = Dma330Access.None;
        thread.Acknowledge = 0;
        thread.Held = 0;
        thread.Resolution = Dma330Resolution.Pending;
        thread.Generation++;
        State.HeldThreads &= ~(1U << index);
    }

    /// <summary>
    /// Arm DDI 0424, "Watchdog abort": no channel can ever go on, because those that want to load find no room and none
    /// will store. Channels that wait for an event or a peripheral do not count, nor does one with a held access.
    /// </summary>
    private void WatchForLockup()
    {
        bool lockedUp = (State.Runnable & ChannelBits) == 0 && State.HeldThreads == 0;
        if (!lockedUp)
        {
            State.WatchdogAt = VirtualTime.Never;
        }
        else if (State.WatchdogAt == VirtualTime.Never && State.LockupSignalled == 0)
        {
            State.WatchdogAt = State.LastActionAt + WatchdogCycles * _cycle;
        }
    }

    private void ReportLockup(long time)
    {
        State.WatchdogAt = VirtualTime.Never;
        if (State.Watchdog != 0)
        {
            State.LockupSignalled = 1;
            Trace.Emit(Kinds.Lockup, Name, TraceField.Hex("channels", State.Stalled));
            DriveAbortLine();
            return;
        }

        for (uint bits = State.Stalled; bits != 0; bits &= bits - 1)
        {
            int index = BitOperations.TrailingZeroCount(bits);
            Unstall(index);
            Fault(index, Dma330Fault.Lockup, time);
        }
    }
}
