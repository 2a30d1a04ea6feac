using System.Runtime.CompilerServices;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>unmap:</c> takes memory away from a device again.</summary>
internal sealed class UnmapStep : DeviceCallStep
{
    private readonly NumberValue _iova;
    private readonly NumberValue _size;
    private readonly NumberValue _unmapped;

    private UnmapStep(ReadingContext context, MapReader map)
        : base(context, map)
    {
        _iova = map.RequiredNumber("iova");
        _size = map.RequiredNumber("size");
        _unmapped = map.Number("unmapped") ?? _size;
        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new UnmapStep(context, new MapReader(context, node, "unmap"));

    protected override Func<Libc, Task<CallOutcome>> Prepare(World world, OpenedDevice user)
    {
        var unmap = new VfioDmaUnmap
        {
            ArgumentBytes = (uint)Unsafe.SizeOf<VfioDmaUnmap>(),
            Iova = world.Number(_iova),
            Size = world.Number(_size),
        };
        return async libc =>
        {
            (long result, VfioDmaUnmap done) = await libc.Ioctl(user.Container, VfioIoctl.IommuUnmapDma, unmap);
            return new CallOutcome("VFIO_IOMMU_UNMAP_DMA", result, done.Size);
        };
    }

    protected override void CheckAnswer(World world, ulong answer)
    {
        ulong wanted = world.Number(_unmapped);
        if (answer != wanted)
        {
            throw StepFailedException.At(
                Place,
                "VFIO_IOMMU_UNMAP_DMA unmapped another size",
                Hexadecimal.Format(wanted),
                Hexadecimal.Format(answer)
            );
        }
    }
}
