using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// The DMA engine core (drivers/dma/dmaengine.c): drivers register devices, clients request channels, and sysfs shows them
/// as the class <c>dma</c>.
/// </summary>
[DebuggerDisplay("{_devices.Count} DMA devices")]
public sealed class DmaEngine
{
    /// <summary>How long dma_sync_wait waits.</summary>
    public const long SyncWaitTime = 5 * VirtualTime.Second;

    private readonly Kernel _kernel;
    private readonly List<DmaDevice> _devices = [];
    private bool _hasWarned;

    internal DmaEngine(Kernel kernel)
    {
        _kernel = kernel;
        Class = kernel.Files.Make("/sys/class/dma");
    }

    /// <summary>The registered devices in order.</summary>
    public IReadOnlyList<DmaDevice> Devices => _devices;

    /// <summary>/sys/class/dma, which is there without any device.</summary>
    private DirectoryInode Class { get; }

    /// <summary>Registers a device and shows its channels (dma_async_device_register). It gets the lowest free number.</summary>
    public void Register(DmaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        int id = 0;
        while (_devices.Exists(known => known.Id == id))
        {
            id++;
        }

        device.Id = id;
        for (int index = 0; index < device.Channels.Count; index++)
        {
            DmaChannel channel = device.Channels[index];
            channel.Index = index;
            channel.Name = string.Create(CultureInfo.InvariantCulture, $"dma{id}chan{index}");
            Show(channel);
        }

        _devices.Add(device);
    }

    /// <summary>Takes a device away (dma_async_device_unregister); a client that still holds a channel is warned of once.</summary>
    public void Unregister(DmaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        _devices.Remove(device);
        foreach (DmaChannel channel in device.Channels)
        {
            if (channel.ClientCount > 0 && !_hasWarned)
            {
                _hasWarned = true;
                string count = channel.ClientCount.ToString(CultureInfo.InvariantCulture);
                _kernel.Log.Print(
                    LogLevel.Warning,
                    $"dma_async_device_unregister called while {count} clients hold a reference"
                );
            }

            Class.Remove(channel.Name);
        }

        device.Device.Directory?.Remove("dma");
    }

    /// <summary>
    /// Gives a client the first free channel of these capabilities that the filter takes (dma_request_channel); null when
    /// there is none.
    /// </summary>
    public DmaChannel? RequestChannel(DmaCapabilities wanted, Func<DmaChannel, bool>? filter = null)
    {
        foreach (DmaDevice device in _devices)
        {
            if (FindCandidate(device, wanted, filter) is not { } channel)
            {
                continue;
            }

            device.Capabilities |= DmaCapabilities.Private;
            device.PrivateCount++;
            if (channel.AllocateResources() >= 0)
            {
                channel.ClientCount++;
                return channel;
            }

            ReleasePrivate(device);
        }

        return null;
    }

    /// <summary>Gives a channel back (dma_release_channel).</summary>
    public static void ReleaseChannel(DmaChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        if (channel.ClientCount == 0)
        {
            return;
        }

        channel.ClientCount--;
        if (channel.ClientCount == 0)
        {
            channel.FreeResources();
        }

        ReleasePrivate(channel.Device);
    }

    /// <summary>
    /// Has a channel begin and waits until a cookie is complete, five seconds at most (dma_sync_wait). The real function
    /// spins with interrupts on; here what follows it is a continuation, which runs after the tasklets of that moment.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="cookie">The cookie.</param>
    /// <param name="then">What follows, told how the transfer stands; <see cref="DmaStatus.Error"/> when time was up.</param>
    public void SyncWait(DmaChannel channel, int cookie, Action<DmaStatus> then)
    {
        ArgumentNullException.ThrowIfNull(channel);
        channel.IssuePending();
        new SyncWaiter(this, channel, cookie, then).Begin();
    }

    private static void ReleasePrivate(DmaDevice device)
    {
        if (--device.PrivateCount == 0)
        {
            device.Capabilities &= ~DmaCapabilities.Private;
        }
    }

    /// <summary>private_candidate: a device with public clients gives no channel to a single one.</summary>
    private static DmaChannel? FindCandidate(DmaDevice device, DmaCapabilities wanted, Func<DmaChannel, bool>? filter)
    {
        if ((device.Capabilities & wanted) != wanted)
        {
            return null;
        }

        bool isPrivate = device.Capabilities.HasFlag(DmaCapabilities.Private);
        return device.Channels.Count > 1 && !isPrivate && device.Channels.Any(channel => channel.ClientCount > 0)
            ? null
            : device.Channels.FirstOrDefault(channel =>
                channel.ClientCount == 0 && (filter is null || filter(channel))
            );
    }

    /// <summary>The class device: /sys/devices/.../dma/dma0chan0 and a link to it in the class.</summary>
    private void Show(DmaChannel channel)
    {
        if (channel.Device.Device.Directory is not { } home)
        {
            return;
        }

        DirectoryInode directory = home.GetOrAddDirectory("dma").AddDirectory(channel.Name);
        Add("memcpy_count", () => channel.MemcpyCount);
        Add("bytes_transferred", () => channel.BytesTransferred);
        Add("in_use", () => (uint)channel.ClientCount);
        directory.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", DriverCore.StoreUevent);
        directory.AddRelativeLink("device", home);
        directory.AddRelativeLink("subsystem", Class);
        Class.AddRelativeLink(channel.Name, directory);

        void Add(string name, Func<uint> value) =>
            directory.AddAttribute(
                name,
                AttributeMode.ReadOnly,
                () => value().ToString(CultureInfo.InvariantCulture) + "\n"
            );
    }

    private void LogTimeout(DmaChannel channel)
    {
        string source = _kernel.Profile.DmaEngineLogsDevice ? channel.Device.Device.LogPrefix : "dmaengine: ";
        _kernel.Log.Print(LogLevel.Error, source + "dma_sync_wait: timeout!");
    }

    /// <summary>One wait of dma_sync_wait.</summary>
    private sealed class SyncWaiter(DmaEngine engine, DmaChannel channel, int cookie, Action<DmaStatus> then)
        : IEventTarget
    {
        private const int LookCode = 0;
        private const int TimeoutCode = 1;

        private readonly Simulation _simulation = engine._kernel.Simulation;
        private EventHandle _timeout;
        private bool _looksSoon;
        private bool _isOver;

        public string Name => "dma_sync_wait of " + channel.Name;

        public void Begin()
        {
            channel.Progressed += LookSoon;
            _timeout = _simulation.ScheduleAfter(SyncWaitTime, this, TimeoutCode);
            LookSoon();
        }

        public void OnEvent(int code, ulong argument)
        {
            if (code == LookCode)
            {
                _looksSoon = false;
            }

            if (_isOver)
            {
                return;
            }

            DmaStatus status = channel.Status(cookie);
            if (code == TimeoutCode)
            {
                engine.LogTimeout(channel);
                status = DmaStatus.Error;
            }

            if (status != DmaStatus.InProgress)
            {
                _isOver = true;
                channel.Progressed -= LookSoon;
                _simulation.Cancel(_timeout);
                then(status);
            }
        }

        /// <summary>After what happens now: the tasklet that completes a cookie calls back before a waiter runs again.</summary>
        private void LookSoon()
        {
            if (!_looksSoon)
            {
                _looksSoon = true;
                _simulation.ScheduleAfter(0, this, LookCode);
            }
        }
    }
}
