using System.Globalization;
using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>The bits of FTRD and FTRn (Arm DDI 0424, "Fault Type Registers").</summary>
[Flags]
public enum Dma330Fault : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>undef_instr.</summary>
    UndefinedInstruction = 1U << 0,

    /// <summary>operand_invalid.</summary>
    OperandInvalid = 1U << 1,

    /// <summary>dmago_err: a Non-secure manager tried to start a Secure channel.</summary>
    Go = 1U << 4,

    /// <summary>mgr_evnt_err, ch_evnt_err: a Non-secure thread used a Secure event.</summary>
    Event = 1U << 5,

    /// <summary>ch_periph_err: a Non-secure channel used a Secure peripheral.</summary>
    Peripheral = 1U << 6,

    /// <summary>ch_rdwr_err: a Non-secure channel tried to set CCR for secure accesses.</summary>
    ReadWrite = 1U << 7,

    /// <summary>mfifo_err: one instruction needs more than the whole MFIFO.</summary>
    Mfifo = 1U << 12,

    /// <summary>st_data_unavailable: earlier loads did not bring enough data for a store.</summary>
    StoreDataUnavailable = 1U << 13,

    /// <summary>instr_fetch_err.</summary>
    InstructionFetch = 1U << 16,

    /// <summary>data_write_err.</summary>
    DataWrite = 1U << 17,

    /// <summary>data_read_err.</summary>
    DataRead = 1U << 18,

    /// <summary>dbg_instr: the instruction came from the debug interface.</summary>
    DebugInstruction = 1U << 30,

    /// <summary>lockup_err: the watchdog found that channels starve each other of MFIFO space.</summary>
    Lockup = 1U << 31,
}

/// <summary>Arm DDI 0424, "Aborts".</summary>
public sealed partial class Dma330
{
    private static readonly (Dma330Fault Bit, string Name, string Meaning)[] FaultNames =
    [
        (Dma330Fault.UndefinedInstruction, "undef_instr", "undefined instruction"),
        (Dma330Fault.OperandInvalid, "operand_invalid", "operand that this configuration does not have"),
        (Dma330Fault.Go, "dmago_err", "a Non-secure manager started a Secure channel"),
        (Dma330Fault.Event, "evnt_err", "Non-secure thread, Secure event"),
        (Dma330Fault.Peripheral, "ch_periph_err", "Non-secure channel, Secure peripheral"),
        (Dma330Fault.ReadWrite, "ch_rdwr_err", "Non-secure channel asked for secure accesses in CCR"),
        (Dma330Fault.Mfifo, "mfifo_err", "burst larger than the MFIFO"),
        (Dma330Fault.StoreDataUnavailable, "st_data_unavailable", "store without enough loaded data"),
        (Dma330Fault.InstructionFetch, "instr_fetch_err", "instruction fetch error"),
        (Dma330Fault.DataWrite, "data_write_err", "data write error"),
        (Dma330Fault.DataRead, "data_read_err", "data read error"),
        (Dma330Fault.DebugInstruction, "dbg_instr", "from the debug interface"),
        (Dma330Fault.Lockup, "lockup_err", "lock-up: no room in the MFIFO and nothing that could make some"),
    ];

    private uint ManagerFaults => State.Threads[ManagerIndex].Status == Dma330ThreadStatus.Faulting ? 1U : 0;

    /// <summary>FSRC: the channels in Faulting or Faulting completing.</summary>
    private uint FaultingChannels
    {
        get
        {
            uint bits = 0;
            for (int n = 0; n < Configuration.Channels; n++)
            {
                bits |= State.Threads[n].Status >= Dma330ThreadStatus.FaultingCompleting ? 1U << n : 0;
            }

            return bits;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<string> Explain()
    {
        for (int index = 0; index <= ManagerIndex; index++)
        {
            Dma330Thread thread = State.Threads[index];
            if (thread.Status >= Dma330ThreadStatus.FaultingCompleting)
            {
                yield return ExplainFault(index);
            }
            else if (thread.Held != 0)
            {
                string what = thread.Access switch
                {
                    Dma330Access.Load => "read",
                    Dma330Access.Fetch => "instruction fetch",
                    _ => "write",
                };
                uint address = thread.AccessAddress + (thread.FixedBeatBytes == 0 ? (uint)thread.AccessDone : 0);
                yield return $"{LongNameOf(index)} waits: its {what} at {Hexadecimal.Format(address)} is held";
            }
            else if (thread.Stall != Dma330Stall.None)
            {
                string why = thread.Stall == Dma330Stall.Space ? "room in the MFIFO" : "the load-lock";
                yield return $"{LongNameOf(index)} waits for {why} at PC {Hexadecimal.Format(thread.Pc)}";
            }
        }

        if (State.LockupSignalled != 0)
        {
            yield return "irq_abort is high because of a lock-up (WD is 1, so no channel was aborted)";
        }
    }

    private string ExplainFault(int index)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        string register = index == ManagerIndex ? "FTRD" : string.Create(CultureInfo.InvariantCulture, $"FTR{index}");
        var reasons = new List<string>();
        var fault = (Dma330Fault)thread.FaultType;
        foreach ((Dma330Fault bit, _, string meaning) in FaultNames)
        {
            if ((fault & bit) == bit)
            {
                int place = BitOperations.TrailingZeroCount((uint)bit);
                reasons.Add(string.Create(CultureInfo.InvariantCulture, $"{meaning} ({register} bit {place})"));
            }
        }

        const Dma330Fault BusErrors = Dma330Fault.DataRead | Dma330Fault.DataWrite | Dma330Fault.InstructionFetch;
        string where =
            (fault & BusErrors) != Dma330Fault.None ? $", bus error at {Hexadecimal.Format(thread.FaultAddress)}" : "";
        string addresses =
            index == ManagerIndex
                ? ""
                : $"; SAR {Hexadecimal.Format(thread.Sar)}, DAR {Hexadecimal.Format(thread.Dar)}";
        return $"{LongNameOf(index)} faulting: {string.Join(", ", reasons)} at PC {Hexadecimal.Format(thread.Pc)}"
            + where
            + addresses;
    }

    private static string NameOf(int index) =>
        index == ManagerIndex ? "manager" : string.Create(CultureInfo.InvariantCulture, $"ch{index}");

    private static string LongNameOf(int index) =>
        index == ManagerIndex ? "manager" : string.Create(CultureInfo.InvariantCulture, $"channel {index}");

    /// <summary>A fault raises irq_abort, so it happens at its exact time.</summary>
    private Progress FaultAt(int index, Dma330Fault fault, long time)
    {
        if (time != Simulation.Now)
        {
            return Progress.TooEarly;
        }

        Serve(index, time);
        Fault(index, fault, time);
        return Progress.Executed;
    }

    /// <summary>
    /// A thread aborts. The PC stays at the instruction, for imprecise aborts too. A channel is Faulting completing until
    /// its bus accesses are over.
    /// </summary>
    private void Fault(int index, Dma330Fault fault, long time)
    {
        _endBatch = true;
        ref Dma330Thread thread = ref State.Threads[index];
        thread.FaultType |= (uint)fault;
        long done = Math.Max(thread.ReadsDoneAt, thread.WritesDoneAt);
        bool completing = index != ManagerIndex && (done > time || thread.Held != 0);
        thread.ResumeLength = 0;
        if (thread.Stall != Dma330Stall.None)
        {
            Unstall(index);
        }

        if (index != ManagerIndex)
        {
            ReleaseLoadLock(index, time);
        }

        TraceFault(index, fault);
        SetStatus(index, completing ? Dma330ThreadStatus.FaultingCompleting : Dma330ThreadStatus.Faulting);
        WakeAt(index, completing && thread.Held == 0 ? done : VirtualTime.Never);
        DriveAbortLine();
    }

    private void DriveAbortLine() =>
        _irqAbort.Set(ManagerFaults != 0 || FaultingChannels != 0 || State.LockupSignalled != 0);
}
