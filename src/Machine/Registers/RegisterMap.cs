using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emulator.Machine;

/// <summary>Where in the state struct a register is kept: <c>(ref s) => ref s.Match</c>.</summary>
public delegate ref T Slot<TState, T>(ref TState state);

/// <summary>Where in the state struct one of an array of registers is kept: <c>(ref s, n) => ref s.Channels[n].Source</c>.</summary>
public delegate ref T SlotOf<TState, T>(ref TState state, int index);

/// <summary>A read whose answer depends on who asks: the secure and non-secure views of a register.</summary>
public delegate ulong TransactionRead<in TDevice>(TDevice device, int index, in Transaction transaction);

/// <summary>A write whose effect depends on who asks.</summary>
public delegate void TransactionWrite<in TDevice>(TDevice device, int index, ulong value, in Transaction transaction);

/// <summary>
/// A write that need not cover the whole register: <paramref name="lanes"/> has ones in the bits of the bytes written, and
/// <paramref name="value"/> zeros elsewhere.
/// </summary>
public delegate void LaneWrite<in TDevice>(
    TDevice device,
    int index,
    ulong value,
    ulong lanes,
    in Transaction transaction
);

/// <summary>
/// The register table of a device: the manual's register summary, as code. One static, immutable instance per device
/// model serves dispatch, traces, <c>boards show</c> and the debugger.
/// </summary>
/// <remarks>
/// Rows that only store are slots in the state struct: no code, and a load or store at run time. Rows with behaviour have
/// lambdas. An array of registers is one row with a count, a stride and a name such as <c>SAR{0}</c>.
/// </remarks>
/// <typeparam name="TDevice">The device, on which lambdas act.</typeparam>
/// <typeparam name="TState">Its state struct, in which slots lie.</typeparam>
public sealed class RegisterMap<TDevice, TState>
    where TDevice : class
    where TState : unmanaged
{
    private const int PageBits = 12;

    private readonly List<Row> _rows = [];
    private readonly ushort[]?[] _pages;
    private RegisterDescription[]? _descriptions;
    private Dictionary<string, (Row Row, int Index)>? _names;

    /// <summary>Begins an empty map.</summary>
    /// <param name="name">The manual's name of the block.</param>
    /// <param name="size">Its size in bytes.</param>
    public RegisterMap(string name, ulong size)
    {
        Name = name;
        SizeBytes = size;
        _pages = new ushort[]?[(int)((size + (1UL << PageBits) - 1) >> PageBits)];
    }

    /// <summary>The manual's name of the block.</summary>
    public string Name { get; }

    /// <summary>The size of the window in bytes.</summary>
    public ulong SizeBytes { get; }

    /// <summary>The rows in order of offset, for people.</summary>
    public IReadOnlyList<RegisterDescription> Registers =>
        _descriptions ??= [.. _rows.OrderBy(row => row.Offset).Select(row => row.Description)];

    /// <summary>A register that reads what the device computes; writes are ignored and reported.</summary>
    public RegisterMap<TDevice, TState> ReadOnly(
        ulong offset,
        string name,
        Func<TDevice, ulong> read,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        bool sideEffect = false,
        string fields = "",
        ulong reset = 0
    ) =>
        Add(
            Describe(offset, name, RegisterAccess.ReadOnly, width, fields, reset, sideEffect: sideEffect),
            access,
            new Row { Read = read }
        );

    /// <summary>An array of registers that read what the device computes.</summary>
    public RegisterMap<TDevice, TState> ReadOnly(
        ulong offset,
        int count,
        ulong stride,
        string name,
        Func<TDevice, int, ulong> read,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        bool sideEffect = false,
        string fields = "",
        ulong reset = 0
    ) =>
        Add(
            Describe(
                offset,
                name,
                RegisterAccess.ReadOnly,
                width,
                fields,
                reset,
                count,
                stride,
                sideEffect: sideEffect
            ),
            access,
            new Row { ReadIndexed = read }
        );

    /// <summary>A register that reads a slot of the state; writes are ignored and reported.</summary>
    public RegisterMap<TDevice, TState> ReadOnly<T>(
        ulong offset,
        string name,
        Slot<TState, T> slot,
        AccessSizes access = AccessSizes.Natural,
        string fields = "",
        ulong reset = 0
    )
        where T : unmanaged, IUnsignedNumber<T> =>
        Add(
            Describe(offset, name, RegisterAccess.ReadOnly, Unsafe.SizeOf<T>() * 8, fields, reset),
            access,
            new Row { SlotOffset = OffsetOf(slot) }
        );

    /// <summary>An array of registers that read slots of the state.</summary>
    public RegisterMap<TDevice, TState> ReadOnly<T>(
        ulong offset,
        int count,
        ulong stride,
        string name,
        SlotOf<TState, T> slot,
        AccessSizes access = AccessSizes.Natural,
        string fields = "",
        ulong reset = 0
    )
        where T : unmanaged, IUnsignedNumber<T> =>
        Add(
            Describe(offset, name, RegisterAccess.ReadOnly, Unsafe.SizeOf<T>() * 8, fields, reset, count, stride),
            access,
            SlotRow(slot, count)
        );

    /// <summary>A register that is a slot of the state: it reads as written, under a mask.</summary>
    /// <param name="offset">Bytes from the start of the window.</param>
    /// <param name="name">The manual's name.</param>
    /// <param name="slot">Where it is kept.</param>
    /// <param name="mask">The bits that can be written.</param>
    /// <param name="reset">The value after reset.</param>
    /// <param name="access">The access sizes it takes.</param>
    /// <param name="fields">Its fields, <c>"M[0] PLVL[1:0]"</c>.</param>
    /// <param name="then">What else a write does, after the value is stored; it is told the stored value.</param>
    public RegisterMap<TDevice, TState> Stored<T>(
        ulong offset,
        string name,
        Slot<TState, T> slot,
        ulong mask = ulong.MaxValue,
        ulong reset = 0,
        AccessSizes access = AccessSizes.Natural,
        string fields = "",
        Action<TDevice, ulong>? then = null
    )
        where T : unmanaged, IUnsignedNumber<T> =>
        Add(
            Describe(offset, name, RegisterAccess.ReadWrite, Unsafe.SizeOf<T>() * 8, fields, reset, mask: mask),
            access,
            new Row { SlotOffset = OffsetOf(slot), Write = then }
        );

    /// <summary>An array of registers that are slots of the state.</summary>
    public RegisterMap<TDevice, TState> Stored<T>(
        ulong offset,
        int count,
        ulong stride,
        string name,
        SlotOf<TState, T> slot,
        ulong mask = ulong.MaxValue,
        ulong reset = 0,
        AccessSizes access = AccessSizes.Natural,
        string fields = "",
        Action<TDevice, int, ulong>? then = null
    )
        where T : unmanaged, IUnsignedNumber<T>
    {
        Row row = SlotRow(slot, count);
        row.WriteIndexed = then;
        int width = Unsafe.SizeOf<T>() * 8;
        return Add(
            Describe(offset, name, RegisterAccess.ReadWrite, width, fields, reset, count, stride, mask),
            access,
            row
        );
    }

    /// <summary>A register that can be written and reads as zero.</summary>
    public RegisterMap<TDevice, TState> WriteOnly(
        ulong offset,
        string name,
        Action<TDevice, ulong> write,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        string fields = ""
    ) => Add(Describe(offset, name, RegisterAccess.WriteOnly, width, fields), access, new Row { Write = write });

    /// <summary>An array of registers that can be written and read as zero.</summary>
    public RegisterMap<TDevice, TState> WriteOnly(
        ulong offset,
        int count,
        ulong stride,
        string name,
        Action<TDevice, int, ulong> write,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        string fields = ""
    ) =>
        Add(
            Describe(offset, name, RegisterAccess.WriteOnly, width, fields, 0, count, stride),
            access,
            new Row { WriteIndexed = write }
        );

    /// <summary>A register with behaviour both ways.</summary>
    public RegisterMap<TDevice, TState> ReadWrite(
        ulong offset,
        string name,
        Func<TDevice, ulong> read,
        Action<TDevice, ulong> write,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        bool sideEffect = false,
        string fields = "",
        ulong reset = 0
    ) =>
        Add(
            Describe(offset, name, RegisterAccess.ReadWrite, width, fields, reset, sideEffect: sideEffect),
            access,
            new Row { Read = read, Write = write }
        );

    /// <summary>An array of registers with behaviour both ways.</summary>
    public RegisterMap<TDevice, TState> ReadWrite(
        ulong offset,
        int count,
        ulong stride,
        string name,
        Func<TDevice, int, ulong> read,
        Action<TDevice, int, ulong> write,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        bool sideEffect = false,
        string fields = "",
        ulong reset = 0
    ) =>
        Add(
            Describe(
                offset,
                name,
                RegisterAccess.ReadWrite,
                width,
                fields,
                reset,
                count,
                stride,
                sideEffect: sideEffect
            ),
            access,
            new Row { ReadIndexed = read, WriteIndexed = write }
        );

    /// <summary>Registers whose behaviour depends on who asks. Leave out <paramref name="write"/> or <paramref name="read"/> for one-way ones.</summary>
    public RegisterMap<TDevice, TState> Viewed(
        ulong offset,
        int count,
        ulong stride,
        string name,
        TransactionRead<TDevice>? read,
        TransactionWrite<TDevice>? write,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        bool sideEffect = false,
        string fields = "",
        ulong reset = 0
    )
    {
        RegisterAccess direction =
            write is null ? RegisterAccess.ReadOnly
            : read is null ? RegisterAccess.WriteOnly
            : RegisterAccess.ReadWrite;
        return Add(
            Describe(offset, name, direction, width, fields, reset, count, stride, sideEffect: sideEffect),
            access,
            new Row { ReadViewed = read, WriteViewed = write }
        );
    }

    /// <summary>
    /// Registers of several byte-wide fields that software may also write one by one, where writing back what was read would
    /// not be the same as leaving a byte alone: the write is told which bytes it got.
    /// </summary>
    public RegisterMap<TDevice, TState> Lanes(
        ulong offset,
        int count,
        ulong stride,
        string name,
        TransactionRead<TDevice> read,
        LaneWrite<TDevice> write,
        int width = 32,
        AccessSizes access = AccessSizes.Byte | AccessSizes.Word,
        bool sideEffect = false,
        string fields = "",
        ulong reset = 0
    ) =>
        Add(
            Describe(
                offset,
                name,
                RegisterAccess.ReadWrite,
                width,
                fields,
                reset,
                count,
                stride,
                sideEffect: sideEffect
            ),
            access,
            new Row { ReadViewed = read, WriteLanes = write }
        );

    /// <summary>A register that always reads the same.</summary>
    public RegisterMap<TDevice, TState> Constant(
        ulong offset,
        string name,
        ulong value,
        int width = 32,
        AccessSizes access = AccessSizes.Natural,
        string fields = ""
    ) =>
        Add(
            Describe(offset, name, RegisterAccess.ReadOnly, width, fields, value),
            access,
            new Row { ConstantValue = value, IsConstant = true }
        );

    /// <summary>Registers that the real part has and the model does not: reads give 0, writes are ignored, both are reported.</summary>
    public RegisterMap<TDevice, TState> Unmodelled(
        ulong offset,
        string name,
        int count = 1,
        ulong stride = 4,
        int width = 32,
        AccessSizes access = AccessSizes.Natural
    ) =>
        Add(
            Describe(offset, name, RegisterAccess.Unmodelled, width, "", 0, count, stride),
            access,
            new Row { IsConstant = true }
        );

    /// <summary>Puts the reset values of the table into a state.</summary>
    public void ApplyResetValues(ref TState state)
    {
        foreach (Row row in _rows)
        {
            if (row.SlotOffset < 0 || row.Description.Reset == 0)
            {
                continue;
            }

            for (int index = 0; index < row.Description.Count; index++)
            {
                row.StoreSlot(ref state, index, row.Description.Reset);
            }
        }
    }

    internal bool TryFind(string name, out ulong offset, out RegisterDescription register)
    {
        if (_names is null)
        {
            var names = new Dictionary<string, (Row, int)>(StringComparer.OrdinalIgnoreCase);
            foreach (Row row in _rows)
            {
                for (int index = 0; index < row.Description.Count; index++)
                {
                    names.TryAdd(row.Description.NameOf(index), (row, index));
                }
            }

            _names = names;
        }

        if (_names.TryGetValue(name, out (Row Row, int Index) found))
        {
            register = found.Row.Description;
            offset = found.Row.Offset + (ulong)found.Index * register.StrideBytes;
            return true;
        }

        register = null!;
        offset = 0;
        return false;
    }

    /// <summary>The row at an offset; <paramref name="index"/> and <paramref name="within"/> say which of an array and which byte of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Row? Find(ulong offset, out int index, out int within)
    {
        int page = (int)(offset >> PageBits);
        if ((uint)page < (uint)_pages.Length && _pages[page] is { } places)
        {
            int place = places[(int)(offset >> 2) & ((1 << (PageBits - 2)) - 1)];
            if (place != 0)
            {
                Row row = _rows[place - 1];
                ulong delta = offset - row.Offset;
                index = (int)(delta >> row.StrideShift);
                within = (int)(delta & row.StrideMask);
                return row;
            }
        }

        index = 0;
        within = 0;
        return null;
    }

    private static RegisterDescription Describe(
        ulong offset,
        string name,
        RegisterAccess direction,
        int width,
        string fields,
        ulong reset = 0,
        int count = 1,
        ulong stride = 0,
        ulong mask = ulong.MaxValue,
        bool sideEffect = false
    ) =>
        new()
        {
            Name = name,
            Offset = offset,
            WidthBits = width,
            Count = count,
            StrideBytes = count == 1 ? 0 : stride,
            Access = direction,
            Reset = reset,
            WritableMask = mask & (width == 64 ? ulong.MaxValue : (1UL << width) - 1),
            ReadHasSideEffect = sideEffect,
            FieldText = fields,
        };

    private static int OffsetOf<T>(Slot<TState, T> slot)
    {
        TState state = default;
        return (int)
            Unsafe.ByteOffset(ref Unsafe.As<TState, byte>(ref state), ref Unsafe.As<T, byte>(ref slot(ref state)));
    }

    private static Row SlotRow<T>(SlotOf<TState, T> slot, int count)
    {
        int first = OffsetOf((ref s) => ref slot(ref s, 0));
        int second = count == 1 ? first : OffsetOf((ref s) => ref slot(ref s, 1));
        return new Row { SlotOffset = first, SlotStride = second - first };
    }

    private RegisterMap<TDevice, TState> Add(RegisterDescription description, AccessSizes access, Row row)
    {
        int widthBytes = description.WidthBits / 8;
        row.Description = description;
        row.Offset = description.Offset;
        row.WidthBytes = widthBytes;
        row.Sizes = access == AccessSizes.Natural ? (AccessSizes)widthBytes : access;
        row.WidthMask = ulong.MaxValue >> (64 - description.WidthBits);
        row.Mask = description.WritableMask;
        row.StrideShift = 63;
        row.StrideMask = ulong.MaxValue >> 1;
        if (description.Count > 1)
        {
            if (!BitOperations.IsPow2(description.StrideBytes) || description.StrideBytes < 4)
            {
                throw new InvalidOperationException(
                    $"{Name}.{description.Name}: the stride must be a power of two, at least 4."
                );
            }

            row.StrideShift = BitOperations.Log2(description.StrideBytes);
            row.StrideMask = description.StrideBytes - 1;
        }

        CheckPlace(description, widthBytes);
        _rows.Add(row);
        if (_rows.Count > ushort.MaxValue)
        {
            throw new InvalidOperationException($"{Name} has too many rows.");
        }

        for (int index = 0; index < description.Count; index++)
        {
            ulong start = description.Offset + (ulong)index * description.StrideBytes;
            for (ulong at = start & ~3UL; at < start + (ulong)widthBytes; at += 4)
            {
                ushort[] places = _pages[(int)(at >> PageBits)] ??= new ushort[1 << (PageBits - 2)];
                ref ushort place = ref places[(int)(at >> 2) & ((1 << (PageBits - 2)) - 1)];
                if (place != 0)
                {
                    throw new InvalidOperationException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{Name}: {description.Name} and {_rows[place - 1].Description.Name} share offset 0x{at:x}."
                        )
                    );
                }

                place = (ushort)_rows.Count;
            }
        }

        return this;
    }

    private void CheckPlace(RegisterDescription description, int widthBytes)
    {
        if (description.Offset % (ulong)widthBytes != 0)
        {
            throw new InvalidOperationException(
                $"{Name}.{description.Name}: the offset {Hexadecimal.Format(description.Offset)} must be a multiple of the width."
            );
        }

        ulong last = description.Offset + (ulong)(description.Count - 1) * description.StrideBytes;
        if (last + (ulong)widthBytes > SizeBytes)
        {
            throw new InvalidOperationException(
                $"{Name}.{description.Name}: {Hexadecimal.Format(last)} is outside the window of {Hexadecimal.Format(SizeBytes)} bytes."
            );
        }
    }

    /// <summary>A row as dispatch uses it.</summary>
    internal sealed class Row
    {
        public RegisterDescription Description = null!;
        public ulong Offset;
        public int StrideShift;
        public ulong StrideMask;
        public int WidthBytes;
        public ulong WidthMask;
        public AccessSizes Sizes;
        public ulong Mask;
        public int SlotOffset = -1;
        public int SlotStride;
        public bool IsConstant;
        public ulong ConstantValue;
        public Func<TDevice, ulong>? Read;
        public Func<TDevice, int, ulong>? ReadIndexed;
        public TransactionRead<TDevice>? ReadViewed;
        public Action<TDevice, ulong>? Write;
        public Action<TDevice, int, ulong>? WriteIndexed;
        public TransactionWrite<TDevice>? WriteViewed;
        public LaneWrite<TDevice>? WriteLanes;

        public ulong LoadSlot(ref TState state, int index)
        {
            ref byte slot = ref Unsafe.AddByteOffset(
                ref Unsafe.As<TState, byte>(ref state),
                (nint)(SlotOffset + index * SlotStride)
            );
            return WidthBytes switch
            {
                4 => Unsafe.As<byte, uint>(ref slot),
                8 => Unsafe.As<byte, ulong>(ref slot),
                2 => Unsafe.As<byte, ushort>(ref slot),
                _ => slot,
            };
        }

        public void StoreSlot(ref TState state, int index, ulong value)
        {
            ref byte slot = ref Unsafe.AddByteOffset(
                ref Unsafe.As<TState, byte>(ref state),
                (nint)(SlotOffset + index * SlotStride)
            );
            switch (WidthBytes)
            {
                case 4:
                    Unsafe.As<byte, uint>(ref slot) = (uint)value;
                    break;
                case 8:
                    Unsafe.As<byte, ulong>(ref slot) = value;
                    break;
                case 2:
                    Unsafe.As<byte, ushort>(ref slot) = (ushort)value;
                    break;
                default:
                    slot = (byte)value;
                    break;
            }
        }
    }
}
