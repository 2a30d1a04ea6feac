using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Scenarios.Tests;

/// <summary>The tables in RAM against a naive walk of the long-descriptor format (Arm DDI 0406C, B3.6), and refusals.</summary>
public sealed class TablesTests
{
    private const ulong Root = 0x8010_0000;

    [Theory]
    [InlineData("rw", "", 0x7FCUL)]
    [InlineData("ro", "", 0x77CUL)]
    [InlineData("wo", "", 0x7BCUL)]
    [InlineData("none", "", 0x73CUL)]
    [InlineData("rw", ", accessed: false", 0x3FCUL)]
    [InlineData("rw", ", contiguous: true", 0x10_0000_0000_07FCUL)]
    public void A_leaf_says_access_flag_and_hint(string access, string more, ulong attributes) =>
        Bench.Pass(
            $$"""
              - tables:
                  at: 0x8010_0000
                  as: t
                  map:
                    - { iova: 0x1000, to: 0x9000_0000, size: 4KiB, access: {{access}}{{more}} }
                    - { iova: 0x20_0000, to: 0xa000_0000, size: 2MiB, block: 2MiB, access: {{access}}{{more}} }
                    - { iova: 0x4000_0000, to: 0xc000_0000, size: 1GiB, block: 1GiB, access: {{access}}{{more}} }
              - expect: { memory: t, quads: [0x8010_1003, 0xc000_0001 + {{attributes}}] }
              - expect: { memory: 0x8010_1000, quads: [0x8010_2003, 0xa000_0001 + {{attributes}}] }
              - expect: { memory: 0x8010_2000, quads: [0, 0x9000_0003 + {{attributes}}] }
            """.Replace("memory: t,", "memory: t, size: 16,", StringComparison.Ordinal)
        );

    [Fact]
    public void TCR_decodes_to_the_geometry_and_the_first_table_lies_as_it_says()
    {
        for (int bits = 25; bits <= 40; bits++)
        {
            // The highest page of the input range.
            ulong iova = (1UL << bits) - 4096;
            (ulong tcr, Func<ulong, ulong> load) = LayOut(bits, $"{{ iova: {iova}, to: 0x9123_4000, size: 4KiB }}");

            (tcr >> 31).Should().Be(1, "EAE is one");
            (tcr & 0x3F80).Should().Be(0x3500, "walks are inner shareable and write-back");
            ((tcr >> 4) & 1).Should().Be((tcr >> 3) & 1, "S must equal T0SZ[3]");
            InputBits(tcr).Should().Be(bits);
            Walk(load, tcr, iova, out int level).Should().Be(0x9123_4000 | 0x7FFUL);
            level.Should().Be(3);
            Walk(load, tcr, iova - 4096, out _).Should().Be(0);
        }
    }

    [Fact]
    public void Random_mappings_walk_to_where_they_lead()
    {
        Gen<(ulong Iova, ulong To, ulong Block)> mapping =
            from block in Gen.Elements(4096UL, 2UL << 20, 1UL << 30)
            from place in Gen.Choose(0, 1 << 20)
            from target in Gen.Choose(0, 1 << 20)
            select (((ulong)place * block) & 0xFFFF_FFFF, (ulong)target * block & 0xFF_FFFF_FFFF, block);
        Prop.ForAll(
                mapping.ListOf(6).ToArbitrary(),
                mappings =>
                {
                    // Overlaps are refused, so each mapping gets a GiB of its own.
                    (ulong Iova, ulong To, ulong Block)[] apart =
                    [
                        .. mappings
                            .Take(4)
                            .Select((m, n) => ((m.Iova & 0x3FFF_FFFF) | ((ulong)n << 30), m.To, m.Block)),
                    ];
                    string items = string.Join(
                        ", ",
                        apart.Select(m => $"{{ iova: {m.Iova}, to: {m.To}, size: {m.Block}, block: {m.Block} }}")
                    );
                    (ulong tcr, Func<ulong, ulong> load) = LayOut(32, items);
                    foreach ((ulong iova, ulong to, ulong block) in apart)
                    {
                        ulong leaf = Walk(load, tcr, iova + block - 1, out int level);
                        int wanted =
                            block == 4096 ? 3
                            : block == 2UL << 20 ? 2
                            : 1;
                        level.Should().Be(wanted);
                        leaf.Should().Be(to | (level == 3 ? 0x7FFUL : 0x7FDUL));
                    }
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Editing_maps_and_unmaps_in_the_tables_that_are_there() =>
        Bench.Pass(
            """
              - tables:
                  at: 0x8010_0000
                  as: t
                  map:
                    - { iova: 0, to: 0x9000_0000, size: 16KiB }
                    - { iova: 0x20_0000, to: 0xa000_0000, size: 4MiB, block: 2MiB }
              - tables:
                  edit: t
                  unmap:
                    - { iova: 0x1000, size: 8KiB }
                    - { iova: 0x20_0000, size: 2MiB }
                    - { iova: 0x8000_0000, size: 1GiB }
                  map: [ { iova: 0x2000, to: 0xb000_0000, size: 4KiB, access: ro } ]
              - expect: { memory: 0x8010_2000, quads: [0x9000_07ff, 0, 0xb000_077f, 0x9000_37ff, 0] }
              - expect: { memory: 0x8010_1000, quads: [0x8010_2003, 0, 0xa020_07fd, 0] }
              - expect: { value: t.end - t, equals: 64KiB }
            """
        );

    [Theory]
    [InlineData(
        "at: 0x8010_0100, as: t",
        "the first table takes 4096 bytes and must be aligned to them; 0x8010_0100 is not"
    )]
    [InlineData(
        "at: 0x8010_1000, as: t, input-bits: 40",
        "the first table takes 8192 bytes and must be aligned to them; 0x8010_1000 is not"
    )]
    [InlineData("at: 0x8010_0000, as: t, room: 1KiB", "'room:' is too small: the first table alone takes 4096 bytes")]
    [InlineData("at: 0x8010_0000, as: t, room: 65MiB", "a memory step takes 1 byte to 64 MiB, not 68157440 bytes")]
    [InlineData("at: 0x8010_0000, as: t, input-bits: 24", "'input-bits:' is 25 to 40, not 24")]
    [InlineData("at: 0x8010_0000, as: t, input-bits: 41", "'input-bits:' is 25 to 40, not 41")]
    [InlineData("at: 0x4, as: t", "the first table takes 4096 bytes and must be aligned to them; 0x4 is not")]
    [InlineData("at: 0, as: t", "writing 65536 bytes at 0x0 gave DECERR")]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 1, to: 0, size: 4KiB }]",
        "'iova:', 'to:' and 'size:' must be multiples of 4096 bytes"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 0, to: 0, size: 0 }]",
        "'iova:', 'to:' and 'size:' must be multiples of 4096 bytes"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 0, to: 4KiB, size: 2MiB, block: 2MiB }]",
        "'iova:', 'to:' and 'size:' must be multiples of 2097152 bytes"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 0, to: 0, size: 4KiB, block: 8KiB }]",
        "'block:' is 4KiB, 2MiB or 1GiB"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, input-bits: 30, map: [{ iova: 0, to: 0, size: 1GiB, block: 1GiB }]",
        "with 30 input bits the tables begin below 1 GiB blocks"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 4GiB, to: 0, size: 4KiB }]",
        "the tables translate 32 bits; 0x1_0000_0000 is outside"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 4GiB - 4KiB, to: 0, size: 8KiB }]",
        "the tables translate 32 bits; 0xffff_f000 is outside"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 0, to: 1TiB, size: 4KiB }]",
        "the output address has more than 40 bits"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, room: 8KiB, map: [{ iova: 0, to: 0, size: 4KiB }]",
        "the tables need more room than 8192 bytes; give a larger 'room:'"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 0, to: 0, size: 2MiB, block: 2MiB }, { iova: 0, to: 0, size: 4KiB }]",
        "0x0 lies in a block that is mapped already"
    )]
    [InlineData(
        "at: 0x8010_0000, as: t, map: [{ iova: 0, to: 0, size: 2MiB, block: 2MiB }], unmap: [{ iova: 0, size: 1 }]",
        "'iova:' and 'size:' must be multiples of 4 KiB"
    )]
    public void What_cannot_be_laid_out_is_refused(string tables, string message) =>
        Bench.Fail($"  - tables: {{ {tables} }}").Message.Should().Be(message);

    [Fact]
    public void A_part_of_a_block_cannot_be_unmapped() =>
        Bench
            .Fail(
                """
                  - tables: { at: 0x8010_0000, as: t, map: [ { iova: 0, to: 0, size: 2MiB, block: 2MiB } ] }
                  - tables: { edit: t, unmap: [ { iova: 0x1000, size: 4KiB } ] }
                """
            )
            .Message.Should()
            .Be("0x1000 lies in a block of 2097152 bytes; unmap the whole block");

    /// <summary>Lays tables out by a scenario and gives TCR and a way to read what lies in RAM.</summary>
    private static (ulong Tcr, Func<ulong, ulong> Load) LayOut(int bits, string items)
    {
        ScenarioReading reading = Bench.Read(
            Bench.Scenario(
                $"  - tables: {{ at: {Root}, as: t, room: 128KiB, input-bits: {bits}, map: [{items}] }}\n"
                    + "  - mmio: { write: { 0x8000_0000: t.tcr } }\n"
            )
        );
        reading.Errors.Should().BeEmpty();
        World world = Bench.RunInWorld(reading.Scenario!);
        byte[] ram = world.LoadBytes(null, Root, 128 << 10, default);
        ulong tcr = BinaryPrimitives.ReadUInt32LittleEndian(world.LoadBytes(null, 0x8000_0000, 4, default));
        return (tcr, address => BinaryPrimitives.ReadUInt64LittleEndian(ram.AsSpan((int)(address - Root))));
    }

    private static int InputBits(ulong tcr)
    {
        int size = (int)(tcr & 0xF);
        return 32 - (size >= 8 ? size - 16 : size);
    }

    /// <summary>The naive walk: the leaf or 0, and the level at which it was found.</summary>
    private static ulong Walk(Func<ulong, ulong> load, ulong tcr, ulong iova, out int level)
    {
        level = (tcr & 0x40) != 0 ? 1 : 2;
        ulong table = Root;
        bool isFirst = true;
        while (true)
        {
            int shift = 39 - (9 * level);
            ulong index = isFirst ? iova >> shift : (iova >> shift) & 511;
            ulong descriptor = load(table + (8 * index));
            if ((descriptor & 1) == 0)
            {
                return 0;
            }

            if (level == 3 || (descriptor & 2) == 0)
            {
                return descriptor;
            }

            table = descriptor & 0xFF_FFFF_F000;
            isFirst = false;
            level++;
        }
    }
}
