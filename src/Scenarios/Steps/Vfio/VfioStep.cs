using System.Runtime.CompilerServices;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>vfio:</c> opens a device as a user-space driver does: a container, the group, both joined, an IOMMU backend, the device.
/// </summary>
internal sealed class VfioStep : Step
{
    private readonly string _name;
    private readonly string _group;
    private readonly string _device;
    private readonly HostName? _process;
    private readonly HostName? _container;
    private readonly ulong _backend;
    private readonly ExpectedRefusal? _fails;

    private VfioStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _name = map.NewName("as") ?? "";
        _group = map.RequiredWords("group");
        _device = map.RequiredWords("device");
        _process = map.Has("process") ? context.HostNames.Read(context, map, "process", HostObjectKind.Process) : null;
        _container = map.Has("container")
            ? context.HostNames.Read(context, map, "container", HostObjectKind.Vfio)
            : null;
        _backend = map.Choice("iommu", "type1", "type1", "type1v2") is "type1"
            ? VfioExtension.Type1
            : VfioExtension.Type1V2;
        _fails = ExpectedRefusal.Read(context, map);
        if (!map.Has("as"))
        {
            context.Fail(map.Place, "vfio needs 'as:', the name by which other steps use the device");
        }

        if (_process is not null && _container is not null)
        {
            context.Fail(map.PlaceOf("process"), "a container belongs to a process already; leave 'process:' out");
        }

        map.Finish();
        context.HostNames.Define(_name, HostObjectKind.Vfio, VfioRegister.FindDevice(context.Board, _device));
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new VfioStep(context, new MapReader(context, node, "vfio"));

    public override void Run(World world)
    {
        Host host = world.Host(Place);
        OpenedDevice? shared = _container is null ? null : host.Vfio(_container);
        UserProcess process =
            shared?.Process ?? (_process is null ? host.StartProcess(_name, Place) : host.Process(_process));
        var user = new OpenedDevice(process, _device)
        {
            Container = shared?.Container ?? -1,
            SharesContainer = shared is not null,
        };
        CallOutcome outcome = default;
        process.Run(
            world,
            async libc =>
            {
                outcome = await Open(libc, user);
                if (outcome.Result < 0)
                {
                    await CloseStep.CloseAll(libc, user);
                }
            },
            ProcessStep.Patience,
            Place
        );
        host.Name(_name, user);
        ExpectedRefusal.Check(_fails, process, outcome, Place);
    }

    /// <summary>The calls in the order of Documentation/vfio.txt; the first that is refused ends it.</summary>
    private async Task<CallOutcome> Open(Libc libc, OpenedDevice user)
    {
        if (!user.SharesContainer)
        {
            user.Container = (int)await libc.Open("/dev/vfio/vfio", OpenFlags.ReadWrite);
            if (user.Container < 0)
            {
                return new CallOutcome("open of /dev/vfio/vfio", user.Container);
            }

            long version = await libc.Ioctl(user.Container, VfioIoctl.GetApiVersion);
            long extension = await libc.Ioctl(user.Container, VfioIoctl.CheckExtension, _backend);
            if (version != 0 || extension != 1)
            {
                string asked = version != 0 ? "VFIO_GET_API_VERSION" : "VFIO_CHECK_EXTENSION";
                return new CallOutcome(asked, version < 0 ? version : -(long)Errno.EINVAL);
            }
        }

        user.Group = (int)await libc.Open(_group, OpenFlags.ReadWrite);
        if (user.Group < 0)
        {
            return new CallOutcome($"open of {_group}", user.Group);
        }

        var status = new VfioGroupStatus { ArgumentBytes = (uint)Unsafe.SizeOf<VfioGroupStatus>() };
        await libc.Ioctl(user.Group, VfioIoctl.GroupGetStatus, status);
        (long result, _) = await libc.Ioctl<int>(user.Group, VfioIoctl.GroupSetContainer, user.Container);
        if (result < 0)
        {
            return new CallOutcome("VFIO_GROUP_SET_CONTAINER", result);
        }

        result = user.SharesContainer ? 0 : await libc.Ioctl(user.Container, VfioIoctl.SetIommu, _backend);
        if (result < 0)
        {
            return new CallOutcome("VFIO_SET_IOMMU", result);
        }

        user.Device = (int)await libc.Ioctl(user.Group, VfioIoctl.GroupGetDeviceFd, _device);
        return new CallOutcome("VFIO_GROUP_GET_DEVICE_FD", Math.Min(user.Device, 0));
    }
}
