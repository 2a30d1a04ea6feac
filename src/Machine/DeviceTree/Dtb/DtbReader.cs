using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Reads blobs (.dtb) of the versions 16 and later that are compatible with 17 (Devicetree Specification v0.4, chapter 5).
/// </summary>
/// <remarks>
/// Whatever is wrong with the bytes comes as <see cref="DeviceTreeException"/> with the offset of the byte. Nodes nest at most
/// <see cref="DtsReader.MaximumDepth"/> deep.
/// </remarks>
public static class DtbReader
{
    /// <summary>Whether the bytes begin as a blob does.</summary>
    public static bool IsBlob(ReadOnlySpan<byte> data) =>
        data.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(data) == DtbFormat.Magic;

    /// <summary>Reads a blob; bytes after its stated length are ignored.</summary>
    /// <param name="data">The blob.</param>
    /// <param name="fileName">The name used in error messages.</param>
    /// <exception cref="DeviceTreeException">The bytes are no correct blob.</exception>
    public static DeviceTree Read(ReadOnlySpan<byte> data, string fileName)
    {
        Reader reader = new(data, fileName);
        return reader.Read();
    }

    private ref struct Reader(ReadOnlySpan<byte> data, string fileName)
    {
        private readonly string _fileName = fileName;
        private ReadOnlySpan<byte> _data = data;
        private ReadOnlySpan<byte> _strings;
        private int _stringsOffset;
        private int _position;
        private int _end;

        public DeviceTree Read()
        {
            if (_data.Length < DtbFormat.Version16HeaderLengthBytes)
            {
                throw Wrong(_data.Length, $"the file ends inside the header: it has only {_data.Length} bytes");
            }
            if (Header(0) != DtbFormat.Magic)
            {
                throw Wrong(
                    0,
                    $"this is no device tree blob: it begins with 0x{Header(0):x8}, not 0x{DtbFormat.Magic:x8}"
                );
            }
            uint version = Header(5);
            if (version < 16)
            {
                throw Wrong(
                    20,
                    $"blobs of version {version} are not supported: convert it with 'dtc -I dtb -O dtb -V 17'"
                );
            }
            if (Header(6) > DtbFormat.Version)
            {
                throw Wrong(
                    24,
                    $"the blob needs a reader of version {Header(6)} or later, this one knows {DtbFormat.Version}"
                );
            }
            uint total = Header(1);
            int headerLength = version >= 17 ? DtbFormat.HeaderLengthBytes : DtbFormat.Version16HeaderLengthBytes;
            if (total > (uint)_data.Length || total < headerLength)
            {
                throw Wrong(4, $"the header says {total} bytes, but there are {_data.Length}");
            }
            _data = _data[..(int)total];
            int structureOffset = Offset(2, "structure block");
            _stringsOffset = Offset(3, "strings block");
            int reservations = Offset(4, "memory reservation block");
            _strings = Block(_stringsOffset, Header(8), 8, "strings block");
            _end =
                version >= 17
                    ? structureOffset + Block(structureOffset, Header(9), 9, "structure block").Length
                    : _data.Length;
            if (structureOffset % 4 != 0)
            {
                throw Wrong(8, "the structure block does not begin at a multiple of 4");
            }
            DeviceTree tree = new(new DeviceTreeNode("")) { BootCpuId = Header(7) };
            ReadReservations(tree, reservations);
            _position = structureOffset;
            ReadStructure(tree.Root);
            return tree;
        }

        private readonly uint Header(int index) => BinaryPrimitives.ReadUInt32BigEndian(_data[(index * 4)..]);

        private readonly int Offset(int index, string what)
        {
            uint offset = Header(index);
            return offset <= (uint)_data.Length
                ? (int)offset
                : throw Wrong(
                    index * 4,
                    $"the {what} would begin at 0x{offset:x}, beyond the end at 0x{_data.Length:x}"
                );
        }

        private readonly ReadOnlySpan<byte> Block(int offset, uint length, int index, string what) =>
            length <= (uint)(_data.Length - offset)
                ? _data.Slice(offset, (int)length)
                : throw Wrong(index * 4, $"the {what} would reach beyond the end of the blob");

        private readonly void ReadReservations(DeviceTree tree, int offset)
        {
            while (true)
            {
                if (_data.Length - offset < DtbFormat.ReservationLengthBytes)
                {
                    throw Wrong(offset, "the memory reservation block has no end (an entry of zeroes)");
                }
                ulong address = BinaryPrimitives.ReadUInt64BigEndian(_data[offset..]);
                ulong length = BinaryPrimitives.ReadUInt64BigEndian(_data[(offset + 8)..]);
                if (length == 0)
                {
                    return;
                }
                tree.MemoryReservations.Add(new MemoryReservation(address, length));
                offset += DtbFormat.ReservationLengthBytes;
            }
        }

        private void ReadStructure(DeviceTreeNode root)
        {
            DeviceTreeNode? node = null;
            int depth = 0;
            bool done = false;
            while (true)
            {
                int at = _position;
                uint token = Cell();
                switch (token)
                {
                    case DtbFormat.Nop:
                        break;
                    case DtbFormat.BeginNode:
                        string name = NodeName();
                        if (done)
                        {
                            throw Wrong(at, "a second root node begins here");
                        }
                        if (++depth > DtsReader.MaximumDepth + 1)
                        {
                            throw Wrong(at, $"nodes are nested more than {DtsReader.MaximumDepth} deep");
                        }
                        node = node is null ? OpenRoot(root, name, at) : OpenChild(node, name, at);
                        break;
                    case DtbFormat.EndNode:
                        if (node is null || done)
                        {
                            throw Wrong(at, "a node ends here, but none is open");
                        }
                        depth--;
                        done = node.Parent is null;
                        node = node.Parent;
                        break;
                    case DtbFormat.Property:
                        if (node is null)
                        {
                            throw Wrong(at, "a property stands here, outside of all nodes");
                        }
                        ReadProperty(node, at);
                        break;
                    case DtbFormat.End:
                        if (!done)
                        {
                            throw Wrong(
                                at,
                                "the structure block ends here, but a node is still open or there was none"
                            );
                        }
                        return;
                    default:
                        throw Wrong(at, $"0x{token:x8} is no token of the structure block");
                }
            }
        }

        private readonly DeviceTreeNode OpenRoot(DeviceTreeNode root, string name, int at) =>
            name.Length == 0 ? root : throw Wrong(at, $"the root node has the name '{name}', but must have none");

        private readonly DeviceTreeNode OpenChild(DeviceTreeNode parent, string name, int at)
        {
            if (name.Length == 0 || name.Contains('/', StringComparison.Ordinal))
            {
                throw Wrong(at, $"a node below {parent.Path} has the name '{name}', which is none");
            }
            DeviceTreeNode child = new(name);
            parent.Append(child);
            return child;
        }

        private void ReadProperty(DeviceTreeNode node, int at)
        {
            if (node.ChildList.Count > 0)
            {
                throw Wrong(at, $"a property of {node.Path} stands after its child nodes");
            }
            uint length = Cell();
            uint nameOffset = Cell();
            if (length > (uint)(_end - _position))
            {
                throw Wrong(at, $"a property of {node.Path} claims {length} bytes, more than are left");
            }
            if (nameOffset >= (uint)_strings.Length)
            {
                throw Wrong(
                    at,
                    $"a property of {node.Path} has its name at 0x{nameOffset:x}, beyond the strings block"
                );
            }
            ReadOnlySpan<byte> tail = _strings[(int)nameOffset..];
            int end = tail.IndexOf((byte)0);
            if (end <= 0)
            {
                throw Wrong(
                    _stringsOffset + (int)nameOffset,
                    end == 0
                        ? $"a property of {node.Path} has no name"
                        : "the last name of the strings block has no end"
                );
            }
            string name = Encoding.Latin1.GetString(tail[..end]);
            byte[] value = _data.Slice(_position, (int)length).ToArray();
            _position += (int)length;
            Align();
            node.Append(new DeviceTreeProperty(name, value));
        }

        private string NodeName()
        {
            ReadOnlySpan<byte> tail = _data[_position.._end];
            int end = tail.IndexOf((byte)0);
            if (end < 0)
            {
                throw Wrong(_position, "a node's name has no end");
            }
            _position += end + 1;
            Align();
            return Encoding.Latin1.GetString(tail[..end]);
        }

        private uint Cell()
        {
            if (_end - _position < 4)
            {
                throw Wrong(_position, "the structure block ends without its end token");
            }
            uint value = BinaryPrimitives.ReadUInt32BigEndian(_data[_position..]);
            _position += 4;
            return value;
        }

        private void Align() => _position = Math.Min((_position + 3) & ~3, _end);

        private readonly DeviceTreeException Wrong(int offset, string message) =>
            new([
                new DeviceTreeError(
                    _fileName,
                    0,
                    0,
                    string.Create(CultureInfo.InvariantCulture, $"at byte 0x{offset:x}: {message}")
                ),
            ]);
    }
}
