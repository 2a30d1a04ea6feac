using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Interrupt Translation Service of a GICv3, after Arm IHI 0069 chapters 5.2 to 5.4 and 12.13: turns a write of an EventID by a
/// device (DeviceID) into an LPI of a CPU, by tables in memory that software fills by commands in a queue in memory.
/// </summary>
/// <remarks>
/// <para>
/// The node is a child of its GIC. There are 16 bits of DeviceID, EventID and LPI number (as QEMU's has), flat and two-level tables,
/// and collections that name a CPU by its processor number (GITS_TYPER.PTA = 0). Commands are carried out when GITS_CWRITER is
/// written.
/// </para>
/// <para>
/// The layout of tables is the implementation's own business. Here a device's entry has Valid in bit 63, the address of its table
/// in 51:8 and the number of EventID bits less one in 4:0; a collection's Valid in bit 63 and the processor number in 15:0; an
/// entry of 12 bytes for each event Valid in bit 31 of the first word, the collection in the second and the LPI in the third.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq}, command {State.ReadOffset,h} of {State.WriteOffset,h}")]
public sealed partial class GicIts : Device<GicIts.Registers>, IBusInitiator
{
    private const uint EnabledBit = 1;
    private const uint QuiescentBit = 1u << 31;
    private const ulong ValidBit = 1UL << 63;
    private const ulong StalledBit = 1;
    private const ulong CommandBaseMask = 0xB8EF_FFFF_FFFF_FCFF;
    private const ulong QueueOffsetMask = 0xF_FFE0;
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;
    private const ulong BaseWritable = 0xF8E0_FFFF_FFFF_FFFF;
    private const int IdBits = 16;
    private const int EntryBytes = 8;
    private const int InterruptEntryBytes = 12;
    private const int DeviceTable = 0;
    private const int CollectionTable = 1;
    private const ulong DeviceTableType = 1;
    private const ulong CollectionTableType = 4;

    // csharpier-ignore
    private static readonly RegisterMap<GicIts, Registers> Map = new RegisterMap<GicIts, Registers>("GITS", size: 0x2_0000)
        .ReadWrite(0x0000, "GITS_CTLR",       its => its.State.Control | QuiescentBit, (its, value) => its.WriteControl((uint)value), fields: "Enabled[0] Quiescent[31]", reset: QuiescentBit)
        .Constant (0x0004, "GITS_IIDR",       0x43B)
        .Constant (0x0008, "GITS_TYPER",      Type, width: 64, access: AccessSizes.Word | AccessSizes.Double, fields: "Physical[0] Virtual[1] CCT[2] ITT_entry_size[7:4] ID_bits[12:8] Devbits[17:13] SEIS[18] PTA[19] HCC[31:24] CIDbits[35:32] CIL[36]")
        .ReadWrite(0x0080, "GITS_CBASER",     its => its.State.CommandBase, (its, value) => its.WriteCommandBase(value), width: 64, access: AccessSizes.Word | AccessSizes.Double, fields: "Size[7:0] Shareability[11:10] Physical_Address[51:12] OuterCache[55:53] InnerCache[61:59] Valid[63]")
        .ReadWrite(0x0088, "GITS_CWRITER",    its => its.State.WriteOffset, (its, value) => its.WriteCommandOffset(value), width: 64, access: AccessSizes.Word | AccessSizes.Double, fields: "Retry[0] Offset[19:5]")
        .ReadOnly (0x0090, "GITS_CREADR",     its => its.State.ReadOffset, width: 64, access: AccessSizes.Word | AccessSizes.Double, fields: "Stalled[0] Offset[19:5]")
        .ReadWrite(0x0100, 8, 8, "GITS_BASER{0}", (its, n) => its.State.Tables[n], (its, n, value) => its.WriteTableBase(n, value), width: 64, access: AccessSizes.Word | AccessSizes.Double, fields: "Size[7:0] Page_Size[9:8] Shareability[11:10] Physical_Address[47:12] Entry_Size[52:48] OuterCache[55:53] Type[58:56] InnerCache[61:59] Indirect[62] Valid[63]")
        .Constant (0xFFD0, "GITS_PIDR4",      0x44)
        .Constant (0xFFE0, "GITS_PIDR0",      0x94)
        .Constant (0xFFE4, "GITS_PIDR1",      0xB4)
        .Constant (0xFFE8, "GITS_PIDR2",      0x3B)
        .Constant (0xFFEC, "GITS_PIDR3",      0x00)
        .Constant (0xFFF0, "GITS_CIDR0",      0x0D)
        .Constant (0xFFF4, "GITS_CIDR1",      0xF0)
        .Constant (0xFFF8, "GITS_CIDR2",      0x05)
        .Constant (0xFFFC, "GITS_CIDR3",      0xB1)
        .Viewed   (0x1_0040, 1, 0, "GITS_TRANSLATER", null, (its, _, value, in transaction) => its.Translate(transaction, (uint)value), access: AccessSizes.Half | AccessSizes.Word, fields: "EventID[31:0]");

    private readonly IBusTarget _memory;
    private readonly Transaction _signals;
    private readonly ILpiTarget _redistributors;

    /// <summary>Makes an ITS.</summary>
    /// <exception cref="BoardException">Its node is not below that of a GICv3.</exception>
    public GicIts(DeviceContext context)
        : base(context)
    {
        _redistributors =
            context.Parent as ILpiTarget
            ?? throw new BoardException(
                $"{context.Name}: an ITS is a child node of its GICv3, and this one's parent is none."
            );
        _memory = context.SystemBus;
        _signals = new Transaction { Initiator = this };
        var window = new RegisterWindow<GicIts, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    bool IBusInitiator.CanBeHeld => false;

    /// <summary>
    /// Physical LPIs; entries of 12 bytes; 16 bits each of LPI number less one, DeviceID and collection; processor numbers.
    /// </summary>
    private static ulong Type =>
        1
        | (InterruptEntryBytes - 1) << 4
        | (IdBits - 1) << 8
        | (IdBits - 1) << 13
        | (ulong)(IdBits - 1) << 32
        | 1UL << 36;

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        State.Tables[DeviceTable] = FixedPart(DeviceTable);
        State.Tables[CollectionTable] = FixedPart(CollectionTable);
    }

    /// <inheritdoc/>
    void IBusInitiator.OnHeldTransaction(ulong tag, HeldOutcome outcome) =>
        throw new InvalidOperationException("An access of the ITS was held.");

    /// <summary>GITS_BASER: what kind of table it is and how long an entry, which software cannot change; 0 for no table.</summary>
    private static ulong FixedPart(int table) =>
        table switch
        {
            DeviceTable => DeviceTableType << 56 | (ulong)(EntryBytes - 1) << 48,
            CollectionTable => CollectionTableType << 56 | (ulong)(EntryBytes - 1) << 48,
            _ => 0,
        };

    private void WriteControl(uint value)
    {
        State.Control = value & EnabledBit;
        RunCommands();
    }

    /// <summary>Tables and queue stay where they are while the ITS is enabled.</summary>
    private void WriteCommandBase(ulong value)
    {
        if (State.Control == 0)
        {
            State.CommandBase = value & CommandBaseMask;
            State.ReadOffset = 0;
            State.WriteOffset = 0;
        }
    }

    private void WriteTableBase(int table, ulong value)
    {
        if (State.Control == 0 && FixedPart(table) != 0)
        {
            // A page size of 3 is reserved and means 64 KiB. Collections are few: their table has one level.
            ulong pageSize = Math.Min(value >> 8 & 3, 2) << 8;
            ulong writable = table == CollectionTable ? BaseWritable & ~IndirectBit : BaseWritable;
            State.Tables[table] = (value & writable & ~0x300UL) | pageSize | FixedPart(table);
        }
    }

    private void WriteCommandOffset(ulong value)
    {
        State.WriteOffset = value & QueueOffsetMask;
        if ((value & 1) != 0)
        {
            State.ReadOffset &= ~StalledBit;
        }

        RunCommands();
    }

    /// <summary>GITS_BASER.</summary>
    [InlineArray(8)]
    public struct TableBases
    {
        private ulong _first;
    }

    /// <summary>What the ITS remembers; its tables are in memory.</summary>
    public struct Registers
    {
        /// <summary>GITS_CBASER.</summary>
        public ulong CommandBase;

        /// <summary>GITS_CWRITER.</summary>
        public ulong WriteOffset;

        /// <summary>GITS_CREADR.</summary>
        public ulong ReadOffset;

        /// <summary>GITS_BASER.</summary>
        public TableBases Tables;

        /// <summary>GITS_CTLR.</summary>
        public uint Control;

        /// <summary>Keeps the struct free of padding.</summary>
        public uint Filler;
    }
}
