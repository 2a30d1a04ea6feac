using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>
/// Arm DDI 0183, "UART DMA interface": requests for single characters while there is one (or room for one), and for bursts
/// while the FIFO stands at its trigger level. The lines are named <c>rx</c> and <c>tx</c>.
/// </content>
/// <remarks>
/// The part drives a level for each kind; the request interface of a DMA controller takes messages. So one request is made at
/// a time, a burst where the level says so, and the levels are looked at again when it is acknowledged or flushed.
/// </remarks>
public sealed partial class Pl011 : IDmaClient
{
    private const uint ReceiveDmaEnable = 1 << 0;
    private const uint TransmitDmaEnable = 1 << 1;
    private const uint DmaOnError = 1 << 2;

    /// <summary>UARTRIS: framing, parity, break and overrun errors.</summary>
    private const uint ErrorInterrupts = 0xF << 7;

    private DmaRequestKind? ReceiveRequest =>
        (State.DmaControl & ReceiveDmaEnable) == 0 || State.ReceiveCount == 0 ? null
        : (State.DmaControl & DmaOnError) != 0 && (State.RawInterrupts & ErrorInterrupts) != 0 ? null
        : IsFifoEnabled && State.ReceiveCount >= ReceiveLevel ? DmaRequestKind.Burst
        : DmaRequestKind.Single;

    private DmaRequestKind? TransmitRequest =>
        (State.DmaControl & TransmitDmaEnable) == 0 || State.TransmitCount >= Depth ? null
        : IsFifoEnabled && State.TransmitCount <= TransmitLevel ? DmaRequestKind.Burst
        : DmaRequestKind.Single;

    /// <inheritdoc/>
    void IDmaClient.OnDmaAcknowledge(DmaRequestLine line, DmaAcknowledge kind)
    {
        State.DmaOutstanding &= line == _receiveDma ? ~ReceiveDmaEnable : ~TransmitDmaEnable;
        RequestDma();
    }

    /// <summary>Requests what the FIFOs ask for, unless a request is under way.</summary>
    private void RequestDma()
    {
        if (State.DmaControl != 0)
        {
            RequestDma(_receiveDma, ReceiveDmaEnable, ReceiveRequest);
            RequestDma(_transmitDma, TransmitDmaEnable, TransmitRequest);
        }
    }

    private void RequestDma(DmaRequestLine line, uint bit, DmaRequestKind? kind)
    {
        if (kind is { } wanted && (State.DmaOutstanding & bit) == 0 && line.Input is not null)
        {
            State.DmaOutstanding |= bit;
            if (!line.Request(wanted))
            {
                State.DmaOutstanding &= ~bit;
            }
        }
    }
}
