using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Arm DDI 0424, "Using events and interrupts": INTEN chooses for each number whether DMASEV signals an event to waiting
/// threads or raises an interrupt.
/// </summary>
public sealed partial class Dma330
{
    private Progress SendEvent(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        int number = instruction.Event;
        if (time != Simulation.Now && ((State.Inten >> number) & 1) != 0)
        {
            return Progress.TooEarly;
        }

        Dma330Fault fault = Signal(ref thread, index, number, time);
        return fault != Dma330Fault.None
            ? FaultAt(index, fault, time)
            : Advance(ref thread, index, time, instruction.Length, 1);
    }

    /// <summary>Does what DMASEV does, from a program or from the debug interface.</summary>
    private Dma330Fault Signal(ref Dma330Thread thread, int index, int number, long time)
    {
        Dma330Fault fault = CheckEvent(ref thread, number);
        if (fault != Dma330Fault.None)
        {
            return fault;
        }

        uint bit = 1U << number;
        if ((State.Inten & bit) != 0)
        {
            _endBatch = true;
            TraceEventSignal(index, number, "interrupt");
            State.Ris |= bit;
            DriveEventLines();
        }
        else if (WakeWaiting(number, time))
        {
            TraceEventSignal(index, number, "waiting threads go on");
        }
        else
        {
            TraceEventSignal(index, number, "stays pending");
            State.Ris |= bit;
        }

        return Dma330Fault.None;
    }

    private Progress WaitForEvent(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        int number = instruction.Event;
        Dma330Fault fault = CheckEvent(ref thread, number);
        if (fault != Dma330Fault.None)
        {
            return FaultAt(index, fault, time);
        }

        ReleaseLoadLock(index, time);
        uint bit = 1U << number;
        if ((State.Ris & ~State.Inten & bit) != 0)
        {
            State.Ris &= ~bit;
            return Advance(ref thread, index, time, instruction.Length, 1);
        }

        thread.WaitingFor = (byte)number;
        return Wait(ref thread, index, time, instruction.Length, Dma330ThreadStatus.WaitingForEvent, VirtualTime.Never);
    }

    private Dma330Fault CheckEvent(ref Dma330Thread thread, int number) =>
        number >= Configuration.Events ? Dma330Fault.OperandInvalid
        : thread.NonSecure != 0 && ((Configuration.NonSecureEvents >> number) & 1) == 0 ? Dma330Fault.Event
        : Dma330Fault.None;

    /// <summary>All threads that wait for an event go on together.</summary>
    private bool WakeWaiting(int number, long time)
    {
        bool any = false;
        for (int index = 0; index <= ManagerIndex; index++)
        {
            ref Dma330Thread thread = ref State.Threads[index];
            if (thread.Status == Dma330ThreadStatus.WaitingForEvent && thread.WaitingFor == number)
            {
                any = true;
                thread.Pc += thread.ResumeLength;
                thread.ResumeLength = 0;
                SetStatus(index, Dma330ThreadStatus.Executing);
                WakeAt(index, time + _cycle);
            }
        }

        return any;
    }

    /// <summary>INTEN was written. An interrupt that is switched to an event becomes a pending one (unverified).</summary>
    private void ChangeInterruptEnables()
    {
        State.Inten &= Configuration.EventMask;
        for (uint bits = State.Ris & ~State.Inten; bits != 0; bits &= bits - 1)
        {
            int number = BitOperations.TrailingZeroCount(bits);
            if (WakeWaiting(number, Simulation.Now))
            {
                State.Ris &= ~(1U << number);
            }
        }

        DriveEventLines();
        ScheduleNextAction();
    }

    /// <summary>INTCLR: lowers irq[n] where INTEN chooses the interrupt; no effect on events.</summary>
    private void ClearInterrupts(uint value)
    {
        State.Ris &= ~(value & State.Inten);
        DriveEventLines();
    }

    private void DriveEventLines()
    {
        uint active = State.Ris & State.Inten;
        for (int n = 0; n < _irq.Length; n++)
        {
            _irq[n].Set(((active >> n) & 1) != 0);
        }
    }
}
