using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.Userland;

/// <summary>A line of a device's <c>resource</c> file.</summary>
/// <param name="Address">The first address.</param>
/// <param name="LengthBytes">0 where there is nothing.</param>
/// <param name="Flags">Linux's IORESOURCE flags.</param>
internal readonly record struct PciResourceLine(ulong Address, ulong LengthBytes, ulong Flags)
{
    private const ulong TypeBits = 0xF;

    /// <summary>Address and, in its low bits, the type that the base address register has.</summary>
    public ulong Base => Address | (Flags & TypeBits);
}

/// <summary>A PCI device as sysfs shows it.</summary>
internal sealed class PciSysfsDevice
{
    public required string Name { get; init; }

    public required uint Domain { get; init; }

    public required uint Bus { get; init; }

    public required uint Slot { get; init; }

    public required uint Function { get; init; }

    public uint Vendor { get; init; }

    public uint Device { get; init; }

    /// <summary>Base class and subclass.</summary>
    public uint Class { get; init; }

    public uint Interface { get; init; }

    public uint Revision { get; init; }

    public uint? SubsystemVendor { get; init; }

    public uint Subsystem { get; init; }

    public uint Irq { get; init; }

    public IReadOnlyList<PciResourceLine> Resources { get; init; } = [];

    public int NumaNode { get; init; } = -1;

    public string? IommuGroup { get; init; }

    public string? TreeNode { get; init; }

    public string? Driver { get; init; }

    public string? Label { get; init; }

    public string? PhysicalSlot { get; set; }

    /// <summary>The name of the device above, where that is a PCI device.</summary>
    public string? ParentName { get; init; }

    /// <summary>What could be read of its configuration space.</summary>
    public byte[] Configuration { get; init; } = [];

    public bool HasConfiguration => Configuration.Length >= 64;

    /// <summary>0 for a device, 1 for a bridge; -1 without configuration space.</summary>
    public int HeaderType => HasConfiguration ? Configuration[0x0E] & 0x7F : -1;

    /// <summary>The four lines behind those of base address registers, ROM and virtual functions; null where there are none.</summary>
    public IReadOnlyList<PciResourceLine>? BridgeWindows =>
        Resources.Count switch
        {
            11 => [.. Resources.Skip(7)],
            17 => [.. Resources.Skip(13)],
            _ => null,
        };

    public PciResourceLine ResourceAt(int index) => index < Resources.Count ? Resources[index] : default;

    /// <summary>bb:dd.f, with the domain before it where wanted.</summary>
    public string SlotName(bool withDomain) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(withDomain ? $"{Domain:x4}:" : "")}{Bus:x2}:{Slot:x2}.{Function}"
        );

    public bool Has(int offset, int lengthBytes) => offset + lengthBytes <= Configuration.Length;

    public byte Byte(int offset) => Configuration[offset];

    public ushort Word(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(Configuration.AsSpan(offset));

    public uint Long(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Configuration.AsSpan(offset));
}
