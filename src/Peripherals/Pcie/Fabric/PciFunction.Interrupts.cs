using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>INTx, MSI and MSI-X.</content>
public sealed partial class PciFunction
{
    private readonly int[] _assertedBelow = new int[4];
    private bool _drives;

    internal bool IsMsiOn => Configuration.Layout.MsiAt is var at and not 0 && (Configuration.Get16(at + 2) & 1) != 0;

    internal bool IsMsixOn =>
        Configuration.Layout.MsixAt is var at and not 0 && (Configuration.Get16(at + 2) & 0x8000) != 0;

    /// <summary>How many messages software has granted by Multiple Message Enable.</summary>
    internal int GrantedMessages =>
        Configuration.Layout.MsiAt is var at and not 0 ? 1 << ((Configuration.Get16(at + 2) >> 4) & 7) : 0;

    /// <summary>Sets the level that the function wants on its pin: Interrupt Status, and the pin unless it is disabled.</summary>
    internal void SetInterrupt(bool level)
    {
        Configuration.Change16(PciRegister.Status, (int)PciStatus.Interrupt, level ? (int)PciStatus.Interrupt : 0);
        DriveInterrupt();
    }

    /// <summary>Sends the message of a vector (PCI Local Bus 3.0, 6.8.1.5). A masked vector becomes pending.</summary>
    internal void SendMsi(int vector)
    {
        int at = Configuration.Layout.MsiAt;
        if (!IsMsiOn)
        {
            return;
        }

        int control = Configuration.Get16(at + 2);
        bool is64Bit = (control & 0x80) != 0;
        int dataAt = at + (is64Bit ? 12 : 8);
        if ((control & 0x100) != 0 && (Configuration.Get32(dataAt + 4) >> vector & 1) != 0)
        {
            Configuration.Set32(dataAt + 8, Configuration.Get32(dataAt + 8) | (1u << vector));
            return;
        }

        int granted = GrantedMessages;
        ulong address = Configuration.Get32(at + 4) | (is64Bit ? (ulong)Configuration.Get32(at + 8) << 32 : 0);
        uint data = (uint)Configuration.Get16(dataAt);
        data = (data & ~(uint)(granted - 1)) | (uint)(vector & (granted - 1));
        SendMessage(address, data);
    }

    /// <summary>A message is a posted memory write of the function itself.</summary>
    internal void SendMessage(ulong address, uint data)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, data);
        WriteMemory(address, bytes);
    }

    /// <summary>An MSI whose mask bit was cleared while it was pending is sent now.</summary>
    internal void SendUnmaskedMsi()
    {
        int at = Configuration.Layout.MsiAt;
        int control = at == 0 ? 0 : Configuration.Get16(at + 2);
        if ((control & 0x101) != 0x101)
        {
            return;
        }

        int maskAt = at + ((control & 0x80) != 0 ? 16 : 12);
        uint ready = Configuration.Get32(maskAt + 4) & ~Configuration.Get32(maskAt);
        Configuration.Set32(maskAt + 4, Configuration.Get32(maskAt + 4) & ~ready);
        for (int vector = 0; ready != 0; vector++, ready >>= 1)
        {
            if ((ready & 1) != 0)
            {
                SendMsi(vector);
            }
        }
    }

    private void DriveInterrupt()
    {
        bool drives =
            IsPresent
            && (Configuration.Get16(PciRegister.Status) & (int)PciStatus.Interrupt) != 0
            && !Has(PciCommand.InterruptDisable);
        int pin = Configuration.Get8(PciRegister.InterruptPin);
        if (drives != _drives && pin is >= 1 and <= 4)
        {
            _drives = drives;
            Drive(pin - 1, drives);
        }
    }

    /// <summary>
    /// Carries a level of INTA to INTD (0 to 3) towards the host: each bridge turns the pin by the device number on its
    /// secondary bus (PCI-to-PCI Bridge 1.2, 9.1; PCI Express Base 2.2.8.1).
    /// </summary>
    private void Drive(int pin, bool level)
    {
        PciFunction function = this;
        while (function.Bus.Bridge is { } bridge)
        {
            pin = (pin + (function.Devfn >> 3)) & 3;
            int before = bridge._assertedBelow[pin];
            bridge._assertedBelow[pin] = before + (level ? 1 : -1);
            if (before > (level ? 0 : 1))
            {
                return;
            }

            function = bridge;
        }

        function.Bus.Fabric.DriveInterrupt(function.Devfn, pin, level);
    }
}
