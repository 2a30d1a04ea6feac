using System.Runtime.CompilerServices;
using Emulator.KernelShim;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>map:</c> gives a device memory of its process: new memory, or some that the process has.</summary>
internal sealed class MapStep : Step
{
    private readonly HostName _on;
    private readonly NumberValue _iova;
    private readonly NumberValue? _size;
    private readonly string? _as;
    private readonly MemoryRange? _memory;
    private readonly BytePattern? _content;
    private readonly uint _flags;
    private readonly ExpectedRefusal? _fails;

    private MapStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        _iova = map.RequiredNumber("iova");
        _as = map.NewName("as");
        _content = BytePattern.Read(context, map);
        _flags = map.Choice("access", "rw", "rw", "r", "w") switch
        {
            "r" => VfioFlags.MapRead,
            "w" => VfioFlags.MapWrite,
            _ => VfioFlags.MapRead | VfioFlags.MapWrite,
        };
        _fails = ExpectedRefusal.Read(context, map);
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

    public override void Run(World world)
    {
        VfioUser user = world.Host(Place).Vfio(_on);
        ulong iova = world.Number(_iova);
        (ulong address, ulong size) = Memory(world, user.Process);
        var map = new VfioDmaMap
        {
            ArgumentBytes = (uint)Unsafe.SizeOf<VfioDmaMap>(),
            Flags = _flags,
            Vaddr = address,
            Iova = iova,
            Size = size,
        };
        long result = 0;
        user.Process.Run(
            world,
            async libc => (result, _) = await libc.Ioctl(user.Container, VfioIoctl.IommuMapDma, map),
            ProcessStep.Patience,
            Place
        );
        if (_as is not null)
        {
            world.Name(new Region(_as, address, size, user.Process), iova);
        }
        else if (_memory?.RegionName is { } region)
        {
            world.Variables.Set(region + ".iova", iova);
        }

        ExpectedRefusal.Check(_fails, user.Process, new CallOutcome("VFIO_IOMMU_MAP_DMA", result), Place);
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

/// <summary><c>unmap:</c> takes memory away from a device again.</summary>
internal sealed class UnmapStep : Step
{
    private readonly HostName _on;
    private readonly NumberValue _iova;
    private readonly NumberValue? _size;
    private readonly NumberValue? _unmapped;
    private readonly ExpectedRefusal? _fails;

    private UnmapStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        _iova = map.RequiredNumber("iova");
        _size = map.RequiredNumber("size");
        _unmapped = map.Number("unmapped");
        _fails = ExpectedRefusal.Read(context, map);
        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new UnmapStep(context, new MapReader(context, node, "unmap"));

    public override void Run(World world)
    {
        VfioUser user = world.Host(Place).Vfio(_on);
        ulong size = world.Number(_size!);
        var unmap = new VfioDmaUnmap
        {
            ArgumentBytes = (uint)Unsafe.SizeOf<VfioDmaUnmap>(),
            Iova = world.Number(_iova),
            Size = size,
        };
        long result = 0;
        user.Process.Run(
            world,
            async libc => (result, unmap) = await libc.Ioctl(user.Container, VfioIoctl.IommuUnmapDma, unmap),
            ProcessStep.Patience,
            Place
        );
        ExpectedRefusal.Check(_fails, user.Process, new CallOutcome("VFIO_IOMMU_UNMAP_DMA", result), Place);
        ulong wanted = _unmapped is null ? size : world.Number(_unmapped);
        if (result >= 0 && unmap.Size != wanted)
        {
            throw StepFailedException.At(
                Place,
                "VFIO_IOMMU_UNMAP_DMA unmapped another size",
                Machine.Hexadecimal.Format(wanted),
                Machine.Hexadecimal.Format(unmap.Size)
            );
        }
    }
}
