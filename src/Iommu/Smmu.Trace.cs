using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>What a trace shows of translations, faults, stalls and invalidations.</content>
public sealed partial class Smmu
{
    private static readonly TraceKind Translated = new(
        "smmu.translate",
        Severity.Debug,
        "stream {stream} bank {bank} VMID {vmid}: {access} {what} {input} -> {output} ({how}, {size} {permissions})"
    );

    private static readonly TraceKind Bypassed = new(
        "smmu.bypass",
        Severity.Debug,
        "stream {stream}: {access} {input} passes unchanged ({why})"
    );

    private static readonly TraceKind WalkBegins = new(
        "smmu.walk",
        Severity.Debug,
        "bank {bank}: TLB miss, walking for {what} {input} ({bits} bits, level {level} table at {table})"
    );

    private static readonly TraceKind WalkStepped = new(
        "smmu.walk-step",
        Severity.Debug,
        "{stage}L{level}[{index}] @{address} = {descriptor} {meaning}"
    );

    private static readonly TraceKind WalkRefused = new("smmu.walk-refused", Severity.Debug, "bank {bank}: {why}");

    private static readonly TraceKind Faulted = new("smmu.fault", Severity.Error, "{fault}, by {who}{origin}{note}");

    private static readonly TraceKind Terminated = new(
        "smmu.terminate",
        Severity.Info,
        "bank {bank}: the {access} of {who} at {input} is terminated ({answer}){why}"
    );

    private static readonly TraceKind Stalls = new(
        "smmu.stall",
        Severity.Info,
        "bank {bank}: the {access} of {who} at {input} is held until CB{bank}_RESUME{why}"
    );

    private static readonly TraceKind Resumes = new(
        "smmu.resume",
        Severity.Info,
        "bank {bank}: the held {access} of {who} at {input} is {outcome}"
    );

    private static readonly TraceKind ResumesNothing = new(
        "smmu.resume-nothing",
        Severity.Info,
        "bank {bank}: nothing is stalled; RESUME is ignored"
    );

    private static readonly TraceKind Invalidated = new(
        "smmu.invalidate",
        Severity.Debug,
        "TLB entries of {what} invalidated: {count}"
    );

    private void TraceTranslation(in Request request, in Translation translation, PagePermissions permissions)
    {
        if (!Trace.IsOn)
        {
            return;
        }

        Trace.Emit(
            Translated,
            Name,
            TraceField.Hex("stream", request.StreamId),
            TraceField.Decimal("bank", (ulong)request.Match.Bank),
            TraceField.Decimal("vmid", request.Lookup.Tag.Vmid),
            TraceField.Of("access", SmmuFaultText.Describe(request.Kind)),
            TraceField.Of("what", AddressName(request.Match.Bank)),
            TraceField.Hex("input", request.Address),
            TraceField.Hex("output", translation.Physical),
            TraceField.Of("how", translation.Source == TranslationSource.TlbHit ? "TLB hit" : "walked"),
            TraceField.Of("size", SmmuWalkText.Size(translation.SizeBits)),
            TraceField.Of("permissions", LeafPermissions.Text(permissions))
        );
    }

    private void TraceBypass(in StreamMatch match, ulong address, AccessKind kind, uint streamId)
    {
        if (!Trace.IsOn)
        {
            return;
        }

        string why = match.Source switch
        {
            TranslationSource.Off => "sCR0.CLIENTPD is 1: the SMMU is off",
            TranslationSource.Unmatched => "no SMR matches, and sCR0.USFCFG is 0",
            TranslationSource.Bypass => $"S2CR{match.Group}.TYPE is bypass",
            _ => $"CB{match.Bank}_SCTLR.M is 0",
        };
        Trace.Emit(
            Bypassed,
            Name,
            TraceField.Hex("stream", streamId),
            TraceField.Of("access", SmmuFaultText.Describe(kind)),
            TraceField.Hex("input", address),
            TraceField.Of("why", why)
        );
    }

    private void TraceRefusingEntry(in Request request, PagePermissions permissions)
    {
        if (Trace.IsOn)
        {
            string what =
                $"the TLB entry for {AddressName(request.Match.Bank)} {Hexadecimal.Format(request.Address)} permits only "
                + LeafPermissions.Text(permissions);
            TraceWalkRefusal(request.Match.Bank, what);
        }
    }

    private void TraceWalkRefusal(int bank, string why) =>
        Trace.Emit(WalkRefused, Name, TraceField.Decimal("bank", (ulong)bank), TraceField.Of("why", why));

    /// <summary>Shows a walk that is over: how it began, and each descriptor in the order in which they were read.</summary>
    private void TraceWalk(
        in Request request,
        ref readonly TableShape shape,
        ulong input,
        ref readonly WalkResult result
    )
    {
        List<WalkStep> steps = _traced;
        if (!ReferenceEquals(_walker.Record, steps))
        {
            return;
        }

        int bank = shape.Stage == 1 ? request.Match.StageOne : request.Match.StageTwo;
        if (result.Refusal != ShapeRefusal.None && steps.Count == 0)
        {
            TraceWalkRefusal(bank, SmmuWalkText.Refusal(in shape, result.Refusal, input));
            return;
        }

        bool isNested = request.Match.StageOne >= 0 && request.Match.StageTwo >= 0;
        Trace.Emit(
            WalkBegins,
            Name,
            TraceField.Decimal("bank", (ulong)bank),
            TraceField.Of("what", shape.Stage == 1 ? "VA" : "IPA"),
            TraceField.Hex("input", shape.Stage == 1 ? request.Address : input),
            TraceField.Decimal("bits", (ulong)shape.InputBits),
            TraceField.Decimal("level", (ulong)shape.StartLevel),
            TraceField.Hex("table", shape.TableBase)
        );
        foreach (WalkStep step in steps)
        {
            Trace.Emit(
                WalkStepped,
                Name,
                TraceField.Of("stage", isNested ? $"stage {step.Shape.Stage} " : ""),
                TraceField.Decimal("level", (ulong)step.Level),
                TraceField.Hex("index", (ulong)step.Index),
                TraceField.Hex("address", step.Address),
                TraceField.Hex("descriptor", step.Descriptor),
                TraceField.Of("meaning", SmmuWalkText.Meaning(step))
            );
        }

        if (result.Refusal != ShapeRefusal.None)
        {
            TraceWalkRefusal(request.Match.StageTwo, SmmuWalkText.RefusalOfTable(result.Refusal, result.Intermediate));
        }

        steps.Clear();
    }

    /// <summary>What an address that enters a bank is called.</summary>
    private string AddressName(int bank) =>
        _parameters.IsVersion2 && ContextBank.TypeOf(in State.Banks[bank]) != ContextType.Stage2 ? "VA" : "IPA";

    /// <summary>A fault in words.</summary>
    private string Describe(in Fault fault) =>
        fault.Scope == FaultScope.Global
            ? SmmuFaultText.DescribeGlobalFault(fault.StatusBit, fault.Address, fault.Syndrome, fault.StreamId)
            : SmmuFaultText.DescribeContextFault(
                fault.Bank,
                fault.StatusBit,
                fault.Address,
                fault.Syndrome,
                fault.StreamId,
                AddressName(fault.Bank),
                fault.IntermediateAddress
            );

    private void TraceFault(in Fault fault, in Transaction transaction, bool first)
    {
        string text = Describe(in fault);
        var kind = (AccessKind)((fault.Scope == FaultScope.Global ? fault.Syndrome >> 1 : fault.Syndrome >> 4) & 7);
        Trace.Emit(
            Faulted,
            Name,
            TraceField.Of("fault", text),
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Of("origin", OriginText(fault)),
            TraceField.Of("note", first ? "" : "; an earlier fault is still recorded, so only MULTI shows it"),
            TraceField.Of("scope", fault.Scope == FaultScope.Global ? "global" : $"CB{fault.Bank}"),
            TraceField.Of("access", SmmuFaultText.Describe(kind)),
            TraceField.Hex("address", fault.Address),
            TraceField.Hex("stream", fault.StreamId),
            TraceField.Hex("status", fault.StatusBit),
            TraceField.Hex("syndrome", fault.Syndrome)
        );
    }

    private void TraceTermination(in Fault fault, in Transaction transaction, bool reports)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(
                Terminated,
                Name,
                TraceField.Decimal("bank", (ulong)fault.Bank),
                TraceField.Of("access", SmmuFaultText.Describe((AccessKind)(fault.Syndrome >> 4 & 7))),
                TraceField.Of("who", transaction.InitiatorName),
                TraceField.Hex("input", fault.Address),
                TraceField.Of("answer", reports ? "SLVERR" : "reads as zero, writes ignored"),
                TraceField.Of("why", WhyText(fault))
            );
        }
    }

    private void TraceStall(in Fault fault, in Transaction transaction)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(
                Stalls,
                Name,
                TraceField.Decimal("bank", (ulong)fault.Bank),
                TraceField.Of("access", SmmuFaultText.Describe((AccessKind)(fault.Syndrome >> 4 & 7))),
                TraceField.Of("who", transaction.InitiatorName),
                TraceField.Hex("input", fault.Address),
                TraceField.Of("why", WhyText(fault))
            );
        }
    }

    private void TraceResume(ref readonly SmmuHeldTransaction held, IBusInitiator? initiator, HeldOutcome outcome)
    {
        if (!Trace.IsOn)
        {
            return;
        }

        string text = outcome switch
        {
            HeldOutcome.Repeat => "looked up again",
            HeldOutcome.CompletedAsZero => "terminated (reads as zero, writes ignored)",
            _ => "terminated (SLVERR)",
        };
        Trace.Emit(
            Resumes,
            Name,
            TraceField.Decimal("bank", held.Bank),
            TraceField.Of("access", held.IsWrite != 0 ? "write" : "read"),
            TraceField.Of("who", initiator?.Name ?? "somebody"),
            TraceField.Hex("input", held.Address),
            TraceField.Of("outcome", text)
        );
    }

    private void TraceResumeOfNothing(int bank)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(ResumesNothing, Name, TraceField.Decimal("bank", (ulong)bank));
        }
    }

    private void TraceInvalidation(string what, int count)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(Invalidated, Name, TraceField.Of("what", what), TraceField.Decimal("count", (ulong)count));
        }
    }

    private static string OriginText(in Fault fault) =>
        fault.Origin switch
        {
            FaultOrigin.Descriptor when (fault.StatusBit & (uint)ContextFaultCause.External) != 0 =>
                $" (no descriptor can be read at {Hexadecimal.Format(fault.DescriptorAddress)})",
            FaultOrigin.Descriptor => $" (descriptor @{Hexadecimal.Format(fault.DescriptorAddress)} = "
                + $"{Hexadecimal.Format(fault.Descriptor)})",
            FaultOrigin.TlbEntry => " (by a TLB entry; the tables were not read)",
            FaultOrigin.TableShape => " (TCR allows no such address or tables; they were not read)",
            _ => "",
        };

    private static string WhyText(in Fault fault) =>
        fault.Scope == FaultScope.UnderFault ? ", because the bank has a fault outstanding and SCTLR.HUPCF is 0" : "";
}
