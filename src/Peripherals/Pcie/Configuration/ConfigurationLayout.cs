using System.Buffers.Binary;

namespace Emulator.Peripherals;

/// <summary>
/// What a function's configuration space is like: the value of each byte after reset, which bits software may write, which
/// it clears by writing 1, and where the capabilities are. Made once for each function, before it lives.
/// </summary>
public sealed class ConfigurationLayout
{
    private readonly byte[] _reset;
    private readonly byte[] _writable;
    private readonly byte[] _clearedByOne;
    private int _lastExtended;

    /// <summary>Creates a layout in which everything reads 0 and nothing can be written.</summary>
    /// <param name="lengthBytes">256 for a conventional function, 4096 for an express one.</param>
    public ConfigurationLayout(int lengthBytes)
    {
        if (lengthBytes is not (PciRegister.ConventionalLengthBytes or PciRegister.ExpressLengthBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(lengthBytes), lengthBytes, "256 or 4096");
        }

        _reset = new byte[lengthBytes];
        _writable = new byte[lengthBytes];
        _clearedByOne = new byte[lengthBytes];
    }

    /// <summary>How many bytes of configuration space there are.</summary>
    public int LengthBytes => _reset.Length;

    internal int PowerManagementAt { get; set; }

    internal int MsiAt { get; set; }

    internal int MsixAt { get; set; }

    internal int ExpressAt { get; set; }

    internal int HotPlugAt { get; set; }

    internal int ErrorReportingAt { get; set; }

    internal int AccessControlAt { get; set; }

    internal int VirtualizationAt { get; set; }

    internal ReadOnlySpan<byte> ResetBytes => _reset;

    internal ReadOnlySpan<byte> Writable => _writable;

    internal ReadOnlySpan<byte> ClearedByOne => _clearedByOne;

    internal ConfigurationLayout Set8(int offset, int value, int writable = 0, int clearedByOne = 0)
    {
        _reset[offset] = (byte)value;
        _writable[offset] = (byte)writable;
        _clearedByOne[offset] = (byte)clearedByOne;
        return this;
    }

    internal ConfigurationLayout Set16(int offset, int value, int writable = 0, int clearedByOne = 0)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_reset.AsSpan(offset), (ushort)value);
        BinaryPrimitives.WriteUInt16LittleEndian(_writable.AsSpan(offset), (ushort)writable);
        BinaryPrimitives.WriteUInt16LittleEndian(_clearedByOne.AsSpan(offset), (ushort)clearedByOne);
        return this;
    }

    internal ConfigurationLayout Set32(int offset, uint value, uint writable = 0, uint clearedByOne = 0)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_reset.AsSpan(offset), value);
        BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(offset), writable);
        BinaryPrimitives.WriteUInt32LittleEndian(_clearedByOne.AsSpan(offset), clearedByOne);
        return this;
    }

    internal ushort ResetValue16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_reset.AsSpan(offset));

    /// <summary>
    /// Puts a capability at the head of the list, so the one that is added last is found first: the order that QEMU's
    /// devices have. Whoever describes another part adds its capabilities from the last to the first.
    /// </summary>
    internal void LinkCapability(CapabilityId id, int offset)
    {
        Set8(offset, (byte)id);
        Set8(offset + 1, _reset[PciRegister.CapabilityPointer]);
        Set8(PciRegister.CapabilityPointer, offset);
        Set16(
            PciRegister.Status,
            ResetValue16(PciRegister.Status) | (int)PciStatus.CapabilityList,
            clearedByOne: BinaryPrimitives.ReadUInt16LittleEndian(_clearedByOne.AsSpan(PciRegister.Status))
        );
    }

    /// <summary>Appends an extended capability; the first one must be at 0x100.</summary>
    internal void LinkExtended(ExtendedCapabilityId id, int version, int offset)
    {
        if ((_lastExtended == 0) != (offset == PciRegister.ConventionalLengthBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, "the first extended capability is at 0x100");
        }

        Set32(offset, (uint)id | ((uint)version << 16));
        if (_lastExtended != 0)
        {
            uint header = BinaryPrimitives.ReadUInt32LittleEndian(_reset.AsSpan(_lastExtended));
            Set32(_lastExtended, header | ((uint)offset << 20));
        }

        _lastExtended = offset;
    }
}
