using System.Runtime.CompilerServices;
using Emulator.KernelShim;
using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>What a process has opened of VFIO: a container, a group and a device, as the steps of a scenario use them.</summary>
internal sealed class OpenedDevice(UserProcess process, string deviceName)
{
    private readonly SortedDictionary<uint, (ulong Address, ulong SizeBytes)> _mapped = [];
    private readonly SortedDictionary<uint, int> _events = [];

    /// <summary>Whose descriptors they are.</summary>
    public UserProcess Process { get; } = process;

    /// <summary>The device's name in sysfs.</summary>
    public string DeviceName { get; } = deviceName;

    /// <summary>The descriptor of /dev/vfio/vfio, or -1.</summary>
    public int Container { get; set; } = -1;

    /// <summary>Whether the container is another's, and stays open when this is closed.</summary>
    public bool SharesContainer { get; init; }

    /// <summary>The descriptor of /dev/vfio/N, or -1.</summary>
    public int Group { get; set; } = -1;

    /// <summary>The device's descriptor, or -1.</summary>
    public int Device { get; set; } = -1;

    /// <summary>The eventfd that signals an interrupt, or null when none was set up.</summary>
    public int? EventOf(uint index) => _events.TryGetValue(index, out int descriptor) ? descriptor : null;

    /// <summary>Remembers the eventfd of an interrupt.</summary>
    public void SetEvent(uint index, int descriptor) => _events[index] = descriptor;

    /// <summary>Forgets the eventfd of an interrupt, and gives it.</summary>
    public int? TakeEvent(uint index) => _events.Remove(index, out int descriptor) ? descriptor : null;

    /// <summary>VFIO_DEVICE_GET_REGION_INFO.</summary>
    public async Task<(CallOutcome Outcome, ulong SizeBytes, ulong Offset)> RegionInfo(Libc libc, uint index)
    {
        var asked = new VfioRegionInfo { ArgumentBytes = (uint)Unsafe.SizeOf<VfioRegionInfo>(), Index = index };
        (long result, VfioRegionInfo info) = await libc.Ioctl(Device, VfioIoctl.DeviceGetRegionInfo, asked);
        return (new CallOutcome("VFIO_DEVICE_GET_REGION_INFO", result), info.Size, info.Offset);
    }

    /// <summary>Maps a region into the process once, and gives its address there.</summary>
    public async Task<(CallOutcome Outcome, ulong Address, ulong SizeBytes)> MapRegion(Libc libc, uint index)
    {
        if (_mapped.TryGetValue(index, out (ulong Address, ulong SizeBytes) known))
        {
            return (new CallOutcome("mmap", 0), known.Address, known.SizeBytes);
        }

        (CallOutcome info, ulong size, ulong offset) = await RegionInfo(libc, index);
        if (info.Result < 0)
        {
            return (info, 0, 0);
        }

        const Protection Both = Protection.Read | Protection.Write;
        long address = await libc.Mmap(size, Both, MapFlags.Shared, Device, offset);
        if (address >= 0)
        {
            _mapped[index] = ((ulong)address, size);
        }

        return (new CallOutcome("mmap of the region", Math.Min(address, 0)), (ulong)address, size);
    }

    /// <summary>Unmaps the regions: done before the device is closed, as a tidy program does.</summary>
    public async Task UnmapRegions(Libc libc)
    {
        foreach ((ulong address, ulong size) in _mapped.Values)
        {
            await libc.Munmap(address, size);
        }

        _mapped.Clear();
    }
}

/// <summary>What a call of a step gave.</summary>
/// <param name="Call">The call, as a person names it: <c>VFIO_IOMMU_MAP_DMA</c>.</param>
/// <param name="Result">Its result, a negative errno when it was refused.</param>
/// <param name="Answer">A number that it gave beside the result.</param>
internal readonly record struct CallOutcome(string Call, long Result, ulong Answer = 0);
