using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>How a transfer stands (enum dma_status).</summary>
public enum DmaStatus
{
    /// <summary>DMA_COMPLETE (DMA_SUCCESS before 3.13).</summary>
    Complete,

    /// <summary>DMA_IN_PROGRESS.</summary>
    InProgress,

    /// <summary>DMA_PAUSED.</summary>
    Paused,

    /// <summary>DMA_ERROR.</summary>
    Error,
}

/// <summary>What the channels of a DMA device can do (enum dma_transaction_type).</summary>
[Flags]
public enum DmaCapabilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>DMA_MEMCPY.</summary>
    Memcpy = 1,

    /// <summary>DMA_PRIVATE: not for the general pool of channels.</summary>
    Private = 2,

    /// <summary>DMA_SLAVE: transfers from and to peripherals.</summary>
    Slave = 4,

    /// <summary>DMA_CYCLIC.</summary>
    Cyclic = 8,
}

/// <summary>A channel of a DMA device (struct dma_chan) with its cookies (drivers/dma/dmaengine.h).</summary>
[DebuggerDisplay("{Name,nq}: cookie {Cookie}, completed {CompletedCookie}, {ClientCount} clients")]
public abstract class DmaChannel(DmaDevice device)
{
    /// <summary>The first cookie (DMA_MIN_COOKIE).</summary>
    public const int FirstCookie = 1;

    /// <summary>The device it belongs to.</summary>
    public DmaDevice Device { get; } = device;

    /// <summary>Its place among the channels of its device.</summary>
    public int Index { get; internal set; }

    /// <summary>dma0chan0.</summary>
    public string Name { get; internal set; } = "";

    /// <summary>The last cookie given.</summary>
    public int Cookie { get; private set; } = FirstCookie;

    /// <summary>The last cookie completed.</summary>
    public int CompletedCookie { get; private set; } = FirstCookie;

    /// <summary>How many clients hold it.</summary>
    public int ClientCount { get; internal set; }

    /// <summary>How many copies clients have counted (memcpy_count in sysfs).</summary>
    public uint MemcpyCount { get; set; }

    /// <summary>How many bytes clients have counted (bytes_transferred in sysfs).</summary>
    public uint BytesTransferred { get; set; }

    /// <summary>Told when a cookie was completed.</summary>
    internal event Action? Progressed;

    /// <summary>
    /// Makes a descriptor of a copy within memory (device_prep_dma_memcpy); null when the device cannot. The addresses are
    /// those that the device sees.
    /// </summary>
    public abstract DmaDescriptor? PrepareMemcpy(ulong destination, ulong source, ulong lengthBytes);

    /// <summary>Has submitted descriptors begun (device_issue_pending).</summary>
    public abstract void IssuePending();

    /// <summary>Stops everything and forgets it (DMA_TERMINATE_ALL).</summary>
    public abstract void TerminateAll();

    /// <summary>dma_cookie_status.</summary>
    public DmaStatus Status(int cookie)
    {
        bool isComplete =
            CompletedCookie <= Cookie
                ? cookie <= CompletedCookie || cookie > Cookie
                : cookie <= CompletedCookie && cookie > Cookie;
        return isComplete ? DmaStatus.Complete : DmaStatus.InProgress;
    }

    /// <summary>What a new client gets ready (device_alloc_chan_resources): 0 or more, or a negative errno.</summary>
    internal abstract long AllocateResources();

    /// <summary>What the last client leaves (device_free_chan_resources).</summary>
    internal abstract void FreeResources();

    /// <summary>dma_cookie_init.</summary>
    internal void InitializeCookies()
    {
        Cookie = FirstCookie;
        CompletedCookie = FirstCookie;
    }

    /// <summary>dma_cookie_assign.</summary>
    internal int AssignCookie(DmaDescriptor descriptor)
    {
        Cookie = Cookie == int.MaxValue ? FirstCookie : Cookie + 1;
        return descriptor.Cookie = Cookie;
    }

    /// <summary>dma_cookie_complete.</summary>
    internal void CompleteCookie(DmaDescriptor descriptor)
    {
        CompletedCookie = descriptor.Cookie;
        descriptor.Cookie = 0;
        Progressed?.Invoke();
    }
}

/// <summary>A transfer (struct dma_async_tx_descriptor).</summary>
[DebuggerDisplay("cookie {Cookie}")]
public abstract class DmaDescriptor
{
    /// <summary>Its cookie; 0 before it is submitted and after it is complete.</summary>
    public int Cookie { get; internal set; }

    /// <summary>Called from a tasklet when it is complete; null for nobody.</summary>
    public Action? Callback { get; set; }

    /// <summary>Puts it into its channel's queue (tx_submit) and gives its cookie, or a negative errno.</summary>
    public abstract int Submit();
}
