using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>Arm DDI 0424, "Instruction set": fetching and executing.</summary>
public sealed partial class Dma330
{
    private const int FetchPurpose = 2;

    private Progress ExecuteNext(ref Dma330Thread thread, int index, long time)
    {
        Progress progress = Fetch(ref thread, index, time, out Dma330Instruction instruction);
        if (progress != Progress.Executed)
        {
            return progress;
        }

        if (!Trace.IsOn)
        {
            return Execute(ref thread, index, time, instruction);
        }

        uint pc = thread.Pc;
        _executing = instruction;
        progress = Execute(ref thread, index, time, instruction);
        if (progress == Progress.Executed)
        {
            TraceInstruction(index, instruction, "", pc);
        }

        return progress;
    }

    /// <summary>
    /// Reads exactly the bytes of the instruction at the PC, through the bus where there is no plain memory. There is no
    /// instruction cache: changed microcode is seen at once.
    /// </summary>
    private Progress Fetch(ref Dma330Thread thread, int index, long time, out Dma330Instruction instruction)
    {
        TransactionFlags flags =
            TransactionFlags.Instruction | (thread.NonSecure == 0 ? TransactionFlags.Secure : TransactionFlags.None);
        instruction = default;
        uint pc = thread.Pc;
        if (thread.FetchedCount == 0 && thread.Resolution == Dma330Resolution.Pending)
        {
            if (
                pc <= uint.MaxValue - 7
                && TryDirect(index, DirectAccess.Read, pc, 8, flags, out Span<byte> code, FetchPurpose)
            )
            {
                instruction = Dma330Decoder.Decode(BinaryPrimitives.ReadUInt64LittleEndian(code));
                return Progress.Executed;
            }

            if (
                TryDirect(index, DirectAccess.Read, pc, 1, flags, out code, FetchPurpose)
                && Dma330Decoder.Length(code[0]) is var length
                && pc <= uint.MaxValue - (uint)(length - 1)
                && TryDirect(index, DirectAccess.Read, pc, length, flags, out code, FetchPurpose)
            )
            {
                instruction = Dma330Decoder.Decode(code);
                return Progress.Executed;
            }
        }

        if (time != Simulation.Now)
        {
            return Progress.TooEarly;
        }

        return FetchFromBus(ref thread, index, time, flags, out instruction);
    }

    private Progress FetchFromBus(
        ref Dma330Thread thread,
        int index,
        long time,
        TransactionFlags flags,
        out Dma330Instruction instruction
    )
    {
        _endBatch = true;
        instruction = default;
        Span<byte> bytes = stackalloc byte[8];
        while (true)
        {
            int have = thread.FetchedCount;
            int length = have == 0 ? 1 : Dma330Decoder.Length((byte)thread.FetchedBytes) - have;
            if (length == 0)
            {
                break;
            }

            uint address = thread.Pc + (uint)have;
            length = Math.Min(length, 0x1000 - (int)(address & 0xFFF));
            bytes.Clear();
            Dma330Resolution resolution = thread.Resolution;
            thread.Resolution = Dma330Resolution.Pending;
            uint generation = thread.Generation;
            BusStatus status = resolution switch
            {
                Dma330Resolution.CompletedAsZero => BusStatus.Okay,
                Dma330Resolution.SlaveError => BusStatus.SlaveError,
                Dma330Resolution.DecodeError => BusStatus.DecodeError,
                _ => _port.Read(address, bytes[..length], Signals(index, flags)),
            };
            if (thread.Generation != generation)
            {
                return Progress.Moved;
            }

            if (status == BusStatus.Held)
            {
                thread.Access = Dma330Access.Fetch;
                thread.AccessAddress = address;
                thread.Held = 1;
                State.HeldThreads |= 1U << index;
                SetStatus(index, Dma330ThreadStatus.CacheMiss);
                WakeAt(index, VirtualTime.Never);
                return Progress.Moved;
            }

            if (status != BusStatus.Okay)
            {
                thread.FaultAddress = address;
                thread.Access = Dma330Access.None;
                thread.AccessAddress = 0;
                thread.FetchedCount = 0;
                thread.FetchedBytes = 0;
                Serve(index, time);
                Fault(index, Dma330Fault.InstructionFetch, time);
                return Progress.Moved;
            }

            thread.FetchedBytes |= BinaryPrimitives.ReadUInt64LittleEndian(bytes) << (8 * have);
            thread.FetchedCount += (byte)length;
        }

        instruction = Dma330Decoder.Decode(thread.FetchedBytes);
        thread.Access = Dma330Access.None;
        thread.AccessAddress = 0;
        thread.FetchedCount = 0;
        thread.FetchedBytes = 0;
        SetStatus(index, Dma330ThreadStatus.Executing);
        return Progress.Executed;
    }

    private Progress Execute(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        Dma330Threads kind = index == ManagerIndex ? Dma330Threads.Manager : Dma330Threads.Channel;
        if ((instruction.Threads & kind) == Dma330Threads.None)
        {
            return FaultAt(index, Dma330Fault.UndefinedInstruction, time);
        }

        if (instruction.OperandInvalid)
        {
            return FaultAt(index, Dma330Fault.OperandInvalid, time);
        }

        if (instruction.Opcode == Dma330Opcode.DMAADNH && Configuration.Revision == 0)
        {
            return FaultAt(index, Dma330Fault.UndefinedInstruction, time);
        }

        switch (instruction.Opcode)
        {
            case Dma330Opcode.DMALD:
                return Permits(ref thread, instruction.Condition)
                    ? Load(ref thread, index, time, instruction)
                    : Advance(ref thread, index, time, instruction.Length, 1);

            case Dma330Opcode.DMAST:
            case Dma330Opcode.DMASTZ:
                return Permits(ref thread, instruction.Condition)
                    ? Store(ref thread, index, time, instruction)
                    : Advance(ref thread, index, time, instruction.Length, 1);

            case Dma330Opcode.DMALPEND:
                return EndLoop(ref thread, index, time, instruction);

            case Dma330Opcode.DMALP:
                LoopCounter(ref thread, instruction.LoopCounter) = instruction.LoopCount;
                return Advance(ref thread, index, time, instruction.Length, 1);

            case Dma330Opcode.DMARMB:
                ReleaseLoadLock(index, time);
                return thread.ReadsDoneAt > time
                    ? Wait(ref thread, index, time, 1, Dma330ThreadStatus.AtBarrier, thread.ReadsDoneAt)
                    : Advance(ref thread, index, time, 1, 1);

            case Dma330Opcode.DMAWMB:
                ReleaseLoadLock(index, time);
                return thread.WritesDoneAt > time
                    ? Wait(ref thread, index, time, 1, Dma330ThreadStatus.AtBarrier, thread.WritesDoneAt)
                    : Advance(ref thread, index, time, 1, 1);

            case Dma330Opcode.DMAMOV:
                return Move(ref thread, index, time, instruction);

            case Dma330Opcode.DMAADDH:
            case Dma330Opcode.DMAADNH:
                (instruction.Register == Dma330Register.SAR ? ref thread.Sar : ref thread.Dar) += instruction.Addend;
                return Advance(ref thread, index, time, instruction.Length, 1);

            case Dma330Opcode.DMASEV:
                return SendEvent(ref thread, index, time, instruction);

            case Dma330Opcode.DMAWFE:
                return WaitForEvent(ref thread, index, time, instruction);

            case Dma330Opcode.DMAEND:
                return End(ref thread, index, time);

            case Dma330Opcode.DMAGO:
                if (time != Simulation.Now)
                {
                    return Progress.TooEarly;
                }

                return Go(ref thread, instruction, time) is var fault and not Dma330Fault.None
                    ? FaultAt(index, fault, time)
                    : Advance(ref thread, index, time, instruction.Length, 2);

            case Dma330Opcode.DMAWFP:
            case Dma330Opcode.DMALDP:
            case Dma330Opcode.DMASTP:
            case Dma330Opcode.DMAFLUSHP:
                return ExecutePeripheral(ref thread, index, time, instruction);

            default:
                return Advance(ref thread, index, time, instruction.Length, 1);
        }
    }

    /// <summary>The S and B conditions.</summary>
    private static bool Permits(ref Dma330Thread thread, Dma330Condition condition) =>
        condition == Dma330Condition.Always || (condition == Dma330Condition.Burst) == (thread.RequestBurst != 0);

    private static ref uint LoopCounter(ref Dma330Thread thread, int counter) =>
        ref counter == 0 ? ref thread.Lc0 : ref thread.Lc1;

    private Progress EndLoop(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        bool again = Permits(ref thread, instruction.Condition);
        if (again && instruction.Forever)
        {
            again = thread.RequestLast == 0;
        }
        else if (again)
        {
            ref uint counter = ref LoopCounter(ref thread, instruction.LoopCounter);
            again = counter != 0;
            counter -= again ? 1U : 0;
        }

        if (!again)
        {
            return Advance(ref thread, index, time, instruction.Length, 1);
        }

        return Advance(ref thread, index, time, -instruction.BackwardsJump, 2);
    }

    /// <summary>
    /// DMAMOV. A Non-secure channel may not ask for secure accesses; a beat wider than the data bus aborts, as reserved
    /// sizes do (which bit of FTRn says so is unverified).
    /// </summary>
    private Progress Move(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        switch (instruction.Register)
        {
            case Dma330Register.SAR:
                thread.Sar = instruction.Immediate;
                break;
            case Dma330Register.DAR:
                thread.Dar = instruction.Immediate;
                break;
            default:
                var control = new Dma330ChannelControl(instruction.Immediate);
                if (
                    control.SourceBeatBytes > Configuration.BusBytes
                    || control.DestinationBeatBytes > Configuration.BusBytes
                    || control.EndianSwapBytes > 16
                )
                {
                    return FaultAt(index, Dma330Fault.OperandInvalid, time);
                }

                if (thread.NonSecure != 0 && (control.SourceProtection & control.DestinationProtection & 2) == 0)
                {
                    return FaultAt(index, Dma330Fault.ReadWrite, time);
                }

                thread.Ccr = instruction.Immediate & 0x7FFF_FFFF;
                break;
        }

        return Advance(ref thread, index, time, instruction.Length, 2);
    }
}
