using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// PrimeCell General Purpose Input/Output (PL061), after Arm DDI 0190: eight pins, each an input or an output and a source of
/// interrupts by level or by edges.
/// </summary>
/// <remarks>
/// Properties: <c>emulator,pull-up</c>, a bit for each pin that reads as one while nobody drives it (0: all are pulled down, as QEMU's virt
/// machine has them). Mode control by hardware (GPIOAFSEL) is stored and has no effect, because nothing is wired to it.
/// </remarks>
[DebuggerDisplay("{Name,nq} pins {Pins,h}, outputs {State.Direction,h}")]
public sealed class Pl061 : Device<Pl061.Registers>, IPinController
{
    /// <summary>How many pins there are.</summary>
    public const int PinCount = 8;

    private const AccessSizes Any = AccessSizes.Byte | AccessSizes.Half | AccessSizes.Word;

    // csharpier-ignore
    private static readonly RegisterMap<Pl061, Registers> Map = new RegisterMap<Pl061, Registers>("PL061", size: 0x1000)
        .ReadWrite(0x000, 256, 4, "GPIODATA{0}", (gpio, mask) => gpio.Pins & (uint)mask, (gpio, mask, value) => gpio.WriteData((uint)value, (uint)mask), access: Any)
        .Stored   (0x400, "GPIODIR",       (ref s) => ref s.Direction, mask: 0xFF, access: Any, then: (gpio, _) => gpio.Update())
        .Stored   (0x404, "GPIOIS",        (ref s) => ref s.Sense,     mask: 0xFF, access: Any, then: (gpio, _) => gpio.Update())
        .Stored   (0x408, "GPIOIBE",       (ref s) => ref s.BothEdges, mask: 0xFF, access: Any, then: (gpio, _) => gpio.Update())
        .Stored   (0x40C, "GPIOIEV",       (ref s) => ref s.Event,     mask: 0xFF, access: Any, then: (gpio, _) => gpio.Update())
        .Stored   (0x410, "GPIOIE",        (ref s) => ref s.Mask,      mask: 0xFF, access: Any, then: (gpio, _) => gpio.Update())
        .ReadOnly (0x414, "GPIORIS",       gpio => gpio.RawInterrupts, access: Any)
        .ReadOnly (0x418, "GPIOMIS",       gpio => gpio.RawInterrupts & gpio.State.Mask, access: Any)
        .WriteOnly(0x41C, "GPIOIC",        (gpio, value) => gpio.ClearInterrupts((uint)value), access: Any)
        .Stored   (0x420, "GPIOAFSEL",     (ref s) => ref s.Alternate, mask: 0xFF, access: Any)
        .Constant (0xFE0, "GPIOPeriphID0", 0x61)
        .Constant (0xFE4, "GPIOPeriphID1", 0x10)
        .Constant (0xFE8, "GPIOPeriphID2", 0x04)
        .Constant (0xFEC, "GPIOPeriphID3", 0x00)
        .Constant (0xFF0, "GPIOPCellID0",  0x0D)
        .Constant (0xFF4, "GPIOPCellID1",  0xF0)
        .Constant (0xFF8, "GPIOPCellID2",  0x05)
        .Constant (0xFFC, "GPIOPCellID3",  0xB1);

    private readonly InterruptLine _line;
    private readonly InterruptInput?[] _inputs = new InterruptInput?[PinCount];
    private readonly uint _pullUps;

    /// <summary>Makes a controller.</summary>
    public Pl061(DeviceContext context)
        : base(context)
    {
        _line = context.Interrupt(0, "GPIOINTR");
        _pullUps = context.Cell("emulator,pull-up", 0) & 0xFF;
        var window = new RegisterWindow<Pl061, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>What the pins are: an output's data, an input's wire, else its pull resistor.</summary>
    public uint Pins => (State.Data & State.Direction) | (Inputs & ~State.Direction & 0xFF);

    private uint Inputs
    {
        get
        {
            uint inputs = 0;
            for (int pin = 0; pin < PinCount; pin++)
            {
                bool isHigh = _inputs[pin] is { } input ? input.Level : (_pullUps >> pin & 1) != 0;
                inputs |= (isHigh ? 1u : 0) << pin;
            }

            return inputs;
        }
    }

    /// <summary>GPIORIS: what edges left, and the levels that are what GPIOIEV asks for.</summary>
    private uint RawInterrupts => State.Edges | (~(Pins ^ State.Event) & State.Sense & 0xFF);

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        State.LastPins = Pins;
        Update();
    }

    /// <inheritdoc/>
    public InterruptInput? FindPin(ReadOnlySpan<uint> specifier, out string problem)
    {
        problem = specifier is [< PinCount, _] ? "" : "a pin of a PL061 is a number from 0 to 7 and flags";
        return problem.Length == 0 ? Input((int)specifier[0]) : null;
    }

    /// <summary>The wire to a pin.</summary>
    public InterruptInput Input(int pin)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pin);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(pin, PinCount);
        return _inputs[pin] ??= new InterruptInput($"{Name} pin {pin}", _ => Update());
    }

    /// <summary>Address bits 9:2 say which pins are written; only outputs show it, but all keep it.</summary>
    private void WriteData(uint value, uint mask)
    {
        State.Data = (State.Data & ~mask) | (value & mask & 0xFF);
        Update();
    }

    /// <summary>GPIOIC clears what edges left; a level comes back by itself.</summary>
    private void ClearInterrupts(uint pins)
    {
        State.Edges &= ~pins;
        Update();
    }

    /// <summary>Looks for edges since the last time, and drives the interrupt.</summary>
    private void Update()
    {
        ref Registers state = ref State;
        uint pins = Pins;
        uint changed = pins ^ state.LastPins;
        state.LastPins = pins;
        uint wanted = state.BothEdges | ~(pins ^ state.Event);
        state.Edges |= changed & wanted & ~state.Sense & 0xFF;
        _line.Set((RawInterrupts & state.Mask) != 0);
    }

    /// <summary>What the controller remembers.</summary>
    public struct Registers
    {
        /// <summary>GPIODATA as written.</summary>
        public uint Data;

        /// <summary>GPIODIR: 1 for an output.</summary>
        public uint Direction;

        /// <summary>GPIOIS: 1 for levels.</summary>
        public uint Sense;

        /// <summary>GPIOIBE.</summary>
        public uint BothEdges;

        /// <summary>GPIOIEV: 1 for high and rising.</summary>
        public uint Event;

        /// <summary>GPIOIE.</summary>
        public uint Mask;

        /// <summary>Edges that nobody has cleared.</summary>
        public uint Edges;

        /// <summary>GPIOAFSEL.</summary>
        public uint Alternate;

        /// <summary>The pins when they were looked at last.</summary>
        public uint LastPins;
    }
}
