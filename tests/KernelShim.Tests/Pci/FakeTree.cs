using System.Buffers.Binary;

namespace Emulator.KernelShim.Tests;

/// <summary>A function of a made-up tree: its configuration space as bytes, and what is behind it.</summary>
internal sealed class FakeFunction
{
    private const int Express = 0x40;
    private const int Acs = 0x100;

    private readonly byte[] _bytes;

    public FakeFunction(
        int devfn,
        bool isBridge = false,
        PciExpressType? type = null,
        (int Capability, int Control)? acs = null,
        bool isMultifunction = false,
        (int Vendor, int Device)? id = null
    )
    {
        Devfn = devfn;
        IsBridge = isBridge;
        Type = type;
        Access = acs;
        _bytes = new byte[type is null ? 256 : 4096];
        Put(0x00, (uint)(id?.Vendor ?? 0x1DE0) | (uint)(id?.Device ?? 0x0001) << 16);
        Put(0x08, isBridge ? 0x0604_0000u : 0x0200_0000u);
        _bytes[0x0E] = (byte)((isBridge ? 1 : 0) | (isMultifunction ? 0x80 : 0));
        if (type is { } kind)
        {
            _bytes[0x06] = 0x10;
            _bytes[0x34] = Express;
            Put(Express, 0x10u | (2u | (uint)kind << 4) << 16);
        }

        if (acs is { } words)
        {
            Put(Acs, 0x0001_000D);
            Put(Acs + 4, (uint)words.Capability | (uint)words.Control << 16);
        }
    }

    public int Devfn { get; }

    public bool IsBridge { get; }

    public PciExpressType? Type { get; }

    public (int Capability, int Control)? Access { get; }

    public List<FakeFunction> Below { get; } = [];

    public int Secondary => _bytes[0x19];

    public int Subordinate => _bytes[0x1A];

    public uint Read(int register, int size) =>
        register + size > _bytes.Length
            ? uint.MaxValue >> (32 - 8 * size)
            : size switch
            {
                1 => _bytes[register],
                2 => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(register)),
                _ => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(register)),
            };

    /// <summary>Command, bus numbers and bridge control can be written, nothing else.</summary>
    public void Write(int register, int size, uint value)
    {
        for (int n = 0; n < size; n++)
        {
            int at = register + n;
            if (at is 0x04 or 0x05 || (IsBridge && at is 0x18 or 0x19 or 0x1A or 0x3E or 0x3F))
            {
                _bytes[at] = (byte)(value >> 8 * n);
            }
        }
    }

    private void Put(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(at), value);
}

/// <summary>Configuration cycles into a made-up tree, routed by the bus numbers in its bridges.</summary>
internal sealed class FakeTree : IPciConfiguration
{
    private readonly Dictionary<int, List<FakeFunction>> _buses = [];
    private bool _isStale = true;

    public List<FakeFunction> Root { get; } = [];

    public uint Read(int bus, int devfn, int register, int sizeBytes) =>
        Find(bus, devfn)?.Read(register, sizeBytes) ?? uint.MaxValue >> (32 - 8 * sizeBytes);

    public void Write(int bus, int devfn, int register, int sizeBytes, uint value)
    {
        Find(bus, devfn)?.Write(register, sizeBytes, value);
        _isStale |= register is >= 0x18 and < 0x1C;
    }

    private FakeFunction? Find(int bus, int devfn)
    {
        if (_isStale)
        {
            _buses.Clear();
            _buses[0] = Root;
            Route(Root, 0, 255);
            _isStale = false;
        }

        foreach (FakeFunction function in _buses.GetValueOrDefault(bus) ?? [])
        {
            if (function.Devfn == devfn)
            {
                return function;
            }
        }

        return null;
    }

    private void Route(List<FakeFunction> functions, int first, int last)
    {
        foreach (FakeFunction bridge in functions)
        {
            if (bridge.IsBridge && bridge.Secondary > first && bridge.Secondary <= last)
            {
                _buses.TryAdd(bridge.Secondary, bridge.Below);
                Route(bridge.Below, bridge.Secondary, Math.Min(last, bridge.Subordinate));
            }
        }
    }
}

/// <summary>An IOMMU before every PCI function, without limits.</summary>
internal sealed class FakeIommu : IIommuDriver
{
    public bool IsolatesInterrupts => true;

    public bool IsCoherent => true;

    public bool Serves(Device device) => device is PciDevice;

    public IommuDomain? CreateDomain() => null;
}
