using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>A DMA controller as its driver registers it (struct dma_device).</summary>
[DebuggerDisplay("dma{Id} ({Device.Name,nq}), {Channels.Count} channels")]
public abstract class DmaDevice(Device device)
{
    /// <summary>The device.</summary>
    public Device Device { get; } = device;

    /// <summary>Its number: dma0. Set when it is registered.</summary>
    public int Id { get; internal set; } = -1;

    /// <summary>What its channels can do.</summary>
    public DmaCapabilities Capabilities { get; internal set; }

    /// <summary>Its channels.</summary>
    public abstract IReadOnlyList<DmaChannel> Channels { get; }

    /// <summary>How many channels were given out one by one (privatecnt).</summary>
    internal int PrivateCount { get; set; }
}
