using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>
/// What both programs of the suite do with VFIO, call by call as src_test/vfio_utils.c of virtualopensystems/vfio-host-test
/// does. Variables that the C code leaves uninitialised are 0 here.
/// </summary>
internal sealed class VfioUser(Libc libc)
{
    /// <summary>VFIO_CONTAINER_PATH.</summary>
    public const string ContainerPath = "/dev/vfio/vfio";

    private const uint ApiVersion = 0;

    private VfioGroupStatus _status = new() { ArgumentBytes = (uint)Unsafe.SizeOf<VfioGroupStatus>() };

    /// <summary>The container's descriptor, or what open(2) gave instead.</summary>
    public long Container { get; private set; }

    /// <summary>The group's descriptor, or what open(2) gave instead.</summary>
    public long Group { get; private set; }

    /// <summary>Opens the container, and asks what it can do.</summary>
    public async Task<bool> OpenContainer()
    {
        // A failed open leaves -1 in the program's variable, and the next call gets that.
        Container = Math.Max(-1, await libc.Open(ContainerPath, OpenFlags.ReadWrite));
        return await libc.Ioctl(Container, VfioIoctl.GetApiVersion) == ApiVersion
            && Truth(await libc.Ioctl(Container, VfioIoctl.CheckExtension, VfioExtension.Type1));
    }

    /// <summary>Opens a group, and asks whether it is viable; that the call itself fails is not looked at.</summary>
    public async Task<bool> OpenGroup(string path)
    {
        Group = Math.Max(-1, await libc.Open(path, OpenFlags.ReadWrite));
        (_, _status) = await libc.Ioctl(Group, VfioIoctl.GroupGetStatus, _status);
        return (_status.Flags & VfioFlags.GroupViable) != 0;
    }

    /// <summary>Puts the group into the container, and chooses type1.</summary>
    public async Task<bool> SetUp()
    {
        (long result, _) = await libc.Ioctl(Group, VfioIoctl.GroupSetContainer, (int)Container);
        return result == 0 && await libc.Ioctl(Container, VfioIoctl.SetIommu, VfioExtension.Type1) == 0;
    }

    /// <summary>Allocates memory and maps it for the device.</summary>
    /// <returns>Whether it was mapped, and how, wherever that is.</returns>
    public async Task<(bool IsMapped, VfioDmaMap Map)> MapMemory(ulong iova, ulong sizeBytes)
    {
        const Protection Both = Protection.Read | Protection.Write;
        long memory = await libc.Mmap(sizeBytes, Both, MapFlags.Private | MapFlags.Anonymous, 0);
        var map = new VfioDmaMap
        {
            ArgumentBytes = (uint)Unsafe.SizeOf<VfioDmaMap>(),
            Flags = VfioFlags.MapRead | VfioFlags.MapWrite,
            Vaddr = memory < 0 ? Libc.MapFailed : (ulong)memory,
            Iova = iova,
            Size = sizeBytes,
        };
        (long result, map) = await libc.Ioctl(Container, VfioIoctl.IommuMapDma, map);
        return (result == 0, map);
    }

    /// <summary>Unmaps with the flags of the mapping, which every kernel refuses; the result is not looked at.</summary>
    public Task UnmapMemory(VfioDmaMap map) =>
        libc.Ioctl(
            Container,
            VfioIoctl.IommuUnmapDma,
            new VfioDmaUnmap
            {
                ArgumentBytes = (uint)Unsafe.SizeOf<VfioDmaUnmap>(),
                Flags = map.Flags,
                Iova = map.Iova,
                Size = map.Size,
            }
        );

    /// <summary>The device's descriptor, or a negative errno.</summary>
    public Task<long> GetDevice(string name) => libc.Ioctl(Group, VfioIoctl.GroupGetDeviceFd, name);

    /// <summary>How many regions and interrupts the device has.</summary>
    public async Task<VfioDeviceInfo> GetInfo(long device)
    {
        var info = new VfioDeviceInfo { ArgumentBytes = (uint)Unsafe.SizeOf<VfioDeviceInfo>() };
        return (await libc.Ioctl(device, VfioIoctl.DeviceGetInfo, info)).Value;
    }

    /// <summary>The device's regions.</summary>
    public async Task<IReadOnlyList<VfioRegionInfo>> GetRegions(long device, uint count)
    {
        var regions = new List<VfioRegionInfo>();
        for (uint n = 0; n < count; n++)
        {
            var region = new VfioRegionInfo { ArgumentBytes = (uint)Unsafe.SizeOf<VfioRegionInfo>(), Index = n };
            regions.Add((await libc.Ioctl(device, VfioIoctl.DeviceGetRegionInfo, region)).Value);
        }

        return regions;
    }

    /// <summary>The device's interrupts.</summary>
    public async Task<IReadOnlyList<VfioIrqInfo>> GetIrqs(long device, uint count)
    {
        var irqs = new List<VfioIrqInfo>();
        for (uint n = 0; n < count; n++)
        {
            var irq = new VfioIrqInfo { ArgumentBytes = (uint)Unsafe.SizeOf<VfioIrqInfo>(), Index = n };
            irqs.Add((await libc.Ioctl(device, VfioIoctl.DeviceGetIrqInfo, irq)).Value);
        }

        return irqs;
    }

    /// <summary>Maps a region of the device, or <see cref="Libc.MapFailed"/>.</summary>
    public async Task<ulong> MapRegion(long device, VfioRegionInfo region)
    {
        const Protection Both = Protection.Read | Protection.Write;
        long address = await libc.Mmap(region.Size, Both, MapFlags.Shared, device, region.Offset);
        return address < 0 ? Libc.MapFailed : (ulong)address;
    }

    /// <summary>eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC).</summary>
    public Task<long> NewEventFd() => libc.EventFd(0, (int)(OpenFlags.NonBlocking | OpenFlags.CloseOnExec));

    /// <summary>Has an interrupt raise an eventfd.</summary>
    public async Task<bool> SetTrigger(long device, uint index, long eventFd)
    {
        int head = Unsafe.SizeOf<VfioIrqSet>();
        byte[] set = new byte[head + sizeof(int)];
        MemoryMarshal.Write(
            set,
            new VfioIrqSet
            {
                ArgumentBytes = (uint)set.Length,
                Flags = VfioFlags.SetDataEventFd | VfioFlags.SetActionTrigger,
                Index = index,
                Count = 1,
            }
        );
        MemoryMarshal.Write(set.AsSpan(head), (int)eventFd);
        return await libc.Ioctl(device, VfioIoctl.DeviceSetIrqs, set) == 0;
    }

    /// <summary>Has an interrupt raise nothing any more.</summary>
    public async Task<bool> ClearTrigger(long device, uint index)
    {
        var set = new VfioIrqSet
        {
            ArgumentBytes = (uint)Unsafe.SizeOf<VfioIrqSet>(),
            Flags = VfioFlags.SetDataNone | VfioFlags.SetActionTrigger,
            Index = index,
        };
        return (await libc.Ioctl(device, VfioIoctl.DeviceSetIrqs, set)).Result == 0;
    }

    /// <summary>What C makes of a result that it takes for a truth: -1 is one.</summary>
    private static bool Truth(long result) => result != 0;
}
