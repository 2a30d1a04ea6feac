using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The distributor, after IHI 0069 chapter 12.9, with one security state and affinity routing.</content>
public sealed partial class GicV3
{
    private const uint EnableGroup0 = 1;
    private const uint EnableGroup1 = 2;
    private const uint FixedControl = AffinityRouting | DisableSecurity;
    private const uint AffinityRouting = 1 << 4;
    private const uint DisableSecurity = 1 << 6;
    private const uint Implementer = 0x43B;
    private const ulong RouteMask = 0xFF_00FF_FFFF;

    private const AccessSizes Parts = AccessSizes.Byte | AccessSizes.Half | AccessSizes.Word;
    private const AccessSizes Halves = AccessSizes.Word | AccessSizes.Double;

    // csharpier-ignore
    private static readonly RegisterMap<GicV3, GicV3State> DistributorMap = new RegisterMap<GicV3, GicV3State>("GICD", size: 0x1_0000)
        .ReadWrite(0x0000, "GICD_CTLR",          gic => gic.State.Control | FixedControl, (gic, value) => gic.WriteDistributorControl((uint)value), fields: "EnableGrp0[0] EnableGrp1[1] ARE[4] DS[6] E1NWF[7] RWP[31]", reset: FixedControl)
        .ReadOnly (0x0004, "GICD_TYPER",         gic => gic.ControllerType, fields: "ITLinesNumber[4:0] CPUNumber[7:5] SecurityExtn[10] MBIS[16] LPIS[17] DVIS[18] IDbits[23:19] A3V[24] No1N[25]")
        .Constant (0x0008, "GICD_IIDR",          Implementer, fields: "Implementer[11:0] Revision[15:12] Variant[19:16] ProductID[31:24]")
        .Constant (0x0010, "GICD_STATUSR",       0)
        .ReadWrite(0x0080, 32, 4, "GICD_IGROUPR{0}",    (gic, n) => gic.ReadShared(n, ref gic.State.Group), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Group, Change.Store))
        .ReadWrite(0x0100, 32, 4, "GICD_ISENABLER{0}",  (gic, n) => gic.ReadShared(n, ref gic.State.Enabled), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Enabled, Change.Set))
        .ReadWrite(0x0180, 32, 4, "GICD_ICENABLER{0}",  (gic, n) => gic.ReadShared(n, ref gic.State.Enabled), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Enabled, Change.Clear))
        .ReadWrite(0x0200, 32, 4, "GICD_ISPENDR{0}",    (gic, n) => gic.ReadPending(n), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Latch, Change.Set))
        .ReadWrite(0x0280, 32, 4, "GICD_ICPENDR{0}",    (gic, n) => gic.ReadPending(n), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Latch, Change.Clear))
        .ReadWrite(0x0300, 32, 4, "GICD_ISACTIVER{0}",  (gic, n) => gic.ReadShared(n, ref gic.State.Active), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Active, Change.Set))
        .ReadWrite(0x0380, 32, 4, "GICD_ICACTIVER{0}",  (gic, n) => gic.ReadShared(n, ref gic.State.Active), (gic, n, value) => gic.WriteShared(n, (uint)value, ref gic.State.Active, Change.Clear))
        .Lanes    (0x0400, 255, 4, "GICD_IPRIORITYR{0}", (gic, n, in _) => gic.ReadPriorities(gic.SharedSlot(4 * n)), (gic, n, value, lanes, in _) => gic.WritePriorities(gic.SharedSlot(4 * n), value, lanes), access: Parts)
        .ReadWrite(0x0C00, 64, 4, "GICD_ICFGR{0}",      (gic, n) => gic.ReadConfiguration(gic.SharedSlot(16 * n)), (gic, n, value) => gic.WriteConfiguration(gic.SharedSlot(16 * n), (uint)value))
        .ReadWrite(0x6000, 1020, 8, "GICD_IROUTER{0}",   (gic, n) => gic.ReadRoute(n), (gic, n, value) => gic.WriteRoute(n, value), width: 64, access: Halves, fields: "Aff0[7:0] Aff1[15:8] Aff2[23:16] Interrupt_Routing_Mode[31] Aff3[39:32]")
        .Constant (0xFFD0, "GICD_PIDR4", 0x44)
        .Constant (0xFFE0, "GICD_PIDR0", 0x92)
        .Constant (0xFFE4, "GICD_PIDR1", 0xB4)
        .Constant (0xFFE8, "GICD_PIDR2", 0x3B)
        .Constant (0xFFEC, "GICD_PIDR3", 0x00)
        .Constant (0xFFF0, "GICD_CIDR0", 0x0D)
        .Constant (0xFFF4, "GICD_CIDR1", 0xF0)
        .Constant (0xFFF8, "GICD_CIDR2", 0x05)
        .Constant (0xFFFC, "GICD_CIDR3", 0xB1);

    private enum Change
    {
        Store,
        Set,
        Clear,
    }

    /// <summary>16 bits of interrupt IDs, four levels of affinity, LPIs, and no 1-of-N routing (as QEMU's).</summary>
    private uint ControllerType => (uint)_sharedWords | 1u << 17 | 0xFu << 19 | 1u << 24 | 1u << 25;

    private void WriteDistributorControl(uint value)
    {
        State.Control = value & (EnableGroup0 | EnableGroup1);
        Update();
    }

    /// <summary>Wires and latch together: a level interrupt is pending while either is set, an edge one by its latch alone.</summary>
    private uint PendingIn(int word) => State.Latch[word] | (State.Level[word] & ~State.Edge[word]);

    private uint ReadPending(int index) => HasWord(index) ? PendingIn(FirstSharedWord + index - 1) : 0;

    private uint ReadShared(int index, ref GicV3State.SlotBits bits) =>
        HasWord(index) ? bits[FirstSharedWord + index - 1] : 0;

    private void WriteShared(int index, uint value, ref GicV3State.SlotBits bits, Change change)
    {
        if (HasWord(index))
        {
            WriteWord(FirstSharedWord + index - 1, value, ref bits, change);
        }
    }

    /// <summary>With affinity routing the registers of the private interrupts are the redistributors'.</summary>
    private bool HasWord(int index) => index > 0 && index <= _sharedWords;

    /// <summary>The slot of a shared interrupt; -1 for a private one, and where there is none.</summary>
    private int SharedSlot(int id) =>
        id >= PrivateIds && id < PrivateIds + SharedInterrupts ? FirstSharedSlot + id - PrivateIds : -1;

    private void WriteWord(int word, uint value, ref GicV3State.SlotBits bits, Change change)
    {
        bits[word] = change switch
        {
            Change.Set => bits[word] | value,
            Change.Clear => bits[word] & ~value,
            _ => value,
        };
        Update();
    }

    private uint ReadPriorities(int slot)
    {
        uint value = 0;
        for (int lane = 0; lane < 4; lane++)
        {
            value |= slot >= 0 ? (uint)State.Priority[slot + lane] << (lane * 8) : 0;
        }

        return value;
    }

    private void WritePriorities(int slot, ulong value, ulong lanes)
    {
        for (int lane = 0; lane < 4; lane++)
        {
            if (slot >= 0 && (lanes >> (lane * 8) & 0xFF) != 0)
            {
                State.Priority[slot + lane] = (byte)((value >> (lane * 8)) & PriorityBits);
            }
        }

        Update();
    }

    private uint ReadConfiguration(int slot)
    {
        uint value = 0;
        for (int n = 0; slot >= 0 && n < 16; n++)
        {
            value |= (State.Edge[(slot + n) / 32] >> ((slot + n) % 32) & 1) << (2 * n + 1);
        }

        return value;
    }

    private void WriteConfiguration(int slot, uint value)
    {
        for (int n = 0; slot >= 0 && n < 16; n++)
        {
            uint bit = 1u << ((slot + n) % 32);
            ref uint word = ref State.Edge[(slot + n) / 32];
            word = (value >> (2 * n + 1) & 1) != 0 ? word | bit : word & ~bit;
        }

        Update();
    }

    private ulong ReadRoute(int id) => SharedSlot(id) < 0 ? 0 : State.Routes[id - PrivateIds];

    /// <summary>Interrupt_Routing_Mode stays 0: GICD_TYPER.No1N says that there is no "any CPU".</summary>
    private void WriteRoute(int id, ulong value)
    {
        if (SharedSlot(id) >= 0)
        {
            State.Routes[id - PrivateIds] = value & RouteMask;
            State.Targets[id - PrivateIds] = CpuOf(value & RouteMask);
            Update();
        }
    }
}
