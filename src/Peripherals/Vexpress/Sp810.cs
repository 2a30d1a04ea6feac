using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// PrimeXsys System Controller (SP810), after Arm DDI 0254, as far as software on Versatile Express uses it: SCCTRL, with which
/// the clocks of the SP804 timers are chosen, is kept. The choice has no effect here: the timers' rates are properties of theirs.
/// </summary>
[DebuggerDisplay("{Name,nq} SCCTRL {State.Control}")]
public sealed class Sp810 : Device<Sp810.Registers>
{
    // csharpier-ignore
    private static readonly RegisterMap<Sp810, Registers> Map = new RegisterMap<Sp810, Registers>("SP810", size: 0x1000)
        .Stored    (0x000, "SCCTRL",      (ref s) => ref s.Control, mask: 0x03FF_FF87, reset: 0x0000_0009, fields: "ModeCtrl[2:0] ModeStatus[6:3] TimerEn0Sel[15] TimerEn1Sel[17] TimerEn2Sel[19] TimerEn3Sel[21]")
        .Unmodelled(0x004, "SCSYSSTAT")
        .Unmodelled(0x008, "SCIMCTRL")
        .Unmodelled(0x00C, "SCIMSTAT")
        .Unmodelled(0x010, "SCXTALCTRL")
        .Unmodelled(0x014, "SCPLLCTRL")
        .Unmodelled(0x018, "SCPLLFCTRL")
        .Unmodelled(0x01C, "SCPERCTRL0")
        .Unmodelled(0x020, "SCPERCTRL1")
        .Unmodelled(0x024, "SCPEREN")
        .Unmodelled(0x028, "SCPERDIS")
        .Unmodelled(0x02C, "SCPERCLKEN")
        .Unmodelled(0x030, "SCPERSTAT")
        .Constant  (0xFE0, "SCPeriphID0", 0x10)
        .Constant  (0xFE4, "SCPeriphID1", 0x18)
        .Constant  (0xFE8, "SCPeriphID2", 0x04)
        .Constant  (0xFEC, "SCPeriphID3", 0x00)
        .Constant  (0xFF0, "SCPCellID0",  0x0D)
        .Constant  (0xFF4, "SCPCellID1",  0xF0)
        .Constant  (0xFF8, "SCPCellID2",  0x05)
        .Constant  (0xFFC, "SCPCellID3",  0xB1);

    /// <summary>Makes a system controller.</summary>
    public Sp810(DeviceContext context)
        : base(context)
    {
        var window = new RegisterWindow<Sp810, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        Map.ApplyResetValues(ref State);
    }

    /// <summary>What the controller remembers.</summary>
    public struct Registers
    {
        /// <summary>SCCTRL.</summary>
        public uint Control;
    }
}
