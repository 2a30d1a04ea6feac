namespace Emulator.KernelShim;

/// <content>VFIO_DEVICE_FEATURE and VFIO_DEVICE_IOEVENTFD (vfio_pci_core_ioctl_feature, vfio_pci_ioeventfd).</content>
internal sealed partial class VfioPciDevice
{
    private const uint FeatureVfToken = 0;
    private const uint FeatureLowPowerEntry = 3;
    private const uint FeatureLowPowerEntryWithWakeUp = 4;
    private const uint FeatureLowPowerExit = 5;
    private const int WakeUpBytes = 8;
    private const int MostIoEvents = 1000;
    private const uint IoEventSizes = 0xF;
    private const int IoEventBytes = 28;

    private readonly List<VfioPciIoEvent> _ioEvents = [];

    private long Feature(Process process, ulong argument)
    {
        if (VfioFeatures.CheckHead(process, argument, out VfioDeviceFeature feature) is { } refused)
        {
            return refused;
        }

        ulong data = argument + VfioFeatures.HeadBytes;
        uint dataBytes = feature.ArgumentBytes - VfioFeatures.HeadBytes;
        return (feature.Flags & VfioFlags.FeatureIndexMask) switch
        {
            FeatureVfToken => Tokens.Set(process, feature.Flags, data, dataBytes),
            FeatureLowPowerEntry => EnterLowPower(process, feature.Flags, dataBytes),
            FeatureLowPowerEntryWithWakeUp => EnterLowPowerWithWakeUp(process, feature.Flags, data, dataBytes),
            FeatureLowPowerExit => ExitLowPower(process, feature.Flags, dataBytes),
            _ => process.Refuse(
                Errno.ENOTTY,
                "vfio_pci_core_ioctl_feature",
                $"a PCI function has no feature {feature.Flags & VfioFlags.FeatureIndexMask}"
            ),
        };
    }

    /// <summary>
    /// vfio_pci_core_pm_entry: from now on the kernel may put the function to sleep; its mappings are gone until the program
    /// ends that. Every call wakes it for as long as the call takes, so nothing else shows.
    /// </summary>
    private long EnterLowPower(Process process, uint flags, uint dataBytes) =>
        VfioFeatures.Check(process, flags, dataBytes, VfioFlags.FeatureSet, 0) is { } result
            ? result
            : EngageLowPower(process);

    private long EnterLowPowerWithWakeUp(Process process, uint flags, ulong data, uint dataBytes)
    {
        const string FunctionName = "vfio_pci_core_pm_entry_with_wakeup";
        if (VfioFeatures.Check(process, flags, dataBytes, VfioFlags.FeatureSet, WakeUpBytes) is { } result)
        {
            return result;
        }

        if (!UserStruct.TryRead(process, data, out int descriptor))
        {
            return UserStruct.CannotRead(process, FunctionName);
        }

        if (descriptor < 0)
        {
            return process.Refuse(Errno.EINVAL, FunctionName, $"{descriptor} is no descriptor");
        }

        long error = VirqFd.FindEventFile(process, "eventfd_ctx_fdget", descriptor, out _);
        return error != 0 ? error : EngageLowPower(process);
    }

    private long EngageLowPower(Process process)
    {
        if (IsLowPower)
        {
            return process.Refuse(Errno.EINVAL, "vfio_pci_runtime_pm_entry", "the function may sleep already");
        }

        IsLowPower = true;
        return 0;
    }

    private long ExitLowPower(Process process, uint flags, uint dataBytes)
    {
        if (VfioFeatures.Check(process, flags, dataBytes, VfioFlags.FeatureSet, 0) is { } result)
        {
            return result;
        }

        IsLowPower = false;
        return 0;
    }

    private long SetIoEvent(Process process, ulong argument)
    {
        const string FunctionName = "vfio_pci_ioctl_ioeventfd";
        if (!UserStruct.TryRead(process, argument, out VfioDeviceIoEventFd wanted, IoEventBytes))
        {
            return UserStruct.CannotRead(process, FunctionName);
        }

        if (wanted.ArgumentBytes < IoEventBytes)
        {
            return UserStruct.TooSmall(process, FunctionName, wanted.ArgumentBytes, IoEventBytes);
        }

        bool isOneSize = System.Numerics.BitOperations.PopCount(wanted.Flags & IoEventSizes) == 1;
        return (wanted.Flags & ~IoEventSizes) != 0 || !isOneSize || wanted.Descriptor < -1
            ? process.Refuse(Errno.EINVAL, FunctionName, "flags are not one of the sizes 1, 2, 4, 8")
            : SetIoEvent(process, wanted);
    }

    /// <summary>vfio_pci_ioeventfd: a store to a BAR whenever an eventfd is signalled.</summary>
    private long SetIoEvent(Process process, VfioDeviceIoEventFd wanted)
    {
        const string FunctionName = "vfio_pci_ioeventfd";
        ulong bar = wanted.Offset >> OffsetShift;
        ulong offset = wanted.Offset & OffsetMask;
        ulong end = offset + wanted.Flags;
        bool isInTable = bar == (ulong)_tableBar && end > _tableOffset && offset < _tableOffset + _tableBytes;
        if (bar >= PciDevice.RomResource || end > LengthOf((int)bar) || isInTable)
        {
            return process.Refuse(Errno.EINVAL, FunctionName, "it is in no BAR, or in the table of messages");
        }

        var key = new VfioPciIoEvent((int)bar, offset, wanted.Data, (int)wanted.Flags);
        int present = _ioEvents.FindIndex(known => known.IsSame(key));
        if (present >= 0)
        {
            if (wanted.Descriptor != -1)
            {
                return process.Refuse(Errno.EEXIST, FunctionName, "there is an eventfd for this store already");
            }

            _ioEvents[present].Stop();
            _ioEvents.RemoveAt(present);
            return 0;
        }

        if (wanted.Descriptor < 0)
        {
            return process.Refuse(Errno.ENODEV, FunctionName, "there is no eventfd for this store");
        }

        if (_ioEvents.Count >= MostIoEvents)
        {
            return process.Refuse(Errno.ENOSPC, FunctionName, $"there are {MostIoEvents} already");
        }

        long error = key.Start(process, wanted.Descriptor, () => Fire(key));
        if (error == 0)
        {
            _ioEvents.Add(key);
        }

        return error;
    }

    private void Fire(VfioPciIoEvent wanted)
    {
        PciResource region = Function.Regions[wanted.Bar];
        ulong address = region.Start;
        bool isThere = region.IsIo ? Function.OnBus.Host.TryTranslateIo(region.Start, out address) : IsMemoryEnabled;
        if (isThere)
        {
            Kernel.Board.Cpu.Store(address + wanted.Offset, wanted.SizeBytes, wanted.Data);
        }
    }

    private void StopIoEvents()
    {
        foreach (VfioPciIoEvent wanted in _ioEvents)
        {
            wanted.Stop();
        }

        _ioEvents.Clear();
    }
}

/// <summary>A store that an eventfd brings about (struct vfio_pci_ioeventfd).</summary>
internal sealed class VfioPciIoEvent(int bar, ulong offset, ulong data, int sizeBytes)
{
    private VirqFd? _event;

    public int Bar { get; } = bar;

    public ulong Offset { get; } = offset;

    public ulong Data { get; } = data;

    public int SizeBytes { get; } = sizeBytes;

    public bool IsSame(VfioPciIoEvent other) =>
        Bar == other.Bar && Offset == other.Offset && Data == other.Data && SizeBytes == other.SizeBytes;

    public long Start(Process process, int descriptor, Action store) =>
        VirqFd.Enable(process, descriptor, ref _event, store);

    public void Stop() => VirqFd.Disable(ref _event);
}
