using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// QEMU's teaching device <c>edu</c> (1234:11e8; QEMU, docs/specs/edu): factorials, interrupts by pin or MSI, and a DMA engine
/// between memory and a buffer of its own. <c>emulator,dma-mask</c> (28 bits; two cells) is what it masks memory addresses with.
/// </summary>
[DebuggerDisplay("{Name,nq} CMD {State.Own.Command}")]
public sealed class Edu : PciModel<EduState>, IEventTarget
{
    private const ulong WindowBytes = 0x10_0000;
    private const int FactorialDone = 0;
    private const int DmaDone = 1;

    private const uint Computing = 1 << 0;
    private const uint InterruptWhenComputed = 1 << 7;
    private const uint FactorialInterrupt = 0x001;
    private const uint DmaInterrupt = 0x100;
    private const ulong Run = 1 << 0;
    private const ulong ToMemory = 1 << 1;
    private const ulong InterruptWhenMoved = 1 << 2;

    /// <summary>QEMU computes in a thread of the host; here it takes one microsecond.</summary>
    private const long ComputingTime = VirtualTime.Microsecond;

    private const long DmaTime = 100 * VirtualTime.Millisecond;

    private static readonly TraceKind OutsideBuffer = new(
        "edu.outside-buffer",
        Severity.Warning,
        "DMA of {count} bytes at device address {address} is not inside the buffer 0x4_0000 to 0x4_0fff; nothing is moved"
    );

    private static readonly TraceKind Clamped = new(
        "edu.clamped",
        Severity.Warning,
        "DMA address {address} does not fit the DMA mask {mask} and is cut"
    );

    // csharpier-ignore
    private static readonly RegisterMap<Edu, PciState<EduState>> Map = new RegisterMap<Edu, PciState<EduState>>("EDU", WindowBytes)
        .Constant (0x00, "ID",            0x0100_00ED)
        .Stored   (0x04, "LIVENESS",      (ref s) => ref s.Own.Liveness, then: (edu, value) => edu.State.Own.Liveness = ~(uint)value)
        .ReadWrite(0x08, "FACTORIAL",     edu => edu.State.Own.Factorial, (edu, value) => edu.Compute((uint)value))
        .Stored   (0x20, "STATUS",        (ref s) => ref s.Own.Status, mask: InterruptWhenComputed, fields: "COMPUTING[0] IRQFACT[7]")
        .ReadOnly (0x24, "IRQ_STATUS",    (ref s) => ref s.Own.InterruptStatus)
        .WriteOnly(0x60, "IRQ_RAISE",     (edu, value) => edu.Raise((uint)value))
        .WriteOnly(0x64, "IRQ_ACK",       (edu, value) => edu.Lower((uint)value))
        .ReadWrite(0x80, "DMA_SOURCE",    edu => edu.State.Own.Source, (edu, value) => edu.SetIdle(ref edu.State.Own.Source, value), width: 64)
        .ReadWrite(0x88, "DMA_DEST",      edu => edu.State.Own.Destination, (edu, value) => edu.SetIdle(ref edu.State.Own.Destination, value), width: 64)
        .ReadWrite(0x90, "DMA_COUNT",     edu => edu.State.Own.Count, (edu, value) => edu.SetIdle(ref edu.State.Own.Count, value), width: 64)
        .ReadWrite(0x98, "DMA_COMMAND",   edu => edu.State.Own.Command, (edu, value) => edu.Start(value), width: 64, fields: "RUN[0] TO_MEMORY[1] IRQ[2]");

    private readonly RegisterWindow<Edu, PciState<EduState>> _window;
    private readonly ulong _mask;
    private EventHandle _factorial;
    private EventHandle _dma;

    /// <summary>Makes the function.</summary>
    public Edu(DeviceContext context)
        : base(context, Layout)
    {
        _mask = context.Cells("emulator,dma-mask") is [var high, var low] ? ((ulong)high << 32) | low : 0x0FFF_FFFF;
        _window = new RegisterWindow<Edu, PciState<EduState>>(this, Map);
        Windows = [_window];
        AddBar(0, PciBarKind.Memory32, WindowBytes, new EduWindow(_window));
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    private Span<byte> Buffer => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref State.Own.Buffer, 1));

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        if (code == FactorialDone)
        {
            FinishFactorial();
        }
        else
        {
            FinishDma();
        }
    }

    private protected override void ResetOwn()
    {
        Simulation.Cancel(_factorial);
        Simulation.Cancel(_dma);
    }

    private static ConfigurationLayout Layout(PciPlace place) =>
        Headers
            .Endpoint(
                new PciIdentity(0x1234, 0x11E8, 0x00FF00, 0x10, QemuSubsystem.Vendor, QemuSubsystem.Device),
                isExpress: false,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .AddMsi(0x40, vectors: 1, is64Bit: true, isMaskable: false);

    private void Compute(uint value)
    {
        if ((State.Own.Status & Computing) != 0)
        {
            return;
        }

        State.Own.Factorial = value;
        State.Own.Status |= Computing;
        _factorial = Simulation.ScheduleAfter(ComputingTime, this, FactorialDone);
    }

    private void FinishFactorial()
    {
        // From 34! on the product is a multiple of 2^32.
        const uint FirstZero = 34;
        uint product = 1;
        uint n = State.Own.Factorial;
        for (uint factor = 2; factor <= Math.Min(n, FirstZero); factor++)
        {
            product = unchecked(product * factor);
        }

        State.Own.Factorial = product;
        State.Own.Status &= ~Computing;
        if ((State.Own.Status & InterruptWhenComputed) != 0)
        {
            Raise(FactorialInterrupt);
        }
    }

    private void Raise(uint bits)
    {
        State.Own.InterruptStatus |= bits;
        if (State.Own.InterruptStatus == 0)
        {
            return;
        }

        if (Function.IsMsiOn)
        {
            Function.SendMsi(0);
        }
        else
        {
            Function.SetInterrupt(true);
        }
    }

    private void Lower(uint bits)
    {
        State.Own.InterruptStatus &= ~bits;
        if (State.Own.InterruptStatus == 0 && !Function.IsMsiOn)
        {
            Function.SetInterrupt(false);
        }
    }

    /// <summary>The DMA registers cannot be written while the engine runs.</summary>
    private void SetIdle(ref ulong register, ulong value)
    {
        if ((State.Own.Command & Run) == 0)
        {
            register = value;
        }
    }

    private void Start(ulong command)
    {
        if ((command & Run) == 0 || (State.Own.Command & Run) != 0)
        {
            return;
        }

        State.Own.Command = command;
        _dma = Simulation.ScheduleAfter(DmaTime, this, DmaDone);
    }

    private void FinishDma()
    {
        bool toMemory = (State.Own.Command & ToMemory) != 0;
        ulong inside = toMemory ? State.Own.Source : State.Own.Destination;
        ulong offset = inside - EduState.BufferStart;
        ulong count = State.Own.Count;
        if (offset < EduState.BufferBytes && count <= EduState.BufferBytes - offset)
        {
            Move(toMemory, (int)offset, (int)count);
        }
        else
        {
            Trace.Emit(OutsideBuffer, Name, TraceField.Decimal("count", count), TraceField.Hex("address", inside));
        }

        State.Own.Command &= ~Run;
        if ((State.Own.Command & InterruptWhenMoved) != 0)
        {
            Raise(DmaInterrupt);
        }
    }

    private void Move(bool toMemory, int offset, int count)
    {
        ulong address = toMemory ? State.Own.Destination : State.Own.Source;
        if ((address & ~_mask) != 0)
        {
            Trace.Emit(Clamped, Name, TraceField.Hex("address", address), TraceField.Hex("mask", _mask));
            address &= _mask;
        }

        if (toMemory)
        {
            Function.WriteMemory(address, Buffer.Slice(offset, count));
            return;
        }

        // A read that fails gives zeros, as reads of nothing do in QEMU.
        byte[] data = new byte[count];
        if (Function.ReadMemory(address, data) != BusStatus.Okay)
        {
            Array.Clear(data);
        }

        data.CopyTo(Buffer[offset..]);
    }

    /// <summary>
    /// The window in front of the registers. The bus takes accesses of 4 and 8 bytes only; below 0x80 those of 8 bytes, and
    /// everywhere offsets without a register, read as ones and ignore writes.
    /// </summary>
    private sealed class EduWindow(RegisterWindow<Edu, PciState<EduState>> window) : IBusTarget
    {
        private const ulong FirstWide = 0x80;

        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            BusStatus status = ReadWord(address, data.Length, out ulong value, transaction);
            for (int n = 0; n < data.Length && n < 8; n++)
            {
                data[n] = (byte)(value >> (8 * n));
            }

            return status;
        }

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            ulong value = 0;
            for (int n = Math.Min(data.Length, 8) - 1; n >= 0; n--)
            {
                value = (value << 8) | data[n];
            }

            return WriteWord(address, data.Length, value, transaction);
        }

        public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
        {
            value = ulong.MaxValue;
            if (sizeBytes is not (4 or 8))
            {
                return BusStatus.DecodeError;
            }

            return FindWidth(address, sizeBytes, isWrite: false) is { } width
                ? window.ReadWord(address, width, out value, transaction)
                : BusStatus.Okay;
        }

        public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
        {
            if (sizeBytes is not (4 or 8))
            {
                return BusStatus.DecodeError;
            }

            return FindWidth(address, sizeBytes, isWrite: true) is { } width
                ? window.WriteWord(address, width, value, transaction)
                : BusStatus.Okay;
        }

        private static int? FindWidth(ulong address, int sizeBytes, bool isWrite)
        {
            if (address < FirstWide && sizeBytes != 4)
            {
                return null;
            }

            foreach (RegisterDescription register in Map.Registers)
            {
                RegisterAccess missing = isWrite ? RegisterAccess.ReadOnly : RegisterAccess.WriteOnly;
                if (register.Offset == address && register.Access != missing)
                {
                    return register.WidthBits / 8;
                }
            }

            return null;
        }
    }
}

/// <summary>What an <see cref="Edu"/> remembers.</summary>
public struct EduState
{
    /// <summary>The device address of the buffer.</summary>
    public const ulong BufferStart = 0x4_0000;

    /// <summary>Its length.</summary>
    public const ulong BufferBytes = 0x1000;

    /// <summary>DMA source.</summary>
    public ulong Source;

    /// <summary>DMA destination.</summary>
    public ulong Destination;

    /// <summary>DMA count.</summary>
    public ulong Count;

    /// <summary>DMA command.</summary>
    public ulong Command;

    /// <summary>The inverse of what was written last.</summary>
    public uint Liveness;

    /// <summary>The argument, later the result.</summary>
    public uint Factorial;

    /// <summary>Computing, and whether to interrupt.</summary>
    public uint Status;

    /// <summary>Why it interrupts.</summary>
    public uint InterruptStatus;

    /// <summary>The DMA buffer.</summary>
    public EduBuffer Buffer;
}

/// <summary>The buffer of an <see cref="Edu"/>.</summary>
[InlineArray((int)EduState.BufferBytes)]
public struct EduBuffer
{
    private byte _first;
}
