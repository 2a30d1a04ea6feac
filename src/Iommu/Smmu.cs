using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>
/// A System Memory Management Unit of SMMUv1 or SMMUv2 (Arm IHI 0062): CoreLink MMU-400 and MMU-401 (stage 2 only), MMU-500
/// (stage 1, stage 2, and one nested in the other). Masters are wired to <see cref="Upstream"/>; what they send is matched
/// by stream ID, translated by the tables of a context bank, and forwarded to the system bus.
/// </summary>
/// <remarks>
/// <para>
/// Registers: pages of 4 or 64 KiB, at least eight of global space (GR0, GR1, implementation defined, performance
/// monitors), then as many for context banks. There is one set of streams and banks, the non-secure one: whatever a master
/// says on AxPROT[1], its accesses are confined like any other and leave as non-secure accesses. Secure software sees the
/// same registers.
/// </para>
/// <para>
/// Cells of the node, with the values of MMU-400 and MMU-500 where there is none: <c>emulator,context-banks</c> (8, 16),
/// <c>emulator,stream-match-groups</c> (32, 48), <c>emulator,stream-id-bits</c> (15), <c>emulator,context-interrupts</c> (1;
/// one for each bank in SMMUv2), <c>emulator,tlb-entries</c> (64; 0 for none), <c>emulator,register-page</c> (0x1000, or
/// 0x10000), <c>emulator,address-bits</c> (40, 48), <c>emulator,stage-2-banks</c> (all, 0),
/// <c>emulator,translation-operations</c> (0, and 1 for <c>arm,smmu-v2</c>), <c>emulator,coherent-walks</c> (1, 0). The
/// first <c>#global-interrupts</c> (1) entries of <c>interrupts</c> are global; where there are several, the second is the
/// non-secure one unless <c>emulator,global-interrupt</c> names another. Context interrupt n is the entry n places after the
/// global ones.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq}: {Summary,nq}")]
public sealed partial class Smmu : Device<SmmuState>, IIommu, IExplainsState, IExplainsTranslation, IEventTarget
{
    private const uint ClientPortDisable = 1 << 0;
    private const uint GlobalFaultReport = 1 << 1;
    private const uint GlobalFaultInterrupt = 1 << 2;
    private const uint GlobalStatusMask = 0x8000_01FF;

    /// <summary>sACR.CACHE_LOCK: CBn_ACTLR cannot be written.</summary>
    private const uint CacheLock = 1 << 26;

    private readonly SmmuParameters _parameters;
    private readonly RegisterMap<Smmu, SmmuState> _map;
    private readonly IBusTarget _bus;
    private readonly AddressMapEpoch _epoch;
    private readonly InterruptLine _globalLine;
    private readonly InterruptLine[] _contextLines;
    private readonly TableWalker _walker;

    /// <summary>Makes an SMMU.</summary>
    /// <exception cref="BoardException">A cell has a value that no such part can have.</exception>
    public Smmu(DeviceContext context, SmmuPart part)
        : base(context)
    {
        _parameters = SmmuParameters.From(context, part);
        _map = SmmuRegisters.MapOf(_parameters);
        _bus = context.SystemBus;
        _epoch = context.Epoch;
        _walker = new TableWalker(_bus, new Transaction { Initiator = new WalkInitiator(Name) });

        int globals = (int)context.Cell("#global-interrupts", 1);
        int nonSecure = (int)context.Cell("emulator,global-interrupt", globals > 1 ? 1u : 0u);
        _globalLine = context.Interrupt(globals > 0 ? nonSecure : -1, "gbl_flt_irpt_ns");
        _contextLines = new InterruptLine[_parameters.ContextInterrupts];
        for (int n = 0; n < _contextLines.Length; n++)
        {
            _contextLines[n] = context.Interrupt(globals + n, $"cxt_irpt[{n}]");
        }

        var window = new RegisterWindow<Smmu, SmmuState>(this, _map);
        Windows = [window];
        context.MapRegisters(0, window);
        Upstream = new UpstreamPort(this);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public IBusTarget Upstream { get; }

    /// <summary>Which part it is.</summary>
    public SmmuPart Part => _parameters.Part;

    private string Summary =>
        (State.Control & ClientPortDisable) != 0 ? "off, everything bypasses"
        : Explain().FirstOrDefault() is { } problem ? problem
        : $"on, {State.Tlb.Count} TLB entries";

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        _map.ApplyResetValues(ref State);
        if (_parameters.IsVersion2)
        {
            ResetBanks();
        }

        ForgetInitiators();
        ConfigurationChanged();
        DriveLines();
    }

    private void ResetBanks()
    {
        for (int n = 0; n < _parameters.ContextBanks; n++)
        {
            State.Banks[n].AuxiliaryControl = 3;
            State.Banks[n].Attributes = n < _parameters.StageTwoBanks ? 0 : ContextBank.AttributesReset2;
        }
    }

    private void WriteControl(uint value)
    {
        uint mask = SmmuRegisters.ControlMaskOf(_parameters);
        State.Control = (State.Control & ~mask) | (value & mask);
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

    /// <summary>CBAR of a bank that does stage 2 only has no other TYPE.</summary>
    private void AttributesWritten(int bank)
    {
        if (bank < _parameters.StageTwoBanks && _parameters.IsVersion2)
        {
            State.Banks[bank].Attributes &= ~(3u << 16);
        }

        BankConfigurationChanged();
    }

    private void WriteAuxiliaryControl(int bank, ulong value)
    {
        bool isLocked = _parameters.Part.HasReadOnlyControls && (State.AuxiliaryControl & CacheLock) != 0;
        if (!isLocked)
        {
            State.Banks[bank].AuxiliaryControl = (uint)value;
        }
    }

    /// <summary>Every translation that somebody has cached may be wrong now.</summary>
    private void ConfigurationChanged() => _epoch.Bump();

    /// <summary>Who reads the tables.</summary>
    private sealed class WalkInitiator(string name) : IBusInitiator
    {
        public string Name => name + " (table walk)";

        public bool CanBeHeld => false;

        public void OnHeldTransaction(ulong tag, HeldOutcome outcome) { }
    }
}
