using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>The space of a base address register.</summary>
public enum PciBarKind
{
    /// <summary>I/O ports.</summary>
    Io,

    /// <summary>Memory below 4 GiB.</summary>
    Memory32,

    /// <summary>Memory anywhere; takes two registers.</summary>
    Memory64,
}

/// <summary>
/// A base address register and what is behind it (PCI Local Bus 3.0, 6.2.5.1). Address bits below the size are hard-wired to
/// 0, so that software learns the size by writing ones.
/// </summary>
[DebuggerDisplay("BAR {Index} {Kind} {LengthBytes} bytes")]
public sealed class BaseAddress
{
    internal BaseAddress(
        ConfigurationLayout layout,
        int index,
        PciBarKind kind,
        bool isPrefetchable,
        ulong lengthBytes,
        IBusTarget target
    )
        : this(PciRegister.BaseAddress + 4 * index, index, kind, lengthBytes, target)
    {
        uint flags = (uint)(
            Kind switch
            {
                PciBarKind.Io => 1,
                PciBarKind.Memory64 => 4,
                _ => 0,
            }
        );
        Place(layout, flags | (isPrefetchable ? 8u : 0));
    }

    private BaseAddress(int offset, int index, PciBarKind kind, ulong lengthBytes, IBusTarget target)
    {
        Offset = offset;
        Index = index;
        Kind = kind;
        LengthBytes = lengthBytes;
        Target = target;
    }

    /// <summary>Its number, 0 to 5; 6 is the expansion ROM.</summary>
    public int Index { get; }

    /// <summary>Its space.</summary>
    public PciBarKind Kind { get; }

    /// <summary>How much it decodes: a power of two.</summary>
    public ulong LengthBytes { get; }

    /// <summary>What answers.</summary>
    public IBusTarget Target { get; }

    internal int Offset { get; }

    internal bool IsIo => Kind == PciBarKind.Io;

    private bool IsRom => Index == RomIndex;

    private const int RomIndex = 6;

    /// <summary>An expansion ROM (type 0 header).</summary>
    internal static BaseAddress Rom(ConfigurationLayout layout, ulong lengthBytes, IBusTarget target)
    {
        var rom = new BaseAddress(PciRegister.ExpansionRom, RomIndex, PciBarKind.Memory32, lengthBytes, target);
        layout.Set32(rom.Offset, 0, (uint)~(lengthBytes - 1) | 1);
        return rom;
    }

    /// <summary>The register of all virtual functions' windows in an SR-IOV capability.</summary>
    internal static BaseAddress OfVirtualFunctions(
        ConfigurationLayout layout,
        int offset,
        int index,
        ulong lengthBytes,
        IBusTarget target
    )
    {
        var bar = new BaseAddress(offset + 4 * index, index, PciBarKind.Memory64, lengthBytes, target);
        bar.Place(layout, 4);
        return bar;
    }

    /// <summary>Where it is; meaningless while the function's decoder is off.</summary>
    internal ulong Address(ConfigurationSpace space)
    {
        uint low =
            space.Get32(Offset)
            & (uint)(
                IsIo ? ~3u
                : IsRom ? ~0x7FFu
                : ~0xFu
            );
        return Kind == PciBarKind.Memory64 ? ((ulong)space.Get32(Offset + 4) << 32) | low : low;
    }

    /// <summary>Whether the ROM's own enable, where it is one, lets it decode.</summary>
    internal bool IsEnabled(ConfigurationSpace space) => !IsRom || (space.Get32(Offset) & 1) != 0;

    private void Place(ConfigurationLayout layout, uint flags)
    {
        ulong writable = ~(LengthBytes - 1);
        layout.Set32(Offset, flags, (uint)writable & (Kind == PciBarKind.Io ? ~3u : ~0xFu));
        if (Kind == PciBarKind.Memory64)
        {
            layout.Set32(Offset + 4, 0, (uint)(writable >> 32));
        }
    }
}
