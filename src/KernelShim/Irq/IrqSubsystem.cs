using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// The interrupts of a kernel (kernel/irq): numbers, actions, disabling and enabling, the flow of handle_fasteoi_irq, and
/// the watch for interrupts that nobody handles.
/// </summary>
/// <remarks>
/// <para>
/// Interrupts are taken from the event loop alone, <see cref="EntryLatency"/> after the CPU's input rose, and one for each
/// event: where Linux reads GICC_IAR in a loop, the next read comes another <see cref="EntryLatency"/> later, so that time
/// passes and a device that never becomes quiet cannot stop the clock.
/// </para>
/// <para>
/// Disabling is lazy as in Linux: the line stays open in the controller, and is masked when an interrupt comes in all the
/// same (irq_disable without a chip's irq_disable).
/// </para>
/// </remarks>
[DebuggerDisplay("{_lines.Count} interrupts mapped")]
public sealed class IrqSubsystem : IIrqSubsystem, IEventTarget
{
    /// <summary>From the rise of the CPU's input to the first instruction of the handler.</summary>
    public const long EntryLatency = VirtualTime.Microsecond;

    private const int TakeCode = 0;
    private const int ResendCode = 1;
    private const int WatchedInterrupts = 100_000;
    private const int MostUnhandled = 99_900;
    private const long OddInterruptInterval = 100 * VirtualTime.Millisecond;

    private readonly Kernel _kernel;
    private readonly CpuPort _cpu;
    private readonly IRootIrqChip? _gic;
    private readonly SortedDictionary<int, Line> _lines = [];
    private readonly Dictionary<int, Line> _byRootNumber = [];
    private bool _isScheduled;
    private bool _isTaking;

    private IrqSubsystem(Kernel kernel)
    {
        _kernel = kernel;
        _cpu = kernel.Board.Cpu;
        _gic = GicDriver.Start(kernel) ?? (IRootIrqChip?)GicV3Driver.Start(kernel);
        _cpu.IrqChanged += OnInputChanged;
        OnInputChanged(_cpu.Irq.Level);
    }

    /// <inheritdoc/>
    public string Name => "interrupts of " + _cpu.Name;

    /// <inheritdoc/>
    public IReadOnlyList<IrqDescriptor> Descriptors => [.. _lines.Values.Select(line => line.Descriptor)];

    /// <summary>The ITS behind the controller, or null.</summary>
    internal ItsDriver? Its => (_gic as GicV3Driver)?.Its;

    /// <inheritdoc/>
    public ulong ErrorCount { get; private set; }

    /// <summary>Programs the interrupt controller and gives the kernel its interrupts (init_IRQ).</summary>
    public static IrqSubsystem Start(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var interrupts = new IrqSubsystem(kernel);
        kernel.Interrupts = interrupts;
        (interrupts._gic as GicV3Driver)?.StartServices(kernel, interrupts);
        return interrupts;
    }

    /// <summary>The Linux number for a specifier (irq_create_of_mapping); null when no driver has its controller.</summary>
    public int? Map(InterruptSpecifier specifier)
    {
        ArgumentNullException.ThrowIfNull(specifier);
        if (_gic?.Translate(specifier) is not { } interrupt)
        {
            return null;
        }

        if (_byRootNumber.TryGetValue(interrupt.Number, out Line? known))
        {
            return known.Descriptor.Number;
        }

        int? number = _kernel.Profile.GicKeepsHardwareNumbers ? interrupt.Number : null;
        number = Add(
            new IrqSource(_gic, interrupt.Number, _gic.Name, interrupt.Number, interrupt.IsLevel),
            interrupt.Number,
            number
        );
        if (interrupt.Trigger != 0 && !_gic.SetTrigger(interrupt))
        {
            _kernel.Log.Print(
                LogLevel.Error,
                Text($"genirq: Setting trigger mode {interrupt.Trigger} for irq {number} failed (gic_set_type)")
            );
        }

        return number;
    }

    /// <summary>
    /// Gives an interrupt of a chip the next free number (irq_domain_alloc_irqs): one of the root controller, where
    /// <paramref name="rootNumber"/> says which, or one that another interrupt's handler raises by <see cref="Raise"/>.
    /// </summary>
    internal int Add(IrqSource source, int? rootNumber = null, int? number = null)
    {
        int given = number ?? NextNumber();
        var line = new Line(
            new IrqDescriptor
            {
                Number = given,
                HardwareNumber = source.HardwareNumber,
                ChipName = source.ChipName,
                ChipPrintsName = source.ChipPrintsName,
                IsLevel = source.IsLevel,
            },
            source.Chip,
            source.ChipNumber,
            rootNumber
        );
        _lines[given] = line;
        if (rootNumber is { } root)
        {
            _byRootNumber[root] = line;
        }

        return given;
    }

    /// <summary>irq_domain_free_irqs, irq_dispose_mapping.</summary>
    internal void Remove(int number)
    {
        if (_lines.Remove(number, out Line? line) && line.RootNumber is { } root)
        {
            _byRootNumber.Remove(root);
        }
    }

    /// <summary>irq_set_chained_handler: what comes on a line is for other lines, and no action shows it.</summary>
    internal void Chain(int number, Action handle)
    {
        if (_lines.TryGetValue(number, out Line? line))
        {
            line.Chained = handle;
            line.Descriptor.DisableDepth = 0;
            Unmask(line);
        }
    }

    /// <summary>irq_set_chained_handler with none.</summary>
    internal void Unchain(int number)
    {
        if (_lines.TryGetValue(number, out Line? line))
        {
            line.Chained = null;
            line.Descriptor.DisableDepth = 1;
            Mask(line);
        }
    }

    /// <summary>generic_handle_irq: a chained handler has found this one.</summary>
    internal void Raise(int number)
    {
        if (_lines.TryGetValue(number, out Line? line))
        {
            HandleInterrupt(line);
        }
    }

    /// <inheritdoc/>
    public long Request(int number, string name, Func<bool> handle, object owner, bool isShared = false)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (!_lines.TryGetValue(number, out Line? line))
        {
            return -(long)Errno.EINVAL;
        }

        IrqDescriptor descriptor = line.Descriptor;
        if (descriptor.Actions.Count > 0 && !(isShared && line.IsShared))
        {
            _kernel.Log.Print(
                LogLevel.Error,
                Text(
                    $"genirq: Flags mismatch irq {number}. {Flags(isShared):x8} ({name}) vs. {Flags(line.IsShared):x8} ({descriptor.Actions[0].Name})"
                )
            );
            return -(long)Errno.EBUSY;
        }

        descriptor.Actions.Add(new IrqAction(name, handle, owner));
        line.InterruptsWatched = 0;
        line.Unhandled = 0;
        if (descriptor.Actions.Count == 1)
        {
            line.IsShared = isShared;
            line.IsPending = false;
            line.IsStuck = false;
            descriptor.DisableDepth = 0;
            Unmask(line);
        }
        else if (line.IsStuck)
        {
            // Another handler may be the one that was missing (__setup_irq).
            line.IsStuck = false;
            Enable(number);
        }

        return 0;
    }

    /// <inheritdoc/>
    public void Free(int number, object owner)
    {
        Line? line = _lines.GetValueOrDefault(number);
        IrqAction? action = line?.Descriptor.Actions.FirstOrDefault(known => ReferenceEquals(known.Owner, owner));
        if (line is null || action is null)
        {
            _kernel.Log.Print(LogLevel.Warning, Text($"Trying to free already-free IRQ {number}"));
            return;
        }

        line.Descriptor.Actions.Remove(action);
        if (line.Descriptor.Actions.Count == 0)
        {
            // irq_shutdown
            line.Descriptor.DisableDepth = 1;
            Mask(line);
        }
    }

    /// <inheritdoc/>
    public void Disable(int number)
    {
        if (_lines.TryGetValue(number, out Line? line))
        {
            line.Descriptor.DisableDepth++;
        }
    }

    /// <inheritdoc/>
    public void Enable(int number)
    {
        if (!_lines.TryGetValue(number, out Line? line))
        {
            return;
        }

        IrqDescriptor descriptor = line.Descriptor;
        if (descriptor.DisableDepth == 0)
        {
            _kernel.Log.Print(LogLevel.Warning, Text($"Unbalanced enable for IRQ {number}"));
            return;
        }

        if (--descriptor.DisableDepth > 0)
        {
            return;
        }

        Unmask(line);
        if (line.IsPending && !descriptor.IsLevel)
        {
            // check_irq_resend: an edge that came meanwhile is delivered from a tasklet; a level comes again by itself.
            _kernel.Simulation.ScheduleAfter(EntryLatency, this, ResendCode, (ulong)number);
        }

        line.IsPending = false;
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        if (code == ResendCode)
        {
            HandleInterrupt(_lines[(int)argument]);
            return;
        }

        _isScheduled = false;
        _isTaking = true;
        try
        {
            TakeInterrupt();
        }
        finally
        {
            _isTaking = false;
        }

        OnInputChanged(_cpu.Irq.Level);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>IRQF_SHARED.</summary>
    private static uint Flags(bool isShared) => isShared ? 0x80u : 0;

    private int NextNumber()
    {
        int number = _kernel.Profile.FirstInterruptNumber;
        while (_lines.ContainsKey(number))
        {
            number++;
        }

        return number;
    }

    private void OnInputChanged(bool isHigh)
    {
        if (isHigh && !_isScheduled && !_isTaking && _gic is not null)
        {
            _isScheduled = true;
            _kernel.Simulation.ScheduleAfter(EntryLatency, this, TakeCode);
        }
    }

    /// <summary>One round of gic_handle_irq.</summary>
    private void TakeInterrupt()
    {
        uint acknowledged = _gic!.TakeInterrupt();
        if (_gic.NumberOf(acknowledged) is not { } rootNumber)
        {
            return;
        }

        if (_byRootNumber.TryGetValue(rootNumber, out Line? line))
        {
            HandleInterrupt(line);
        }
        else
        {
            // ack_bad_irq
            _kernel.Log.Print(LogLevel.Critical, Text($"unexpected IRQ trap at vector {rootNumber:x2}"));
            ErrorCount++;
        }

        _gic.End(acknowledged);
    }

    /// <summary>handle_fasteoi_irq, but for the end of interrupt.</summary>
    private void HandleInterrupt(Line line)
    {
        if (line.Chained is { } chained)
        {
            chained();
            return;
        }

        IrqDescriptor descriptor = line.Descriptor;
        bool isOpen = descriptor.Actions.Count > 0 && descriptor.DisableDepth == 0;
        if (isOpen || _kernel.Profile.CountsInterruptsOfDisabledLines)
        {
            descriptor.Count++;
        }

        if (!isOpen)
        {
            line.IsPending = true;
            Mask(line);
            return;
        }

        line.IsPending = false;
        bool isHandled = false;
        foreach (IrqAction action in descriptor.Actions.ToArray())
        {
            isHandled |= action.Handle();
        }

        Watch(line, isHandled);
    }

    /// <summary>note_interrupt: a line on which nearly nothing is handled is taken out of service.</summary>
    private void Watch(Line line, bool isHandled)
    {
        IrqDescriptor descriptor = line.Descriptor;
        long now = _kernel.Simulation.Now;
        if (!isHandled)
        {
            // An odd one now and then must not add up.
            line.Unhandled = now > VirtualTime.Add(line.LastUnhandled, OddInterruptInterval) ? 1 : line.Unhandled + 1;
            line.LastUnhandled = now;
        }

        if (++line.InterruptsWatched < WatchedInterrupts)
        {
            return;
        }

        line.InterruptsWatched = 0;
        if (line.Unhandled > MostUnhandled)
        {
            KernelLog log = _kernel.Log;
            log.Print(
                LogLevel.Error,
                Text($"irq {descriptor.Number}: nobody cared (try booting with the \"irqpoll\" option)")
            );
            log.Print(LogLevel.Error, "handlers:");
            foreach (IrqAction action in descriptor.Actions)
            {
                log.Print(LogLevel.Error, action.Name);
            }

            log.Print(LogLevel.Emergency, Text($"Disabling IRQ #{descriptor.Number}"));
            line.IsStuck = true;
            descriptor.DisableDepth++;
        }

        line.Unhandled = 0;
    }

    private void Mask(Line line)
    {
        if (!line.IsMasked)
        {
            line.IsMasked = true;
            line.Chip.Mask(line.ChipNumber);
        }
    }

    private void Unmask(Line line)
    {
        line.IsMasked = false;
        line.Chip.Unmask(line.ChipNumber);
    }

    /// <summary>What only this file knows of an interrupt (the rest of struct irq_desc).</summary>
    private sealed class Line(IrqDescriptor descriptor, IIrqChip chip, int chipNumber, int? rootNumber)
    {
        public IrqDescriptor Descriptor { get; } = descriptor;

        public IIrqChip Chip { get; } = chip;

        public int ChipNumber { get; } = chipNumber;

        public int? RootNumber { get; } = rootNumber;

        /// <summary>What to do instead of the actions.</summary>
        public Action? Chained { get; set; }

        public bool IsMasked { get; set; } = true;

        public bool IsShared { get; set; }

        /// <summary>IRQS_PENDING: one came while it was disabled.</summary>
        public bool IsPending { get; set; }

        /// <summary>IRQS_SPURIOUS_DISABLED.</summary>
        public bool IsStuck { get; set; }

        public int InterruptsWatched { get; set; }

        public int Unhandled { get; set; }

        public long LastUnhandled { get; set; }
    }
}
