namespace Emulator.KernelShim;

/// <summary>
/// The group of a PCI function (pci_device_group of drivers/iommu/iommu.c): functions that share a requester ID or reach each
/// other without the IOMMU belong together. What it looks at it notes for whoever asks why.
/// </summary>
internal sealed class PciDeviceGroup
{
    private readonly List<GroupingStep> _steps = [];
    private readonly HashSet<int> _seen = [];

    private PciDeviceGroup() { }

    /// <summary>The group that a function has to join, or null for a new one.</summary>
    /// <param name="device">The function.</param>
    /// <param name="steps">What was looked at.</param>
    public static IommuGroup? Find(PciDevice device, out IReadOnlyList<GroupingStep> steps)
    {
        var search = new PciDeviceGroup();
        IommuGroup? group = search.Search(device);
        steps = search._steps;
        return group;
    }

    private IommuGroup? Search(PciDevice device)
    {
        // The unit begins as whatever last takes ownership of the function's transactions.
        PciDevice unit = device;
        foreach (DmaAlias alias in PciAliases.Of(device))
        {
            unit = alias.Device;
            _steps.Add(new GroupingStep.Alias(alias, unit.Group?.Id));
            if (unit.Group is { } known)
            {
                return known;
            }
        }

        for (PciBus bus = unit.OnBus; bus.Parent is { } parent; bus = parent)
        {
            if (bus.Bridge is not { } bridge)
            {
                continue;
            }

            if (IsPathIsolated(bridge))
            {
                break;
            }

            unit = bridge;
            _steps.Add(new GroupingStep.Climb(unit, unit.Group?.Id));
            if (unit.Group is { } known)
            {
                return known;
            }
        }

        return FindByAlias(unit) ?? FindBySibling(unit);
    }

    /// <summary>pci_acs_path_enabled: every port from here to the root bus has to be isolated.</summary>
    private bool IsPathIsolated(PciDevice port)
    {
        for (PciDevice? at = port; at is not null; at = at.OnBus.Bridge)
        {
            AcsVerdict verdict = PciAcs.Judge(at);
            _steps.Add(new GroupingStep.Port(at, verdict));
            if (!verdict.IsIsolated)
            {
                return false;
            }

            if (at.OnBus.IsRoot)
            {
                return true;
            }
        }

        return true;
    }

    /// <summary>get_pci_alias_group: functions of the bus that use each other's requester ID, recursively.</summary>
    private IommuGroup? FindByAlias(PciDevice unit)
    {
        if (!_seen.Add(unit.Devfn))
        {
            return null;
        }

        if (unit.Group is { } known)
        {
            return known;
        }

        if (!MayShare(unit.OnBus))
        {
            return null;
        }

        foreach (PciDevice other in unit.OnBus.Devices)
        {
            if (ReferenceEquals(other, unit) || !PciAliases.Share(unit, other))
            {
                continue;
            }

            _steps.Add(new GroupingStep.SharedId(other, other.Group?.Id));
            if ((FindByAlias(other) ?? FindBySibling(other)) is { } group)
            {
                return group;
            }
        }

        return null;
    }

    /// <summary>Whether anybody on the bus uses another's requester ID at all.</summary>
    private static bool MayShare(PciBus bus) => bus.HasAliases;

    /// <summary>get_pci_function_alias_group: functions of the slot that, like the unit, are not isolated.</summary>
    private IommuGroup? FindBySibling(PciDevice unit)
    {
        if (!unit.IsMultifunction)
        {
            return null;
        }

        AcsVerdict own = PciAcs.Judge(unit);
        _steps.Add(new GroupingStep.Multifunction(unit, own));
        if (own.IsIsolated)
        {
            return null;
        }

        for (int function = 0; function < 8; function++)
        {
            if (unit.OnBus.Find(unit.Slot << 3 | function) is not { } other || ReferenceEquals(other, unit))
            {
                continue;
            }

            AcsVerdict verdict = PciAcs.Judge(other);
            _steps.Add(new GroupingStep.Sibling(other, verdict, other.Group?.Id));
            if (!verdict.IsIsolated && FindByAlias(other) is { } group)
            {
                return group;
            }
        }

        return null;
    }
}
