namespace Emulator.Userland.Tests;

/// <summary>
/// Functions with random registers in every capability that lspci knows, for a comparison with the real one. What our lspci
/// leaves out (fidelity.md) is not among them.
/// </summary>
/// <param name="seed">The seed.</param>
internal sealed class RandomFunctions(int seed)
{
    private const ulong Memory = 0x4_0200;
    private const ulong Io = 0x4_0101;

    // csharpier-ignore
    private static readonly (int Id, int Bytes)[] Plain =
    [
        (0x00, 2), (0x01, 6), (0x04, 2), (0x05, 22), (0x06, 2), (0x07, 14), (0x09, 6), (0x0A, 2), (0x0B, 2), (0x0C, 2),
        (0x0E, 2), (0x0F, 2), (0x10, 58), (0x11, 10), (0x12, 6), (0x13, 4), (0x15, 2), (0x0D, 6), (0x03, 6),
        (0x08, 10), (0x14, 46),
    ];

    // csharpier-ignore
    private static readonly (int Id, int Bytes)[] Extended =
    [
        (0x00, 4), (0x01, 52), (0x02, 112), (0x03, 8), (0x04, 12), (0x05, 60), (0x06, 4), (0x07, 8), (0x08, 4), (0x09, 112),
        (0x0A, 4), (0x0B, 4), (0x0C, 4), (0x0D, 4), (0x0E, 4), (0x0F, 4), (0x10, 60), (0x11, 4), (0x12, 44), (0x13, 12),
        (0x15, 48), (0x16, 4), (0x17, 4), (0x18, 4), (0x19, 12), (0x1A, 4), (0x1B, 4), (0x1C, 4), (0x1D, 8), (0x1E, 12),
        (0x1F, 8), (0x20, 4), (0x21, 4), (0x22, 4), (0x23, 8), (0x24, 48), (0x25, 4), (0x26, 4), (0x27, 4), (0x28, 4),
        (0x29, 4), (0x2A, 4), (0x2E, 20), (0x30, 4),
    ];

    private static readonly int[] PortTypes = [0, 1, 4, 5, 6, 7, 8, 9, 10, 12];
    private static readonly int[] Classes = [0x010802, 0x020000, 0x00FF00, 0x010185, 0x0C0330, 0x120000, 0x088000];
    private static readonly int[] Vendors = [0x8086, 0x1AF4, 0x1B36, 0x1234, 0x1957];

    private readonly Random _random = new(seed);

    /// <summary>Puts some functions into a tree.</summary>
    public void AddTo(SysfsTree tree)
    {
        tree.AddFunction(
            "pci0000:00/0000:00:00.0",
            new ConfigBytes(0x1B36, 8, 0x060000, 0, 256).Bytes,
            Attributes(null),
            "0"
        );
        for (int slot = 1; slot <= 4; slot++)
        {
            string port = $"pci0000:00/0000:00:{slot:x2}.0";
            byte[] bridge = Bridge(slot);
            tree.AddFunction(port, bridge, [.. Identity(bridge), ("resource", BridgeRanges())], $"{slot}", "pcieport");
            for (int function = 0; function < 3; function++)
            {
                byte[] config = Endpoint();
                tree.AddFunction(
                    $"{port}/0000:{slot:x2}:00.{function}",
                    config,
                    [.. Identity(config), ("resource", Ranges())],
                    function == 1 ? null : $"{slot}",
                    function == 2 ? "vfio-pci" : null
                );
                tree.AddFile($"devices/{port}/0000:{slot:x2}:00.{function}/vpd", ProductData());
            }

            tree.AddSlot($"{slot + 20}", $"0000:{slot:x2}:00");
        }

        byte[] other = Endpoint();
        string device = "pci0001:00/0001:00:1f.7";
        tree.AddFunction(device, other, [.. Identity(other), ("resource", Ranges()), ("label", "Onboard \"card\"")]);
        tree.AddFile("firmware/devicetree/base/pcie@1/name", "pcie");
        tree.AddLink($"devices/{device}/of_node", "../../../firmware/devicetree/base/pcie@1");
    }

    private static IEnumerable<(string Name, string Value)> Attributes(byte[]? config) =>
        [
            .. SysfsTree.Identity(
                config is null ? 0x1B36 : BitConverter.ToUInt16(config, 0),
                config is null ? 8 : BitConverter.ToUInt16(config, 2),
                config is null ? 0x060000 : (config[0x0B] << 16) | (config[0x0A] << 8) | config[0x09],
                config?[0x08] ?? 0,
                config is null ? 0x1AF4 : BitConverter.ToUInt16(config, 0x2C),
                config is null ? 0x1100 : BitConverter.ToUInt16(config, 0x2E),
                0
            ),
            .. config is null
                ? [("resource", SysfsTree.Resource(new (ulong, ulong, ulong)[13]))]
                : Array.Empty<(string, string)>(),
        ];

    private IEnumerable<(string Name, string Value)> Identity(byte[] config) =>
        Attributes(config)
            .Select(item =>
                item.Name switch
                {
                    "irq" => ("irq", _random.Next(3) == 0 ? "0" : $"{_random.Next(200)}"),
                    "numa_node" => ("numa_node", $"{_random.Next(3) - 1}"),
                    _ => item,
                }
            );

    /// <summary>Vital product data: a name, fields of every format, sometimes cut short.</summary>
    private byte[] ProductData()
    {
        byte[] name = "A card \\ with\tname"u8.ToArray();
        byte[] read =
        [
            .. "PN\u0004P-12"u8,
            .. "SN\u0003S7\0"u8,
            .. "V1\u0002xy"u8,
            .. "CP\u0002"u8,
            1,
            0xAB,
            .. "RV\u0002"u8,
            Any8(),
            0,
        ];
        byte[] written = [.. "Q7\u0001"u8, 0x80, .. "RW\u0004"u8, 0, 0, 0, 0];
        byte[] all =
        [
            0x82,
            (byte)name.Length,
            0,
            .. name,
            0x90,
            (byte)read.Length,
            0,
            .. read,
            0x91,
            (byte)written.Length,
            0,
            .. written,
            0x78,
        ];
        return all[.._random.Next(all.Length / 2, all.Length + 1)];
    }

    private byte Any8() => (byte)_random.Next(256);

    private byte[] Bridge(int slot)
    {
        var config = new ConfigBytes(0x1B36, 0x000C, 0x060400 + _random.Next(2), 1);
        FillHeader(config, 2);
        config.Byte(0x19, slot).Byte(0x1A, slot).Byte(0x1B, _random.Next(256));
        config.Byte(0x1C, _random.Next(16) << 4).Byte(0x1D, _random.Next(16) << 4);
        config.Word(0x20, _random.Next(0x1000) << 4).Word(0x22, _random.Next(0x1000) << 4);
        config.Word(0x24, (_random.Next(0x1000) << 4) | 1).Word(0x26, (_random.Next(0x1000) << 4) | 1);
        config.Long(0x28, (uint)_random.Next(2)).Long(0x2C, (uint)_random.Next(3));
        config.Word(0x1E, _random.Next(0x10000)).Word(0x3E, _random.Next(0x10000));
        AddCapabilities(config, slot == 4 ? 7 : 4 + slot % 3);
        return config.Bytes;
    }

    private byte[] Endpoint()
    {
        var config = new ConfigBytes(Pick(Vendors), _random.Next(0x1000, 0x1060), Pick(Classes), 0x80);
        FillHeader(config, 6);
        config.Word(0x2C, Pick(Vendors)).Word(0x2E, _random.Next(0x10000)).Long(0x30, _random.Next(2) == 0 ? 0 : Any());
        config.Byte(0x3E, _random.Next(3)).Byte(0x3F, _random.Next(3));
        AddCapabilities(config, Pick(PortTypes));
        return config.Bytes;
    }

    private void FillHeader(ConfigBytes config, int bars)
    {
        config.Word(0x04, _random.Next(0x10000)).Word(0x06, _random.Next(0x10000));
        config.Byte(0x08, _random.Next(3)).Byte(0x0C, _random.Next(2) * 16).Byte(0x0D, _random.Next(256));
        config.Byte(0x0F, _random.Next(4) << 6).Byte(0x3C, _random.Next(256)).Byte(0x3D, _random.Next(5));
        for (int n = 0; n < bars; n++)
        {
            uint[] kinds =
            [
                0,
                0,
                Any() & ~0xFU,
                (Any() & 0xFFF0) | 1,
                (Any() & ~0xFU) | 4,
                (Any() & ~0xFU) | 12,
                0xFFFF_FFFF,
            ];
            config.Long(0x10 + 4 * n, kinds[_random.Next(kinds.Length)]);
        }
    }

    private void AddCapabilities(ConfigBytes config, int portType)
    {
        int room = 0xC0;
        foreach ((int id, int bytes) in Plain.OrderBy(item => item.Id == 0x10 ? 0 : 1).ThenBy(_ => _random.Next()))
        {
            if ((room -= bytes + 4) < 0)
            {
                break;
            }

            byte[] registers = AnyBytes(bytes);
            if (id == 0x10)
            {
                registers[0] = (byte)((portType << 4) | _random.Next(1, 4));
            }
            else if (id == 0x08)
            {
                // Not one of the two link interfaces.
                registers[1] = (byte)((registers[1] & 0x1F) | (_random.Next(2, 8) << 5));
            }
            else if (id == 0x14)
            {
                // Two entries with all their words; a bridge has bus numbers before them.
                int first = (config.Bytes[0x0E] & 0x7F) == 1 ? 6 : 2;
                registers[0] = 2;
                registers[first] = (byte)((registers[first] & 0xF8) | 4);
                registers[first + 20] = (byte)((registers[first + 20] & 0xF8) | 4);
            }

            config.Capability(id, registers);
        }

        foreach ((int id, int bytes) in Extended.OrderBy(_ => _random.Next()).Take(20))
        {
            byte[] registers = AnyBytes(bytes);
            if (id is 0x02 or 0x09)
            {
                registers[0] = (byte)(registers[0] & 0xF0 | _random.Next(4));
            }
            else if (id == 0x05)
            {
                registers[1] = (byte)_random.Next(3);
            }
            else if (id is 0x15 or 0x24)
            {
                registers[4] = (byte)(registers[4] & 0x1F | (_random.Next(4) << 5));
            }

            config.Extended(id, _random.Next(1, 4), registers);
        }
    }

    private string Ranges() =>
        SysfsTree.Resource([
            .. Enumerable.Range(0, 6).Select(_ => AnyRange()),
            (Any() & ~0x7FFUL, 0x1000, 0x4_6200UL + (uint)_random.Next(2)),
            .. new (ulong, ulong, ulong)[6],
        ]);

    private string BridgeRanges() =>
        SysfsTree.Resource([
            AnyRange(),
            AnyRange(),
            .. new (ulong, ulong, ulong)[11],
            (0x1000, (ulong)_random.Next(3) << 12, 0x101),
            (0x1000_0000, (ulong)_random.Next(2) << 20, 0x200),
            (0x80_0000_0000, (ulong)_random.Next(3) << 21, 0x10_2201),
            default,
        ]);

    private (ulong Start, ulong Size, ulong Flags) AnyRange() =>
        _random.Next(5) switch
        {
            0 => default,
            1 => (Any() & 0xFFE0, 0x20, Io),
            2 => (Any() & ~0xFFFUL, 0x1000, Memory),
            3 => (((ulong)_random.Next(256) << 32) | (Any() & ~0xFFFUL), 0x4000_0000, Memory | 0x10_2000 | 0xC),
            _ => (0, 0x10_0000, Memory | 0x2008),
        };

    private uint Any() => (uint)_random.NextInt64(1L << 32);

    private byte[] AnyBytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private int Pick(int[] choices) => choices[_random.Next(choices.Length)];
}
