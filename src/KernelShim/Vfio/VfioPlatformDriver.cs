using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// vfio-platform (drivers/vfio/platform/vfio_platform.c): hands devices of the platform bus to programs. It matches no device
/// by itself (only one literally called so); driver_override gives it devices.
/// </summary>
public class VfioPlatformDriver : Driver
{
    private readonly VfioCore _core;
    private readonly Func<bool> _resetRequired;

    /// <summary>Creates the driver.</summary>
    /// <param name="core">VFIO.</param>
    /// <param name="resetRequired">reset_required of its module.</param>
    public VfioPlatformDriver(VfioCore core, Func<bool> resetRequired)
    {
        _core = core;
        _resetRequired = resetRequired;
    }

    /// <inheritdoc/>
    public override string Name => "vfio-platform";

    /// <inheritdoc/>
    public override string BusName => "platform";

    /// <inheritdoc/>
    public override string? Module => "vfio_platform";

    /// <inheritdoc/>
    public override bool ManagesDma => true;

    /// <inheritdoc/>
    public override bool MatchesAnyDevice => _core.Kernel.Profile.PlatformHasMatchAnyDevice;

    /// <inheritdoc/>
    public override bool BindsBySysfsOnly => _core.Kernel.Profile.HasSysfsBindOnly;

    /// <summary>What GET_INFO says of its devices.</summary>
    private protected virtual uint DeviceFlag => VfioFlags.DevicePlatform;

    /// <summary>reset_required; off for AMBA devices.</summary>
    private bool ResetRequired => _resetRequired();

    /// <inheritdoc/>
    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return string.Equals(device.Name, Name, StringComparison.Ordinal);
    }

    /// <summary>vfio_platform_probe_common: what is missing is refused with the real kernel's errno and line.</summary>
    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        KernelProfile profile = _core.Kernel.Profile;
        VfioReset? reset = null;
        if (profile.VfioPlatformHasResets)
        {
            if (device.Compatible.Count == 0)
            {
                Print(device, $"Cannot retrieve compat for {device.Name}");
                return -(long)Errno.EINVAL;
            }

            reset = FindReset(device);
            if (ResetRequired && reset is null)
            {
                Print(device, $"No reset function found for device {device.Name}");
                return -(long)Errno.ENOENT;
            }
        }

        if (device.Group is null && !profile.GroupsHaveOwners)
        {
            Print(device, $"No IOMMU group for device {device.Name}");
        }

        if (_core.SetGroup(device) is var refused and not 0)
        {
            return refused;
        }

        var vfio = new VfioPlatformDevice(_core, device, DeviceFlag, Regions(device), Interrupts(device), reset);
        device.DriverData = vfio;
        if (reset is not null)
        {
            _core.Kernel.Modules?.Get(reset.Module);
        }

        _core.Register(vfio);
        return 0;
    }

    /// <summary>
    /// vfio_unregister_group_dev: an unbind waits until programs have closed the device. There is no channel to ask them.
    /// </summary>
    public override WaitQueue? PrepareRemoval(Device device) =>
        device?.DriverData is VfioDevice { OpenCount: > 0 } vfio ? vfio.Released : null;

    /// <summary>vfio_platform_remove. When nobody waited for programs, their open files lose the device.</summary>
    public override void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.DriverData is VfioPlatformDevice vfio)
        {
            vfio.Disconnect();
            _core.Unregister(vfio);
            if (vfio.ResetFunction is { } reset)
            {
                _core.Kernel.Modules?.Put(reset.Module);
            }

            device.DriverData = null;
        }
    }

    /// <summary>The memory resources that become regions.</summary>
    private protected virtual IReadOnlyList<DeviceResource> Regions(Device device) => device.Resources;

    /// <summary>The interrupts that become indexes.</summary>
    private protected virtual IReadOnlyList<int> Interrupts(Device device) => device.Interrupts;

    /// <summary>vfio_platform_get_reset: the function for the first compatible, whose module is asked for if it is not there.</summary>
    private VfioReset? FindReset(Device device)
    {
        string compatible = device.Compatible[0];
        VfioReset? Known() =>
            _core.Resets.Find(reset => string.Equals(reset.Compatible, compatible, StringComparison.Ordinal));
        if (Known() is null)
        {
            _core.Kernel.Modules?.Request("vfio-reset:" + compatible);
        }

        return Known();
    }

    private void Print(Device device, string text) =>
        _core.Kernel.Log.Print(
            LogLevel.Error,
            _core.Kernel.Profile.VfioLogsDevicePrefix ? $"{Name} {device.Name}: VFIO: {text}" : $"VFIO: {text}"
        );
}

/// <summary>vfio-amba (drivers/vfio/platform/vfio_amba.c): the same for AMBA devices, one region each.</summary>
public sealed class VfioAmbaDriver : VfioPlatformDriver
{
    private const int MaximumInterrupts = 9;

    /// <summary>Creates the driver.</summary>
    public VfioAmbaDriver(VfioCore core)
        : base(core, () => false) { }

    /// <inheritdoc/>
    public override string Name => "vfio-amba";

    /// <inheritdoc/>
    public override string BusName => "amba";

    /// <inheritdoc/>
    public override string? Module => "vfio_amba";

    private protected override uint DeviceFlag => VfioFlags.DeviceAmba;

    /// <summary>Its id table is empty.</summary>
    public override bool Matches(Device device) => false;

    private protected override IReadOnlyList<DeviceResource> Regions(Device device) => [.. device.Resources.Take(1)];

    private protected override IReadOnlyList<int> Interrupts(Device device) =>
        [.. device.Interrupts.Take(MaximumInterrupts).TakeWhile(interrupt => interrupt != 0)];
}
