using System.Buffers.Binary;

namespace Emulator.Machine;

/// <summary>Which way a direct span will be used.</summary>
public enum DirectAccess : byte
{
    /// <summary>Bytes will be read.</summary>
    Read,

    /// <summary>Bytes will be written.</summary>
    Write,
}

/// <summary>
/// A stretch of memory that a master may touch without a transaction (TLM-2.0 calls this DMI). It is valid while the
/// <see cref="AddressMapEpoch"/> stands where it stood, and never across a return to the event loop.
/// </summary>
/// <param name="Start">The address, as the master sees it, of the first byte.</param>
/// <param name="Array">Where the bytes are.</param>
/// <param name="Offset">The first byte's place in the array.</param>
/// <param name="LengthBytes">How many bytes.</param>
public readonly record struct DirectSpan(ulong Start, byte[] Array, int Offset, int LengthBytes)
{
    /// <summary>Whether an access lies inside.</summary>
    public bool Contains(ulong address, int lengthBytes) =>
        address - Start < (ulong)LengthBytes && (ulong)lengthBytes <= (ulong)LengthBytes - (address - Start);

    /// <summary>The bytes from an address on. The caller has asked <see cref="Contains"/>.</summary>
    public Span<byte> From(ulong address, int lengthBytes) =>
        Array.AsSpan(Offset + (int)(address - Start), lengthBytes);
}

/// <summary>
/// Something that answers bus transactions: RAM, a device's registers, a bus, the upstream side of an SMMU. Addresses are
/// relative to where the target begins. Bytes are in memory order; words are little-endian.
/// </summary>
public interface IBusTarget
{
    /// <summary>Reads <c>data.Length</c> bytes. When the answer is not OKAY the buffer's content means nothing.</summary>
    BusStatus Read(ulong address, Span<byte> data, in Transaction transaction);

    /// <summary>Writes <c>data.Length</c> bytes.</summary>
    BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction);

    /// <summary>Reads a word of 1, 2, 4 or 8 bytes as one access.</summary>
    BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        BusStatus status = Read(address, bytes[..sizeBytes], transaction);
        value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return status;
    }

    /// <summary>Writes a word of 1, 2, 4 or 8 bytes as one access.</summary>
    BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Write(address, bytes[..sizeBytes], transaction);
    }

    /// <summary>
    /// Offers the memory behind an address, as far as it reaches in one piece. False where there is none: registers, a
    /// translation that would fault, memory kept elsewhere. Asking has no effect that software could see.
    /// </summary>
    bool TryGetDirectSpan(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        return false;
    }

    /// <summary>
    /// Offers the memory behind an address to a master that makes the access now, instead of a transaction. What the
    /// transaction would leave on its way, an SMMU's TLB entry for one, is left; where it would not simply succeed the
    /// answer is false and nothing has changed.
    /// </summary>
    bool TryReachDirectly(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span) =>
        TryGetDirectSpan(address, access, transaction, out span);
}

/// <summary>
/// A number that grows whenever a direct span or a cached translation may have become wrong: a region was added or
/// removed, an SMMU register was written, a TLB entry was invalidated, a device was reset.
/// </summary>
public sealed class AddressMapEpoch
{
    /// <summary>The number.</summary>
    public ulong Value { get; private set; }

    /// <summary>Makes every span handed out so far invalid.</summary>
    public void Bump() => Value++;
}
