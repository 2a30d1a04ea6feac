namespace Emulator.KernelShim;

/// <summary>How a device came into its group: what the algorithm looked at, in order, and what decided.</summary>
/// <param name="Device">The device.</param>
/// <param name="Group">The group's number.</param>
/// <param name="IsNew">Whether the group was made for it.</param>
/// <param name="Steps">What was looked at.</param>
public sealed record GroupingDecision(Device Device, int Group, bool IsNew, IReadOnlyList<GroupingStep> Steps);

/// <summary>One thing that the grouping of a function looked at (pci_device_group of drivers/iommu/iommu.c).</summary>
public abstract record GroupingStep
{
    /// <summary>A requester ID of the function, and the function or bridge whose ID it is.</summary>
    /// <param name="Id">The ID.</param>
    /// <param name="Group">The group that this function or bridge has already; the search ends with it.</param>
    public sealed record Alias(DmaAlias Id, int? Group) : GroupingStep;

    /// <summary>A port on the way up, and whether it keeps what is below apart from what is beside it.</summary>
    /// <param name="Device">The port.</param>
    /// <param name="Verdict">Its verdict.</param>
    public sealed record Port(PciDevice Device, AcsVerdict Verdict) : GroupingStep;

    /// <summary>The path to the root lets peers be reached, so the bridge above is the unit now.</summary>
    /// <param name="Bridge">The bridge.</param>
    /// <param name="Group">The group it has already; the search ends with it.</param>
    public sealed record Climb(PciDevice Bridge, int? Group) : GroupingStep;

    /// <summary>Another function on the bus that uses the unit's requester ID, or the other way round.</summary>
    /// <param name="Other">The other function.</param>
    /// <param name="Group">The group it has already; the search ends with it.</param>
    public sealed record SharedId(PciDevice Other, int? Group) : GroupingStep;

    /// <summary>The unit is one of several functions of a slot: whether it is isolated from them.</summary>
    /// <param name="Unit">The function.</param>
    /// <param name="Verdict">Its verdict.</param>
    public sealed record Multifunction(PciDevice Unit, AcsVerdict Verdict) : GroupingStep;

    /// <summary>Another function of the slot.</summary>
    /// <param name="Other">The other function.</param>
    /// <param name="Verdict">Whether it is isolated; then it is passed over.</param>
    /// <param name="Group">The group it has already; the search ends with it.</param>
    public sealed record Sibling(PciDevice Other, AcsVerdict Verdict, int? Group) : GroupingStep;

    /// <summary>The IOMMU's driver knew a group: streams are shared.</summary>
    /// <param name="Group">The group.</param>
    public sealed record SharedStream(int Group) : GroupingStep;

    /// <summary>The IOMMU's driver refused the device: it is in no group.</summary>
    /// <param name="Error">The negative errno.</param>
    public sealed record Refused(long Error) : GroupingStep;
}
