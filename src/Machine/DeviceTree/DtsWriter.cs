using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Writes a tree as source text, byte for byte as dtc 1.6.1 does (<c>dtc -O dts</c>): values that know their types are written by them,
/// others by dtc's guess.
/// </summary>
public static class DtsWriter
{
    /// <summary>The whole tree as source text, with <c>\n</c> line ends.</summary>
    public static string Write(DeviceTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        StringBuilder text = new("/dts-v1/;\n\n");
        foreach (MemoryReservation reservation in tree.MemoryReservations)
        {
            AppendLabels(text, reservation.Labels);
            text.Append(
                CultureInfo.InvariantCulture,
                $"/memreserve/\t0x{reservation.Address:x16} 0x{reservation.LengthBytes:x16};\n"
            );
        }
        WriteNode(text, tree.Root, 0);
        return text.ToString();
    }

    /// <summary>A property's value alone, as it stands between <c>= </c> and <c>;</c>; empty for an empty value.</summary>
    public static string FormatValue(DeviceTreeProperty property)
    {
        ArgumentNullException.ThrowIfNull(property);
        StringBuilder text = new();
        WriteValue(text, property);
        return text.ToString().TrimStart();
    }

    /// <summary>
    /// The type dtc takes a value for that does not know its own: strings if all is printable, NUL-terminated and not mostly NULs;
    /// else cells if the length allows; else bytes. Labels inside must stand at the boundaries of either.
    /// </summary>
    internal static PropertyMarkerKind GuessType(DeviceTreeProperty property)
    {
        byte[] value = property.Bytes;
        int strange = 0;
        int nuls = 0;
        foreach (byte b in value)
        {
            nuls += b == 0 ? 1 : 0;
            strange += b is 0 or (>= 0x20 and < 0x7f) or (>= 7 and <= 13) ? 0 : 1;
        }
        bool labelsFitStrings = true;
        bool labelsFitCells = true;
        foreach (PropertyMarker marker in property.MarkerArray)
        {
            if (marker.Kind == PropertyMarkerKind.Label)
            {
                labelsFitStrings &= marker.Offset == 0 || value[marker.Offset - 1] == 0;
                labelsFitCells &= marker.Offset % 4 == 0;
            }
        }
        if (value.Length > 0 && value[^1] == 0 && strange == 0 && nuls <= value.Length - nuls && labelsFitStrings)
        {
            return PropertyMarkerKind.String;
        }
        return value.Length % 4 == 0 && labelsFitCells ? PropertyMarkerKind.UInt32 : PropertyMarkerKind.UInt8;
    }

    private static void WriteNode(StringBuilder text, DeviceTreeNode node, int level)
    {
        text.Append('\t', level);
        AppendLabels(text, node.LabelList);
        text.Append(node.Name.Length == 0 ? "/" : node.Name).Append(" {\n");
        foreach (DeviceTreeProperty property in node.PropertyList)
        {
            text.Append('\t', level + 1);
            AppendLabels(text, property.LabelList);
            text.Append(property.Name);
            if (property.LengthBytes > 0)
            {
                text.Append(" =");
                WriteValue(text, property);
            }
            text.Append(";\n");
        }
        foreach (DeviceTreeNode child in node.ChildList)
        {
            text.Append('\n');
            WriteNode(text, child, level + 1);
        }
        text.Append('\t', level).Append("};\n");
    }

    private static void AppendLabels(StringBuilder text, IReadOnlyList<string> labels)
    {
        foreach (string label in labels)
        {
            text.Append(label).Append(": ");
        }
    }

    private static void WriteValue(StringBuilder text, DeviceTreeProperty property)
    {
        ReadOnlySpan<byte> value = property.Value;
        if (value.IsEmpty)
        {
            return;
        }
        PropertyMarker[] markers = property.MarkerArray;
        if (!Array.Exists(markers, marker => marker.IsType))
        {
            markers = [new PropertyMarker(GuessType(property), 0), .. markers];
        }
        PropertyMarkerKind? open = null;
        for (int i = 0; i < markers.Length; i++)
        {
            PropertyMarker marker = markers[i];
            int chunk = (i + 1 < markers.Length ? markers[i + 1].Offset : value.Length) - marker.Offset;
            int nextType = Array.FindIndex(markers, i + 1, other => other.IsType);
            int left = (nextType < 0 ? value.Length : markers[nextType].Offset) - marker.Offset;
            // A type of no bytes right before another: dtc then takes the rest of the value as its length.
            left = left == 0 ? value.Length - marker.Offset : left;
            if (marker.IsType)
            {
                open = marker.Kind;
                text.Append(' ').Append(Opening(marker.Kind));
            }
            else if (marker.Kind == PropertyMarkerKind.Label)
            {
                text.Append(' ').Append(marker.Text).Append(':');
            }
            else if (marker.Offset > 0)
            {
                text.Append(' ');
            }
            if (open is not { } kind || chunk == 0)
            {
                continue;
            }
            ReadOnlySpan<byte> bytes = value.Slice(marker.Offset, chunk);
            if (kind == PropertyMarkerKind.String)
            {
                WriteString(text, bytes);
            }
            else
            {
                WriteIntegers(text, bytes, kind);
            }
            if (chunk == left)
            {
                text.Append(Closing(kind)).Append(marker.Offset + chunk == value.Length ? "" : ",");
                open = null;
            }
        }
    }

    private static string Opening(PropertyMarkerKind kind) =>
        kind switch
        {
            PropertyMarkerKind.UInt8 => "[",
            PropertyMarkerKind.UInt16 => "/bits/ 16 <",
            PropertyMarkerKind.UInt32 => "<",
            PropertyMarkerKind.UInt64 => "/bits/ 64 <",
            _ => "",
        };

    private static string Closing(PropertyMarkerKind kind) =>
        kind switch
        {
            PropertyMarkerKind.UInt8 => "]",
            PropertyMarkerKind.String => "",
            _ => ">",
        };

    private static void WriteIntegers(StringBuilder text, ReadOnlySpan<byte> bytes, PropertyMarkerKind kind)
    {
        int width = kind switch
        {
            PropertyMarkerKind.UInt16 => 2,
            PropertyMarkerKind.UInt32 => 4,
            PropertyMarkerKind.UInt64 => 8,
            _ => 1,
        };
        for (int i = 0; i < bytes.Length; i += width)
        {
            if (i > 0)
            {
                text.Append(' ');
            }
            ulong number = 0;
            foreach (byte b in bytes.Slice(i, Math.Min(width, bytes.Length - i)))
            {
                number = (number << 8) | b;
            }
            text.Append(width == 1 ? "" : "0x").Append(number.ToString("x2", CultureInfo.InvariantCulture));
        }
    }

    private static void WriteString(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        // Guessed lists of strings are written as one string with \0 inside, which reads back as the same bytes.
        ReadOnlySpan<byte> content = bytes[^1] == 0 ? bytes[..^1] : bytes;
        text.Append('"');
        foreach (byte b in content)
        {
            string? escape = b switch
            {
                0 => "\\0",
                7 => "\\a",
                8 => "\\b",
                9 => "\\t",
                10 => "\\n",
                11 => "\\v",
                12 => "\\f",
                13 => "\\r",
                (byte)'\\' => "\\\\",
                (byte)'"' => "\\\"",
                < 0x20 or >= 0x7f => $"\\x{b:x2}",
                _ => null,
            };
            if (escape is null)
            {
                text.Append((char)b);
            }
            else
            {
                text.Append(escape);
            }
        }
        text.Append('"');
    }
}
