using System.Buffers.Binary;

namespace Emulator.Machine.DeviceTrees;

/// <summary>Collects the bytes and markers of one property value.</summary>
internal sealed class DtsValueBuilder
{
    private readonly List<byte> _bytes = [];
    private readonly List<PropertyMarker> _markers = [];
    private readonly List<(int Marker, int Offset)> _untyped = [];

    public void Mark(PropertyMarkerKind kind, string? text = null) =>
        _markers.Add(new PropertyMarker(kind, _bytes.Count, text));

    public void Append(ReadOnlySpan<byte> data) => _bytes.AddRange(data);

    /// <summary>Bytes of no type, from a file. They get one only if another part of the value has one.</summary>
    public void AppendUntyped(ReadOnlySpan<byte> data)
    {
        _untyped.Add((_markers.Count, _bytes.Count));
        _bytes.AddRange(data);
    }

    public void AppendInteger(ulong value, int bits)
    {
        Span<byte> buffer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(buffer, value);
        _bytes.AddRange(buffer[(8 - (bits / 8))..]);
    }

    public DeviceTreeProperty Build(string name, in SourceLocation location)
    {
        if (_markers.Exists(marker => marker.IsType))
        {
            for (int i = _untyped.Count - 1; i >= 0; i--)
            {
                _markers.Insert(_untyped[i].Marker, new PropertyMarker(PropertyMarkerKind.UInt8, _untyped[i].Offset));
            }
        }
        return new DeviceTreeProperty(name, [.. _bytes], [.. _markers], location)
        {
            IsUnresolved = _markers.Exists(marker =>
                marker.Kind is PropertyMarkerKind.PhandleReference or PropertyMarkerKind.PathReference
            ),
        };
    }
}
