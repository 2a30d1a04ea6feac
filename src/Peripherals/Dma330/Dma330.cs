using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// CoreLink DMA-330 DMA Controller (PL330), after Arm DDI 0424: a manager and up to eight channels that run programs from
/// memory and move data through a shared FIFO. This part holds the registers, reset and the debug interface; the others
/// follow the manual's chapters.
/// </summary>
/// <remarks>
/// <para>The first <c>reg</c> entry is the Secure APB port; a second one, if there is one, the Non-secure port. Configuration
/// and wiring are properties, see <see cref="Dma330Configuration"/>.</para>
/// <para>Time: an instruction takes one cycle of <c>emulator,clock-hz</c>, one of six bytes two, a taken DMALPEND one
/// more; at most one instruction is issued per cycle. A burst occupies one outstanding slot for 8 cycles and one per
/// beat; its data moves when the instruction is issued, so that it is in memory before any later DMASEV. What others
/// could notice (a line, an access to something that is no plain memory, a fault) happens at its exact time.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}: manager {Manager.Status}, {RunningChannels} channels running")]
public sealed partial class Dma330 : Device<Dma330State>, IBusInitiator, IEventTarget, IExplainsState
{
    private const int ManagerIndex = Dma330Configuration.MaximumChannels;
    private const string StatusFields = "dma_status[3:0] wakeup_event[8:4] dns[9]";
    private const string ChannelStatusFields =
        "channel_status[3:0] wakeup_number[8:4] dmawfp_b_ns[14] dmawfp_periph[15] cns[21]";
    private const string ChannelControlFields =
        "src_inc[0] src_burst_size[3:1] src_burst_len[7:4] src_prot_ctrl[10:8] src_cache_ctrl[13:11] dst_inc[14] "
        + "dst_burst_size[17:15] dst_burst_len[21:18] dst_prot_ctrl[24:22] dst_cache_ctrl[27:25] endian_swap_size[30:28]";
    private const string ManagerFaultFields =
        "undef_instr[0] operand_invalid[1] dmago_err[4] mgr_evnt_err[5] instr_fetch_err[16] dbg_instr[30]";
    private const string ChannelFaultFields =
        "undef_instr[0] operand_invalid[1] ch_evnt_err[5] ch_periph_err[6] ch_rdwr_err[7] mfifo_err[12] "
        + "st_data_unavailable[13] instr_fetch_err[16] data_write_err[17] data_read_err[18] dbg_instr[30] lockup_err[31]";
    private const string Cr0Fields =
        "periph_req[0] boot_en[1] mgr_ns_at_rst[2] num_chnls[6:4] num_periph_req[16:12] num_events[21:17]";
    private const string CrdFields =
        "data_width[2:0] wr_cap[6:4] wr_q_dep[11:8] rd_cap[14:12] rd_q_dep[19:16] data_buffer_dep[29:20]";

    // csharpier-ignore
    private static readonly RegisterMap<Dma330, Dma330State> Map = new RegisterMap<Dma330, Dma330State>("PL330", size: 0x1000)
        .ReadOnly (0x000, "DSR",           dma => dma.ManagerStatus,                            fields: StatusFields)
        .ReadOnly (0x004, "DPC",           (ref s) => ref s.Threads[ManagerIndex].Pc)
        .Stored   (0x020, "INTEN",         (ref s) => ref s.Inten,                              then: (dma, _) => dma.ChangeInterruptEnables())
        .ReadOnly (0x024, "INT_EVENT_RIS", (ref s) => ref s.Ris)
        .ReadOnly (0x028, "INTMIS",        dma => dma.State.Ris & dma.State.Inten)
        .ReadWrite(0x02C, "INTCLR",        _ => 0,                                              (dma, value) => dma.ClearInterrupts((uint)value))
        .ReadOnly (0x030, "FSRD",          dma => dma.ManagerFaults,                            fields: "fs_mgr[0]")
        .ReadOnly (0x034, "FSRC",          dma => dma.FaultingChannels,                         fields: "fault_status[7:0]")
        .ReadOnly (0x038, "FTRD",          (ref s) => ref s.Threads[ManagerIndex].FaultType,    fields: ManagerFaultFields)
        .ReadOnly (0x040, 8, 4,    "FTR{0}",   (ref s, n) => ref s.Threads[n].FaultType,        fields: ChannelFaultFields)
        .ReadOnly (0x100, 8, 8,    "CSR{0}",   (dma, n) => dma.ChannelStatus(n),                fields: ChannelStatusFields)
        .ReadOnly (0x104, 8, 8,    "CPC{0}",   (ref s, n) => ref s.Threads[n].Pc)
        .ReadOnly (0x400, 8, 0x20, "SAR{0}",   (ref s, n) => ref s.Threads[n].Sar)
        .ReadOnly (0x404, 8, 0x20, "DAR{0}",   (ref s, n) => ref s.Threads[n].Dar)
        .ReadOnly (0x408, 8, 0x20, "CCR{0}",   (ref s, n) => ref s.Threads[n].Ccr,              fields: ChannelControlFields, reset: Dma330ChannelControl.ResetValue)
        .ReadOnly (0x40C, 8, 0x20, "LC0_{0}",  (ref s, n) => ref s.Threads[n].Lc0,              fields: "loop_counter_iterations[7:0]")
        .ReadOnly (0x410, 8, 0x20, "LC1_{0}",  (ref s, n) => ref s.Threads[n].Lc1,              fields: "loop_counter_iterations[7:0]")
        .ReadOnly (0xD00, "DBGSTATUS",     _ => 0,                                              fields: "dbgstatus[0]")
        .WriteOnly(0xD04, "DBGCMD",        (dma, value) => dma.StartDebugInstruction((uint)value), fields: "dbgcmd[1:0]")
        .WriteOnly(0xD08, "DBGINST0",      (dma, value) => dma.State.DebugInstruction0 = (uint)value, fields: "debug_thread[0] channel_number[10:8] instruction_byte0[23:16] instruction_byte1[31:24]")
        .WriteOnly(0xD0C, "DBGINST1",      (dma, value) => dma.State.DebugInstruction1 = (uint)value, fields: "instruction_byte2[7:0] instruction_byte3[15:8] instruction_byte4[23:16] instruction_byte5[31:24]")
        .ReadOnly (0xE00, "CR0",           dma => dma.Configuration.Cr0,                        fields: Cr0Fields)
        .ReadOnly (0xE04, "CR1",           dma => dma.Configuration.Cr1,                        fields: "icache_len[2:0] num_icache_lines[7:4]")
        .ReadOnly (0xE08, "CR2",           dma => dma.Configuration.BootAddress)
        .ReadOnly (0xE0C, "CR3",           dma => dma.Configuration.Cr3)
        .ReadOnly (0xE10, "CR4",           dma => dma.Configuration.Cr4)
        .ReadOnly (0xE14, "CRD",           dma => dma.Configuration.Crd,                        fields: CrdFields)
        .Stored   (0xE80, "WD",            (ref s) => ref s.Watchdog,                           mask: 1, fields: "wd_irq_only[0]")
        .Constant (0xFE0, "periph_id_0",   0x30)
        .Constant (0xFE4, "periph_id_1",   0x13)
        .ReadOnly (0xFE8, "periph_id_2",   dma => dma.Configuration.PeripheralId2,              fields: "designer_1[3:0] revision[7:4]")
        .Constant (0xFEC, "periph_id_3",   0x00)
        .Constant (0xFF0, "pcell_id_0",    0x0D)
        .Constant (0xFF4, "pcell_id_1",    0xF0)
        .Constant (0xFF8, "pcell_id_2",    0x05)
        .Constant (0xFFC, "pcell_id_3",    0xB1);

    private readonly MasterPort _port;
    private readonly InterruptLine[] _irq;
    private readonly InterruptLine _irqAbort;
    private readonly long _cycle;

    /// <summary>Makes a DMA controller.</summary>
    /// <exception cref="BoardException">A property holds what no DMA-330 can be.</exception>
    public Dma330(DeviceContext context)
        : base(context)
    {
        Configuration = Dma330Configuration.Read(context);
        _cycle = VirtualTime.CycleOf(Configuration.ClockHertz);
        _port = context.MasterPort();
        _readSlotMask = MaskBeyond(Configuration.ReadCapability);
        _writeSlotMask = MaskBeyond(Configuration.WriteCapability);
        int abort = Configuration.AbortInterrupt;
        _irq = new InterruptLine[Configuration.InterruptOutputs];
        for (int n = 0; n < _irq.Length; n++)
        {
            int place = abort >= 0 && abort <= n ? n + 1 : n;
            _irq[n] = context.Interrupt(place, $"irq[{n}]");
        }

        _irqAbort = context.Interrupt(abort, "irq_abort");
        Channels = [.. Enumerable.Range(0, Configuration.Channels).Select(n => new Dma330ThreadView(this, n))];
        Manager = new Dma330ThreadView(this, ManagerIndex);
        var window = new RegisterWindow<Dma330, Dma330State>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        if (context.RegisterSize(1) != 0)
        {
            context.MapRegisters(1, new Dma330NonSecurePort(this, window));
        }

        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>How this controller was synthesised.</summary>
    public Dma330Configuration Configuration { get; }

    /// <summary>The channels, for debuggers.</summary>
    public IReadOnlyList<Dma330ThreadView> Channels { get; }

    /// <summary>The manager, for debuggers.</summary>
    public Dma330ThreadView Manager { get; }

    /// <summary>A DMA-330 waits for as long as it takes.</summary>
    bool IBusInitiator.CanBeHeld => true;

    private int RunningChannels => Channels.Count(channel => channel.Status != Dma330ThreadStatus.Stopped);

    /// <summary>DSR.</summary>
    private uint ManagerStatus
    {
        get
        {
            ref Dma330Thread manager = ref State.Threads[ManagerIndex];
            return (uint)manager.Status | WakeupNumber(ref manager) | ((uint)manager.NonSecure << 9);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Arm DDI 0424, "Operating states": channels stop; the manager stops, or runs if boot_from_pc is HIGH.</remarks>
    public override void Reset()
    {
        Span<uint> generations = stackalloc uint[ManagerIndex + 1];
        for (int n = 0; n < generations.Length; n++)
        {
            generations[n] = State.Threads[n].Generation;
        }

        State = default;
        Map.ApplyResetValues(ref State);
        for (int n = 0; n < generations.Length; n++)
        {
            ref Dma330Thread thread = ref State.Threads[n];
            thread.Generation = generations[n] + 1;
            thread.WakeAt = VirtualTime.Never;
            thread.Ccr = n < Configuration.Channels ? thread.Ccr : 0;
        }

        State.DebugAt = VirtualTime.Never;
        State.WatchdogAt = VirtualTime.Never;
        State.LoadLock = Dma330State.NoChannel;
        State.LastChannel = (byte)(Configuration.Channels - 1);
        ref Dma330Thread manager = ref State.Threads[ManagerIndex];
        manager.NonSecure = Configuration.BootManagerNonSecure ? (byte)1 : (byte)0;
        if (Configuration.BootFromPc)
        {
            manager.Pc = Configuration.BootAddress;
            SetStatus(ManagerIndex, Dma330ThreadStatus.Executing);
            WakeAt(ManagerIndex, Simulation.Now + _cycle);
        }

        DriveEventLines();
        DriveAbortLine();
        ScheduleNextAction();
    }

    private static uint WakeupNumber(ref Dma330Thread thread) =>
        thread.Status is Dma330ThreadStatus.WaitingForEvent or Dma330ThreadStatus.WaitingForPeripheral
            ? (uint)thread.WaitingFor << 4
            : 0;

    /// <summary>CSRn.</summary>
    private uint ChannelStatus(int n)
    {
        ref Dma330Thread channel = ref State.Threads[n];
        return (uint)channel.Status
            | WakeupNumber(ref channel)
            | (channel.Wait == Dma330Wait.Burst ? 1U << 14 : 0)
            | (channel.Wait == Dma330Wait.Periph ? 1U << 15 : 0)
            | ((uint)channel.NonSecure << 21);
    }

    /// <summary>
    /// DBGCMD (Arm DDI 0424, "Debug Command Register"): 0 has the instruction in DBGINST0 and DBGINST1 executed, other
    /// values are reserved. It is executed one cycle later. A second one before that has the first executed at once, so
    /// that none is lost and DBGSTATUS can always read idle.
    /// </summary>
    private void StartDebugInstruction(uint command)
    {
        if ((command & 3) != 0)
        {
            Trace.Emit(Kinds.Debug, Name, TraceField.Of("problem", "DBGCMD takes 0 only: ignored"));
            return;
        }

        if (State.DebugAt != VirtualTime.Never)
        {
            if (_running)
            {
                Trace.Emit(Kinds.Debug, Name, TraceField.Of("problem", "DBGCMD while busy: ignored"));
                return;
            }

            ExecuteDebugInstruction(Simulation.Now);
        }

        State.PendingDebug0 = State.DebugInstruction0;
        State.PendingDebug1 = State.DebugInstruction1;
        State.DebugAt = Simulation.Now + _cycle;
        ScheduleNextAction();
    }

    /// <summary>
    /// Executes the instruction of the debug registers on the thread they name. Only DMAGO, DMASEV and DMAKILL are taken;
    /// anything else is an undefined instruction of that thread.
    /// </summary>
    private void ExecuteDebugInstruction(long time)
    {
        State.DebugAt = VirtualTime.Never;
        uint word = State.PendingDebug0;
        Dma330Instruction instruction = Dma330Decoder.DecodeDebug(word, State.PendingDebug1);
        int index = (word & 1) == 0 ? ManagerIndex : (int)(word >> 8) & 7;
        if (index != ManagerIndex && index >= Configuration.Channels)
        {
            Trace.Emit(
                Kinds.Debug,
                Name,
                TraceField.Of("problem", $"there is no channel {index}: {instruction} ignored")
            );
            return;
        }

        ref Dma330Thread thread = ref State.Threads[index];
        Dma330Threads kind = index == ManagerIndex ? Dma330Threads.Manager : Dma330Threads.Channel;
        bool taken = (instruction.DebugThreads & kind) != Dma330Threads.None;
        bool kill = taken && instruction.Opcode == Dma330Opcode.DMAKILL;
        if (!kill && thread.Status is Dma330ThreadStatus.Faulting or Dma330ThreadStatus.FaultingCompleting)
        {
            string problem = $"{NameOf(index)} is faulting and takes only DMAKILL: {instruction} ignored";
            Trace.Emit(Kinds.Debug, Name, TraceField.Of("problem", problem));
            return;
        }

        if (Trace.IsOn)
        {
            TraceInstruction(index, instruction, "debug ");
        }

        if (!taken)
        {
            Fault(index, Dma330Fault.UndefinedInstruction | Dma330Fault.DebugInstruction, time);
        }
        else if (instruction.OperandInvalid)
        {
            Fault(index, Dma330Fault.OperandInvalid | Dma330Fault.DebugInstruction, time);
        }
        else if (kill)
        {
            Kill(index, time);
        }
        else
        {
            Dma330Fault fault =
                instruction.Opcode == Dma330Opcode.DMAGO
                    ? Go(ref thread, instruction, time)
                    : Signal(ref thread, index, instruction.Event, time);
            if (fault != Dma330Fault.None)
            {
                Fault(index, fault | Dma330Fault.DebugInstruction, time);
            }
        }
    }
}
