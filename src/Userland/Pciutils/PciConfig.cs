using System.Buffers.Binary;

namespace Emulator.Userland;

/// <summary>
/// What was read of a function's configuration space. Programs read it piece by piece, when they come to need it: a user
/// without privileges gets the first 64 bytes only.
/// </summary>
/// <param name="read">Reads some bytes whole, or gives null.</param>
internal sealed class PciConfig(Func<int, int, Task<byte[]?>> read)
{
    /// <summary>The extended configuration space.</summary>
    public const int MaximumBytes = 4096;

    private readonly byte[] _bytes = new byte[MaximumBytes];
    private readonly bool[] _present = new bool[MaximumBytes];

    /// <summary>The header type without the multi-function bit.</summary>
    public int HeaderType => Byte(0x0E) & 0x7F;

    /// <summary>Makes sure that some bytes are there; what of them is there already is not read again.</summary>
    public async Task<bool> Fetch(int at, int count)
    {
        if (at < 0 || at + count > MaximumBytes)
        {
            return false;
        }

        int end = at + count;
        while (at < end && _present[at])
        {
            at++;
        }

        while (at < end && _present[end - 1])
        {
            end--;
        }

        if (at == end)
        {
            return true;
        }

        if (await read(at, end - at) is not { } bytes)
        {
            return false;
        }

        bytes.CopyTo(_bytes.AsSpan(at));
        _present.AsSpan(at, end - at).Fill(true);
        return true;
    }

    /// <summary>Whether some bytes are there.</summary>
    public bool Has(int at, int count) =>
        at >= 0 && at + count <= MaximumBytes && !_present.AsSpan(at, count).Contains(false);

    /// <summary>A byte that was fetched.</summary>
    public int Byte(int at) => Bytes(at, 1)[0];

    /// <summary>16 bits that were fetched.</summary>
    public int Word(int at) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(at, 2));

    /// <summary>32 bits that were fetched.</summary>
    public uint Long(int at) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(at, 4));

    /// <summary>The value of a register of 1, 2 or 4 bytes.</summary>
    public uint Value(int at, int bytes) =>
        bytes switch
        {
            1 => (uint)Byte(at),
            2 => (uint)Word(at),
            _ => Long(at),
        };

    private ReadOnlySpan<byte> Bytes(int at, int count) =>
        Has(at, count)
            ? _bytes.AsSpan(at, count)
            : throw new PciFailure($"Internal bug: Accessing non-read configuration byte at position {at:x}");
}
