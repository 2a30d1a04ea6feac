using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>
/// Resetting everything behind a port (VFIO_DEVICE_GET_PCI_HOT_RESET_INFO and VFIO_DEVICE_PCI_HOT_RESET of
/// drivers/vfio/pci/vfio_pci_core.c): only who owns all of it may.
/// </summary>
internal static class VfioPciHotReset
{
    /// <summary>VFIO_DEVICE_GET_PCI_HOT_RESET_INFO.</summary>
    public const uint GetInfo = 0x3B70;

    /// <summary>VFIO_DEVICE_PCI_HOT_RESET.</summary>
    public const uint Run = 0x3B71;

    private const int HeadBytes = 12;
    private const int EntryBytes = 8;
    private const string InfoFunction = "vfio_pci_ioctl_get_pci_hot_reset_info";
    private const string ResetFunction = "vfio_pci_ioctl_pci_hot_reset";

    /// <summary>The functions that a reset would hit, with their groups.</summary>
    public static long Tell(VfioCore core, VfioPciDevice device, Process process, ulong argument)
    {
        if (UserStruct.Take(process, argument, InfoFunction, HeadBytes, out VfioGroupStatus head) is { } refused)
        {
            return refused;
        }

        if (!CanReset(core, device))
        {
            return process.Refuse(Errno.ENODEV, InfoFunction, "nothing above the function can reset its bus");
        }

        PciDevice[] affected = [.. AffectedBy(device)];
        if (affected.FirstOrDefault(function => function.Group is null) is { } outside)
        {
            return process.Refuse(Errno.EPERM, InfoFunction, $"{outside.Name} is in no group");
        }

        byte[] answer = new byte[HeadBytes + EntryBytes * affected.Length];
        bool fits = head.ArgumentBytes >= answer.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(answer, head.ArgumentBytes);
        BinaryPrimitives.WriteInt32LittleEndian(answer.AsSpan(8), affected.Length);
        for (int n = 0; n < affected.Length; n++)
        {
            Span<byte> entry = answer.AsSpan(HeadBytes + EntryBytes * n);
            BinaryPrimitives.WriteInt32LittleEndian(entry, affected[n].Group!.Id);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], (ushort)affected[n].OnBus.Host.Domain);
            entry[6] = (byte)affected[n].OnBus.Number;
            entry[7] = (byte)affected[n].Devfn;
        }

        if (!process.Memory.TryWrite(argument, fits ? answer : answer.AsSpan(0, HeadBytes)))
        {
            return UserStruct.CannotWrite(process, InfoFunction);
        }

        return fits ? 0 : process.Refuse(Errno.ENOSPC, InfoFunction, $"{affected.Length} functions do not fit");
    }

    /// <summary>Resets, if the groups given are those of all functions that it hits.</summary>
    public static long Reset(VfioCore core, VfioPciDevice device, Process process, ulong argument)
    {
        if (UserStruct.Take(process, argument, ResetFunction, HeadBytes, out VfioIrqInfo head) is { } refused)
        {
            return refused;
        }

        // struct vfio_pci_hot_reset: argsz, flags, count, then the descriptors.
        uint count = head.Index;
        if (head.Flags != 0)
        {
            return process.Refuse(Errno.EINVAL, ResetFunction, $"flags 0x{head.Flags:x} are not 0");
        }

        if (!CanReset(core, device))
        {
            return process.Refuse(Errno.ENODEV, ResetFunction, "nothing above the function can reset its bus");
        }

        PciDevice[] affected = [.. AffectedBy(device)];
        if (count == 0 || count > affected.Length)
        {
            return process.Refuse(Errno.EINVAL, ResetFunction, $"{count} groups are given for {affected.Length} functions");
        }

        List<VfioGroup> groups = [];
        long error = FindGroups(process, argument + HeadBytes, (int)count, groups);
        if (error != 0)
        {
            return error;
        }

        foreach (PciDevice function in affected)
        {
            bool isOwned =
                function.DriverData is VfioPciDevice { Group: { } group } && groups.Contains(group);
            if (!isOwned)
            {
                return process.Refuse(Errno.EINVAL, "vfio_pci_dev_set_hot_reset", $"{function.Name} is not the caller's");
            }
        }

        PciReset.ResetSecondaryBus(device.PciFunction.OnBus.Bridge!);
        return 0;
    }

    private static long FindGroups(Process process, ulong address, int count, List<VfioGroup> groups)
    {
        byte[] data = new byte[4 * count];
        if (!process.Memory.TryRead(address, data))
        {
            return UserStruct.CannotRead(process, ResetFunction);
        }

        for (int n = 0; n < count; n++)
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(data.AsSpan(4 * n));
            OpenFile? file = process.FindFile(descriptor);
            if (file is null)
            {
                return process.Refuse(Errno.EBADF, ResetFunction, $"descriptor {descriptor} is not open");
            }

            if (file is not VfioGroupFile { Group: { } group })
            {
                return process.Refuse(Errno.EINVAL, ResetFunction, $"descriptor {descriptor} is no group of VFIO");
            }

            groups.Add(group);
        }

        return 0;
    }

    /// <summary>pci_probe_reset_slot and pci_probe_reset_bus: there is a bridge above that can.</summary>
    private static bool CanReset(VfioCore core, VfioPciDevice device)
    {
        _ = core;
        return device.PciFunction.OnBus.Bridge is not null;
    }

    /// <summary>Everything on the function's bus and below.</summary>
    private static IEnumerable<PciDevice> AffectedBy(VfioPciDevice device) => AllOn(device.PciFunction.OnBus);

    private static IEnumerable<PciDevice> AllOn(PciBus bus)
    {
        foreach (PciDevice function in bus.Devices)
        {
            yield return function;
            foreach (PciDevice below in function.Subordinate is { } child ? AllOn(child) : [])
            {
                yield return below;
            }
        }
    }
}
