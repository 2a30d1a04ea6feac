using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>What a trace shows of translations, faults, stalls and invalidations.</content>
public sealed partial class Smmu400
{
    private static readonly TraceKind Translated = new(
        "smmu.translate",
        Severity.Debug,
        "stream {stream} bank {bank} VMID {vmid}: {access} IPA {input} -> {output} ({how}, {size} {permissions})"
    );

    private static readonly TraceKind Bypassed = new(
        "smmu.bypass",
        Severity.Debug,
        "stream {stream}: {access} {input} passes unchanged ({why})"
    );

    private static readonly TraceKind WalkBegins = new(
        "smmu.walk",
        Severity.Debug,
        "bank {bank}: TLB miss, walking for IPA {input} ({bits} bits, level {level} table at {table})"
    );

    private static readonly TraceKind WalkStepped = new(
        "smmu.walk-step",
        Severity.Debug,
        "L{level}[{index}] @{address} = {descriptor} {meaning}"
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

    private void TraceTranslation(
        int bank,
        ushort vmid,
        in Translation translation,
        PagePermissions permissions,
        AccessKind kind,
        uint streamId
    )
    {
        if (!Trace.IsOn)
        {
            return;
        }

        ulong input = translation.Input + (translation.Physical - translation.Output);
        Trace.Emit(
            Translated,
            Name,
            TraceField.Hex("stream", streamId),
            TraceField.Decimal("bank", (ulong)bank),
            TraceField.Decimal("vmid", vmid),
            TraceField.Of("access", SmmuFaultText.Describe(kind)),
            TraceField.Hex("input", input),
            TraceField.Hex("output", translation.Physical),
            TraceField.Of("how", translation.Source == TranslationSource.TlbHit ? "TLB hit" : "walked"),
            TraceField.Of("size", SizeText(translation.SizeBits)),
            TraceField.Of("permissions", PermissionText(permissions))
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

    private void TraceRefusingEntry(int bank, ulong address, ref readonly SmmuTlbEntry entry)
    {
        if (Trace.IsOn)
        {
            string what =
                $"the TLB entry for IPA {Hexadecimal.Format(address)} permits only "
                + PermissionText((PagePermissions)entry.Permissions);
            TraceWalkRefusal(bank, what);
        }
    }

    private void TraceWalkRefusal(int bank, string why) =>
        Trace.Emit(WalkRefused, Name, TraceField.Decimal("bank", (ulong)bank), TraceField.Of("why", why));

    private void TraceWalk(int bank, in StageTwoTables tables, ulong address, ref readonly WalkResult result)
    {
        if (!Trace.IsOn)
        {
            return;
        }

        if (result.StepCount == 0)
        {
            string why = tables.IsLegal
                ? $"IPA {Hexadecimal.Format(address)} has more than the {tables.InputBits} bits that TCR.T0SZ allows"
                : $"TCR is illegal: {tables.InputBits} bits of address cannot be walked from level {tables.StartLevel}";
            TraceWalkRefusal(bank, why);
            return;
        }

        Trace.Emit(
            WalkBegins,
            Name,
            TraceField.Decimal("bank", (ulong)bank),
            TraceField.Hex("input", address),
            TraceField.Decimal("bits", (ulong)tables.InputBits),
            TraceField.Decimal("level", (ulong)tables.StartLevel),
            TraceField.Hex("table", tables.TableBase)
        );
        for (int n = 0; n < result.StepCount; n++)
        {
            WalkStep step = result.Steps[n];
            Trace.Emit(
                WalkStepped,
                Name,
                TraceField.Decimal("level", (ulong)step.Level),
                TraceField.Hex("index", (ulong)step.Index),
                TraceField.Hex("address", step.Address),
                TraceField.Hex("descriptor", step.Descriptor),
                TraceField.Of("meaning", StepText(in step))
            );
        }
    }

    private void TraceFault(in Fault fault, in Transaction transaction, bool first)
    {
        string text =
            fault.Scope == FaultScope.Global
                ? SmmuFaultText.DescribeGlobalFault(fault.StatusBit, fault.Address, fault.Syndrome, fault.StreamId)
                : SmmuFaultText.DescribeContextFault(
                    fault.Bank,
                    fault.StatusBit,
                    fault.Address,
                    fault.Syndrome,
                    fault.StreamId
                );
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

    private static string StepText(ref readonly WalkStep step)
    {
        if (step.Status != BusStatus.Okay)
        {
            return $"the read is answered with {step.Status}: external abort";
        }

        if ((step.Descriptor & 1) == 0)
        {
            return "invalid: translation fault";
        }

        if (LpaeWalker.IsInvalid(step.Descriptor, step.Level))
        {
            return "reserved form (01 at level 3): translation fault";
        }

        if (!LpaeWalker.IsLeaf(step.Descriptor, step.Level))
        {
            return "table -> " + Hexadecimal.Format(step.Descriptor & StageTwoTables.AddressMask & ~0xFFFUL);
        }

        int shift = LpaeWalker.ShiftOf(step.Level);
        ulong output = step.Descriptor & StageTwoTables.AddressMask & ~((1UL << shift) - 1);
        string kind = step.Level == 3 ? "page" : SizeText(shift) + " block";
        string flags = (step.Descriptor >> 10 & 1) == 0 ? ", access flag clear" : "";
        return $"{kind} {PermissionText(LpaeWalker.PermissionsOf(step.Descriptor))}{flags} -> {Hexadecimal.Format(output)}";
    }

    private static string SizeText(int sizeBits) =>
        sizeBits switch
        {
            12 => "4 KiB",
            21 => "2 MiB",
            _ => "1 GiB",
        };

    private static string PermissionText(PagePermissions permissions)
    {
        string data = (permissions & (PagePermissions.Read | PagePermissions.Write)) switch
        {
            PagePermissions.Read | PagePermissions.Write => "RW",
            PagePermissions.Read => "RO",
            PagePermissions.Write => "WO",
            _ => "no access",
        };
        return (permissions & PagePermissions.Execute) == PagePermissions.None ? data + " XN" : data;
    }
}
