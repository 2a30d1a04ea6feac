using System.Globalization;

namespace Emulator.KernelShim;

/// <content>Bringing devices and drivers together and apart (drivers/base/dd.c).</content>
public sealed partial class DriverCore
{
    private readonly List<Device> _deferred = [];
    private bool _isRetrying;
    private bool _hasBoundSinceRetry;

    /// <summary>The devices whose probe asked to be tried again, oldest first.</summary>
    public IReadOnlyList<Device> Deferred => _deferred;

    /// <summary>Offers a device to the drivers of its bus in the order of their registration (device_attach).</summary>
    /// <returns>1 bound, 0 no driver took it, negative when something before a probe failed.</returns>
    private long Attach(Device device)
    {
        if (device.Driver is not null)
        {
            return 1;
        }

        BusType bus = device.Bus!;
        foreach (Driver driver in bus.Drivers.ToArray())
        {
            if (BindsBySysfsOnly(device, driver) || !bus.Match(device, driver))
            {
                continue;
            }

            long result = Probe(device, driver, defers: true);
            if (result <= 0)
            {
                return result == 0 ? 1 : result;
            }
        }

        return 0;
    }

    /// <summary>Offers a driver the devices of its bus that have none (driver_attach).</summary>
    private void Attach(Driver driver)
    {
        BusType bus = _buses[driver.BusName];
        foreach (Device device in bus.Devices.ToArray())
        {
            if (device.Driver is null && !BindsBySysfsOnly(device, driver) && bus.Match(device, driver))
            {
                Probe(device, driver, defers: true);
            }
        }
    }

    /// <summary>Whether the two are brought together by nobody but the writer of bind.</summary>
    private static bool BindsBySysfsOnly(Device device, Driver driver) =>
        device.BindsBySysfsOnly || driver.BindsBySysfsOnly;

    /// <summary>Lets a driver probe a device that it matches (really_probe).</summary>
    /// <param name="device">The device, which has no driver.</param>
    /// <param name="driver">The driver.</param>
    /// <param name="defers">Whether -EPROBE_DEFER puts the device on the list of those to be tried again.</param>
    /// <returns>0 bound; the positive errno of the probe; a negative errno when the probe was not reached.</returns>
    private long Probe(Device device, Driver driver, bool defers)
    {
        device.Driver = driver;
        long configured = Configure(device, driver);
        if (configured < 0)
        {
            device.Driver = null;
            if (configured == -(long)Errno.EPROBE_DEFER && defers && !_deferred.Contains(device))
            {
                _deferred.Add(device);
            }

            return configured;
        }

        AddDriverLinks(device, driver);
        long result = device.Bus!.PrepareProbe(device);
        result = result == 0 ? driver.Probe(device) : result;
        if (result >= 0)
        {
            _deferred.Remove(device);
            _hasBoundSinceRetry = true;

            // device_links_driver_bound: who was bound once waits for nobody any more.
            device.Directory!.Remove(WaitingForSupplier);
            return 0;
        }

        RemoveDriverLinks(device, driver);
        device.Driver = null;
        device.DriverData = null;
        CleanUpDma?.Invoke(device, driver);
        switch ((Errno)(-result))
        {
            case Errno.EPROBE_DEFER:
                if (defers && !_deferred.Contains(device))
                {
                    _deferred.Add(device);
                }

                break;
            case Errno.ENODEV or Errno.ENXIO:
                break;
            default:
                _kernel.Log.Print(_kernel.Profile.ProbeFailureLevel, ProbeFailure(device, driver, result));
                break;
        }

        return -result;
    }

    /// <summary>
    /// The bus's dma_configure: the device joins its IOMMU group if it has not yet (of_dma_configure), then the group's owner
    /// is asked (iommu_device_use_default_domain).
    /// </summary>
    private long Configure(Device device, Driver driver)
    {
        long joined = _kernel.Iommus?.OnProbe(device) ?? 0;
        return joined == -(long)Errno.EPROBE_DEFER ? joined : ConfigureDma?.Invoke(device, driver) ?? 0;
    }

    /// <inheritdoc/>
    public void FinishUnbind(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.IsLeavingDriver)
        {
            Release(device);
        }
    }

    /// <summary>Takes a device from its driver (__device_release_driver).</summary>
    private void Release(Device device)
    {
        if (device.Driver is not { } driver)
        {
            return;
        }

        RemoveDriverLinks(device, driver);
        driver.Remove(device);
        device.Driver = null;
        device.DriverData = null;
        device.IsLeavingDriver = false;
        CleanUpDma?.Invoke(device, driver);
    }

    /// <summary>
    /// Tries deferred devices again, as long as devices are bound meanwhile (deferred_probe_work_func). Runs after the work
    /// at hand, as the kernel's work queue does.
    /// </summary>
    internal void RetryDeferred()
    {
        if (_isRetrying)
        {
            return;
        }

        _isRetrying = true;
        while (_hasBoundSinceRetry)
        {
            _hasBoundSinceRetry = false;
            Device[] waiting = [.. _deferred];
            _deferred.Clear();
            foreach (Device device in waiting)
            {
                Attach(device);
            }
        }

        _isRetrying = false;
    }

    /// <summary>Takes a device from its driver while it is being removed (device_release_driver).</summary>
    internal void ReleaseDriver(Device device) => Release(device);

    /// <summary>Offers a driver the devices of its bus that have none (driver_attach).</summary>
    internal void OfferDevices(Driver driver)
    {
        Attach(driver);
        RetryDeferred();
    }

    private static void AddDriverLinks(Device device, Driver driver)
    {
        DirectoryInode directory = DirectoryOf(device.Bus!, driver);
        directory.AddRelativeLink(device.Name, device.Directory!);
        device.Directory!.AddRelativeLink("driver", directory);
    }

    private static void RemoveDriverLinks(Device device, Driver driver)
    {
        (BusDirectory(device.Bus!, "drivers").Find(driver.Name) as DirectoryInode)?.Remove(device.Name);
        device.Directory!.Remove("driver");
    }

    private static DirectoryInode DirectoryOf(BusType bus, Driver driver) =>
        (DirectoryInode)BusDirectory(bus, "drivers").Find(driver.Name)!;

    private string ProbeFailure(Device device, Driver driver, long result) =>
        _kernel
            .Profile.ProbeFailureText.Replace("{driver}", driver.Name, StringComparison.Ordinal)
            .Replace("{device}", device.Name, StringComparison.Ordinal)
            .Replace("{error}", result.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
