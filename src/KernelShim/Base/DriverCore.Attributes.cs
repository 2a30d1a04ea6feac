using System.Globalization;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>The files of sysfs that user space writes and reads (drivers/base/bus.c, core.c).</content>
public sealed partial class DriverCore
{
    /// <summary>driver_override takes less than a page with room for a newline (driver_set_override).</summary>
    private const int OverrideLimit = PageAllocator.PageBytes - 1;

    private static readonly string[] UeventActions =
    [
        "add",
        "remove",
        "change",
        "move",
        "online",
        "offline",
        "bind",
        "unbind",
    ];

    private long StoreBind(Process process, BusType bus, Driver driver, string text)
    {
        const string function = "bind_store";
        if (bus.FindDevice(text) is not { } device)
        {
            return process.Refuse(Errno.ENODEV, function, $"bus {bus.Name} has no device '{Shown(text)}'");
        }

        bool reportsErrors = _kernel.Profile.BindReturnsProbeError;
        if (device.Driver is { } present && !reportsErrors)
        {
            return process.Refuse(Errno.ENODEV, function, $"{device.Name} is bound to {present.Name} already");
        }

        if (!bus.Match(device, driver))
        {
            return process.Refuse(
                Errno.ENODEV,
                "driver_match_device",
                device.DriverOverride is { } wanted
                    ? $"driver_override of {device.Name} wants '{wanted}', not {driver.Name}"
                    : $"{driver.Name} does not match {device.Name}"
            );
        }

        if (device.Driver is { } owner)
        {
            return process.Refuse(
                Errno.EBUSY,
                "device_driver_attach",
                $"{device.Name} is bound to {owner.Name} already"
            );
        }

        long result = Probe(device, driver, defers: !reportsErrors);
        RetryDeferred();
        if (result == 0)
        {
            return text.Length;
        }

        var error = (Errno)Math.Abs(result);
        string reason = $"{driver.Name} did not take {device.Name}: {error}";
        return reportsErrors
            ? process.Refuse(error == Errno.EPROBE_DEFER ? Errno.EAGAIN : error, "device_driver_attach", reason)
            : process.Refuse(Errno.ENODEV, function, reason + " (this kernel hides it from the writer of bind)");
    }

    private Attempt StoreUnbind(Process process, BusType bus, Driver driver, string text)
    {
        const string function = "unbind_store";
        if (bus.FindDevice(text) is not { } device)
        {
            return process.Refuse(Errno.ENODEV, function, $"bus {bus.Name} has no device '{Shown(text)}'");
        }

        if (!ReferenceEquals(device.Driver, driver))
        {
            return process.Refuse(
                Errno.ENODEV,
                function,
                $"{device.Name} is bound to {device.Driver?.Name ?? "no driver"}, not to {driver.Name}"
            );
        }

        if (!device.IsLeavingDriver)
        {
            device.IsLeavingDriver = true;
            RemoveDriverLinks(device, driver);
        }

        if (driver.PrepareRemoval(device) is { } users)
        {
            return Attempt.Block(users);
        }

        Release(device);
        return text.Length;
    }

    private long StoreDriversProbe(Process process, BusType bus, string text)
    {
        const string function = "drivers_probe_store";
        if (bus.FindDevice(text) is not { } device)
        {
            return process.Refuse(Errno.ENODEV, function, $"bus {bus.Name} has no device '{Shown(text)}'");
        }

        long result = Attach(device);
        RetryDeferred();
        return result >= 0
            ? text.Length
            : process.Refuse(
                Errno.EINVAL,
                function,
                $"{device.Name} could not be probed: {(Errno)(-result)}, which drivers_probe turns into EINVAL"
            );
    }

    /// <summary>sysfs_bind_only of a device: as bool parameters are written.</summary>
    private static long StoreBindsBySysfsOnly(Process process, Device device, string text)
    {
        switch (text[0])
        {
            case '1' or 'y' or 'Y':
                device.BindsBySysfsOnly = true;
                return text.Length;
            case '0' or 'n' or 'N':
                device.BindsBySysfsOnly = false;
                return text.Length;
            default:
                return process.Refuse(Errno.EINVAL, "strtobool", $"'{Shown(text)}' is neither 0 nor 1");
        }
    }

    private static long StoreAutoProbe(BusType bus, string text)
    {
        bus.AutoProbe = text[0] != '0';
        return text.Length;
    }

    private static long StoreDriverOverride(Process process, Device device, string text)
    {
        if (text.Length >= OverrideLimit)
        {
            return process.Refuse(
                Errno.EINVAL,
                "driver_set_override",
                $"the name has {text.Length} bytes, and less than {OverrideLimit} are taken"
            );
        }

        string name = BusType.CString(text).ToString();
        int newline = name.IndexOf('\n', StringComparison.Ordinal);
        name = newline < 0 ? name : name[..newline];
        device.DriverOverride = name.Length == 0 ? null : name;
        return text.Length;
    }

    internal static long StoreUevent(Process process, string text)
    {
        string action = BusType.CString(text).ToString().Split(' ', 2)[0].TrimEnd('\n');
        return UeventActions.Contains(action, StringComparer.Ordinal)
            ? text.Length
            : process.Refuse(
                Errno.EINVAL,
                "kobject_action_type",
                $"'{Shown(action)}' is none of {string.Join(", ", UeventActions)}"
            );
    }

    /// <summary>uevent_store of a device: kobject_synth_uevent, whose refusal is logged with the device (4.13).</summary>
    private long StoreUevent(Process process, Device device, string text)
    {
        long result = StoreUevent(process, device.Directory!, text);
        if (result < 0 && _kernel.Profile.SyntheticEventsAreLogged)
        {
            _kernel.Log.Print(
                LogLevel.Error,
                $"{device.LogPrefix}uevent: failed to send synthetic uevent: {result.ToString(CultureInfo.InvariantCulture)}"
            );
        }

        return result;
    }

    /// <summary>kobject_synth_uevent for the object of a directory.</summary>
    private long StoreUevent(Process process, DirectoryInode directory, string text)
    {
        long result = StoreUevent(process, text);
        if (result < 0 && _kernel.Profile.SyntheticEventsAreLogged)
        {
            const string Mounted = "/sys";
            _kernel.Log.Print(
                LogLevel.Warning,
                $"synth uevent: {directory.Path[Mounted.Length..]}: unknown uevent action string"
            );
        }

        return result;
    }

    private static string ShowUevent(Device device)
    {
        var text = new StringBuilder();
        if (device.Driver is { } driver)
        {
            text.Append("DRIVER=").Append(driver.Name).Append('\n');
        }

        if (device.Node is { } node)
        {
            text.Append("OF_NAME=").Append(node.BaseName).Append('\n');
            text.Append("OF_FULLNAME=").Append(node.Path).Append('\n');
            for (int index = 0; index < device.Compatible.Count; index++)
            {
                text.Append(CultureInfo.InvariantCulture, $"OF_COMPATIBLE_{index}={device.Compatible[index]}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"OF_COMPATIBLE_N={device.Compatible.Count}\n");
        }

        foreach (string variable in device.Bus!.UeventVariables(device))
        {
            text.Append(variable).Append('\n');
        }

        return text.ToString();
    }

    private static string Shown(string text) => text.TrimEnd('\n');
}
