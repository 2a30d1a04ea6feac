using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// An AArch64 or AArch32 system register, by its encoding. AArch32 registers use <c>Op0</c> for the coprocessor number.
/// </summary>
/// <param name="Op0">op0, or the coprocessor.</param>
/// <param name="Op1">op1.</param>
/// <param name="CRn">CRn.</param>
/// <param name="CRm">CRm.</param>
/// <param name="Op2">op2.</param>
public readonly record struct SystemRegister(byte Op0, byte Op1, byte CRn, byte CRm, byte Op2)
{
    /// <inheritdoc/>
    public override string ToString() => $"S{Op0}_{Op1}_C{CRn}_C{CRm}_{Op2}";
}

/// <summary>A device that implements system registers: a GICv3 CPU interface, a generic timer.</summary>
public interface ISystemRegisterTarget
{
    /// <summary>Answers an <c>MRS</c> (<c>MRC</c>) of a register it has claimed.</summary>
    ulong ReadSystemRegister(SystemRegister register);

    /// <summary>Answers an <c>MSR</c> (<c>MCR</c>) of a register it has claimed.</summary>
    void WriteSystemRegister(SystemRegister register, ulong value);
}

/// <summary>A system register that tells its name, for tools.</summary>
public interface INamedSystemRegister : ISystemRegisterTarget
{
    /// <summary>The manual's name: <c>ICC_PMR_EL1</c>.</summary>
    string RegisterName { get; }
}

/// <summary>Which instruction calls firmware.</summary>
public enum FirmwareConduit
{
    /// <summary><c>SMC</c>.</summary>
    SecureMonitorCall,

    /// <summary><c>HVC</c>.</summary>
    HypervisorCall,
}

/// <summary>Firmware that answers calls of the SMC calling convention (PSCI, for one).</summary>
public interface IFirmwareTarget
{
    /// <summary>Answers a call; the results replace the arguments. False when the function is not its own.</summary>
    bool TryCall(FirmwareConduit conduit, Span<ulong> registers);
}

/// <summary>
/// What software on a CPU can do to the machine: loads and stores, system registers, SMC and HVC, and looking at its
/// interrupt inputs. There is no CPU model; kernels, boot ROMs and scenario steps use this port.
/// </summary>
[DebuggerDisplay("{Name,nq} IRQ {Irq.Level} FIQ {Fiq.Level}")]
public sealed class CpuPort : IBusInitiator
{
    /// <summary>The result of an SMC or HVC that nobody knows (SMCCC: NOT_SUPPORTED, -1).</summary>
    public const ulong FunctionNotSupported = ulong.MaxValue;

    private static readonly TraceKind Abort = new(
        "cpu.abort",
        Severity.Warning,
        "external abort: {access} of {length} bytes at {address} answered {status}"
    );

    private static readonly TraceKind NoSystemRegister = new(
        "cpu.undefined",
        Severity.Warning,
        "{access} of {register}: no device has it"
    );

    private static readonly TraceKind NoFirmware = new(
        "cpu.no-firmware",
        Severity.Warning,
        "{conduit} {function}: no firmware answers; the result is NOT_SUPPORTED"
    );

    private readonly IBusTarget _bus;
    private readonly Trace _trace;
    private readonly Dictionary<SystemRegister, ISystemRegisterTarget> _systemRegisters = [];
    private readonly List<IFirmwareTarget> _firmware = [];
    private Transaction _signals;

    /// <summary>Creates the port of one CPU.</summary>
    /// <param name="name">The name shown in traces.</param>
    /// <param name="bus">The bus it is on.</param>
    /// <param name="trace">Where refused accesses are reported.</param>
    /// <param name="number">
    /// Which CPU of the machine: the requester ID of its accesses, by which an interrupt controller knows whose view to show.
    /// </param>
    /// <param name="affinity">Its place in clusters, as MPIDR_EL1 tells it.</param>
    public CpuPort(string name, IBusTarget bus, Trace trace, int number = 0, ulong affinity = 0)
    {
        Name = name;
        Number = number;
        Affinity = affinity & MultiprocessorAffinity.Mask;
        _bus = bus;
        _trace = trace;
        Irq = new InterruptInput($"{name} IRQ", level => IrqChanged?.Invoke(level));
        Fiq = new InterruptInput($"{name} FIQ", _ => { });
        _signals = new Transaction
        {
            Initiator = this,
            RequesterId = (uint)number,
            Flags = TransactionFlags.Privileged,
        };
        Claim(MultiprocessorAffinity.Register, new MultiprocessorAffinity(Affinity));
    }

    /// <summary>
    /// Told when <see cref="Irq"/> rises (true) or falls, often in the middle of a bus access: whoever takes interrupts
    /// schedules that for later.
    /// </summary>
    public event Action<bool>? IrqChanged;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Which CPU of the machine it is.</summary>
    public int Number { get; }

    /// <summary>Its place in clusters: Aff3 in bits 39:32, Aff2, Aff1 and Aff0 in bits 23:0, as in MPIDR_EL1.</summary>
    public ulong Affinity { get; }

    /// <summary>A CPU's accesses are never held.</summary>
    public bool CanBeHeld => false;

    /// <summary>The interrupt input.</summary>
    public InterruptInput Irq { get; }

    /// <summary>The fast interrupt input.</summary>
    public InterruptInput Fiq { get; }

    /// <summary>Whether accesses are secure. Boot ROMs begin secure; the kernels modelled here run non-secure.</summary>
    public bool IsSecure
    {
        get => _signals.IsSecure;
        set =>
            _signals = _signals with
            {
                Flags = TransactionFlags.Privileged | (value ? TransactionFlags.Secure : TransactionFlags.None),
            };
    }

    /// <summary>Loads a word of 1, 2, 4 or 8 bytes.</summary>
    public BusStatus Load(ulong address, int sizeBytes, out ulong value)
    {
        BusStatus status = _bus.ReadWord(address, sizeBytes, out value, _signals);
        return status == BusStatus.Okay ? status : Report("load", address, sizeBytes, status);
    }

    /// <summary>Stores a word of 1, 2, 4 or 8 bytes.</summary>
    public BusStatus Store(ulong address, int sizeBytes, ulong value)
    {
        BusStatus status = _bus.WriteWord(address, sizeBytes, value, _signals);
        return status == BusStatus.Okay ? status : Report("store", address, sizeBytes, status);
    }

    /// <summary>Loads bytes, as a copy loop would.</summary>
    public BusStatus Load(ulong address, Span<byte> data)
    {
        BusStatus status = _bus.Read(address, data, _signals);
        return status == BusStatus.Okay ? status : Report("load", address, data.Length, status);
    }

    /// <summary>Stores bytes, as a copy loop would.</summary>
    public BusStatus Store(ulong address, ReadOnlySpan<byte> data)
    {
        BusStatus status = _bus.Write(address, data, _signals);
        return status == BusStatus.Okay ? status : Report("store", address, data.Length, status);
    }

    /// <summary>Lets a device implement a system register of this CPU.</summary>
    /// <exception cref="InvalidOperationException">Another device has it.</exception>
    public void Claim(SystemRegister register, ISystemRegisterTarget target)
    {
        if (!_systemRegisters.TryAdd(register, target))
        {
            throw new InvalidOperationException($"{Name}: system register {register} is claimed twice.");
        }
    }

    /// <summary>The names of the system registers that devices have claimed, in order.</summary>
    public IEnumerable<string> SystemRegisterNames =>
        _systemRegisters
            .Values.OfType<INamedSystemRegister>()
            .Select(target => target.RegisterName)
            .Order(StringComparer.Ordinal);

    /// <summary>Finds a system register by the manual's name.</summary>
    public bool TryFindSystemRegister(string name, out SystemRegister register)
    {
        foreach ((SystemRegister candidate, ISystemRegisterTarget target) in _systemRegisters)
        {
            if (
                target is INamedSystemRegister named
                && string.Equals(named.RegisterName, name, StringComparison.OrdinalIgnoreCase)
            )
            {
                register = candidate;
                return true;
            }
        }

        register = default;
        return false;
    }

    /// <summary>Lets firmware answer SMC and HVC. The first that knows a function answers it.</summary>
    public void Claim(IFirmwareTarget firmware) => _firmware.Add(firmware);

    /// <summary>Reads a system register. False where hardware would take an undefined-instruction exception.</summary>
    public bool TryReadSystemRegister(SystemRegister register, out ulong value)
    {
        if (_systemRegisters.TryGetValue(register, out ISystemRegisterTarget? target))
        {
            value = target.ReadSystemRegister(register);
            return true;
        }

        value = 0;
        return ReportUndefined("read", register);
    }

    /// <summary>Writes a system register. False where hardware would take an undefined-instruction exception.</summary>
    public bool TryWriteSystemRegister(SystemRegister register, ulong value)
    {
        if (_systemRegisters.TryGetValue(register, out ISystemRegisterTarget? target))
        {
            target.WriteSystemRegister(register, value);
            return true;
        }

        return ReportUndefined("write", register);
    }

    /// <summary>Calls firmware: <paramref name="registers"/> holds x0.. on entry and on return.</summary>
    public void CallFirmware(FirmwareConduit conduit, Span<ulong> registers)
    {
        foreach (IFirmwareTarget firmware in _firmware)
        {
            if (firmware.TryCall(conduit, registers))
            {
                return;
            }
        }

        _trace.Emit(
            NoFirmware,
            Name,
            TraceField.Of("conduit", conduit == FirmwareConduit.SecureMonitorCall ? "SMC" : "HVC"),
            TraceField.Hex("function", registers[0])
        );
        registers[0] = FunctionNotSupported;
    }

    /// <inheritdoc/>
    void IBusInitiator.OnHeldTransaction(ulong tag, HeldOutcome outcome) =>
        throw new InvalidOperationException("A CPU's access was held.");

    private BusStatus Report(string access, ulong address, int lengthBytes, BusStatus status)
    {
        _trace.Emit(
            Abort,
            Name,
            TraceField.Of("access", access),
            TraceField.Decimal("length", (ulong)lengthBytes),
            TraceField.Hex("address", address),
            TraceField.Of("status", status == BusStatus.DecodeError ? "DECERR" : "SLVERR")
        );
        return status;
    }

    private bool ReportUndefined(string access, SystemRegister register)
    {
        _trace.Emit(
            NoSystemRegister,
            Name,
            TraceField.Of("access", access),
            TraceField.Of("register", register.ToString())
        );
        return false;
    }
}
