using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// A function in the hands of programs (drivers/vfio/pci/vfio_pci_core.c): its regions, its virtual configuration space, its
/// interrupts and its resets. Registers are reached by loads and stores of the CPU.
/// </summary>
internal sealed partial class VfioPciDevice : VfioDevice
{
    /// <summary>VFIO_PCI_ROM_REGION_INDEX.</summary>
    internal const int RomRegion = 6;

    /// <summary>VFIO_PCI_CONFIG_REGION_INDEX.</summary>
    internal const int ConfigurationRegion = 7;

    private const int RegionCount = 9;
    private const int OffsetShift = 40;
    private const ulong OffsetMask = (1UL << OffsetShift) - 1;
    private const uint DeviceFlagPci = 2;
    private const uint RegionFlagCapabilities = 8;
    private const ulong PageMask = PageAllocator.PageBytes - 1;

    private readonly PciDevice _device;
    private readonly VfioPciInterrupts _interrupts;
    private VfioPciConfiguration? _configuration;
    private bool _resets;

    public VfioPciDevice(VfioCore core, PciDevice device)
        : base(core, device)
    {
        _device = device;
        _interrupts = new VfioPciInterrupts(core.Kernel, device);
    }

    /// <summary>The PCI function.</summary>
    public PciDevice PciFunction => _device;

    private CpuPort Cpu => Core.Kernel.Board.Cpu;

    /// <summary>Somebody wants to unbind it: the program is told, at first once.</summary>
    public void Request() => _interrupts.Request();

    internal override long Ioctl(Process process, uint command, ulong argument) =>
        command switch
        {
            VfioIoctl.DeviceGetInfo => GetInfo(process, argument),
            VfioIoctl.DeviceGetRegionInfo => GetRegionInfo(process, argument),
            VfioIoctl.DeviceGetIrqInfo => GetIrqInfo(process, argument),
            VfioIoctl.DeviceSetIrqs => _interrupts.Set(process, argument),
            VfioIoctl.DeviceReset => Reset(process),
            VfioPciHotReset.GetInfo => VfioPciHotReset.Tell(Core, this, process, argument),
            VfioPciHotReset.Run => VfioPciHotReset.Reset(Core, this, process, argument),
            VfioIoctl.DeviceFeature => VfioPciFeatures.Run(process, argument),
            _ => process.Refuse(Errno.ENOTTY, "vfio_pci_core_ioctl", $"0x{command:x} is no ioctl of a PCI function"),
        };

    internal override long Read(Process process, ulong buffer, long count, ulong position) =>
        Transfer(process, buffer, count, position, isWrite: false);

    internal override long Write(Process process, ulong buffer, long count, ulong position) =>
        Transfer(process, buffer, count, position, isWrite: true);

    /// <summary>vfio_pci_core_mmap.</summary>
    internal override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes)
    {
        ulong index = offset >> OffsetShift;
        ulong start = offset & OffsetMask;
        string? reason =
            !area.IsShared ? "registers are mapped MAP_SHARED"
            : index >= RomRegion ? $"region {index} cannot be mapped"
            : !CanMap((int)index) ? $"region {index} is no memory that begins at a page"
            : start + lengthBytes > PciResource.AlignUp(_device.Regions[index].Size, PageAllocator.PageBytes)
                ? $"it reaches beyond the end of region {index}"
            : null;
        if (reason is not null)
        {
            return process.Refuse(Errno.EINVAL, "vfio_pci_core_mmap", reason);
        }

        area.DeviceAddress = _device.Regions[index].Start + start;
        return 0;
    }

    /// <summary>vfio_pci_core_enable: bus mastering is off, the function is reset if it can be, and its space is copied.</summary>
    private protected override long Enable(Process process)
    {
        PciCore pci = Core.Kernel.Pci;
        ClearMaster();
        long error = pci.Enable(_device);
        if (error != 0)
        {
            return process.Refuse((Errno)(-error), "vfio_pci_core_enable", "the function could not be enabled");
        }

        _resets = PciReset.TryReset(_device);
        _device.UpdateWord(PciRegisters.Command, PciRegisters.CommandInterruptDisable, 0);
        _configuration = new VfioPciConfiguration(_device);
        _interrupts.Open();
        return 0;
    }

    /// <summary>vfio_pci_core_disable.</summary>
    private protected override void Disable()
    {
        ClearMaster();
        _interrupts.Close();
        _configuration?.Restore();
        _configuration = null;
        if (_resets)
        {
            PciReset.TryReset(_device);
        }

        Core.Kernel.Pci.Disable(_device);
    }

    private void ClearMaster() => _device.UpdateWord(PciRegisters.Command, PciRegisters.CommandMaster, 0);

    private long GetInfo(Process process, ulong argument)
    {
        const string Function = "vfio_pci_ioctl_get_info";
        if (UserStruct.Take(process, argument, Function, 16, out VfioDeviceInfo info) is { } refused)
        {
            return refused;
        }

        info.Flags = DeviceFlagPci | (_resets ? VfioFlags.DeviceReset : 0);
        info.RegionCount = RegionCount;
        info.IrqCount = VfioPciInterrupts.IndexCount;
        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private long GetRegionInfo(Process process, ulong argument)
    {
        const string Function = "vfio_pci_ioctl_get_region_info";
        if (UserStruct.Take(process, argument, Function, 32, out VfioRegionInfo info) is { } refused)
        {
            return refused;
        }

        if (info.Index > ConfigurationRegion)
        {
            return process.Refuse(Errno.EINVAL, Function, $"there is no region {info.Index}");
        }

        int index = (int)info.Index;
        info.Offset = (ulong)index << OffsetShift;
        info.Flags = FlagsOf(index);
        info.Size =
            info.Flags == 0 ? 0
            : index == ConfigurationRegion ? (ulong)_device.ConfigurationBytes
            : _device.Regions[index].Size;
        info.CapabilityOffset = 0;
        if (index < RomRegion && info.Flags != 0 && index == MsixBar())
        {
            WriteMappableMsix(process, argument, ref info);
        }

        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    /// <summary>msix_mappable_cap: the table may be mapped although it is emulated; argsz says how much room it takes.</summary>
    private static void WriteMappableMsix(Process process, ulong argument, ref VfioRegionInfo info)
    {
        const uint headBytes = 32;
        const uint capabilityBytes = 8;
        info.Flags |= RegionFlagCapabilities;
        if (info.ArgumentBytes < headBytes + capabilityBytes)
        {
            info.ArgumentBytes = headBytes + capabilityBytes;
            return;
        }

        // VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, version 1, the last.
        process.Memory.TryWrite(argument + headBytes, [3, 0, 1, 0, 0, 0, 0, 0]);
        info.CapabilityOffset = headBytes;
    }

    private long GetIrqInfo(Process process, ulong argument)
    {
        const string Function = "vfio_pci_ioctl_get_irq_info";
        if (UserStruct.Take(process, argument, Function, 16, out VfioIrqInfo info) is { } refused)
        {
            return refused;
        }

        if (!_interrupts.TryDescribe(info.Index, out info.Flags, out info.Count))
        {
            return process.Refuse(Errno.EINVAL, Function, $"there is no interrupt index {info.Index}");
        }

        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private long Reset(Process process)
    {
        const string Function = "vfio_pci_ioctl_reset";
        if (!_resets)
        {
            return process.Refuse(Errno.EINVAL, Function, "the function has no reset that works");
        }

        PciReset.TryReset(_device);
        return 0;
    }

    private uint FlagsOf(int index)
    {
        const uint both = VfioFlags.RegionRead | VfioFlags.RegionWrite;
        return index switch
        {
            ConfigurationRegion => both,
            RomRegion => HasRom() ? VfioFlags.RegionRead : 0,
            _ when _device.Regions[index] is not { Flags: not 0, Parent: not null } => 0,
            _ => both | (CanMap(index) ? VfioFlags.RegionMmap : 0),
        };
    }

    private bool CanMap(int index) =>
        _device.Regions[index] is { IsMemory: true, Parent: not null } region && (region.Start & PageMask) == 0;

    /// <summary>The BAR with the MSI-X table; -1 without one.</summary>
    private int MsixBar() =>
        _device.FindCapability(PciCapabilityId.MsiX) is var at and not 0 ? (int)_device.ReadDword(at + 4) & 7 : -1;
}
