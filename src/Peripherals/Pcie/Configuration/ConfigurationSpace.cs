using System.Buffers.Binary;
using System.Diagnostics;

namespace Emulator.Peripherals;

/// <summary>Where a configuration space keeps its bytes: in the state of the device whose it is.</summary>
internal interface IConfigurationBytes
{
    /// <summary>The bytes, 4096 of them.</summary>
    Span<byte> ConfigurationBytes { get; }
}

/// <summary>
/// The configuration space of a function as cycles see it: bytes of the device's state under the masks of a
/// <see cref="ConfigurationLayout"/>.
/// </summary>
[DebuggerDisplay("{Get16(0).ToString(\"x4\"),nq}:{Get16(2).ToString(\"x4\"),nq}")]
public sealed class ConfigurationSpace
{
    private readonly IConfigurationBytes _owner;

    internal ConfigurationSpace(ConfigurationLayout layout, IConfigurationBytes owner)
    {
        Layout = layout;
        _owner = owner;
    }

    /// <summary>How many bytes there are: 256 or 4096.</summary>
    public int LengthBytes => Layout.LengthBytes;

    /// <summary>Everything, for views and dumps.</summary>
    public ReadOnlySpan<byte> Content => Bytes[..LengthBytes];

    internal ConfigurationLayout Layout { get; }

    private Span<byte> Bytes => _owner.ConfigurationBytes;

    /// <summary>Reads as a configuration cycle does; what lies beyond the space reads as ones.</summary>
    public uint Read(int offset, int sizeBytes)
    {
        if (offset + sizeBytes > LengthBytes)
        {
            return Ones(sizeBytes);
        }

        ReadOnlySpan<byte> bytes = Bytes[offset..];
        return sizeBytes switch
        {
            1 => bytes[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            _ => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        };
    }

    /// <summary>Writes as a configuration cycle does: bits that are read-only stay, bits that are cleared by writing 1 are.</summary>
    /// <returns>Whether the space reaches so far.</returns>
    public bool Write(int offset, int sizeBytes, uint value)
    {
        if (offset + sizeBytes > LengthBytes)
        {
            return false;
        }

        for (int n = 0; n < sizeBytes; n++)
        {
            int at = offset + n;
            byte written = (byte)(value >> (8 * n));
            int writable = Layout.Writable[at];
            int kept = Bytes[at] & ~writable & ~(written & Layout.ClearedByOne[at]);
            Bytes[at] = (byte)(kept | (written & writable));
        }

        return true;
    }

    internal static uint Ones(int sizeBytes) => uint.MaxValue >> (32 - 8 * sizeBytes);

    internal byte Get8(int offset) => Bytes[offset];

    internal ushort Get16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes[offset..]);

    internal uint Get32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[offset..]);

    internal void Set16(int offset, int value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(Bytes[offset..], (ushort)value);

    internal void Set32(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Bytes[offset..], value);

    /// <summary>What the hardware itself changes.</summary>
    internal void Change16(int offset, int clear, int set) => Set16(offset, (Get16(offset) & ~clear) | set);

    internal void Reset()
    {
        Bytes.Clear();
        Layout.ResetBytes.CopyTo(Bytes);
    }
}
