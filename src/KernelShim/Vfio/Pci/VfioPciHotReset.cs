using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>
/// Resetting everything behind a bridge (vfio_pci_ioctl_get_pci_hot_reset_info, vfio_pci_ioctl_pci_hot_reset): only who owns the
/// groups of all that is reset may.
/// </summary>
internal sealed class VfioPciHotReset(VfioPciDevice owner)
{
    private const int HeadBytes = 12;
    private const int EntryBytes = 8;

    /// <summary>VFIO_PCI_HOT_RESET_FLAG_DEV_ID: entries name devices of an iommufd.</summary>
    private const uint NamesDevices = 1;

    /// <summary>VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED: the caller owns all of them.</summary>
    private const uint OwnsDevices = 2;

    /// <summary>VFIO_PCI_DEVID_OWNED: a device without an ID whose group is the iommufd's.</summary>
    private const uint OwnedDevice = 0;

    /// <summary>VFIO_PCI_DEVID_NOT_OWNED.</summary>
    private const uint ForeignDevice = uint.MaxValue;

    private PciBus Bus => owner.Function.OnBus;

    /// <summary>The iommufd of a function that is open by its own node.</summary>
    private IommufdContext? Context => owner.NodeBinding?.Context;

    /// <summary>
    /// pci_probe_reset_slot and pci_probe_reset_bus: a bus can be reset by the bridge above it; root buses have none.
    /// </summary>
    private bool IsPossible => Bus.Bridge is not null;

    /// <summary>vfio_pci_ioctl_get_pci_hot_reset_info.</summary>
    public long GetInfo(Process process, ulong argument)
    {
        const string Function = "vfio_pci_ioctl_get_pci_hot_reset_info";
        if (UserStruct.Take(process, argument, Function, HeadBytes, out VfioPciHotResetHead head) is { } refused)
        {
            return refused;
        }

        if (!IsPossible)
        {
            return process.Refuse(Errno.ENODEV, Function, "nothing above the function can reset its bus or slot");
        }

        List<PciDevice> affected = [.. Affected(Bus)];
        head.Flags = 0;
        long result = 0;
        byte[] entries = [];
        if (head.ArgumentBytes < HeadBytes + affected.Count * EntryBytes)
        {
            head.Count = (uint)affected.Count;
            result = process.Refuse(Errno.ENOSPC, Function, $"{affected.Count} functions are reset together");
        }
        else if (Context is null && affected.Find(device => device.Group is null) is { } loose)
        {
            result = process.Refuse(Errno.EPERM, "vfio_pci_fill_devs", $"{loose.Name} is in no IOMMU group");
        }
        else
        {
            head.Count = (uint)affected.Count;
            head.Flags = FlagsFor(affected);
            entries = [.. affected.SelectMany(Entry)];
        }

        return UserStruct.TryWrite(process, argument, head) && process.Memory.TryWrite(argument + HeadBytes, entries)
            ? result
            : UserStruct.CannotWrite(process, Function);
    }

    /// <summary>vfio_pci_ioctl_pci_hot_reset.</summary>
    public long Run(Process process, ulong argument)
    {
        const string Function = "vfio_pci_ioctl_pci_hot_reset";
        if (UserStruct.Take(process, argument, Function, HeadBytes, out VfioPciHotResetHead head) is { } refused)
        {
            return refused;
        }

        if (head.Flags != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"flags 0x{head.Flags:x} are not 0");
        }

        // Since there are device nodes an empty list means those that own by them, and is looked at first.
        if (owner.Kernel.Profile.VfioPciResetsByContext && head.Count == 0 != Context is not null)
        {
            return process.Refuse(Errno.EINVAL, Function, "groups are given by who has groups, and by nobody else");
        }

        if (!IsPossible)
        {
            return process.Refuse(Errno.ENODEV, Function, "nothing above the function can reset its bus or slot");
        }

        if (Context is not null)
        {
            return ResetSet(process, []);
        }

        int most = Affected(Bus).Count();
        if (head.Count == 0 || head.Count > most)
        {
            return process.Refuse(Errno.EINVAL, Function, $"{head.Count} groups are given, for {most} functions");
        }

        byte[] descriptors = new byte[4 * head.Count];
        return process.Memory.TryRead(argument + HeadBytes, descriptors)
            ? Reset(process, descriptors)
            : UserStruct.CannotRead(process, Function);
    }

    private uint FlagsFor(List<PciDevice> affected) =>
        Context is null ? 0
        : affected.Exists(device => IdOf(device) == ForeignDevice) ? NamesDevices
        : NamesDevices | OwnsDevices;

    /// <summary>vfio_iommufd_get_dev_id.</summary>
    private uint IdOf(PciDevice device)
    {
        if (device.DriverData is not VfioPciDevice vfio)
        {
            return ForeignDevice;
        }

        if (vfio.NodeBinding is { } binding && binding.Context == Context)
        {
            return binding.Id;
        }

        bool isInGroup = vfio.Group!.Devices.Exists(member => member.NodeBinding?.Context == Context);
        return isInGroup ? OwnedDevice : ForeignDevice;
    }

    private byte[] Entry(PciDevice device)
    {
        byte[] entry = new byte[EntryBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, Context is null ? (uint)device.Group!.Id : IdOf(device));
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(4), (ushort)device.OnBus.Host.Domain);
        entry[6] = (byte)device.OnBus.Number;
        entry[7] = (byte)device.Devfn;
        return entry;
    }

    /// <summary>vfio_pci_for_each_slot_or_bus: what is on the bus, and each time what is below it.</summary>
    private static IEnumerable<PciDevice> Affected(PciBus bus) =>
        bus.Devices.SelectMany(device =>
            device.Subordinate is { } below ? Affected(below).Prepend(device) : Enumerable.Repeat(device, 1)
        );

    private long Reset(Process process, ReadOnlySpan<byte> descriptors)
    {
        const string Function = "vfio_pci_ioctl_pci_hot_reset_groups";
        List<VfioGroup> groups = [];
        for (int n = 0; n < descriptors.Length; n += 4)
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(descriptors[n..]);
            if (process.FindFile(descriptor) is not { } file)
            {
                return process.Refuse(Errno.EBADF, Function, $"descriptor {descriptor} is not open");
            }

            if (file is not VfioGroupFile { Group: var group })
            {
                return process.Refuse(Errno.EINVAL, Function, $"descriptor {descriptor} is no VFIO group");
            }

            groups.Add(group);
        }

        return ResetSet(process, groups);
    }

    /// <summary>vfio_pci_dev_set_hot_reset.</summary>
    private long ResetSet(Process process, List<VfioGroup> groups)
    {
        const string Function = "vfio_pci_dev_set_hot_reset";
        List<PciDevice> affected = [.. Affected(Bus)];
        if (affected.Find(device => device.DriverData is not VfioPciDevice) is { } foreign)
        {
            return process.Refuse(
                Errno.EINVAL,
                "vfio_pci_dev_set_resettable",
                $"{foreign.Name} would be reset too and is not bound to vfio-pci"
            );
        }

        List<VfioPciDevice> set = [.. affected.Select(device => (VfioPciDevice)device.DriverData!)];
        bool IsOwned(VfioPciDevice device) =>
            Context is null ? groups.Contains(device.Group!) : IdOf(device.Function) != ForeignDevice;
        if (set.Find(device => !IsOwned(device)) is { } other)
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                $"{other.Function.Name} would be reset too, and the caller has not shown that it owns it"
            );
        }

        PciSavedState[] saved =
        [
            .. affected.Select(device =>
            {
                VfioPciPower power = ((VfioPciDevice)device.DriverData!).Power;
                power.Resume();
                power.TrySet(VfioPciPower.D0);
                return PciReset.Prepare(owner.Kernel.Pci, device);
            }),
        ];
        PciReset.ResetSecondaryBus(Bus.Bridge!);
        foreach (PciSavedState state in saved)
        {
            state.Restore();
        }

        set.ForEach(device => device.Power.Suspend());
        return 0;
    }
}
