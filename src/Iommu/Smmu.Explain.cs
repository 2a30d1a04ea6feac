using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>What would become of an access, told without making it.</content>
public sealed partial class Smmu
{
    /// <inheritdoc/>
    public IReadOnlyList<string> ExplainTranslation(
        uint streamId,
        ulong address,
        bool isWrite,
        TransactionFlags flags = TransactionFlags.None
    )
    {
        var lines = new List<string>();
        AccessKind kind = KindOf(isWrite, new Transaction { Flags = flags });
        streamId &= _parameters.StreamIdMask;
        StreamMatch match = StreamMapping.Find(ref State, _parameters, streamId);
        lines.Add($"stream {Hexadecimal.Format(streamId)}: {DescribeRoute(match)}");
        if (match.Route != StreamRoute.Translate)
        {
            lines.Add(
                match.Route == StreamRoute.Bypass
                    ? $"-> {Hexadecimal.Format(address)}, unchanged"
                    : SmmuFaultText.DescribeGlobalFault((uint)match.Cause, address, (uint)kind << 1, streamId)
            );
            return lines;
        }

        kind = StreamMapping.Override(State.StreamToContext[match.Group], kind);
        Lookup lookup = LookupOf(match, address);
        if (BlockedBank(match) is >= 0 and var blocked)
        {
            lines.Add($"context bank {blocked} has a fault outstanding and SCTLR.HUPCF is 0: nothing is looked up");
        }

        if (lookup.Tag.Stages == TlbStages.None)
        {
            lines.Add($"SCTLR.M is 0 -> {Hexadecimal.Format(address)}, unchanged");
            return lines;
        }

        var request = new Request(match, lookup, address, kind, streamId);
        ExplainTlb(request, lines);
        ExplainWalk(request, lines);
        return lines;
    }

    private static string DescribeRoute(in StreamMatch match) =>
        match.Route switch
        {
            StreamRoute.Bypass => match.Source switch
            {
                TranslationSource.Off => "sCR0.CLIENTPD is 1, the SMMU is off",
                TranslationSource.Unmatched => "no SMR matches, and sCR0.USFCFG is 0",
                _ => $"SMR{match.Group} matches, S2CR{match.Group}.TYPE is bypass",
            },
            StreamRoute.Fault when match.Group < 0 => "no SMR matches",
            StreamRoute.Fault => $"SMR{match.Group} matches",
            _ => $"SMR{match.Group} matches, context bank {match.Bank}: "
                + (
                    match.StageOne < 0 ? "stage 2"
                    : match.StageTwo < 0 ? "stage 1"
                    : $"stage 1, then stage 2 by bank {match.StageTwo}"
                ),
        };

    private void ExplainTlb(in Request request, List<string> lines)
    {
        int place = State.Tlb.Find(request.Lookup.Tag, request.Lookup.Address);
        if (place < 0)
        {
            lines.Add($"TLB: no entry of VMID {request.Lookup.Tag.Vmid}");
            return;
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[place];
        Translation hit = Hit(in entry, request.Lookup.Address);
        var permissions = (PagePermissions)(entry.Permissions & entry.Permissions2);
        lines.Add(
            $"TLB: an entry of {SmmuWalkText.Size(entry.SizeBits)} ({LeafPermissions.Text(permissions)}) leads to "
                + $"{Hexadecimal.Format(hit.Physical)}; the walk below would not be made"
        );
    }

    private void ExplainWalk(in Request request, List<string> lines)
    {
        List<WalkStep> steps = [];
        bool passes = TryWalk(request, true, steps, out SmmuTlbEntry entry, out _, out Fault fault);
        bool isNested = request.Match.StageOne >= 0 && request.Match.StageTwo >= 0;
        lines.AddRange(
            steps.Select(step =>
                (isNested ? $"stage {step.Shape.Stage} " : "")
                + $"L{step.Level}[{Hexadecimal.Format((ulong)step.Index)}] @{Hexadecimal.Format(step.Address)} = "
                + $"{Hexadecimal.Format(step.Descriptor)} {SmmuWalkText.Meaning(step)}"
            )
        );
        if (passes)
        {
            var permissions = (PagePermissions)(entry.Permissions & entry.Permissions2);
            Translation found = Hit(in entry, request.Lookup.Address);
            lines.Add(
                $"-> {Hexadecimal.Format(found.Physical)} ({SmmuWalkText.Size(entry.SizeBits)} {LeafPermissions.Text(permissions)})"
            );
            return;
        }

        lines.Add(Describe(in fault));
    }
}
