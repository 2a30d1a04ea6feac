using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// A property: a name and a byte value, which the readers here interpret as Devicetree Specification v0.4, table 2.3, says
/// (big-endian cells, NUL-terminated strings).
/// </summary>
/// <remarks>Every reader throws <see cref="DeviceTreeException"/>, naming node and property, when the value has another shape.</remarks>
[DebuggerDisplay("{Name,nq} = {DtsWriter.FormatValue(this),nq}")]
public sealed class DeviceTreeProperty
{
    private byte[] _value;
    private PropertyMarker[] _markers;

    internal DeviceTreeProperty(
        string name,
        byte[] value,
        PropertyMarker[]? markers = null,
        SourceLocation location = default
    )
    {
        Name = name;
        _value = value;
        _markers = markers ?? [];
        Location = location;
    }

    /// <summary>The property's name.</summary>
    public string Name { get; private set; }

    /// <summary>The node that has this property; null once it was removed.</summary>
    public DeviceTreeNode? Node { get; internal set; }

    /// <summary>The value's bytes; empty for a boolean property.</summary>
    public ReadOnlySpan<byte> Value => _value;

    /// <summary>The value's length in bytes.</summary>
    public int LengthBytes => _value.Length;

    /// <summary>Types, labels and references in the value, by rising offset; empty when the tree was read from a blob.</summary>
    public IReadOnlyList<PropertyMarker> Markers => _markers;

    /// <summary>Labels of the property itself, the one added last first (as dtc prints them).</summary>
    public IReadOnlyList<string> Labels => LabelList;

    /// <summary>Where the property was last given a value.</summary>
    public SourceLocation Location { get; internal set; }

    internal List<string> LabelList { get; } = [];

    /// <summary>Removed by a later part of the source; kept in its place until the source is read, as it may come back.</summary>
    internal bool IsDeleted { get; set; }

    /// <summary>Stands for a <c>/delete-property/</c> that has not met its property yet.</summary>
    internal bool IsDeletion { get; init; }

    /// <summary>References in the value still wait for their targets.</summary>
    internal bool IsUnresolved { get; set; }

    internal byte[] Bytes => _value;

    internal PropertyMarker[] MarkerArray => _markers;

    /// <summary>The value as one 32-bit cell.</summary>
    public uint ReadUInt32() =>
        _value.Length == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(_value)
            : throw Wrong($"expected one 32-bit cell, but the value has {_value.Length} bytes");

    /// <summary>The value as one number of one or two cells.</summary>
    public ulong ReadUInt64() =>
        _value.Length switch
        {
            4 => BinaryPrimitives.ReadUInt32BigEndian(_value),
            8 => BinaryPrimitives.ReadUInt64BigEndian(_value),
            _ => throw Wrong($"expected one or two 32-bit cells, but the value has {_value.Length} bytes"),
        };

    /// <summary>The value as 32-bit cells.</summary>
    public uint[] ReadCells()
    {
        if (_value.Length % 4 != 0)
        {
            throw Wrong($"expected 32-bit cells, but the value has {_value.Length} bytes, which is no multiple of 4");
        }
        uint[] cells = new uint[_value.Length / 4];
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = BinaryPrimitives.ReadUInt32BigEndian(_value.AsSpan(i * 4));
        }
        return cells;
    }

    /// <summary>The value as exactly one string.</summary>
    public string ReadString()
    {
        string[] strings = ReadStrings();
        return strings.Length == 1 ? strings[0] : throw Wrong($"expected one string, but there are {strings.Length}");
    }

    /// <summary>The value as a list of one or more NUL-terminated strings (UTF-8; wrong sequences become U+FFFD).</summary>
    public string[] ReadStrings()
    {
        if (_value.Length == 0 || _value[^1] != 0)
        {
            throw Wrong("expected a string, but the value does not end with a NUL byte");
        }
        return Encoding.UTF8.GetString(_value.AsSpan(0, _value.Length - 1)).Split('\0');
    }

    /// <summary>Whether the value can be read by <see cref="ReadStrings"/> and is not just padding: printable, NUL-terminated.</summary>
    public bool LooksLikeStrings => DtsWriter.GuessType(this) == PropertyMarkerKind.String;

    /// <summary>
    /// Puts other phandles where the source refers to nodes by these labels in cell lists. The nodes' own <c>phandle</c>
    /// properties are the caller's business.
    /// </summary>
    public void Retarget(IReadOnlyDictionary<string, uint> phandlesByLabel)
    {
        ArgumentNullException.ThrowIfNull(phandlesByLabel);
        foreach (PropertyMarker marker in _markers)
        {
            if (
                marker is { Kind: PropertyMarkerKind.PhandleReference, Text: { } label }
                && phandlesByLabel.TryGetValue(label, out uint phandle)
            )
            {
                BinaryPrimitives.WriteUInt32BigEndian(_value.AsSpan(marker.Offset), phandle);
            }
        }
    }

    internal DeviceTreeProperty Clone()
    {
        DeviceTreeProperty copy = new(Name, [.. _value], [.. _markers], Location)
        {
            IsDeleted = IsDeleted,
            IsUnresolved = IsUnresolved,
        };
        copy.LabelList.AddRange(LabelList);
        return copy;
    }

    internal void Replace(byte[] value, PropertyMarker[] markers, in SourceLocation location)
    {
        _value = value;
        _markers = markers;
        Location = location;
    }

    internal void ReplaceName(string name) => Name = name;

    private DeviceTreeException Wrong(string message) =>
        new(Location, $"{Node?.Path ?? "(removed)"}: property '{Name}': {message}");
}
