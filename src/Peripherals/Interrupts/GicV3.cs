using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>Generic Interrupt Controller version 3, after Arm IHI 0069. So far only its inputs are there.</summary>
[DebuggerDisplay("{Name,nq}")]
public sealed class GicV3 : Device<GicV3.Registers>, IInterruptController
{
    private const int SharedInterrupts = 224;

    private readonly Dictionary<int, InterruptInput> _inputs = [];

    /// <summary>Makes an interrupt controller.</summary>
    public GicV3(DeviceContext context)
        : base(context)
    {
        context.MapRegisters(0, new RegisterWindow<GicV3, Registers>(this, DistributorMap));
        context.MapRegisters(1, new RegisterWindow<GicV3, Registers>(this, RedistributorMap));
    }

    private static RegisterMap<GicV3, Registers> DistributorMap { get; } = new("GICD", 0x1_0000);

    private static RegisterMap<GicV3, Registers> RedistributorMap { get; } = new("GICR", 0x2_0000);

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows => [];

    /// <inheritdoc/>
    public override void Reset() => State = default;

    /// <inheritdoc/>
    public InterruptInput? FindInput(ReadOnlySpan<uint> specifier, out string problem)
    {
        problem = "";
        if (specifier.Length != 3 || specifier[0] > 1 || specifier[1] >= SharedInterrupts)
        {
            problem = "an interrupt of a GIC takes three cells: 0 (SPI) or 1 (PPI), number, flags";
            return null;
        }

        int number = (int)specifier[1] + (specifier[0] == 0 ? 32 : 16);
        if (!_inputs.TryGetValue(number, out InterruptInput? input))
        {
            string name = string.Create(
                CultureInfo.InvariantCulture,
                $"{Name} {(specifier[0] == 0 ? "SPI" : "PPI")} {specifier[1]}"
            );
            input = new InterruptInput(name, level => State.Level = level ? 1u : 0u);
            _inputs[number] = input;
        }

        return input;
    }

    /// <summary>What the controller remembers.</summary>
    public struct Registers
    {
        /// <summary>Whether an input rose last.</summary>
        public uint Level;
    }
}
