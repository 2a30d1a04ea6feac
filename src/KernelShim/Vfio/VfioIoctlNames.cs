namespace Emulator.KernelShim;

/// <summary>The ioctls of VFIO by the names of include/uapi/linux/vfio.h, for those who write and read them as text.</summary>
public static class VfioIoctlNames
{
    // csharpier-ignore
    private static readonly (string Name, uint Number)[] Names =
    [
        ("VFIO_GET_API_VERSION", VfioIoctl.GetApiVersion),
        ("VFIO_CHECK_EXTENSION", VfioIoctl.CheckExtension),
        ("VFIO_SET_IOMMU", VfioIoctl.SetIommu),
        ("VFIO_GROUP_GET_STATUS", VfioIoctl.GroupGetStatus),
        ("VFIO_GROUP_SET_CONTAINER", VfioIoctl.GroupSetContainer),
        ("VFIO_GROUP_UNSET_CONTAINER", VfioIoctl.GroupUnsetContainer),
        ("VFIO_GROUP_GET_DEVICE_FD", VfioIoctl.GroupGetDeviceFd),
        ("VFIO_DEVICE_GET_INFO", VfioIoctl.DeviceGetInfo),
        ("VFIO_DEVICE_GET_REGION_INFO", VfioIoctl.DeviceGetRegionInfo),
        ("VFIO_DEVICE_GET_IRQ_INFO", VfioIoctl.DeviceGetIrqInfo),
        ("VFIO_DEVICE_SET_IRQS", VfioIoctl.DeviceSetIrqs),
        ("VFIO_DEVICE_RESET", VfioIoctl.DeviceReset),
        ("VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", VfioIoctl.DeviceGetPciHotResetInfo),
        ("VFIO_DEVICE_PCI_HOT_RESET", VfioIoctl.DevicePciHotReset),
        ("VFIO_DEVICE_IOEVENTFD", VfioIoctl.DeviceIoEventFd),
        ("VFIO_DEVICE_FEATURE", VfioIoctl.DeviceFeature),
        ("VFIO_IOMMU_GET_INFO", VfioIoctl.IommuGetInfo),
        ("VFIO_IOMMU_MAP_DMA", VfioIoctl.IommuMapDma),
        ("VFIO_IOMMU_UNMAP_DMA", VfioIoctl.IommuUnmapDma),
        ("VFIO_IOMMU_DIRTY_PAGES", VfioIoctl.IommuDirtyPages),
    ];

    /// <summary>All names, in the order of the numbers as far as they differ.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Names.Select(entry => entry.Name)];

    /// <summary>The number of a name; null when there is none.</summary>
    public static uint? Find(string name)
    {
        foreach ((string known, uint number) in Names)
        {
            if (string.Equals(known, name, StringComparison.Ordinal))
            {
                return number;
            }
        }

        return null;
    }

    /// <summary>The name of a number, or both where the kind of file decides; null when there is none.</summary>
    public static string? NameOf(uint number)
    {
        string text = string.Join(" or ", Names.Where(entry => entry.Number == number).Select(entry => entry.Name));
        return text.Length == 0 ? null : text;
    }
}
