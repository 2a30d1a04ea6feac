using System.Globalization;
using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// How a DMA-330 was synthesised, and its tie-off signals: what CR0 to CR4 and CRD report (Arm DDI 0424, "Configuration
/// Registers"). Read from the <c>emulator,*</c> properties of the node.
/// </summary>
public sealed record Dma330Configuration
{
    /// <summary>The most channels a DMA-330 can have.</summary>
    public const int MaximumChannels = 8;

    /// <summary>The most events and interrupt outputs.</summary>
    public const int MaximumEvents = 32;

    /// <summary>The most peripheral request interfaces.</summary>
    public const int MaximumPeripherals = 32;

    /// <summary>The most bytes an MFIFO can hold: 1024 lines of 128 bits.</summary>
    public const int MaximumMfifoBytes = 1024 * 16;

    /// <summary><c>emulator,channels</c>: 1 to 8.</summary>
    public int Channels { get; init; } = MaximumChannels;

    /// <summary><c>emulator,events</c>: 1 to 32.</summary>
    public int Events { get; init; } = MaximumEvents;

    /// <summary><c>emulator,peripherals</c>: request interfaces, 0 to 32.</summary>
    public int Peripherals { get; init; } = MaximumPeripherals;

    /// <summary><c>emulator,data-width</c>: bits of the AXI data bus, 32, 64 or 128.</summary>
    public int DataWidthBits { get; init; } = 128;

    /// <summary><c>emulator,mfifo-lines</c>: lines of the data width in the MFIFO, 1 to 1024.</summary>
    public int MfifoLines { get; init; } = 1024;

    /// <summary>
    /// <c>emulator,mfifo-by-lines</c>: the MFIFO counts the lines that data takes at the byte lanes of its destination, not
    /// bytes: unaligned data takes a line more, and with a fixed destination address each beat takes lines of its own.
    /// </summary>
    public bool CountsMfifoLines { get; init; }

    /// <summary><c>emulator,read-capability</c>: outstanding reads, 1 to 8.</summary>
    public int ReadCapability { get; init; } = 8;

    /// <summary><c>emulator,write-capability</c>: outstanding writes, 1 to 8.</summary>
    public int WriteCapability { get; init; } = 8;

    /// <summary><c>emulator,read-queue-depth</c>: 1 to 16. Reported only.</summary>
    public int ReadQueueDepth { get; init; } = 16;

    /// <summary><c>emulator,write-queue-depth</c>: 1 to 16. Reported only.</summary>
    public int WriteQueueDepth { get; init; } = 16;

    /// <summary><c>emulator,icache-line-bytes</c>: 4, 8, 16 or 32. Reported only.</summary>
    public int InstructionCacheLineBytes { get; init; } = 32;

    /// <summary><c>emulator,icache-lines</c>: 1 to 16. Reported only.</summary>
    public int InstructionCacheLines { get; init; } = 16;

    /// <summary><c>emulator,revision</c>: 0 r0p0, 1 r1p0, 2 r1p1, 3 r1p2.</summary>
    public int Revision { get; init; } = 3;

    /// <summary><c>emulator,ins</c>: bit n set: event n is Non-secure.</summary>
    public uint NonSecureEvents { get; init; } = uint.MaxValue;

    /// <summary><c>emulator,pns</c>: bit n set: peripheral request interface n is Non-secure.</summary>
    public uint NonSecurePeripherals { get; init; } = uint.MaxValue;

    /// <summary><c>emulator,boot-manager-ns</c>: the manager is Non-secure after reset.</summary>
    public bool BootManagerNonSecure { get; init; }

    /// <summary><c>emulator,boot-from-pc</c>: the manager runs from <see cref="BootAddress"/> after reset.</summary>
    public bool BootFromPc { get; init; }

    /// <summary><c>emulator,boot-address</c>.</summary>
    public uint BootAddress { get; init; }

    /// <summary><c>emulator,clock-hz</c>: the AXI clock.</summary>
    public uint ClockHertz { get; init; } = 100_000_000;

    /// <summary><c>emulator,irq-count</c>: how many of irq[0], irq[1], ... are wired.</summary>
    public int InterruptOutputs { get; init; } = 8;

    /// <summary>
    /// <c>emulator,abort-interrupt</c>: the place of irq_abort among the node's interrupts, -1 if it is not wired.
    /// The irq outputs take the other places in order.
    /// </summary>
    public int AbortInterrupt { get; init; } = -1;

    /// <summary>The bytes the MFIFO holds.</summary>
    public int MfifoBytes => MfifoLines * (DataWidthBits / 8);

    /// <summary>The width of the data bus in bytes.</summary>
    public int BusBytes => DataWidthBits / 8;

    /// <summary>The bits of the events that exist.</summary>
    public uint EventMask => Events == MaximumEvents ? uint.MaxValue : (1U << Events) - 1;

    /// <summary>CR0.</summary>
    public uint Cr0 =>
        (Peripherals > 0 ? 1U | ((uint)(Peripherals - 1) << 12) : 0)
        | (BootFromPc ? 2U : 0)
        | (BootManagerNonSecure ? 4U : 0)
        | ((uint)(Channels - 1) << 4)
        | ((uint)(Events - 1) << 17);

    /// <summary>CR1.</summary>
    public uint Cr1 =>
        (uint)BitOperations.Log2((uint)InstructionCacheLineBytes) | ((uint)(InstructionCacheLines - 1) << 4);

    /// <summary>CR3: one bit for each event that exists.</summary>
    public uint Cr3 => NonSecureEvents & EventMask;

    /// <summary>CR4: one bit for each peripheral request interface that exists.</summary>
    public uint Cr4 =>
        NonSecurePeripherals & (Peripherals == MaximumPeripherals ? uint.MaxValue : (1U << Peripherals) - 1);

    /// <summary>CRD.</summary>
    public uint Crd =>
        (uint)BitOperations.Log2((uint)BusBytes)
        | ((uint)(WriteCapability - 1) << 4)
        | ((uint)(WriteQueueDepth - 1) << 8)
        | ((uint)(ReadCapability - 1) << 12)
        | ((uint)(ReadQueueDepth - 1) << 16)
        | ((uint)(MfifoLines - 1) << 20);

    /// <summary>periph_id_2: revision and the upper half of the designer's code.</summary>
    public uint PeripheralId2 => ((uint)Revision << 4) | 4;

    /// <summary>Reads the configuration of a node.</summary>
    /// <exception cref="BoardException">A property holds what no DMA-330 can be.</exception>
    public static Dma330Configuration Read(DeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var defaults = new Dma330Configuration();
        int events = Number(context, "events", 1, MaximumEvents, defaults.Events);
        return new Dma330Configuration
        {
            Channels = Number(context, "channels", 1, MaximumChannels, defaults.Channels),
            Events = events,
            Peripherals = Number(context, "peripherals", 0, MaximumPeripherals, defaults.Peripherals),
            DataWidthBits = OneOf(context, "data-width", [32, 64, 128], defaults.DataWidthBits),
            MfifoLines = Number(context, "mfifo-lines", 1, 1024, defaults.MfifoLines),
            CountsMfifoLines = Number(context, "mfifo-by-lines", 0, 1, 0) != 0,
            ReadCapability = Number(context, "read-capability", 1, 8, defaults.ReadCapability),
            WriteCapability = Number(context, "write-capability", 1, 8, defaults.WriteCapability),
            ReadQueueDepth = Number(context, "read-queue-depth", 1, 16, defaults.ReadQueueDepth),
            WriteQueueDepth = Number(context, "write-queue-depth", 1, 16, defaults.WriteQueueDepth),
            InstructionCacheLineBytes = OneOf(
                context,
                "icache-line-bytes",
                [4, 8, 16, 32],
                defaults.InstructionCacheLineBytes
            ),
            InstructionCacheLines = Number(context, "icache-lines", 1, 16, defaults.InstructionCacheLines),
            Revision = Number(context, "revision", 0, 15, defaults.Revision),
            NonSecureEvents = context.Cell("emulator,ins", defaults.NonSecureEvents),
            NonSecurePeripherals = context.Cell("emulator,pns", defaults.NonSecurePeripherals),
            BootManagerNonSecure = Number(context, "boot-manager-ns", 0, 1, 0) != 0,
            BootFromPc = Number(context, "boot-from-pc", 0, 1, 0) != 0,
            BootAddress = context.Cell("emulator,boot-address", 0),
            ClockHertz = (uint)Number(context, "clock-hz", 1, int.MaxValue, (int)defaults.ClockHertz),
            InterruptOutputs = Number(context, "irq-count", 0, events, Math.Min(defaults.InterruptOutputs, events)),
            AbortInterrupt = Number(context, "abort-interrupt", -1, MaximumEvents, defaults.AbortInterrupt),
        };
    }

    private static int Number(DeviceContext context, string property, int lowest, int highest, int otherwise)
    {
        string name = "emulator," + property;
        int value = unchecked((int)context.Cell(name, (uint)otherwise));
        return value >= lowest && value <= highest
            ? value
            : throw new BoardException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{context.Name}: {name} is {value}; a DMA-330 takes {lowest} to {highest}."
                )
            );
    }

    private static int OneOf(DeviceContext context, string property, ReadOnlySpan<int> values, int otherwise)
    {
        string name = "emulator," + property;
        int value = unchecked((int)context.Cell(name, (uint)otherwise));
        return values.Contains(value)
            ? value
            : throw new BoardException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{context.Name}: {name} is {value}; a DMA-330 takes {string.Join(", ", values.ToArray())}."
                )
            );
    }
}
