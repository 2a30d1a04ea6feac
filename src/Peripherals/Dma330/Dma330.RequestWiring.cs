using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>Devices of the board at the peripheral request interfaces, wired by <c>dmas = &lt;&amp;dma interface&gt;</c>.</summary>
public sealed partial class Dma330 : IDmaController
{
    /// <inheritdoc/>
    IDmaRequestInput? IDmaController.ConnectDma(ReadOnlySpan<uint> cells, DmaRequestLine line, out string problem)
    {
        problem = "";
        if (cells is not [var number] || number >= Configuration.Peripherals)
        {
            problem = string.Create(
                CultureInfo.InvariantCulture,
                $"it takes one cell, an interface below {Configuration.Peripherals}"
            );
            return null;
        }

        if (_peripherals[number] is not null)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"something is wired to interface {number} already");
            return null;
        }

        var wired = new WiredPeripheral(this, (int)number, line);
        Connect((int)number, wired);
        return wired;
    }

    /// <summary>A request interface with a device of the board behind it.</summary>
    private sealed class WiredPeripheral(Dma330 dma, int number, DmaRequestLine line)
        : IDma330Peripheral,
            IDmaRequestInput
    {
        public string Name => string.Create(CultureInfo.InvariantCulture, $"{dma.Name} peripheral {number}");

        public bool Request(DmaRequestKind kind, bool last) =>
            dma.Request(
                number,
                kind == DmaRequestKind.Burst ? Dma330RequestKind.Burst : Dma330RequestKind.Single,
                last
            );

        public void OnAcknowledge(int requestInterface, Dma330Acknowledge kind) =>
            line.Client.OnDmaAcknowledge(
                line,
                kind switch
                {
                    Dma330Acknowledge.Single => DmaAcknowledge.Single,
                    Dma330Acknowledge.Burst => DmaAcknowledge.Burst,
                    _ => DmaAcknowledge.Flush,
                }
            );
    }
}
