using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>drtype: what a peripheral asks for.</summary>
public enum Dma330RequestKind
{
    /// <summary>A single transfer.</summary>
    Single,

    /// <summary>A burst transfer.</summary>
    Burst,
}

/// <summary>datype: what the controller tells a peripheral.</summary>
public enum Dma330Acknowledge
{
    /// <summary>A single transfer is done.</summary>
    Single,

    /// <summary>A burst transfer is done.</summary>
    Burst,

    /// <summary>DMAFLUSHP: signal your level again.</summary>
    Flush,
}

/// <summary>A peripheral at a request interface.</summary>
public interface IDma330Peripheral
{
    /// <summary>The controller has acknowledged. The peripheral may request again from within.</summary>
    void OnAcknowledge(int requestInterface, Dma330Acknowledge kind);
}

/// <summary>Arm DDI 0424, "Peripheral request interface".</summary>
public sealed partial class Dma330
{
    private readonly IDma330Peripheral?[] _peripherals = new IDma330Peripheral?[Dma330Configuration.MaximumPeripherals];

    /// <summary>Connects a peripheral to a request interface.</summary>
    public void Connect(int requestInterface, IDma330Peripheral peripheral)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(requestInterface);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(requestInterface, Configuration.Peripherals);
        _peripherals[requestInterface] = peripheral;
    }

    /// <summary>
    /// A peripheral requests a transfer: it enters the interface's queue, and a channel that waits for it looks again one
    /// cycle later. False if the queue is full (drready is low).
    /// </summary>
    public bool Request(int requestInterface, Dma330RequestKind kind, bool last = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(requestInterface);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(requestInterface, Configuration.Peripherals);
        ref Dma330RequestQueue queue = ref State.Requests[requestInterface];
        if (queue.Count == Dma330RequestQueue.Capacity)
        {
            return false;
        }

        uint entry = (kind == Dma330RequestKind.Burst ? 1U : 0) | (last ? 2U : 0);
        queue.Entries |= entry << (int)(2 * queue.Count);
        queue.Count++;
        TraceRequest(requestInterface, $"{kind} request{(last ? ", the last" : "")}");
        for (int index = 0; index < Configuration.Channels; index++)
        {
            ref Dma330Thread thread = ref State.Threads[index];
            if (thread.Status == Dma330ThreadStatus.WaitingForPeripheral && thread.WaitingFor == requestInterface)
            {
                WakeAt(index, Simulation.Now + _cycle);
            }
        }

        ScheduleNextAction();
        return true;
    }

    /// <summary>How many requests wait at an interface.</summary>
    public int PendingRequests(int requestInterface) => (int)State.Requests[requestInterface].Count;

    private Progress ExecutePeripheral(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        int number = instruction.Peripheral;
        if (number >= Configuration.Peripherals)
        {
            return FaultAt(index, Dma330Fault.OperandInvalid, time);
        }

        if (thread.NonSecure != 0 && ((Configuration.NonSecurePeripherals >> number) & 1) == 0)
        {
            return FaultAt(index, Dma330Fault.Peripheral, time);
        }

        if (instruction.Opcode == Dma330Opcode.DMAWFP)
        {
            return WaitForPeripheral(ref thread, index, time, instruction);
        }

        if (time != Simulation.Now)
        {
            return Progress.TooEarly;
        }

        switch (instruction.Opcode)
        {
            case Dma330Opcode.DMAFLUSHP:
                State.Requests[number] = default;
                Advance(ref thread, index, time, instruction.Length, 1);
                Acknowledge(number, Dma330Acknowledge.Flush);
                return Progress.Executed;
            case Dma330Opcode.DMALDP when Permits(ref thread, instruction.Condition):
                return Load(ref thread, index, time, instruction);
            case Dma330Opcode.DMASTP when Permits(ref thread, instruction.Condition):
                return Store(ref thread, index, time, instruction);
            default:
                return Advance(ref thread, index, time, instruction.Length, 1);
        }
    }

    /// <summary>
    /// DMAWFP. With the operand single a burst request stays in the queue; with burst a single one is removed and the
    /// thread goes on waiting (unverified); with periph the request itself says which kind it is.
    /// </summary>
    private Progress WaitForPeripheral(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        ReleaseLoadLock(index, time);
        ref Dma330RequestQueue queue = ref State.Requests[instruction.Peripheral];
        thread.Wait = instruction.Wait;
        while (queue.Count != 0)
        {
            bool burst = (queue.Entries & 1) != 0;
            thread.RequestLast = (byte)((queue.Entries >> 1) & 1);
            if (!(burst && instruction.Wait == Dma330Wait.Single))
            {
                queue.Entries >>= 2;
                queue.Count--;
            }

            if (instruction.Wait == Dma330Wait.Burst && !burst)
            {
                continue;
            }

            thread.RequestBurst = burst && instruction.Wait != Dma330Wait.Single ? (byte)1 : (byte)0;
            return Advance(ref thread, index, time, instruction.Length, 1);
        }

        thread.WaitingFor = (byte)instruction.Peripheral;
        return Wait(ref thread, index, time, 0, Dma330ThreadStatus.WaitingForPeripheral, VirtualTime.Never);
    }

    private void Acknowledge(int number, Dma330Acknowledge kind)
    {
        _endBatch = true;
        TraceRequest(number, kind == Dma330Acknowledge.Flush ? "flush" : $"{kind} acknowledged");
        _peripherals[number]?.OnAcknowledge(number, kind);
    }

    private void TraceRequest(int number, string what)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(
                Kinds.Request,
                Name,
                TraceField.Decimal("peripheral", (ulong)number),
                TraceField.Of("what", what)
            );
        }
    }
}
