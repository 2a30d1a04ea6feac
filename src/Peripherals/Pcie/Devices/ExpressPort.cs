using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A root port or a port of a switch (PCI Express Base 7.5.3). A port with a slot shows whether something is plugged in and
/// how wide and fast the link to it is.
/// </summary>
public abstract class ExpressPort : PciBridgeModel<PciMsixState>
{
    private const int PresenceDetect = 1 << 6;
    private const int DataLinkActive = 1 << 13;
    private const int AttentionOff = 3 << 6;
    private const int PowerOn = 1 << 8;
    private const int PowerOff = 3 << 8;
    private const int PowerControl = 1 << 10;
    private const int CommandCompleted = 1 << 4;
    private const int InterlockControl = 1 << 11;

    private protected ExpressPort(DeviceContext context, Func<PciPlace, ConfigurationLayout> layout)
        : base(context, isSecondaryExpress: true, layout) { }

    private ConfigurationSpace Space => Function.Configuration;

    private int ExpressAt => Space.Layout.ExpressAt;

    private bool HasSlot => (Space.Get16(ExpressAt + 2) & 0x100) != 0;

    private PciFunction? Neighbour => Function.Secondary!.Functions.Count > 0 ? Function.Secondary.Functions[0] : null;

    private protected override void ResetOwn()
    {
        MsixTable.Reset(ref State.Own);
        if (!HasSlot)
        {
            return;
        }

        bool isPopulated = Neighbour is not null;
        int power = isPopulated ? PowerOn : PowerOff | PowerControl;
        Space.Set16(ExpressAt + ExpressCapabilityLayout.SlotControl, AttentionOff | power);
        Space.Set16(ExpressAt + ExpressCapabilityLayout.SlotStatus, isPopulated ? PresenceDetect : 0);
        Space.Set16(
            ExpressAt + ExpressCapabilityLayout.LinkStatus,
            NegotiatedLink() | (isPopulated ? DataLinkActive : 0)
        );
    }

    private protected override void ConfigurationWritten(int offset, int sizeBytes)
    {
        base.ConfigurationWritten(offset, sizeBytes);
        int control = ExpressAt + ExpressCapabilityLayout.SlotControl;
        if (HasSlot && (Covers(offset, sizeBytes, control, out _) || Covers(offset, sizeBytes, control + 1, out _)))
        {
            // A command is carried out at once; the interlock bit is a trigger and reads as 0 (6.7.3.2).
            Space.Change16(control, InterlockControl, 0);
            Space.Change16(ExpressAt + ExpressCapabilityLayout.SlotStatus, 0, CommandCompleted);
        }
    }

    /// <summary>
    /// The link trains to what both ends can. A neighbour without a link (a conventional device, as QEMU lets one be plugged
    /// into a port) leaves the port at its own best.
    /// </summary>
    private int NegotiatedLink()
    {
        const int Speed = 0xF;
        const int Width = 0x3F0;
        int own = (int)Space.Get32(ExpressAt + ExpressCapabilityLayout.LinkCapabilities);
        int other =
            Neighbour is { } neighbour && neighbour.Configuration.Layout.ExpressAt is var at and not 0
                ? neighbour.Configuration.Layout.ResetValue16(at + ExpressCapabilityLayout.LinkStatus)
                : own;
        int speed = Smaller(own & Speed, other & Speed, 1);
        int width = Smaller(own & Width, other & Width, 1 << 4);
        return speed | width;
    }

    /// <summary>A port of which nothing is known (0) takes what the other end has, and at least the smallest.</summary>
    private static int Smaller(int own, int other, int least) =>
        own == 0 ? Math.Max(other, least) : Math.Max(Math.Min(own, other), least);
}
