using System.Runtime.InteropServices;

namespace Emulator.KernelShim;

/// <summary>ioctl numbers of VFIO (include/uapi/linux/vfio.h): type 0x3b, 100 upwards. The kind of file decides which is meant.</summary>
public static class VfioIoctl
{
    /// <summary>Container: the version of the API, 0.</summary>
    public const uint GetApiVersion = 0x3B64;

    /// <summary>Container: whether an extension is there.</summary>
    public const uint CheckExtension = 0x3B65;

    /// <summary>Container: chooses the IOMMU backend.</summary>
    public const uint SetIommu = 0x3B66;

    /// <summary>Group: <see cref="VfioGroupStatus"/>.</summary>
    public const uint GroupGetStatus = 0x3B67;

    /// <summary>Group: joins the container whose descriptor the argument points to.</summary>
    public const uint GroupSetContainer = 0x3B68;

    /// <summary>Group: leaves its container.</summary>
    public const uint GroupUnsetContainer = 0x3B69;

    /// <summary>Group: a descriptor for the device of this name.</summary>
    public const uint GroupGetDeviceFd = 0x3B6A;

    /// <summary>Device: <see cref="VfioDeviceInfo"/>.</summary>
    public const uint DeviceGetInfo = 0x3B6B;

    /// <summary>Device: <see cref="VfioRegionInfo"/>.</summary>
    public const uint DeviceGetRegionInfo = 0x3B6C;

    /// <summary>Device: <see cref="VfioIrqInfo"/>.</summary>
    public const uint DeviceGetIrqInfo = 0x3B6D;

    /// <summary>Device: <see cref="VfioIrqSet"/> and data.</summary>
    public const uint DeviceSetIrqs = 0x3B6E;

    /// <summary>VFIO_DEVICE_BIND_IOMMUFD.</summary>
    public const uint DeviceBindIommufd = 0x3B76;

    /// <summary>VFIO_DEVICE_ATTACH_IOMMUFD_PT.</summary>
    public const uint DeviceAttachIommufdPt = 0x3B77;

    /// <summary>VFIO_DEVICE_DETACH_IOMMUFD_PT.</summary>
    public const uint DeviceDetachIommufdPt = 0x3B78;

    /// <summary>Device: resets it.</summary>
    public const uint DeviceReset = 0x3B6F;

    /// <summary>PCI function: <see cref="VfioPciHotResetHead"/>, and who is reset with it.</summary>
    public const uint DeviceGetPciHotResetInfo = 0x3B70;

    /// <summary>PCI function: <see cref="VfioPciHotResetHead"/>, and descriptors of the groups.</summary>
    public const uint DevicePciHotReset = 0x3B71;

    /// <summary>PCI function: <see cref="VfioDeviceIoEventFd"/>.</summary>
    public const uint DeviceIoEventFd = 0x3B74;

    /// <summary>Device: features (5.18).</summary>
    public const uint DeviceFeature = 0x3B75;

    /// <summary>Container of type1: <see cref="VfioIommuInfo"/>.</summary>
    public const uint IommuGetInfo = 0x3B70;

    /// <summary>Container of type1: <see cref="VfioDmaMap"/>.</summary>
    public const uint IommuMapDma = 0x3B71;

    /// <summary>Container of type1: <see cref="VfioDmaUnmap"/>.</summary>
    public const uint IommuUnmapDma = 0x3B72;

    /// <summary>Container of type1: dirty page tracking (5.8).</summary>
    public const uint IommuDirtyPages = 0x3B75;
}

/// <summary>Numbers of VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU.</summary>
public static class VfioExtension
{
    /// <summary>VFIO_TYPE1_IOMMU.</summary>
    public const ulong Type1 = 1;

    /// <summary>VFIO_TYPE1v2_IOMMU: unmaps whole mappings only.</summary>
    public const ulong Type1V2 = 3;

    /// <summary>VFIO_DMA_CC_IOMMU: every domain is cache coherent.</summary>
    public const ulong CacheCoherent = 4;

    /// <summary>VFIO_TYPE1_NESTING_IOMMU.</summary>
    public const ulong Type1Nesting = 6;

    /// <summary>VFIO_NOIOMMU_IOMMU.</summary>
    public const ulong NoIommu = 8;

    /// <summary>VFIO_UNMAP_ALL.</summary>
    public const ulong UnmapAll = 9;

    /// <summary>VFIO_UPDATE_VADDR.</summary>
    public const ulong UpdateVaddr = 10;
}

/// <summary>Flags of the structs of VFIO.</summary>
public static class VfioFlags
{
    /// <summary>VFIO_GROUP_FLAGS_VIABLE.</summary>
    public const uint GroupViable = 1;

    /// <summary>VFIO_GROUP_FLAGS_CONTAINER_SET.</summary>
    public const uint GroupContainerSet = 2;

    /// <summary>VFIO_DEVICE_FLAGS_RESET: the device can be reset by itself.</summary>
    public const uint DeviceReset = 1;

    /// <summary>VFIO_DEVICE_FLAGS_PCI.</summary>
    public const uint DevicePci = 2;

    /// <summary>VFIO_DEVICE_FLAGS_PLATFORM.</summary>
    public const uint DevicePlatform = 4;

    /// <summary>VFIO_DEVICE_FLAGS_AMBA.</summary>
    public const uint DeviceAmba = 8;

    /// <summary>VFIO_REGION_INFO_FLAG_READ.</summary>
    public const uint RegionRead = 1;

    /// <summary>VFIO_REGION_INFO_FLAG_WRITE.</summary>
    public const uint RegionWrite = 2;

    /// <summary>VFIO_REGION_INFO_FLAG_MMAP.</summary>
    public const uint RegionMmap = 4;

    /// <summary>VFIO_REGION_INFO_FLAG_CAPS.</summary>
    public const uint RegionCapabilities = 8;

    /// <summary>VFIO_IRQ_INFO_EVENTFD.</summary>
    public const uint IrqEventFd = 1;

    /// <summary>VFIO_IRQ_INFO_MASKABLE.</summary>
    public const uint IrqMaskable = 2;

    /// <summary>VFIO_IRQ_INFO_AUTOMASKED.</summary>
    public const uint IrqAutoMasked = 4;

    /// <summary>VFIO_IRQ_INFO_NORESIZE.</summary>
    public const uint IrqNoResize = 8;

    /// <summary>VFIO_DEVICE_FEATURE_MASK: which feature.</summary>
    public const uint FeatureIndexMask = 0xFFFF;

    /// <summary>VFIO_DEVICE_FEATURE_GET.</summary>
    public const uint FeatureGet = 0x1_0000;

    /// <summary>VFIO_DEVICE_FEATURE_SET.</summary>
    public const uint FeatureSet = 0x2_0000;

    /// <summary>VFIO_DEVICE_FEATURE_PROBE: only whether GET or SET would do.</summary>
    public const uint FeatureProbe = 0x4_0000;

    /// <summary>VFIO_IRQ_SET_DATA_NONE.</summary>
    public const uint SetDataNone = 1;

    /// <summary>VFIO_IRQ_SET_DATA_BOOL.</summary>
    public const uint SetDataBool = 2;

    /// <summary>VFIO_IRQ_SET_DATA_EVENTFD.</summary>
    public const uint SetDataEventFd = 4;

    /// <summary>VFIO_IRQ_SET_ACTION_MASK.</summary>
    public const uint SetActionMask = 8;

    /// <summary>VFIO_IRQ_SET_ACTION_UNMASK.</summary>
    public const uint SetActionUnmask = 0x10;

    /// <summary>VFIO_IRQ_SET_ACTION_TRIGGER.</summary>
    public const uint SetActionTrigger = 0x20;

    /// <summary>VFIO_IOMMU_INFO_PGSIZES.</summary>
    public const uint InfoPageSizes = 1;

    /// <summary>VFIO_IOMMU_INFO_CAPS.</summary>
    public const uint InfoCapabilities = 2;

    /// <summary>VFIO_DMA_MAP_FLAG_READ: the device may read memory.</summary>
    public const uint MapRead = 1;

    /// <summary>VFIO_DMA_MAP_FLAG_WRITE: the device may write memory.</summary>
    public const uint MapWrite = 2;

    /// <summary>VFIO_DMA_MAP_FLAG_VADDR.</summary>
    public const uint MapVaddr = 4;

    /// <summary>VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP.</summary>
    public const uint UnmapGetDirtyBitmap = 1;

    /// <summary>VFIO_DMA_UNMAP_FLAG_ALL.</summary>
    public const uint UnmapAll = 2;

    /// <summary>VFIO_DMA_UNMAP_FLAG_VADDR.</summary>
    public const uint UnmapVaddr = 4;
}

/// <summary>struct vfio_group_status.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioGroupStatus
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_GROUP_FLAGS_*.</summary>
    public uint Flags;
}

/// <summary>struct vfio_device_info, as far as it is required.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceInfo
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_DEVICE_FLAGS_*.</summary>
    public uint Flags;

    /// <summary>How many regions.</summary>
    public uint RegionCount;

    /// <summary>How many interrupts.</summary>
    public uint IrqCount;
}

/// <summary>struct vfio_region_info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioRegionInfo
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_REGION_INFO_FLAG_*.</summary>
    public uint Flags;

    /// <summary>Which region.</summary>
    public uint Index;

    /// <summary>Where capabilities begin; platform devices have none.</summary>
    public uint CapabilityOffset;

    /// <summary>Its length in bytes.</summary>
    public ulong Size;

    /// <summary>Where it is in the device file.</summary>
    public ulong Offset;
}

/// <summary>struct vfio_irq_info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioIrqInfo
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_IRQ_INFO_*.</summary>
    public uint Flags;

    /// <summary>Which interrupt.</summary>
    public uint Index;

    /// <summary>How many vectors it has.</summary>
    public uint Count;
}

/// <summary>The head of struct vfio_irq_set; data follows.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioIrqSet
{
    /// <summary>How large head and data are.</summary>
    public uint ArgumentBytes;

    /// <summary>One VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*.</summary>
    public uint Flags;

    /// <summary>Which interrupt.</summary>
    public uint Index;

    /// <summary>The first vector.</summary>
    public uint Start;

    /// <summary>How many vectors.</summary>
    public uint Count;
}

/// <summary>The head of struct vfio_pci_hot_reset_info and of struct vfio_pci_hot_reset.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioPciHotResetHead
{
    /// <summary>How large head and list are.</summary>
    public uint ArgumentBytes;

    /// <summary>0 for groups.</summary>
    public uint Flags;

    /// <summary>How long the list is.</summary>
    public uint Count;
}

/// <summary>struct vfio_device_ioeventfd.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceIoEventFd
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>The size of the store: 1, 2, 4 or 8.</summary>
    public uint Flags;

    /// <summary>Where in the device file.</summary>
    public ulong Offset;

    /// <summary>What is stored.</summary>
    public ulong Data;

    /// <summary>The eventfd; -1 to end it.</summary>
    public int Descriptor;

    /// <summary>Padding.</summary>
    public uint Reserved;
}

/// <summary>The head of struct vfio_device_feature; data follows.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceFeature
{
    /// <summary>How large head and data are.</summary>
    public uint ArgumentBytes;

    /// <summary>The feature, and what is asked of it.</summary>
    public uint Flags;
}

/// <summary>struct vfio_iommu_type1_info; capabilities follow.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioIommuInfo
{
    /// <summary>How large the caller's buffer is; how large it must be, when it was too small for the capabilities.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_IOMMU_INFO_*.</summary>
    public uint Flags;

    /// <summary>The page sizes that every domain takes.</summary>
    public ulong PageSizes;

    /// <summary>Where capabilities begin, from the start of the struct; 0 for none.</summary>
    public uint CapabilityOffset;

    /// <summary>Padding.</summary>
    public uint Padding;
}

/// <summary>struct vfio_iommu_type1_dma_map.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDmaMap
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_DMA_MAP_FLAG_*.</summary>
    public uint Flags;

    /// <summary>The process's address.</summary>
    public ulong Vaddr;

    /// <summary>The device's address.</summary>
    public ulong Iova;

    /// <summary>The length in bytes.</summary>
    public ulong Size;
}

/// <summary>The head of struct vfio_iommu_type1_dma_unmap.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDmaUnmap
{
    /// <summary>How large the caller's struct is.</summary>
    public uint ArgumentBytes;

    /// <summary>VFIO_DMA_UNMAP_FLAG_*.</summary>
    public uint Flags;

    /// <summary>The device's address.</summary>
    public ulong Iova;

    /// <summary>The length; on return, how much was unmapped.</summary>
    public ulong Size;
}

/// <summary>struct vfio_bitmap.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioBitmap
{
    /// <summary>How much memory a bit stands for.</summary>
    public ulong PageBytes;

    /// <summary>The bitmap's length in bytes.</summary>
    public ulong Size;

    /// <summary>The process's address of the bitmap.</summary>
    public ulong Data;
}

/// <summary>The head of struct vfio_iommu_type1_dirty_bitmap.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDirtyBitmap
{
    /// <summary>How large head and data are.</summary>
    public uint ArgumentBytes;

    /// <summary>1 START, 2 STOP, 4 GET_BITMAP.</summary>
    public uint Flags;
}

/// <summary>struct vfio_iommu_type1_dirty_bitmap_get.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDirtyBitmapGet
{
    /// <summary>The first device address.</summary>
    public ulong Iova;

    /// <summary>The length in bytes.</summary>
    public ulong Size;

    /// <summary>Where the bits go.</summary>
    public VfioBitmap Bitmap;
}
