namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// An address on a bus: <paramref name="Value"/> from the one or two low cells, and on buses with three address cells (PCI) the first
/// cell as <paramref name="High"/>.
/// </summary>
public readonly record struct BusAddress(ulong Value, uint? High = null)
{
    /// <summary>The address seen as one on a PCI bus; meaningful only with <see cref="High"/>.</summary>
    public PciAddress Pci => new(High ?? 0, Value);

    /// <summary>The address in hex.</summary>
    public override string ToString() => High is { } high ? $"0x{high:x8}:0x{Value:x}" : $"0x{Value:x}";
}

/// <summary>The kind of PCI space an address lies in (phys.hi bits 25:24).</summary>
public enum PciSpace
{
    /// <summary>Configuration space.</summary>
    Configuration = 0,

    /// <summary>I/O space.</summary>
    Io = 1,

    /// <summary>32-bit memory space.</summary>
    Memory32 = 2,

    /// <summary>64-bit memory space.</summary>
    Memory64 = 3,
}

/// <summary>
/// A three-cell PCI address: <paramref name="High"/> is phys.hi (<c>npt000ss bbbbbbbb dddddfff rrrrrrrr</c>), <paramref name="Address"/>
/// phys.mid and phys.lo (IEEE Std 1275 PCI bus binding 2.1, section 2.2.1.1).
/// </summary>
public readonly record struct PciAddress(uint High, ulong Address)
{
    /// <summary>The space.</summary>
    public PciSpace Space => (PciSpace)((High >> 24) & 3);

    /// <summary>Whether the region is prefetchable.</summary>
    public bool IsPrefetchable => (High & 0x4000_0000) != 0;

    /// <summary>Bus number.</summary>
    public byte Bus => (byte)(High >> 16);

    /// <summary>Device number, 0 to 31.</summary>
    public byte Device => (byte)((High >> 11) & 0x1f);

    /// <summary>Function number, 0 to 7.</summary>
    public byte Function => (byte)((High >> 8) & 7);

    /// <summary>Register number (the offset in configuration space).</summary>
    public byte Register => (byte)High;

    /// <summary>Bus, device and function as on the wire.</summary>
    public ushort RequesterId => (ushort)(High >> 8);

    /// <summary>phys.hi of a function's configuration space: what <c>interrupt-map</c> looks up.</summary>
    public static uint ConfigurationHigh(ushort requesterId) => (uint)requesterId << 8;
}
