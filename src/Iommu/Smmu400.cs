using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>
/// CoreLink MMU-400 System Memory Management Unit: SMMUv1, stage 2 only, 40-bit addresses, Long-descriptor tables
/// (Arm DDI 0472, Arm IHI 0062). Masters are wired to <see cref="Upstream"/>; what they send is matched by stream ID,
/// translated by the tables of a context bank, and forwarded to the system bus.
/// </summary>
/// <remarks>
/// <para>
/// Registers: 64 KiB, eight 4 KiB pages of global space (GR0, GR1, implementation defined, performance monitors), then
/// one page for each context bank. There is one set of streams and banks, the non-secure one: whatever a master says on
/// AxPROT[1], its accesses are confined like any other and leave as non-secure accesses. Secure software sees the same
/// registers.
/// </para>
/// <para>
/// Cells of the node: <c>emulator,context-banks</c> (8), <c>emulator,stream-match-groups</c> (32),
/// <c>emulator,stream-id-bits</c> (15), <c>emulator,context-interrupts</c> (1), <c>emulator,tlb-entries</c> (64; 0 for
/// none). The first <c>#global-interrupts</c> (1) entries of <c>interrupts</c> are global; where there are several, the
/// second is the non-secure one unless <c>emulator,global-interrupt</c> names another. Context interrupt n is the entry
/// n places after the global ones.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq}: {Summary,nq}")]
public sealed partial class Smmu400 : Device<SmmuState>, IIommu, IExplainsState, IEventTarget
{
    private const uint ClientPortDisable = 1 << 0;
    private const uint GlobalFaultReport = 1 << 1;
    private const uint GlobalFaultInterrupt = 1 << 2;
    private const uint ControlMask = 0x0FFF_FC37;
    private const uint GlobalStatusMask = 0x8000_01FF;
    private const AccessSizes WordsOrDouble = AccessSizes.Word | AccessSizes.Double;

    private static readonly SmmuParameters Usual = new();
    private static readonly RegisterMap<Smmu400, SmmuState> UsualMap = BuildMap(Usual);

    private readonly SmmuParameters _parameters;
    private readonly RegisterMap<Smmu400, SmmuState> _map;
    private readonly IBusTarget _bus;
    private readonly AddressMapEpoch _epoch;
    private readonly InterruptLine _globalLine;
    private readonly InterruptLine[] _contextLines;
    private readonly Transaction _walkSignals;

    /// <summary>Makes an SMMU.</summary>
    /// <exception cref="ArgumentException">A cell has a value that no such part can have.</exception>
    public Smmu400(DeviceContext context)
        : base(context)
    {
        _parameters = SmmuParameters.From(context);
        _map = _parameters == Usual ? UsualMap : BuildMap(_parameters);
        _bus = context.SystemBus;
        _epoch = context.Epoch;
        _walkSignals = new Transaction { Initiator = new TableWalker(Name) };

        int globals = (int)context.Cell("#global-interrupts", 1);
        int nonSecure = (int)context.Cell("emulator,global-interrupt", globals > 1 ? 1u : 0u);
        _globalLine = context.Interrupt(globals > 0 ? nonSecure : -1, "gbl_flt_irpt_ns");
        _contextLines = new InterruptLine[_parameters.ContextInterrupts];
        for (int n = 0; n < _contextLines.Length; n++)
        {
            _contextLines[n] = context.Interrupt(globals + n, $"cxt_irpt[{n}]");
        }

        var window = new RegisterWindow<Smmu400, SmmuState>(this, _map);
        Windows = [window];
        context.MapRegisters(0, window);
        Upstream = new UpstreamPort(this);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public IBusTarget Upstream { get; }

    private string Summary =>
        (State.Control & ClientPortDisable) != 0 ? "off, everything bypasses"
        : Explain().FirstOrDefault() is { } problem ? problem
        : $"on, {State.Tlb.Count} TLB entries";

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        _map.ApplyResetValues(ref State);
        ForgetInitiators();
        ConfigurationChanged();
        DriveLines();
    }

    // csharpier-ignore
    private static RegisterMap<Smmu400, SmmuState> BuildMap(SmmuParameters part)
    {
        int groups = part.StreamMatchGroups;
        int banks = part.ContextBanks;
        uint ids = part.StreamIdMask;
        string smr = Indexed("SMR{0}", groups), s2cr = Indexed("S2CR{0}", groups);
        string cbar = Indexed("CBAR{0}", banks), cbfrsynra = Indexed("CBFRSYNRA{0}", banks);
        string Cb(string name) => Indexed("CB{0}_" + name, banks);

        return new RegisterMap<Smmu400, SmmuState>("SMMU-400", size: 0x1_0000)
            // GR0, global register space 0. Offsets: fact sheet 2.1.
            .Stored    (0x000, "sCR0",         (ref s) => ref s.Control, mask: ControlMask, reset: ClientPortDisable,
                            then: (smmu, _) => smmu.ControlWritten(),
                            fields: "CLIENTPD[0] GFRE[1] GFIE[2] GCFGFRE[4] GCFGFIE[5] USFCFG[10] VMIDPNE[11] PTM[12] FB[13] BSU[15:14] "
                                + "MemAttr[19:16] MTCFG[20] SMCFCFG[21] SHCFG[23:22] RACFG[25:24] WACFG[27:26]")
            .Unmodelled(0x004, "SCR1")
            .Stored    (0x008, "sCR2",         (ref s) => ref s.Control2, mask: 0xFF, fields: "BPVMID[7:0]")
            .Stored    (0x010, "sACR",         (ref s) => ref s.AuxiliaryControl)
            .Constant  (0x020, "IDR0",         part.Idr0, fields: "NUMSMRG[7:0] NUMSIDB[12:9] BTM[13] CTTW[14] NUMIRPT[23:16] PTFS[25:24] ATOSNS[26] SMS[27] NTS[28] S2TS[29] S1TS[30] SES[31]")
            .Constant  (0x024, "IDR1",         part.Idr1, fields: "NUMCB[7:0] NUMSSDNDXB[11:8] SSDTP[12] SMCD[15] NUMS2CB[23:16] NUMPAGENDXB[30:28] PAGESIZE[31]")
            .Constant  (0x028, "IDR2",         SmmuParameters.Idr2, fields: "IAS[3:0] OAS[7:4]")
            .Constant  (0x02C, "IDR3",         0)
            .Constant  (0x030, "IDR4",         0)
            .Constant  (0x034, "IDR5",         0)
            .Constant  (0x038, "IDR6",         0)
            .Constant  (0x03C, "IDR7",         0, fields: "MINOR[3:0] MAJOR[7:4]")
            .Stored    (0x040, "sGFAR",        (ref s) => ref s.GlobalFaultAddress, access: WordsOrDouble)
            .ReadWrite (0x048, "sGFSR",        smmu => smmu.State.GlobalFaultStatus, (smmu, value) => smmu.ClearGlobalStatus(value),
                            fields: "ICF[0] USF[1] SMCF[2] UCBF[3] UCIF[4] CAF[5] EF[6] PF[7] UUT[8] MULTI[31]")
            .WriteOnly (0x04C, "sGFSRRESTORE", (smmu, value) => smmu.RestoreGlobalStatus(value))
            .Stored    (0x050, "sGFSYNR0",     (ref s) => ref s.GlobalFaultSyndrome0, mask: 0x7F, fields: "NESTED[0] WNR[1] PNU[2] IND[3] NSSTATE[4] NSATTR[5] ATS[6]")
            .Stored    (0x054, "sGFSYNR1",     (ref s) => ref s.GlobalFaultSyndrome1, mask: 0x7FFF, fields: "StreamID[14:0]")
            .Constant  (0x058, "sGFSYNR2",     0)
            .WriteOnly (0x060, "STLBIALL",     (_, _) => { }) // Secure entries: there are none, and non-secure writes are ignored.
            .WriteOnly (0x064, "TLBIVMID",     (smmu, value) => smmu.InvalidateVmid((byte)value), fields: "VMID[7:0]")
            .WriteOnly (0x068, "TLBIALLNSNH",  (smmu, _) => smmu.InvalidateAll())
            .WriteOnly (0x06C, "TLBIALLH",     (_, _) => { }) // Hypervisor entries belong to stage 1: there are none.
            .WriteOnly (0x070, "sTLBGSYNC",    (_, _) => { }) // Invalidation is complete when the register is written.
            .Constant  (0x074, "sTLBGSTATUS",  0, fields: "GSACTIVE[0]")
            .WriteOnly (0x078, "TLBIVAH",      (_, _) => { })
            // The non-secure registers as secure software sees them.
            .Viewed    (0x400, 1, 4, "nsCR0",         ForSecure(smmu => smmu.State.Control),              ForSecure((smmu, value) => smmu.WriteControl(value)))
            .Viewed    (0x410, 1, 4, "nsACR",         ForSecure(smmu => smmu.State.AuxiliaryControl),     ForSecure((smmu, value) => smmu.State.AuxiliaryControl = value))
            .Viewed    (0x448, 1, 4, "nsGFSR",        ForSecure(smmu => smmu.State.GlobalFaultStatus),    ForSecure((smmu, value) => smmu.ClearGlobalStatus(value)))
            .Viewed    (0x44C, 1, 4, "nsGFSRRESTORE", null,                                               ForSecure((smmu, value) => smmu.RestoreGlobalStatus(value)))
            .Viewed    (0x450, 1, 4, "nsGFSYNR0",     ForSecure(smmu => smmu.State.GlobalFaultSyndrome0), ForSecure((smmu, value) => smmu.State.GlobalFaultSyndrome0 = value & 0x7F))
            .Viewed    (0x454, 1, 4, "nsGFSYNR1",     ForSecure(smmu => smmu.State.GlobalFaultSyndrome1), ForSecure((smmu, value) => smmu.State.GlobalFaultSyndrome1 = value & 0x7FFF))
            .Viewed    (0x440, 1, 8, "nsGFAR",        ForSecureWide(smmu => smmu.State.GlobalFaultAddress), ForSecureWide((smmu, value) => smmu.State.GlobalFaultAddress = value), width: 64, access: WordsOrDouble)
            .Viewed    (0x470, 1, 4, "nsTLBGSYNC",    null,                                               ForSecure((_, _) => { }))
            .Constant  (0x474, "nsTLBGSTATUS", 0, fields: "GSACTIVE[0]")
            .Stored    (0x800, groups, 4, smr,  (ref s, n) => ref s.StreamMatch[n], mask: 0x8000_0000 | (ids << 16) | ids,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: "ID[14:0] MASK[30:16] VALID[31]")
            .Stored    (0xC00, groups, 4, s2cr, (ref s, n) => ref s.StreamToContext[n], mask: 0x0FF3_FBFF, reset: 0x0002_0000,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(),
                            fields: "CBNDX[7:0] SHCFG[9:8] MTCFG[11] MemAttr[15:12] TYPE[17:16] RACFG[21:20] WACFG[23:22] PRIVCFG[25:24] INSTCFG[27:26]")
            .Constant  (0xFD0, "PIDR4", 0x04)
            .Constant  (0xFD4, "PIDR5", 0x00)
            .Constant  (0xFD8, "PIDR6", 0x00)
            .Constant  (0xFDC, "PIDR7", 0x00)
            .Constant  (0xFE0, "PIDR0", 0x80)
            .Constant  (0xFE4, "PIDR1", 0xB4)
            .Constant  (0xFE8, "PIDR2", 0x0B, fields: "DES_1[2:0] JEDEC[3] ArchVersion[7:4]")
            .Constant  (0xFEC, "PIDR3", 0x00)
            .Constant  (0xFF0, "CIDR0", 0x0D)
            .Constant  (0xFF4, "CIDR1", 0xF0)
            .Constant  (0xFF8, "CIDR2", 0x05)
            .Constant  (0xFFC, "CIDR3", 0xB1)
            // GR1, global register space 1.
            .Stored    (0x1000, banks, 4, cbar, (ref s, n) => ref s.Banks[n].Attributes, mask: ContextBank.AttributesMask,
                            then: (smmu, _, _) => smmu.BankConfigurationChanged(), fields: "VMID[7:0] TYPE[17:16] IRPTNDX[31:24]")
            .Stored    (0x1400, banks, 4, cbfrsynra, (ref s, n) => ref s.Banks[n].FaultStream, mask: 0x7FFF, fields: "StreamID[14:0]")
            // Implementation-defined registers and performance monitors.
            .Unmodelled(0x2000, "GID{0}", count: 0x400)
            .Unmodelled(0x3000, "PM{0}", count: 0x400)
            // Context banks, a page each. Offsets: fact sheet 3.
            .Stored    (0x8000, banks, 0x1000, Cb("SCTLR"), (ref s, n) => ref s.Banks[n].SystemControl, mask: ContextBank.SystemControlMask,
                            then: (smmu, _, _) => smmu.BankConfigurationChanged(),
                            fields: "M[0] TRE[1] AFE[2] AFFD[3] E[4] CFRE[5] CFIE[6] CFCFG[7] HUPCF[8] BSU[15:14] MemAttr[19:16] FB[21] SHCFG[23:22] RACFG[25:24] WACFG[27:26]")
            .Stored    (0x8004, banks, 0x1000, Cb("ACTLR"), (ref s, n) => ref s.Banks[n].AuxiliaryControl)
            .Viewed    (0x8008, banks, 0x1000, Cb("RESUME"), null, (smmu, n, value, in transaction) => smmu.ResumeWritten(n, value, transaction), fields: "TnR[0]")
            .Stored    (0x8020, banks, 0x1000, Cb("TTBR0"), (ref s, n) => ref s.Banks[n].TableBase, mask: ContextBank.TableBaseMask,
                            access: WordsOrDouble, then: (smmu, _, _) => smmu.ConfigurationChanged())
            .Stored    (0x8030, banks, 0x1000, Cb("TCR"), (ref s, n) => ref s.Banks[n].TranslationControl,
                            mask: ContextBank.TranslationControlMask, reset: ContextBank.TranslationControlReset,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: "T0SZ[3:0] S[4] SL0[6] IRGN0[9:8] ORGN0[11:10] SH0[13:12] EAE[31]")
            .ReadWrite (0x8058, banks, 0x1000, Cb("FSR"), (smmu, n) => smmu.State.Banks[n].FaultStatus, (smmu, n, value) => smmu.ClearContextStatus(n, value),
                            fields: "TF[1] AFF[2] PF[3] EF[4] TLBMCF[5] TLBLKF[6] ASF[7] UUT[8] SS[30] MULTI[31]")
            .WriteOnly (0x805C, banks, 0x1000, Cb("FSRRESTORE"), (smmu, n, value) => smmu.RestoreContextStatus(n, value))
            .Stored    (0x8060, banks, 0x1000, Cb("FAR"), (ref s, n) => ref s.Banks[n].FaultAddress, access: WordsOrDouble)
            .Stored    (0x8068, banks, 0x1000, Cb("FSYNR0"), (ref s, n) => ref s.Banks[n].FaultSyndrome, mask: 0x00FF_0FFF,
                            fields: "PLVL[1:0] NESTED[2] S1PTWF[3] WNR[4] PNU[5] IND[6] NSSTATE[7] NSATTR[8] ATOF[9] PTWF[10] AFR[11] S1CBNDX[23:16]")
            .ReadWrite (0x806C, banks, 0x1000, Cb("FSYNR1"), (_, _) => 0, (_, _, _) => { })
            .ReadWrite (0x8070, banks, 0x1000, Cb("IPAFAR"), (_, _) => 0, (_, _, _) => { }, width: 64, access: WordsOrDouble)
            .WriteOnly (0x87F0, banks, 0x1000, Cb("TLBSYNC"), (_, _, _) => { })
            .ReadOnly  (0x87F4, banks, 0x1000, Cb("TLBSTATUS"), (_, _) => 0, fields: "SACTIVE[0]");
    }

    /// <summary>The name of an array row; one register alone is not formatted by the map.</summary>
    private static string Indexed(string name, int count) =>
        count > 1 ? name : name.Replace("{0}", "0", StringComparison.Ordinal);

    private static TransactionRead<Smmu400> ForSecure(Func<Smmu400, uint> read) =>
        (smmu, _, in transaction) => transaction.IsSecure ? read(smmu) : 0;

    private static TransactionWrite<Smmu400> ForSecure(Action<Smmu400, uint> write) =>
        (smmu, _, value, in transaction) =>
        {
            if (transaction.IsSecure)
            {
                write(smmu, (uint)value);
            }
        };

    private static TransactionRead<Smmu400> ForSecureWide(Func<Smmu400, ulong> read) =>
        (smmu, _, in transaction) => transaction.IsSecure ? read(smmu) : 0;

    private static TransactionWrite<Smmu400> ForSecureWide(Action<Smmu400, ulong> write) =>
        (smmu, _, value, in transaction) =>
        {
            if (transaction.IsSecure)
            {
                write(smmu, value);
            }
        };

    private void WriteControl(uint value)
    {
        State.Control = value & ControlMask;
        ControlWritten();
    }

    private void ControlWritten()
    {
        ConfigurationChanged();
        DriveLines();
    }

    private void BankConfigurationChanged()
    {
        ConfigurationChanged();
        DriveLines();
    }

    /// <summary>Every translation that somebody has cached may be wrong now.</summary>
    private void ConfigurationChanged() => _epoch.Bump();

    private void InvalidateVmid(byte vmid)
    {
        int removed = State.Tlb.InvalidateVmid(vmid);
        ConfigurationChanged();
        TraceInvalidation("VMID " + Hexadecimal.Format(vmid), removed);
    }

    private void InvalidateAll()
    {
        int removed = State.Tlb.InvalidateAll();
        ConfigurationChanged();
        TraceInvalidation("every VMID", removed);
    }

    /// <summary>Who reads the tables.</summary>
    private sealed class TableWalker(string name) : IBusInitiator
    {
        public string Name => name + " (table walk)";

        public bool CanBeHeld => false;

        public void OnHeldTransaction(ulong tag, HeldOutcome outcome) { }
    }
}
