using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// QEMU's firmware configuration device (docs/specs/fw_cfg): items that are selected by a number and read as a stream of bytes, or
/// moved by a small DMA engine. All its registers are big-endian.
/// </summary>
/// <remarks>
/// Items: the signature, the features (traditional interface and DMA), the numbers of CPUs, and a directory of files, which is empty:
/// nothing here was started by an emulator with files to hand over.
/// </remarks>
[DebuggerDisplay("{Name,nq}: item {State.Selected,h} at {State.Offset}")]
public sealed class FirmwareConfiguration : Device<FirmwareConfiguration.Registers>, IBusTarget
{
    private const ulong DataEnd = 8;
    private const ulong Selector = 8;
    private const ulong DmaHigh = 16;
    private const ulong DmaLow = 20;
    private const int ControlBytes = 16;
    private const uint DmaError = 1;
    private const uint DmaRead = 2;
    private const uint DmaSkip = 4;
    private const uint DmaSelect = 8;
    private const uint DmaWrite = 16;
    private const int MostAtOnce = 4096;

    private static readonly TraceKind BadDma = new(
        "fw_cfg.dma",
        Severity.Warning,
        "the DMA descriptor at {address} cannot be read"
    );

    // csharpier-ignore
    private static readonly RegisterMap<FirmwareConfiguration, Registers> Map = new RegisterMap<FirmwareConfiguration, Registers>("FW_CFG", size: 0x18)
        .ReadOnly (0x00, "DATA",     _ => 0, width: 64, sideEffect: true)
        .WriteOnly(0x08, "SELECTOR", (_, _) => { }, width: 16)
        .ReadOnly (0x10, "DMA",      _ => BinaryPrimitives.ReverseEndianness(DmaSignature), width: 64);

    private readonly SortedDictionary<ushort, byte[]> _items = [];
    private readonly MasterPort _port;

    /// <summary>Makes the device.</summary>
    public FirmwareConfiguration(DeviceContext context)
        : base(context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _port = context.MasterPort();
        ushort cpus = 0;
        while (context.Cpu(cpus) is not null)
        {
            cpus++;
        }

        _items[0x00] = Encoding.ASCII.GetBytes("QEMU");
        _items[0x01] = [3, 0, 0, 0];
        _items[0x05] = [(byte)cpus, (byte)(cpus >> 8)];
        _items[0x0F] = [(byte)cpus, (byte)(cpus >> 8)];
        _items[0x19] = [0, 0, 0, 0];
        Windows = [new RegisterWindow<FirmwareConfiguration, Registers>(this, Map)];
        context.MapRegisters(0, this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>What the DMA register reads: "QEMU CFG".</summary>
    private static ulong DmaSignature => 0x5145_4D55_2043_4647;

    /// <inheritdoc/>
    public override void Reset() => State = default;

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (address < DataEnd)
        {
            Take(data);
        }
        else if (address >= DmaHigh)
        {
            Span<byte> signature = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(signature, DmaSignature);
            data.Clear();
            int from = (int)(address - DmaHigh);
            signature[from..Math.Min(8, from + data.Length)].CopyTo(data);
        }
        else
        {
            data.Clear();
        }

        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        switch (address)
        {
            case Selector when data.Length >= 2:
                Select(BinaryPrimitives.ReadUInt16BigEndian(data));
                break;
            case DmaHigh when data.Length == 8:
                Transfer(BinaryPrimitives.ReadUInt64BigEndian(data));
                break;
            case DmaHigh when data.Length == 4:
                State.DmaHigh = BinaryPrimitives.ReadUInt32BigEndian(data);
                break;
            case DmaLow when data.Length == 4:
                ulong high = State.DmaHigh;
                State.DmaHigh = 0;
                Transfer(high << 32 | BinaryPrimitives.ReadUInt32BigEndian(data));
                break;
            default:
                break;
        }

        return BusStatus.Okay;
    }

    private void Select(ushort item)
    {
        State.Selected = item;
        State.Offset = 0;
    }

    /// <summary>The next bytes of the item; zeros beyond its end, and of what does not exist.</summary>
    private void Take(Span<byte> data)
    {
        ReadOnlySpan<byte> item = _items.GetValueOrDefault((ushort)State.Selected, []);
        data.Clear();
        if (State.Offset < (uint)item.Length)
        {
            ReadOnlySpan<byte> rest = item[(int)State.Offset..];
            rest[..Math.Min(rest.Length, data.Length)].CopyTo(data);
        }

        State.Offset = (uint)Math.Min(State.Offset + (ulong)data.Length, int.MaxValue);
    }

    /// <summary>Carries out a descriptor: control, length, address. What is left in control afterwards is 0 or the error bit.</summary>
    private void Transfer(ulong descriptor)
    {
        var signals = new Transaction();
        Span<byte> bytes = stackalloc byte[ControlBytes];
        if (_port.Read(descriptor, bytes, signals) != BusStatus.Okay)
        {
            Trace.Emit(BadDma, Name, TraceField.Hex("address", descriptor));
            return;
        }

        uint control = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        ulong address = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        if ((control & DmaSelect) != 0)
        {
            Select((ushort)(control >> 16));
        }

        bool isOkay = (control & DmaRead) != 0 ? Copy(address, length, signals) : (control & DmaWrite) == 0;
        if ((control & (DmaRead | DmaWrite)) == 0 && (control & DmaSkip) != 0)
        {
            State.Offset = (uint)Math.Min(State.Offset + (ulong)length, int.MaxValue);
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes, isOkay ? 0 : DmaError);
        _port.Write(descriptor, bytes[..4], signals);
    }

    private bool Copy(ulong address, uint length, in Transaction signals)
    {
        Span<byte> piece = stackalloc byte[MostAtOnce];
        while (length > 0)
        {
            Span<byte> part = piece[..(int)Math.Min(length, MostAtOnce)];
            Take(part);
            if (_port.Write(address, part, signals) != BusStatus.Okay)
            {
                return false;
            }

            address += (ulong)part.Length;
            length -= (uint)part.Length;
        }

        return true;
    }

    /// <summary>What the device remembers.</summary>
    public struct Registers
    {
        /// <summary>The number of the item that is being read.</summary>
        public uint Selected;

        /// <summary>How far.</summary>
        public uint Offset;

        /// <summary>The upper half of a DMA address that is written in two words.</summary>
        public uint DmaHigh;

        /// <summary>Keeps the struct's size a multiple of eight.</summary>
        public uint Filler;
    }
}
