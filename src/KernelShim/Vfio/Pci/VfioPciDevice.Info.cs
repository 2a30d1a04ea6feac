using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <content>What it is made of: GET_INFO, GET_REGION_INFO, GET_IRQ_INFO.</content>
internal sealed partial class VfioPciDevice
{
    private const int ConfigurationRegion = 7;
    private const int VgaRegion = 8;
    private const int RegionCount = 9;
    private const int ErrorIrq = 3;
    private const int RequestIrq = 4;
    private const int InfoRequiredBytes = 16;
    private const int InfoWithCapabilityBytes = 20;
    private const int RegionInfoBytes = 32;
    private const ushort MsixMappable = 3;
    private const int NoBar = -1;

    private int _tableBar = NoBar;
    private ulong _tableOffset;
    private ulong _tableBytes;

    /// <summary>How many interrupts an index has (vfio_pci_get_irq_count).</summary>
    public int CountOf(uint index)
    {
        switch (index)
        {
            case (uint)VfioPciInterruptKind.Intx:
                bool hasLine = !HasNoInterrupt && Function.PhysicalFunction is null;
                return hasLine && Function.ReadByte(PciRegisters.InterruptPin) != 0 ? 1 : 0;
            case (uint)VfioPciInterruptKind.Msi:
                int msi = Function.MsiCapability;
                return msi == 0 ? 0 : 1 << (Function.ReadWord(msi + 2) >> 1 & 7);
            case (uint)VfioPciInterruptKind.MsiX:
                int msix = Function.MsiXCapability;
                return msix == 0 ? 0 : (Function.ReadWord(msix + 2) & 0x7FF) + 1;
            case ErrorIrq:
                return Function.IsExpress ? 1 : 0;
            case RequestIrq:
                return 1;
            default:
                return 0;
        }
    }

    private long GetInfo(Process process, ulong argument)
    {
        const string FunctionName = "vfio_pci_ioctl_get_info";
        if (!UserStruct.TryRead(process, argument, out VfioDeviceInfo info, InfoRequiredBytes))
        {
            return UserStruct.CannotRead(process, FunctionName);
        }

        if (info.ArgumentBytes < InfoRequiredBytes)
        {
            return UserStruct.TooSmall(process, FunctionName, info.ArgumentBytes, InfoRequiredBytes);
        }

        info.Flags = VfioFlags.DevicePci | (CanReset ? VfioFlags.DeviceReset : 0);
        info.RegionCount = RegionCount;
        info.IrqCount = IrqIndexes;
        if (!UserStruct.TryWrite(process, argument, info))
        {
            return UserStruct.CannotWrite(process, FunctionName);
        }

        // cap_offset follows in a struct that has it; there are no capabilities.
        bool hasOffset = info.ArgumentBytes >= InfoWithCapabilityBytes;
        return !hasOffset || UserStruct.TryWrite(process, argument + InfoRequiredBytes, 0u)
            ? 0
            : UserStruct.CannotWrite(process, FunctionName);
    }

    private long GetRegionInfo(Process process, ulong argument)
    {
        const string FunctionName = "vfio_pci_ioctl_get_region_info";
        if (UserStruct.Take(process, argument, FunctionName, RegionInfoBytes, out VfioRegionInfo info) is { } refused)
        {
            return refused;
        }

        // The legacy ranges of VGA are built for x86 alone (CONFIG_VFIO_PCI_VGA).
        if (info.Index >= VgaRegion)
        {
            return process.Refuse(Errno.EINVAL, FunctionName, $"there is no region {info.Index}");
        }

        const uint readWrite = VfioFlags.RegionRead | VfioFlags.RegionWrite;
        int index = (int)info.Index;
        info.Offset = (ulong)index << OffsetShift;
        (info.Size, info.Flags) = index switch
        {
            ConfigurationRegion => ((ulong)Function.ConfigurationBytes, readWrite),
            PciDevice.RomResource => DescribeRom(),
            _ => DescribeBar(index, readWrite),
        };
        bool hasCapability = index < PciDevice.RomResource && index == _tableBar && _canMap[index];
        return hasCapability ? WriteWithCapability(process, argument, info) : WriteRegionInfo(process, argument, info);
    }

    private long GetIrqInfo(Process process, ulong argument)
    {
        const string FunctionName = "vfio_pci_ioctl_get_irq_info";
        if (UserStruct.Take(process, argument, FunctionName, 16, out VfioIrqInfo info) is { } refused)
        {
            return refused;
        }

        if (info.Index >= IrqIndexes || (info.Index == ErrorIrq && !Function.IsExpress))
        {
            return process.Refuse(Errno.EINVAL, FunctionName, $"there is no interrupt {info.Index}");
        }

        info.Count = (uint)CountOf(info.Index);
        info.Flags =
            VfioFlags.IrqEventFd
            | (info.Index == 0 ? VfioFlags.IrqMaskable | VfioFlags.IrqAutoMasked : VfioFlags.IrqNoResize);
        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, FunctionName);
    }

    private (ulong Size, uint Flags) DescribeBar(int index, uint readWrite)
    {
        ulong size = LengthOf(index);
        return size == 0 ? (0, 0) : (size, readWrite | (_canMap[index] ? VfioFlags.RegionMmap : 0));
    }

    /// <summary>The size is the register's, and the region is there when what is behind it begins as a ROM does.</summary>
    private (ulong Size, uint Flags) DescribeRom()
    {
        bool isThere = false;
        if (LengthOf(PciDevice.RomResource) != 0)
        {
            WithMemory(() =>
            {
                using var rom = PciRom.Map(Kernel.Pci, Function);
                isThere = rom is not null;
            });
        }

        return isThere ? (LengthOf(PciDevice.RomResource), VfioFlags.RegionRead) : (0, 0);
    }

    private static long WriteRegionInfo(Process process, ulong argument, VfioRegionInfo info) =>
        UserStruct.TryWrite(process, argument, info)
            ? 0
            : UserStruct.CannotWrite(process, "vfio_pci_ioctl_get_region_info");

    /// <summary>
    /// The capability that tells of a table that can be mapped although it lies behind the BAR (msix_mappable_cap); a struct
    /// too small for it learns how large it must be.
    /// </summary>
    private static long WriteWithCapability(Process process, ulong argument, VfioRegionInfo info)
    {
        const int capabilityBytes = 8;
        info.Flags |= VfioFlags.RegionCapabilities;
        if (info.ArgumentBytes < RegionInfoBytes + capabilityBytes)
        {
            info.ArgumentBytes = RegionInfoBytes + capabilityBytes;
            info.CapabilityOffset = 0;
            return WriteRegionInfo(process, argument, info);
        }

        Span<byte> capability = stackalloc byte[capabilityBytes];
        capability.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(capability, MsixMappable);
        BinaryPrimitives.WriteUInt16LittleEndian(capability[2..], 1);
        if (!process.Memory.TryWrite(argument + RegionInfoBytes, capability))
        {
            return UserStruct.CannotWrite(process, "vfio_pci_ioctl_get_region_info");
        }

        info.CapabilityOffset = RegionInfoBytes;
        return WriteRegionInfo(process, argument, info);
    }

    private void FindMessageTable()
    {
        _tableBar = NoBar;
        if (Function.MsiXCapability is var at and not 0)
        {
            uint place = Function.ReadDword(at + 4);
            _tableBar = (int)(place & 7);
            _tableOffset = place & ~7u;
            _tableBytes = (ulong)((Function.ReadWord(at + 2) & 0x7FF) + 1) * 16;
        }
    }

    /// <summary>
    /// vfio_pci_probe_mmaps: memory in whole pages, or less than one that begins a page of which the rest is free.
    /// </summary>
    private void FindMappable()
    {
        const ulong page = PageAllocator.PageBytes;
        for (int index = 0; index < PciDevice.RomResource; index++)
        {
            PciResource region = Function.Regions[index];
            ulong length = LengthOf(index);
            _canMap[index] =
                region.IsMemory
                && length != 0
                && (length >= page || (region.Start % page == 0 && region.Parent?.IsFreeAfter(region, page) == true));
        }
    }
}
