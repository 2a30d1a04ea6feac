using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// System registers of the Versatile Express motherboard V2M-P1, after Arm DUI 0447: identification, switches,
/// LEDs, flags, free-running counters, and the window to the board's configuration controllers.
/// </summary>
/// <remarks>
/// Properties: <c>emulator,sys-id</c> (0x1190_f500), <c>emulator,proc-id</c>, one cell for each daughterboard site
/// (0x1400_0237 and 0xff00_0000: a Cortex-A15 tile and an empty site), <c>emulator,mci</c> (SYS_MCI: bit 0 card present,
/// bit 1 write protected; 0). SYS_NVFLAGS survives reset, as it does on a board until power goes.
/// </remarks>
[DebuggerDisplay("{Name,nq} LEDs {State.Leds}")]
public sealed class VexpressSysreg : Device<VexpressSysreg.Registers>
{
    private const uint ConfigurationStart = 1u << 31;
    private const uint ConfigurationComplete = 1;
    private const uint ConfigurationError = 2;

    private static readonly TraceKind NoFunction = new(
        "sysreg.function",
        Severity.Warning,
        "configuration {access}, function {function} of site {site} device {device}: not modelled, answered with an error"
    );

    private static readonly TraceKind PowerRequest = new(
        "sysreg.power",
        Severity.Warning,
        "software asks the board for {request}: not modelled, the board stays on"
    );

    private static readonly TraceKind LedsChanged = new("sysreg.led", Severity.Info, "LEDs {value}");

    // csharpier-ignore
    private static readonly RegisterMap<VexpressSysreg, Registers> Map = new RegisterMap<VexpressSysreg, Registers>("VE sysreg", size: 0x1000)
        .ReadOnly (0x000, "SYS_ID",         board => board._id)
        .Stored   (0x004, "SYS_SW",         (ref s) => ref s.Switches,      mask: 0xFF)
        .Stored   (0x008, "SYS_LED",        (ref s) => ref s.Leds,          mask: 0xFF, then: (board, value) => board.ReportLeds((uint)value))
        .ReadOnly (0x024, "SYS_100HZ",      board => board.Count(100))
        .ReadWrite(0x030, "SYS_FLAGS",      board => board.State.Flags,     (board, value) => board.State.Flags |= (uint)value)
        .WriteOnly(0x034, "SYS_FLAGSCLR",   (board, value) => board.State.Flags &= ~(uint)value)
        .ReadWrite(0x038, "SYS_NVFLAGS",    board => board.State.KeptFlags, (board, value) => board.State.KeptFlags |= (uint)value)
        .WriteOnly(0x03C, "SYS_NVFLAGSCLR", (board, value) => board.State.KeptFlags &= ~(uint)value)
        .ReadOnly (0x048, "SYS_MCI",        board => board._card,           fields: "CARDIN[0] WPROT[1]")
        .Stored   (0x04C, "SYS_FLASH",      (ref s) => ref s.Flash,         mask: 1, fields: "FLASHWP[0]")
        .Unmodelled(0x058, "SYS_CFGSW")
        .ReadOnly (0x05C, "SYS_24MHZ",      board => board.Count(24_000_000))
        .Stored   (0x060, "SYS_MISC",       (ref s) => ref s.Miscellaneous, mask: 0x0003_0000, fields: "MASTERSITE[14]")
        .Unmodelled(0x064, "SYS_DMA")
        .ReadOnly (0x084, 2, 4, "SYS_PROCID{0}", (board, site) => board._processors[site])
        .Stored   (0x0A0, "SYS_CFGDATA",    (ref s) => ref s.ConfigurationData)
        .ReadWrite(0x0A4, "SYS_CFGCTRL",    board => board.State.ConfigurationControl, (board, value) => board.Configure((uint)value), fields: "DEVICE[11:0] POSITION[15:12] SITE[17:16] FUNCTION[25:20] DCC[29:26] WRITE[30] START[31]")
        .Stored   (0x0A8, "SYS_CFGSTAT",    (ref s) => ref s.ConfigurationStatus, mask: 3, fields: "COMPLETE[0] ERROR[1]");

    private readonly uint _id;
    private readonly uint _card;
    private readonly uint[] _processors;

    /// <summary>Makes the registers.</summary>
    public VexpressSysreg(DeviceContext context)
        : base(context)
    {
        _id = context.Cell("emulator,sys-id", 0x1190_F500);
        _card = context.Cell("emulator,mci", 0);
        uint[] given = context.Cells("emulator,proc-id") ?? [];
        _processors = [given.Length > 0 ? given[0] : 0x1400_0237, given.Length > 1 ? given[1] : 0xFF00_0000];
        var window = new RegisterWindow<VexpressSysreg, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>SYS_LED: a bit for each of the eight user LEDs.</summary>
    public byte Leds => (byte)State.Leds;

    /// <inheritdoc/>
    public override void Reset()
    {
        uint kept = State.KeptFlags;
        State = default;
        State.KeptFlags = kept;
        State.StartTime = Simulation.Now;
    }

    private uint Count(uint hertz)
    {
        var clock = new TickClock(hertz);
        return (uint)(clock.TicksAt(Simulation.Now) - clock.TicksAt(State.StartTime));
    }

    private void ReportLeds(uint value)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(LedsChanged, Name, TraceField.Hex("value", value));
        }
    }

    /// <summary>SYS_CFGCTRL: START sends a request to a configuration controller; here all are done at once.</summary>
    private void Configure(uint value)
    {
        State.ConfigurationControl = value & ~ConfigurationStart;
        if ((value & ConfigurationStart) == 0)
        {
            return;
        }

        uint function = value >> 20 & 0x3F;
        string? request = function switch
        {
            5 => "a reset",
            8 => "shutdown",
            9 => "a reboot",
            _ => null,
        };
        State.ConfigurationStatus = ConfigurationComplete | (request is null ? ConfigurationError : 0);
        if (request is not null)
        {
            Trace.Emit(PowerRequest, Name, TraceField.Of("request", request));
            return;
        }

        Trace.Emit(
            NoFunction,
            Name,
            TraceField.Of("access", (value & 1 << 30) != 0 ? "write" : "read"),
            TraceField.Decimal("function", function),
            TraceField.Decimal("site", value >> 16 & 3),
            TraceField.Decimal("device", value & 0xFFF)
        );
    }

    /// <summary>What the registers remember.</summary>
    public struct Registers
    {
        /// <summary>When the counters began, in picoseconds.</summary>
        public long StartTime;

        /// <summary>SYS_SW.</summary>
        public uint Switches;

        /// <summary>SYS_LED.</summary>
        public uint Leds;

        /// <summary>SYS_FLAGS.</summary>
        public uint Flags;

        /// <summary>SYS_NVFLAGS.</summary>
        public uint KeptFlags;

        /// <summary>SYS_FLASH.</summary>
        public uint Flash;

        /// <summary>SYS_MISC.</summary>
        public uint Miscellaneous;

        /// <summary>SYS_CFGDATA.</summary>
        public uint ConfigurationData;

        /// <summary>SYS_CFGCTRL without START.</summary>
        public uint ConfigurationControl;

        /// <summary>SYS_CFGSTAT.</summary>
        public uint ConfigurationStatus;

        /// <summary>Keeps the struct free of padding.</summary>
        public uint Filler;
    }
}
