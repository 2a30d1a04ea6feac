namespace Emulator.KernelShim;

/// <summary>Puts what the grouping of a function looked at into sentences.</summary>
public static class GroupingText
{
    private static readonly (AcsFlags Flag, string Name)[] Names =
    [
        (AcsFlags.SourceValidation, "source validation"),
        (AcsFlags.RequestRedirect, "request redirect"),
        (AcsFlags.CompletionRedirect, "completion redirect"),
        (AcsFlags.UpstreamForwarding, "upstream forwarding"),
    ];

    /// <summary>The steps of a decision, and how it ended.</summary>
    public static IReadOnlyList<string> Of(GroupingDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        List<string> lines = [.. decision.Steps.Select(Of)];
        if (decision.Group >= 0)
        {
            lines.Add(
                decision.IsNew ? $"so it gets a new group, {decision.Group}" : $"so it joins group {decision.Group}"
            );
        }

        return lines;
    }

    /// <summary>One step.</summary>
    public static string Of(GroupingStep step) =>
        step switch
        {
            GroupingStep.Alias alias => Of(alias),
            GroupingStep.Port port => $"{NameOf(port.Device)}: {Of(port.Verdict)}",
            GroupingStep.Climb climb =>
                $"what is below {NameOf(climb.Bridge)} may be reached without the IOMMU, so the bridge stands for it now"
                    + Known(climb.Group),
            GroupingStep.SharedId shared => $"{NameOf(shared.Other)} uses the same requester ID{Known(shared.Group)}",
            GroupingStep.Multifunction several =>
                $"{NameOf(several.Unit)} is one of several functions of its slot: {Of(several.Verdict)}",
            GroupingStep.Sibling sibling => Of(sibling),
            GroupingStep.SharedStream stream => $"its stream belongs to group {stream.Group} already",
            GroupingStep.Refused refused =>
                $"the IOMMU's driver refuses it ({(Errno)(-refused.Error)}), so it is in no group",
            _ => step.ToString(),
        };

    /// <summary>What kind of function it is: root port, endpoint, PCI bridge.</summary>
    public static string KindOf(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        const uint HostBridge = 0x0600;
        return device switch
        {
            { PhysicalFunction: not null } => "virtual function",
            { IsExpress: true, ExpressType: PciExpressType.RootPort } => "root port",
            { IsExpress: true, ExpressType: PciExpressType.Upstream } => "upstream port",
            { IsExpress: true, ExpressType: PciExpressType.Downstream } => "downstream port",
            { IsExpress: true, ExpressType: PciExpressType.PciBridge } => "PCIe-to-PCI bridge",
            { IsExpress: true, ExpressType: PciExpressType.PcieBridge } => "PCI-to-PCIe bridge",
            { IsExpress: true, ExpressType: PciExpressType.RootComplexEndpoint } => "integrated endpoint",
            { IsExpress: true } => "endpoint",
            { IsBridge: true } => "PCI bridge",
            _ => device.Class >> 8 == HostBridge ? "host bridge" : "conventional function",
        };
    }

    private static string NameOf(PciDevice device) => $"{device.Name} ({KindOf(device)})";

    private static string Of(GroupingStep.Alias alias)
    {
        string id = $"{alias.Id.RequesterId >> 8:x2}:{(alias.Id.RequesterId >> 3) & 31:x2}.{alias.Id.RequesterId & 7}";
        string text = alias.Id.Cause switch
        {
            AliasCause.Own => $"its requests carry its own ID, {id}",
            AliasCause.Quirk => $"this device is known to send as {id}, too",
            AliasCause.BridgeSecondary =>
                $"above {NameOf(alias.Id.Device)} its requests carry {id}: the bridge cannot pass on who sent them",
            _ => $"above {NameOf(alias.Id.Device)} its requests carry the bridge's own ID, {id}",
        };
        return text + Known(alias.Group);
    }

    private static string Of(GroupingStep.Sibling sibling) =>
        sibling.Verdict.IsIsolated
            ? $"{NameOf(sibling.Other)} beside it is isolated, so it does not matter"
            : $"{NameOf(sibling.Other)} beside it is not isolated either ({Of(sibling.Verdict)}){Known(sibling.Group)}";

    private static string Known(int? group) => group is { } number ? $"; that is in group {number}" : "";

    private static string Of(AcsVerdict verdict)
    {
        string hardWired =
            verdict.Missing == AcsFlags.None ? "" : $" ({List(verdict.Missing)} not offered, taken as hard-wired)";
        return verdict.Reason switch
        {
            AcsReason.Quirk => verdict.IsIsolated
                ? "isolates, as is known of this device"
                : "does not isolate, as is known of this device",
            AcsReason.Conventional => "conventional PCI has no access control",
            AcsReason.KindWithoutAcs => "a bridge of this kind has no access control",
            AcsReason.NothingToControl => "a single function has no peers to control",
            AcsReason.NoCapability => "it has no ACS capability",
            AcsReason.SwitchedOff =>
                $"ACS could isolate it, but {List(verdict.SwitchedOff)} {Verb(verdict.SwitchedOff)} switched off{hardWired}",
            _ => $"ACS isolates it{hardWired}",
        };
    }

    private static string Verb(AcsFlags flags) => int.PopCount((int)flags) == 1 ? "is" : "are";

    private static string List(AcsFlags flags) =>
        string.Join(", ", Names.Where(entry => flags.HasFlag(entry.Flag)).Select(entry => entry.Name));
}
