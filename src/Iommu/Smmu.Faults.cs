using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>Faults: recording, terminating, stalling and resuming (fact sheet 7).</content>
public sealed partial class Smmu
{
    // Wires to those whose transactions are held, in the order of State.Held.
    private readonly IBusInitiator?[] _heldInitiators = new IBusInitiator?[SmmuHeldTransactions.Capacity];

    /// <inheritdoc/>
    public IEnumerable<string> Explain()
    {
        if (State.GlobalFaultStatus != 0)
        {
            yield return SmmuFaultText.DescribeGlobalFault(
                State.GlobalFaultStatus,
                State.GlobalFaultAddress,
                State.GlobalFaultSyndrome0,
                State.GlobalFaultSyndrome1
            );
        }

        for (int n = 0; n < _parameters.ContextBanks; n++)
        {
            SmmuContextBank bank = State.Banks[n];
            if (bank.FaultStatus != 0)
            {
                yield return SmmuFaultText.DescribeContextFault(
                    n,
                    bank.FaultStatus,
                    bank.FaultAddress,
                    bank.FaultSyndrome,
                    bank.FaultStream,
                    AddressName(n),
                    bank.FaultIntermediateAddress
                );
            }
        }

        for (int n = 0; n < State.HeldCount; n++)
        {
            SmmuHeldTransaction held = State.Held[n];
            string who = _heldInitiators[n]?.Name ?? "somebody";
            yield return $"context bank {held.Bank} holds a {(held.IsWrite != 0 ? "write" : "read")} of {who} to {AddressName(held.Bank)} "
                + $"{Hexadecimal.Format(held.Address)}: it waits for CB{held.Bank}_RESUME";
        }
    }

    /// <summary>Records a fault and answers the transaction.</summary>
    /// <returns>Held, SlaveError, or Okay for an access that reads zeros or is dropped.</returns>
    internal BusStatus Refuse(in Fault fault, in Transaction transaction, bool isWrite)
    {
        switch (fault.Scope)
        {
            case FaultScope.Global:
                return RecordGlobalFault(fault, transaction);
            case FaultScope.Context:
                RecordContextFault(fault, transaction);
                break;
        }

        uint control = State.Banks[fault.Bank].SystemControl;
        if (
            (control & ContextBank.FaultStall) != 0
            && fault.IsStallable
            && transaction.Initiator is { CanBeHeld: true }
            && State.HeldCount < SmmuHeldTransactions.Capacity
        )
        {
            return Hold(fault, transaction, isWrite);
        }

        bool reports = (control & ContextBank.FaultReport) != 0;
        TraceTermination(fault, transaction, reports);
        return reports ? BusStatus.SlaveError : BusStatus.Okay;
    }

    private BusStatus RecordGlobalFault(in Fault fault, in Transaction transaction)
    {
        bool first = State.GlobalFaultStatus == 0;
        if (first)
        {
            State.GlobalFaultStatus = fault.StatusBit;
            State.GlobalFaultAddress = fault.Address;
            State.GlobalFaultSyndrome0 = fault.Syndrome;
            State.GlobalFaultSyndrome1 = fault.StreamId;
        }
        else
        {
            State.GlobalFaultStatus |= ContextBank.Multiple;
        }

        TraceFault(fault, transaction, first);
        DriveLines();
        return (State.Control & GlobalFaultReport) != 0 ? BusStatus.SlaveError : BusStatus.Okay;
    }

    private void RecordContextFault(in Fault fault, in Transaction transaction)
    {
        ref SmmuContextBank bank = ref State.Banks[fault.Bank];
        bool first = (bank.FaultStatus & ContextBank.AnyFault) == 0;
        if (first)
        {
            bank.FaultStatus |= fault.StatusBit;
            bank.FaultAddress = fault.Address;
            bank.FaultSyndrome = fault.Syndrome;
            bank.FaultStream = fault.StreamId;
            bank.FaultIntermediateAddress = _parameters.IsVersion2 ? fault.IntermediateAddress : 0;
        }
        else
        {
            bank.FaultStatus |= ContextBank.Multiple;
        }

        // With HUPCF = 0 nothing of this bank may pass any more, by whatever short cut.
        _epoch.Bump();
        TraceFault(fault, transaction, first);
        DriveLines();
    }

    private BusStatus Hold(in Fault fault, in Transaction transaction, bool isWrite)
    {
        int place = (int)State.HeldCount++;
        State.Held[place] = new SmmuHeldTransaction
        {
            Tag = transaction.Tag,
            Address = fault.Address,
            StreamId = fault.StreamId,
            Bank = (byte)fault.Bank,
            IsWrite = isWrite ? (byte)1 : (byte)0,
            Faulted = fault.Scope == FaultScope.Context ? (byte)1 : (byte)0,
        };
        _heldInitiators[place] = transaction.Initiator;
        State.Banks[fault.Bank].FaultStatus |= ContextBank.Stalled;
        _epoch.Bump();
        TraceStall(fault, transaction);
        return BusStatus.Held;
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument) => Resume(code, argument != 0);

    /// <summary>
    /// A write of RESUME. Whoever can be held is never called back inside an access of its own, so a DMA master that
    /// writes the register itself takes effect when its access is over.
    /// </summary>
    private void ResumeWritten(int bankIndex, ulong value, in Transaction transaction)
    {
        bool terminate = (value & 1) != 0;
        if (transaction.Initiator is { CanBeHeld: true })
        {
            Simulation.Schedule(Simulation.Now, this, bankIndex, terminate ? 1UL : 0);
        }
        else
        {
            Resume(bankIndex, terminate);
        }
    }

    /// <summary>
    /// Resumes a bank. The oldest transaction that faulted, the one the fault registers tell of, is retried or
    /// terminated as TnR says; those that came after it have not been reported to anybody yet, and are looked up afresh.
    /// </summary>
    private void Resume(int bankIndex, bool terminate)
    {
        ref SmmuContextBank bank = ref State.Banks[bankIndex];
        if ((bank.FaultStatus & ContextBank.Stalled) == 0)
        {
            TraceResumeOfNothing(bankIndex);
            return;
        }

        bank.FaultStatus &= ~ContextBank.Stalled;
        HeldOutcome terminated =
            (bank.SystemControl & ContextBank.FaultReport) != 0 ? HeldOutcome.SlaveError : HeldOutcome.CompletedAsZero;
        ConfigurationChanged();
        DriveLines();

        Span<SmmuHeldTransaction> released = stackalloc SmmuHeldTransaction[SmmuHeldTransactions.Capacity];
        var initiators = new IBusInitiator?[SmmuHeldTransactions.Capacity];
        int count = TakeHeld(bankIndex, released, initiators);
        bool resolved = false;
        for (int n = 0; n < count; n++)
        {
            bool isReported = !resolved && released[n].Faulted != 0;
            resolved |= isReported;
            HeldOutcome outcome = isReported && terminate ? terminated : HeldOutcome.Repeat;
            TraceResume(in released[n], initiators[n], outcome);
            initiators[n]?.OnHeldTransaction(released[n].Tag, outcome);
        }
    }

    /// <summary>Takes a bank's transactions out of the queue first, because those who are called back may be held anew.</summary>
    private int TakeHeld(int bankIndex, Span<SmmuHeldTransaction> released, IBusInitiator?[] initiators)
    {
        int taken = 0;
        int kept = 0;
        int count = (int)State.HeldCount;
        for (int n = 0; n < count; n++)
        {
            if (State.Held[n].Bank == bankIndex)
            {
                released[taken] = State.Held[n];
                initiators[taken++] = _heldInitiators[n];
            }
            else
            {
                State.Held[kept] = State.Held[n];
                _heldInitiators[kept++] = _heldInitiators[n];
            }
        }

        for (int n = kept; n < count; n++)
        {
            State.Held[n] = default;
            _heldInitiators[n] = null;
        }

        State.HeldCount = (uint)kept;
        return taken;
    }

    private void ForgetInitiators() => Array.Clear(_heldInitiators);

    private void ClearGlobalStatus(ulong value)
    {
        State.GlobalFaultStatus &= ~((uint)value & GlobalStatusMask);
        DriveLines();
    }

    private void RestoreGlobalStatus(ulong value)
    {
        State.GlobalFaultStatus |= (uint)value & GlobalStatusMask;
        DriveLines();
    }

    private void ClearContextStatus(int bankIndex, ulong value)
    {
        State.Banks[bankIndex].FaultStatus &= ~((uint)value & ContextBank.ClearableStatus);
        ConfigurationChanged();
        DriveLines();
    }

    /// <summary>FSR with FORMAT, which SMMUv2 shows in a bank all the time.</summary>
    private ulong StatusOf(int bankIndex)
    {
        ref readonly SmmuContextBank bank = ref State.Banks[bankIndex];
        return _parameters.IsVersion2
            ? bank.FaultStatus | ((uint)ContextBank.FormatOf(in bank) << 9)
            : bank.FaultStatus;
    }

    private void RestoreContextStatus(int bankIndex, ulong value)
    {
        State.Banks[bankIndex].FaultStatus |= (uint)value & ContextBank.ClearableStatus;
        ConfigurationChanged();
        DriveLines();
    }

    private void DriveLines()
    {
        _globalLine.Set((State.Control & GlobalFaultInterrupt) != 0 && State.GlobalFaultStatus != 0);
        for (int line = 0; line < _contextLines.Length; line++)
        {
            _contextLines[line].Set(_parameters.IsVersion2 ? WantsInterrupt(line) : AnyWantsInterrupt(line));
        }
    }

    /// <summary>In SMMUv2 each bank has an interrupt of its own.</summary>
    private bool WantsInterrupt(int bank) => ContextBank.WantsInterrupt(in State.Banks[bank]);

    /// <summary>In SMMUv1 CBAR.IRPTNDX chooses, and banks may share.</summary>
    private bool AnyWantsInterrupt(int line)
    {
        for (int n = 0; n < _parameters.ContextBanks; n++)
        {
            ref readonly SmmuContextBank bank = ref State.Banks[n];
            if (ContextBank.InterruptIndex(in bank) == line && ContextBank.WantsInterrupt(in bank))
            {
                return true;
            }
        }

        return false;
    }
}
