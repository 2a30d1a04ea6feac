namespace Emulator.Machine.Tests;

public sealed class RegisterMapTests
{
    [Fact]
    public void The_rows_are_listed_in_order_of_offset_for_people()
    {
        IReadOnlyList<RegisterDescription> rows = Specimen.Map.Registers;
        rows.Select(row => row.Offset).Should().BeInAscendingOrder();
        rows.Select(row => row.Name).Should().HaveCount(24);
        RegisterDescription sources = rows.Single(row => row.Name is "SAR{0}");
        (sources.Offset, sources.Count, sources.StrideBytes, sources.WidthBits).Should().Be((0x100, 8, 0x20, 32));
        sources.NameOf(5).Should().Be("SAR5");
        rows.Single(row => row.Name is "WIDE").WidthBits.Should().Be(64);
        rows.Single(row => row.Name is "HALF").WidthBits.Should().Be(16);
        rows.Single(row => row.Name is "BYTE").WritableMask.Should().Be(0x7F);
        rows.Single(row => row.Name is "WORD").WritableMask.Should().Be(0xFFFF_FFFF);
        rows.Single(row => row.Name is "CTRL").Reset.Should().Be(0xA00);
        rows.Single(row => row.Name is "FIFO").ReadHasSideEffect.Should().BeTrue();
        rows.ToDictionary(row => row.Name, row => row.Access, StringComparer.Ordinal)
            .Should()
            .Contain(
                new KeyValuePair<string, RegisterAccess>[]
                {
                    new("ID", RegisterAccess.ReadOnly),
                    new("CTRL", RegisterAccess.ReadWrite),
                    new("DBGCMD", RegisterAccess.WriteOnly),
                    new("VIEW", RegisterAccess.ReadWrite),
                    new("COMMAND", RegisterAccess.WriteOnly),
                    new("STATUS", RegisterAccess.ReadOnly),
                    new("MAGIC", RegisterAccess.ReadOnly),
                    new("PERF", RegisterAccess.Unmodelled),
                }
            );
    }

    [Theory]
    [InlineData("CTRL", 0x004)]
    [InlineData("ctrl", 0x004)]
    [InlineData("SAR0", 0x100)]
    [InlineData("sar7", 0x1E0)]
    [InlineData("PM3", 0x30C)]
    public void A_register_is_found_by_the_manual_s_name(string name, ulong offset)
    {
        IRegisterWindow window = new Specimen(new StandaloneContext("dmac")).Window;
        window.TryFind(name, out ulong found, out RegisterDescription register).Should().BeTrue();
        found.Should().Be(offset);
        register.Offset.Should().BeLessThanOrEqualTo(offset);
    }

    [Theory]
    [InlineData("SAR8")]
    [InlineData("SAR{0}")]
    [InlineData("SAR")]
    [InlineData("")]
    public void Other_names_find_nothing(string name) =>
        new Specimen(new StandaloneContext("dmac")).Window.TryFind(name, out _, out _).Should().BeFalse();

    [Fact]
    public void Rows_that_overlap_are_refused_and_both_are_named()
    {
        FluentActions
            .Invoking(() => Empty().Constant(0x10, "A", 0).Constant(0x10, "B", 0))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("TEST: B and A share offset 0x10.");
        FluentActions
            .Invoking(() => Empty().Constant(0x14, "HIGH", 0).Constant(0x10, "WIDE", 0, width: 64))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("TEST: WIDE and HIGH share offset 0x14.");
        FluentActions
            .Invoking(() => Empty().Unmodelled(0x0, "A{0}", count: 8, stride: 0x10).Constant(0x40, "B", 0))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("TEST: B and A{0} share offset 0x40.");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(12)]
    public void The_stride_of_an_array_is_a_power_of_two(ulong stride) =>
        FluentActions
            .Invoking(() => Empty().Unmodelled(0, "A{0}", count: 4, stride: stride))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("TEST.A{0}: the stride must be a power of two, at least 4.");

    [Theory]
    [InlineData(0x01, 16)]
    [InlineData(0x02, 32)]
    [InlineData(0x06, 64)]
    public void A_register_that_is_not_aligned_to_its_width_is_refused(ulong offset, int width) =>
        FluentActions
            .Invoking(() => Empty().Constant(offset, "A", 0, width: width))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("TEST.A: the offset * must be a multiple of the width.");

    [Theory]
    [InlineData(0x1000, 1)]
    [InlineData(0xF00, 1)]
    [InlineData(0xEF0, 0x10)]
    [InlineData(0xFF_0000, 1)]
    public void A_register_outside_the_window_is_refused(ulong offset, int count) =>
        FluentActions
            .Invoking(() =>
                new RegisterMap<Specimen, Specimen.Memory>("TEST", size: 0xF00).Unmodelled(offset, "A{0}", count)
            )
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("TEST.A{0}: * is outside the window of 0xf00 bytes.");

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x01)]
    [InlineData(0x02)]
    [InlineData(0x04)]
    public void The_neighbours_of_a_byte_register_in_its_word_are_no_registers(ulong neighbour)
    {
        var part = new Specimen(new StandaloneContext("dmac"));
        List<ulong> writes = [];
        var map = Empty().ReadWrite(0x03, "THR", _ => 0x55, (_, value) => writes.Add(value), width: 8);
        IRegisterWindow window = new RegisterWindow<Specimen, Specimen.Memory>(part, map);
        window.ReadWord(0x03, 1, out ulong value, default);
        value.Should().Be(0x55);
        window.WriteWord(0x03, 1, 0x66, default);

        window.ReadWord(neighbour, 1, out value, default).Should().Be(BusStatus.Okay);
        value.Should().Be(0);
        window.WriteWord(neighbour, 1, 0xFF, default).Should().Be(BusStatus.Okay);
        window.TryPeek(neighbour, out _).Should().BeFalse();
        writes.Should().Equal(0x66);
        part.Trace.Problems.Select(problem => problem.Kind.Name).Should().Equal("register.missing", "register.missing");
    }

    [Fact]
    public void A_place_in_front_of_an_array_of_halfwords_is_no_register()
    {
        var part = new Specimen(new StandaloneContext("dmac"));
        List<int> writes = [];
        var map = Empty().ReadWrite(0x2, 4, 4, "R{0}", (_, n) => (ulong)n, (_, n, _) => writes.Add(n), width: 16);
        IRegisterWindow window = new RegisterWindow<Specimen, Specimen.Memory>(part, map);
        window.WriteWord(0x6, 2, 0, default);
        window.WriteWord(0x0, 2, 0, default);
        window.WriteWord(0x4, 2, 0, default);
        window.ReadWord(0xE, 2, out ulong last, default);
        last.Should().Be(3);
        writes.Should().Equal(1);
        part.Trace.Problems.Select(problem => problem.Kind.Name).Should().Equal("register.missing", "register.missing");
    }

    [Fact]
    public void Fields_are_read_from_the_form_of_the_tables()
    {
        IReadOnlyList<RegisterField> fields = RegisterField.Parse("M[0] PLVL[1:0]  MemAttr[19:16] ALL[63:0]");
        fields
            .Should()
            .Equal(
                new RegisterField("M", 0, 0),
                new RegisterField("PLVL", 1, 0),
                new RegisterField("MemAttr", 19, 16),
                new RegisterField("ALL", 63, 0)
            );
        fields[2].Of(0xFFF5_FFFF).Should().Be(5);
        fields[0].Of(0xFFFF_FFFE).Should().Be(0);
        fields[3].Of(ulong.MaxValue).Should().Be(ulong.MaxValue);
        Specimen.Map.Registers[0].Fields.Select(field => field.Name).Should().Equal("Part", "Revision");
    }

    [Theory]
    [InlineData("M")]
    [InlineData("[0]")]
    [InlineData("M[0")]
    [InlineData("M[0:1]")]
    [InlineData("M[64]")]
    [InlineData("M[x]")]
    public void Other_texts_are_no_fields(string text) =>
        FluentActions.Invoking(() => RegisterField.Parse(text)).Should().Throw<FormatException>();

    private static RegisterMap<Specimen, Specimen.Memory> Empty() => new("TEST", size: 0x1000);
}
