using System.Runtime.CompilerServices;
using Emulator.KernelShim;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>map:</c> gives a device memory of its process: new memory, or some that the process has.</summary>
internal sealed class MapStep : DeviceCallStep
{
    private readonly NumberValue _iova;
    private readonly NumberValue? _size;
    private readonly string? _as;
    private readonly MemoryRange? _memory;
    private readonly BytePattern? _content;
    private readonly uint _flags;

    private MapStep(ReadingContext context, MapReader map)
        : base(context, map)
    {
        _iova = map.RequiredNumber("iova");
        _as = map.NewName("as");
        _content = BytePattern.Read(context, map);
        _flags = map.Choice("access", "rw", "rw", "r", "w") switch
        {
            "r" => VfioFlags.MapRead,
            "w" => VfioFlags.MapWrite,
            _ => VfioFlags.MapRead | VfioFlags.MapWrite,
        };
        if (map.Has("memory"))
        {
            _memory = MemoryRange.Read(context, map, "memory");
            if ((_as ?? (object?)_content) is not null)
            {
                context.Fail(map.PlaceOf("memory"), "this memory has a name and bytes; leave 'as:' and the bytes out");
            }
        }
        else
        {
            _size = map.RequiredNumber("size");
        }

        map.Finish();
        context.DefineRegion(_as);
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new MapStep(context, new MapReader(context, node, "map"));

    protected override Func<Libc, Task<CallOutcome>> Prepare(World world, OpenedDevice user)
    {
        ulong iova = world.Number(_iova);
        (ulong address, ulong size) = Memory(world, user.Process);
        if (_as is not null)
        {
            world.Name(new Region(_as, address, size, user.Process), iova);
        }
        else if (_memory?.RegionName is { } region)
        {
            world.Variables.Set(region + ".iova", iova);
        }

        var map = new VfioDmaMap
        {
            ArgumentBytes = (uint)Unsafe.SizeOf<VfioDmaMap>(),
            Flags = _flags,
            Vaddr = address,
            Iova = iova,
            Size = size,
        };
        return async libc => new CallOutcome(
            "VFIO_IOMMU_MAP_DMA",
            (await libc.Ioctl(user.Container, VfioIoctl.IommuMapDma, map)).Result
        );
    }

    private (ulong Address, ulong SizeBytes) Memory(World world, UserProcess process)
    {
        if (_memory is not null)
        {
            (_, ulong known, ulong length) = _memory.Resolve(world);
            return (known, length);
        }

        ulong size = world.Number(_size!);
        return (ProcessMemoryStep.Allocate(world, process, size, _content, Place), size);
    }
}
