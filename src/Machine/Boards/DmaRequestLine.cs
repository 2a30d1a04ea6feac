using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>What a device asks its DMA controller for.</summary>
public enum DmaRequestKind
{
    /// <summary>One transfer.</summary>
    Single,

    /// <summary>A burst of transfers, of a length that device and driver agree on.</summary>
    Burst,
}

/// <summary>What a DMA controller tells a device that has requested.</summary>
public enum DmaAcknowledge
{
    /// <summary>A single transfer is done.</summary>
    Single,

    /// <summary>A burst is done.</summary>
    Burst,

    /// <summary>Requests have been forgotten: request again what is still wanted.</summary>
    Flush,
}

/// <summary>A device that requests transfers.</summary>
public interface IDmaClient
{
    /// <summary>The controller has acknowledged on one of the device's lines. The device may request again from within.</summary>
    void OnDmaAcknowledge(DmaRequestLine line, DmaAcknowledge kind);
}

/// <summary>A request interface of a DMA controller, seen from the device.</summary>
public interface IDmaRequestInput
{
    /// <summary>The name, for people.</summary>
    string Name { get; }

    /// <summary>Requests a transfer. False if the controller takes no more now.</summary>
    bool Request(DmaRequestKind kind, bool last);
}

/// <summary>A device that has request interfaces.</summary>
public interface IDmaController
{
    /// <summary>
    /// Connects a device's line to the interface that the cells of a <c>dmas</c> entry name. Null, with the problem, if there
    /// is no such interface.
    /// </summary>
    IDmaRequestInput? ConnectDma(ReadOnlySpan<uint> cells, DmaRequestLine line, out string problem);
}

/// <summary>
/// The DMA request output of a device, wired as the node's <c>dmas</c> and <c>dma-names</c> say (or
/// <c>emulator,dmas</c> and <c>emulator,dma-names</c>, of which no kernel is told). Requests and acknowledgements go over it.
/// </summary>
[DebuggerDisplay("{Name,nq}, wired to {Input?.Name ?? \"nothing\",nq}")]
public sealed class DmaRequestLine
{
    /// <summary>Makes a line that is wired to nothing.</summary>
    /// <param name="client">The device.</param>
    /// <param name="name">The name in <c>dma-names</c>: <c>rx</c>.</param>
    public DmaRequestLine(IDmaClient client, string name)
    {
        Client = client;
        Name = name;
    }

    /// <summary>The device.</summary>
    public IDmaClient Client { get; }

    /// <summary>The name in <c>dma-names</c>.</summary>
    public string Name { get; }

    /// <summary>The interface it is wired to, or null.</summary>
    public IDmaRequestInput? Input { get; private set; }

    /// <summary>Wires it to an interface.</summary>
    public void Connect(IDmaRequestInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (Input is not null)
        {
            throw new InvalidOperationException($"{Name} is wired to {Input.Name} already.");
        }

        Input = input;
    }

    /// <summary>Requests a transfer; false if nothing is wired or the controller takes no more now.</summary>
    public bool Request(DmaRequestKind kind, bool last = false) => Input?.Request(kind, last) ?? false;
}
