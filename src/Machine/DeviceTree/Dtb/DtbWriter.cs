using System.Buffers.Binary;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>How to lay out a blob. The defaults give the smallest one, as dtc does without options.</summary>
public sealed record DtbWriterOptions
{
    /// <summary>The defaults.</summary>
    public static DtbWriterOptions Default { get; } = new();

    /// <summary>Format version, 17 or 16 (dtc -V).</summary>
    public int Version { get; init; } = 17;

    /// <summary>Space for this many more reservations (dtc -R).</summary>
    public int ExtraReservations { get; init; }

    /// <summary>Make the blob at least this many bytes long (dtc -S).</summary>
    public int MinimumLengthBytes { get; init; }

    /// <summary>Add this many zero bytes (dtc -p); takes precedence over <see cref="MinimumLengthBytes"/>.</summary>
    public int PaddingBytes { get; init; }

    /// <summary>Pad the blob to a multiple of this many bytes (dtc -a); 0 for none.</summary>
    public int AlignmentBytes { get; init; }
}

/// <summary>Writes a tree as a blob (.dtb), byte for byte as dtc 1.6.1 does.</summary>
public static class DtbWriter
{
    /// <summary>The tree as a blob.</summary>
    /// <exception cref="DeviceTreeException">The options are out of range.</exception>
    public static byte[] Write(DeviceTree tree, DtbWriterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tree);
        options ??= DtbWriterOptions.Default;
        Check(options);
        Blob structure = new();
        StringTable strings = new();
        WriteNode(structure, strings, tree.Root);
        structure.Cell(DtbFormat.End);

        int headerLength = options.Version == 17 ? DtbFormat.HeaderLengthBytes : DtbFormat.Version16HeaderLengthBytes;
        int reservations = (headerLength + 7) & ~7;
        int structureOffset =
            reservations
            + ((tree.MemoryReservations.Count + options.ExtraReservations + 1) * DtbFormat.ReservationLengthBytes);
        int stringsOffset = structureOffset + structure.Length;
        int length = stringsOffset + strings.Blob.Length;
        int total = Pad(length, options);

        byte[] result = new byte[total];
        uint[] header =
        [
            DtbFormat.Magic,
            (uint)total,
            (uint)structureOffset,
            (uint)stringsOffset,
            (uint)reservations,
            (uint)options.Version,
            DtbFormat.LastCompatibleVersion,
            tree.BootCpuId,
            (uint)strings.Blob.Length,
            (uint)structure.Length,
        ];
        for (int i = 0; i < headerLength / 4; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(result.AsSpan(i * 4), header[i]);
        }
        for (int i = 0; i < tree.MemoryReservations.Count; i++)
        {
            Span<byte> entry = result.AsSpan(reservations + (i * DtbFormat.ReservationLengthBytes));
            BinaryPrimitives.WriteUInt64BigEndian(entry, tree.MemoryReservations[i].Address);
            BinaryPrimitives.WriteUInt64BigEndian(entry[8..], tree.MemoryReservations[i].LengthBytes);
        }
        structure.Span.CopyTo(result.AsSpan(structureOffset));
        strings.Blob.Span.CopyTo(result.AsSpan(stringsOffset));
        return result;
    }

    private static void Check(DtbWriterOptions options)
    {
        if (options.Version is not (16 or 17))
        {
            throw new DeviceTreeException($"cannot write blobs of version {options.Version}: use 17 or 16");
        }
        const int most = 1 << 30;
        if (
            options.ExtraReservations is < 0 or > 1 << 20
            || options.MinimumLengthBytes is < 0 or > most
            || options.PaddingBytes is < 0 or > most
            || options.AlignmentBytes is < 0 or > 1 << 20
            || (options.AlignmentBytes & (options.AlignmentBytes - 1)) != 0
        )
        {
            throw new DeviceTreeException(
                "sizes and paddings must lie between 0 and 1 GiB, reserved entries and alignments between 0 and 1 Mi, and an alignment must be a power of two"
            );
        }
    }

    private static int Pad(int length, DtbWriterOptions options)
    {
        int padding = Math.Max(options.MinimumLengthBytes - length, 0);
        if (options.PaddingBytes > 0)
        {
            padding = options.PaddingBytes;
        }
        int total = length + padding;
        return options.AlignmentBytes > 0 ? (total + options.AlignmentBytes - 1) & -options.AlignmentBytes : total;
    }

    private static void WriteNode(Blob structure, StringTable strings, DeviceTreeNode node)
    {
        structure.Cell(DtbFormat.BeginNode);
        structure.Text(node.Name);
        structure.Align();
        foreach (DeviceTreeProperty property in node.PropertyList)
        {
            structure.Cell(DtbFormat.Property);
            structure.Cell((uint)property.LengthBytes);
            structure.Cell((uint)strings.Insert(property.Name));
            structure.Append(property.Value);
            structure.Align();
        }
        foreach (DeviceTreeNode child in node.ChildList)
        {
            WriteNode(structure, strings, child);
        }
        structure.Cell(DtbFormat.EndNode);
    }

    private sealed class Blob
    {
        private readonly List<byte> _bytes = [];

        public int Length => _bytes.Count;
        public ReadOnlySpan<byte> Span => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes);

        public void Append(ReadOnlySpan<byte> data) => _bytes.AddRange(data);

        public void Cell(uint value)
        {
            Span<byte> cell = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(cell, value);
            _bytes.AddRange(cell);
        }

        public void Text(string text)
        {
            _bytes.AddRange(Encoding.Latin1.GetBytes(text));
            _bytes.Add(0);
        }

        public void Align()
        {
            while (_bytes.Count % 4 != 0)
            {
                _bytes.Add(0);
            }
        }
    }

    /// <summary>The strings block: a name is put at the first place where it already stands, be it as the end of a longer one.</summary>
    private sealed class StringTable
    {
        private readonly Dictionary<string, int> _offsets = new(StringComparer.Ordinal);

        public Blob Blob { get; } = new();

        public int Insert(string name)
        {
            if (_offsets.TryGetValue(name, out int present))
            {
                return present;
            }
            int offset = Blob.Length;
            Blob.Text(name);
            for (int i = 0; i <= name.Length; i++)
            {
                _offsets.TryAdd(name[i..], offset + i);
            }
            return offset;
        }
    }
}
