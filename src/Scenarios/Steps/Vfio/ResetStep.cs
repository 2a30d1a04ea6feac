using Emulator.KernelShim;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>reset:</c> VFIO_DEVICE_RESET.</summary>
internal sealed class ResetStep : DeviceCallStep
{
    private ResetStep(ReadingContext context, MapReader map)
        : base(context, map) => map.Finish();

    public static Step Read(ReadingContext context, YamlNode node) =>
        new ResetStep(context, new MapReader(context, node, "reset"));

    protected override Func<Libc, Task<CallOutcome>> Prepare(World world, OpenedDevice user) =>
        async libc => new CallOutcome("VFIO_DEVICE_RESET", await libc.Ioctl(user.Device, VfioIoctl.DeviceReset));
}
