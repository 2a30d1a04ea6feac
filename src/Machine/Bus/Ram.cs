using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emulator.Machine;

/// <summary>
/// RAM. Sparse: memory is taken from the host in chunks of 64 KiB when they are first written, so a board with 34 GiB
/// costs nothing until it is touched. Untouched memory reads as zero.
/// </summary>
[DebuggerDisplay("{Name,nq} {LengthBytes} bytes, {TouchedBytes} touched")]
public sealed class Ram : IBusTarget
{
    /// <summary>The size of a chunk. A direct span never reaches past one.</summary>
    public const int ChunkBytes = 1 << ChunkBits;

    /// <summary>The largest RAM.</summary>
    public const ulong MaximumBytes = 1UL << 46;

    private const int ChunkBits = 16;
    private const int DirectoryBits = 10;
    private static readonly byte[] Zeros = new byte[ChunkBytes];

    private readonly byte[]?[]?[] _directory;

    /// <summary>Creates RAM.</summary>
    /// <param name="name">The name shown in the memory map.</param>
    /// <param name="lengthBytes">Its size; any number but zero, up to 2^46.</param>
    public Ram(string name, ulong lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, MaximumBytes);
        Name = name;
        LengthBytes = lengthBytes;
        _directory = new byte[]?[]?[(int)(((lengthBytes - 1) >> (ChunkBits + DirectoryBits)) + 1)];
    }

    /// <summary>The name shown in the memory map.</summary>
    public string Name { get; }

    /// <summary>Its size.</summary>
    public ulong LengthBytes { get; }

    /// <summary>How much of it has been written and so exists on the host.</summary>
    public long TouchedBytes { get; private set; }

    /// <inheritdoc/>
    public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
    {
        int offset = (int)(address & (ChunkBytes - 1));
        if (address >= LengthBytes || offset > ChunkBytes - 8)
        {
            Span<byte> bytes = stackalloc byte[8];
            bytes.Clear();
            BusStatus status = Read(address, bytes[..sizeBytes], transaction);
            value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            return status;
        }

        ref byte first = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(ChunkToRead(address)), offset);
        value = sizeBytes switch
        {
            1 => first,
            2 => Unsafe.ReadUnaligned<ushort>(ref first),
            4 => Unsafe.ReadUnaligned<uint>(ref first),
            _ => Unsafe.ReadUnaligned<ulong>(ref first),
        };
        return (ulong)sizeBytes <= LengthBytes - address ? BusStatus.Okay : BusStatus.DecodeError;
    }

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (!IsInside(address, data.Length))
        {
            return BusStatus.DecodeError;
        }

        while (!data.IsEmpty)
        {
            int offset = (int)(address & (ChunkBytes - 1));
            int length = Math.Min(data.Length, ChunkBytes - offset);
            ChunkToRead(address).AsSpan(offset, length).CopyTo(data);
            data = data[length..];
            address += (ulong)length;
        }

        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        if (!IsInside(address, data.Length))
        {
            return BusStatus.DecodeError;
        }

        while (!data.IsEmpty)
        {
            int offset = (int)(address & (ChunkBytes - 1));
            int length = Math.Min(data.Length, ChunkBytes - offset);
            data[..length].CopyTo(ChunkToWrite(address).AsSpan(offset, length));
            data = data[length..];
            address += (ulong)length;
        }

        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public bool TryGetDirectSpan(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        if (address >= LengthBytes)
        {
            span = default;
            return false;
        }

        ulong start = address & ~(ulong)(ChunkBytes - 1);
        byte[] chunk = access == DirectAccess.Write ? ChunkToWrite(address) : ChunkToRead(address);
        if (ReferenceEquals(chunk, Zeros))
        {
            // Not even lent for reading: the chunk may come into being while the borrower still holds the span.
            chunk = ChunkToWrite(address);
        }

        span = new DirectSpan(start, chunk, 0, (int)Math.Min(ChunkBytes, LengthBytes - start));
        return true;
    }

    private bool IsInside(ulong address, int length) =>
        address <= LengthBytes && (ulong)length <= LengthBytes - address;

    private byte[] ChunkToRead(ulong address) =>
        _directory[(int)(address >> (ChunkBits + DirectoryBits))]?[
            (int)(address >> ChunkBits) & ((1 << DirectoryBits) - 1)
        ]
        ?? Zeros;

    private byte[] ChunkToWrite(ulong address)
    {
        byte[]?[] chunks = _directory[(int)(address >> (ChunkBits + DirectoryBits))] ??= new byte[]?[
            1 << DirectoryBits
        ];
        ref byte[]? chunk = ref chunks[(int)(address >> ChunkBits) & ((1 << DirectoryBits) - 1)];
        if (chunk is null)
        {
            chunk = GC.AllocateArray<byte>(ChunkBytes, pinned: true);
            TouchedBytes += ChunkBytes;
        }

        return chunk;
    }
}
