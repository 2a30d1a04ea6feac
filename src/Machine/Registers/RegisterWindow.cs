using System.Buffers.Binary;
using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// A device's registers on a bus: dispatches accesses by a <see cref="RegisterMap{TDevice,TState}"/>, traces them under the
/// manual's names, and reports what hardware would pass over in silence (no such register, wrong size, read-only).
/// </summary>
[DebuggerDisplay("{Source,nq} {BlockName,nq}")]
public sealed class RegisterWindow<TDevice, TState> : IRegisterWindow
    where TDevice : Device<TState>
    where TState : unmanaged
{
    private readonly RegisterMap<TDevice, TState> _map;
    private readonly TDevice _device;
    private readonly Trace _trace;

    /// <summary>Makes a device's registers accessible.</summary>
    public RegisterWindow(TDevice device, RegisterMap<TDevice, TState> map)
    {
        _device = device;
        _map = map;
        _trace = device.Trace;
    }

    /// <inheritdoc/>
    public string BlockName => _map.Name;

    /// <inheritdoc/>
    public ulong SizeBytes => _map.SizeBytes;

    /// <inheritdoc/>
    public IReadOnlyList<RegisterDescription> Registers => _map.Registers;

    private string Source => _device.Name;

    /// <inheritdoc/>
    public bool TryFind(string name, out ulong offset, out RegisterDescription register) =>
        _map.TryFind(name, out offset, out register);

    /// <inheritdoc/>
    public bool TryPeek(ulong offset, out ulong value)
    {
        RegisterMap<TDevice, TState>.Row? row = _map.Find(offset, out int index, out int within);
        if (row is null || within != 0 || row.Description.ReadHasSideEffect)
        {
            value = 0;
            return false;
        }

        value = ReadWhole(row, index, new Transaction { Flags = TransactionFlags.Secure });
        return true;
    }

    /// <inheritdoc/>
    public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
    {
        RegisterMap<TDevice, TState>.Row? row = _map.Find(address, out int index, out int within);
        if (row is null || (within | (sizeBytes ^ row.WidthBytes)) != 0)
        {
            return ReadOdd(row, address, sizeBytes, index, within, out value, transaction);
        }

        value = ReadWhole(row, index, transaction);
        if (_trace.IsOn || row.Description.Access >= RegisterAccess.WriteOnly)
        {
            ReportRead(row, index, value);
        }

        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
    {
        RegisterMap<TDevice, TState>.Row? row = _map.Find(address, out int index, out int within);
        if (row is null || (within | (sizeBytes ^ row.WidthBytes)) != 0)
        {
            return WriteOdd(row, address, sizeBytes, index, within, value, transaction);
        }

        WriteWhole(row, index, value & row.WidthMask, transaction);
        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        Span<byte> word = stackalloc byte[8];
        while (!data.IsEmpty)
        {
            int size = NaturalPiece(address, RoomInBeat(address, data.Length, transaction.BeatBytes));
            BusStatus status = ReadWord(address, size, out ulong value, transaction);
            if (status != BusStatus.Okay)
            {
                return status;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            word[..size].CopyTo(data);
            data = data[size..];
            address += (ulong)size;
        }

        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        Span<byte> word = stackalloc byte[8];
        while (!data.IsEmpty)
        {
            int size = NaturalPiece(address, RoomInBeat(address, data.Length, transaction.BeatBytes));
            word.Clear();
            data[..size].CopyTo(word);
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(word);
            BusStatus status = WriteWord(address, size, value, transaction);
            if (status != BusStatus.Okay)
            {
                return status;
            }

            data = data[size..];
            address += (ulong)size;
        }

        return BusStatus.Okay;
    }

    /// <summary>How much of an access lies in the beat of this address.</summary>
    private static int RoomInBeat(ulong address, int length, byte beatBytes) =>
        beatBytes == 0 ? length : Math.Min(length, beatBytes - (int)(address & (beatBytes - 1u)));

    /// <summary>A block access reaches registers as beats of at most 32 bits, or one of 64 where it is exactly that.</summary>
    private static int NaturalPiece(ulong address, int length) =>
        length == 8 && (address & 7) == 0 ? 8
        : length >= 4 && (address & 3) == 0 ? 4
        : length >= 2 && (address & 1) == 0 ? 2
        : 1;

    private ulong ReadWhole(RegisterMap<TDevice, TState>.Row row, int index, in Transaction transaction) =>
        row.SlotOffset >= 0
            ? row.LoadSlot(ref _device.State, index)
            : row.WidthMask
                & (
                    row.Read is { } read ? read(_device)
                    : row.ReadIndexed is { } indexed ? indexed(_device, index)
                    : row.ReadViewed is { } viewed ? viewed(_device, index, transaction)
                    : row.ConstantValue
                );

    private void WriteWhole(RegisterMap<TDevice, TState>.Row row, int index, ulong value, in Transaction transaction)
    {
        if (_trace.IsOn || row.Description.Access is RegisterAccess.ReadOnly or RegisterAccess.Unmodelled)
        {
            ReportWrite(row, index, value);
        }

        if (row.Description.Access == RegisterAccess.ReadOnly)
        {
            return;
        }

        if (row.SlotOffset >= 0)
        {
            value =
                (value & row.Mask)
                | (row.Mask == ulong.MaxValue ? 0 : row.LoadSlot(ref _device.State, index) & ~row.Mask);
            row.StoreSlot(ref _device.State, index, value);
        }

        if (row.Write is { } write)
        {
            write(_device, value);
        }
        else if (row.WriteIndexed is { } indexed)
        {
            indexed(_device, index, value);
        }
        else if (row.WriteViewed is { } viewed)
        {
            viewed(_device, index, value, transaction);
        }
        else
        {
            row.WriteLanes?.Invoke(_device, index, value, MaskOf(row.WidthBytes), transaction);
        }
    }

    private BusStatus ReadOdd(
        RegisterMap<TDevice, TState>.Row? row,
        ulong address,
        int sizeBytes,
        int index,
        int within,
        out ulong value,
        in Transaction transaction
    )
    {
        value = 0;
        if (row is null || (uint)within >= (uint)row.WidthBytes)
        {
            return ReportMissing("reads", address, sizeBytes);
        }

        if (!Takes(row, address, sizeBytes, within))
        {
            return ReportSize("reads", row, index, address, sizeBytes);
        }

        if (sizeBytes > row.WidthBytes)
        {
            // A register narrower than a word has the word to itself: above it are zeros.
            BusStatus low = ReadWord(address, sizeBytes == 8 ? 4 : row.WidthBytes, out value, transaction);
            if (sizeBytes < 8 || low != BusStatus.Okay)
            {
                return low;
            }

            BusStatus high = ReadWord(address + 4, 4, out ulong upper, transaction);
            value |= upper << 32;
            return high;
        }

        ulong whole = ReadWhole(row, index, transaction);
        value = (whole >> (within * 8)) & MaskOf(sizeBytes);
        if (_trace.IsOn || row.Description.Access >= RegisterAccess.WriteOnly)
        {
            ReportRead(row, index, value);
        }

        return BusStatus.Okay;
    }

    private BusStatus WriteOdd(
        RegisterMap<TDevice, TState>.Row? row,
        ulong address,
        int sizeBytes,
        int index,
        int within,
        ulong value,
        in Transaction transaction
    )
    {
        if (row is null || (uint)within >= (uint)row.WidthBytes)
        {
            return ReportMissing("writes", address, sizeBytes);
        }

        if (!Takes(row, address, sizeBytes, within))
        {
            return ReportSize("writes", row, index, address, sizeBytes);
        }

        if (sizeBytes > row.WidthBytes)
        {
            int first = sizeBytes == 8 ? 4 : row.WidthBytes;
            BusStatus low = WriteWord(address, first, value & MaskOf(first), transaction);
            return sizeBytes < 8 || low != BusStatus.Okay ? low : WriteWord(address + 4, 4, value >> 32, transaction);
        }

        ulong lanes = MaskOf(sizeBytes) << (within * 8);
        if (row.WriteLanes is { } byLanes)
        {
            if (_trace.IsOn)
            {
                ReportWrite(row, index, value);
            }

            byLanes(_device, index, (value << (within * 8)) & lanes, lanes, transaction);
            return BusStatus.Okay;
        }

        ulong others =
            row.Description.Access == RegisterAccess.WriteOnly || row.Description.ReadHasSideEffect
                ? 0
                : ReadWhole(row, index, transaction) & ~lanes;
        WriteWhole(row, index, others | ((value << (within * 8)) & lanes), transaction);
        return BusStatus.Okay;
    }

    private static ulong MaskOf(int sizeBytes) => sizeBytes == 8 ? ulong.MaxValue : (1UL << (sizeBytes * 8)) - 1;

    private static bool Takes(RegisterMap<TDevice, TState>.Row row, ulong address, int sizeBytes, int within) =>
        (address & (ulong)(sizeBytes - 1)) == 0
        && (row.Sizes & (AccessSizes)sizeBytes) == (AccessSizes)sizeBytes
        && (sizeBytes > row.WidthBytes ? within == 0 : within + sizeBytes <= row.WidthBytes);

    private void ReportRead(RegisterMap<TDevice, TState>.Row row, int index, ulong value)
    {
        TraceKind kind = row.Description.Access switch
        {
            RegisterAccess.WriteOnly => RegisterTrace.ReadOfWriteOnly,
            RegisterAccess.Unmodelled => RegisterTrace.UnmodelledRead,
            _ => RegisterTrace.Read,
        };
        _trace.Emit(
            kind,
            Source,
            TraceField.Of("block", BlockName),
            TraceField.Of("register", row.Description.NameOf(index)),
            TraceField.Hex("value", value)
        );
    }

    private void ReportWrite(RegisterMap<TDevice, TState>.Row row, int index, ulong value)
    {
        TraceKind kind = row.Description.Access switch
        {
            RegisterAccess.ReadOnly => RegisterTrace.WriteOfReadOnly,
            RegisterAccess.Unmodelled => RegisterTrace.UnmodelledWrite,
            _ => RegisterTrace.Write,
        };
        _trace.Emit(
            kind,
            Source,
            TraceField.Of("block", BlockName),
            TraceField.Of("register", row.Description.NameOf(index)),
            TraceField.Hex("value", value)
        );
    }

    private BusStatus ReportMissing(string access, ulong address, int sizeBytes)
    {
        _trace.Emit(
            RegisterTrace.NoRegister,
            Source,
            TraceField.Of("block", BlockName),
            TraceField.Of("access", access),
            TraceField.Decimal("length", (ulong)sizeBytes),
            TraceField.Hex("offset", address)
        );
        return BusStatus.Okay;
    }

    private BusStatus ReportSize(
        string access,
        RegisterMap<TDevice, TState>.Row row,
        int index,
        ulong address,
        int sizeBytes
    )
    {
        _trace.Emit(
            RegisterTrace.WrongSize,
            Source,
            TraceField.Of("block", BlockName),
            TraceField.Of("register", row.Description.NameOf(index)),
            TraceField.Of("access", access),
            TraceField.Decimal("length", (ulong)sizeBytes),
            TraceField.Hex("offset", address),
            TraceField.Decimal("width", (ulong)row.Description.WidthBits)
        );
        return BusStatus.Okay;
    }
}

/// <summary>The events of register windows.</summary>
internal static class RegisterTrace
{
    public static readonly TraceKind Read = new("register.read", Severity.Debug, "{block} {register} -> {value}");

    public static readonly TraceKind Write = new("register.write", Severity.Debug, "{block} {register} <- {value}");

    public static readonly TraceKind ReadOfWriteOnly = new(
        "register.read-of-write-only",
        Severity.Warning,
        "{block} {register} is write-only: the read gives {value}"
    );

    public static readonly TraceKind WriteOfReadOnly = new(
        "register.write-of-read-only",
        Severity.Warning,
        "{block} {register} is read-only: the write of {value} is ignored"
    );

    public static readonly TraceKind UnmodelledRead = new(
        "register.unmodelled-read",
        Severity.Warning,
        "{block} {register} is not modelled: the read gives {value}"
    );

    public static readonly TraceKind UnmodelledWrite = new(
        "register.unmodelled-write",
        Severity.Warning,
        "{block} {register} is not modelled: the write of {value} is ignored"
    );

    public static readonly TraceKind NoRegister = new(
        "register.missing",
        Severity.Warning,
        "{block} has no register at {offset}: software {access} {length} bytes there; reads give 0, writes are ignored"
    );

    public static readonly TraceKind WrongSize = new(
        "register.size",
        Severity.Warning,
        "{block} {register} ({width} bits): software {access} {length} bytes at {offset}, which it does not take; "
            + "reads give 0, writes are ignored"
    );
}
