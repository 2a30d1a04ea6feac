namespace Emulator.Machine.Tests;

public sealed class RegisterWindowTests
{
    private readonly StandaloneContext _context = new("dmac");
    private readonly Specimen _part;
    private readonly TailTraceSink _tail = new(100);

    public RegisterWindowTests() => _part = new Specimen(_context);

    private Trace Trace => _context.Simulation.Trace;

    [Fact]
    public void A_computed_register_reads_what_the_device_says()
    {
        Read(0x000).Should().Be(0x1000_0330);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void A_write_of_a_read_only_register_is_ignored_and_reported()
    {
        Write(0x000, 1);
        Write(0x01C, 2);
        Write(0x040, 3);
        Write(0x048, 4);
        Read(0x01C).Should().Be(0xB105_F00D);
        Problems()
            .Should()
            .Equal(
                "SPEC ID is read-only: the write of 0x1 is ignored",
                "SPEC MAGIC is read-only: the write of 0x2 is ignored",
                "SPEC SLOT is read-only: the write of 0x3 is ignored",
                "SPEC STATUS is read-only: the write of 0x4 is ignored"
            );
        _part.State.Word.Should().Be(0);
    }

    [Fact]
    public void A_stored_register_keeps_the_bits_that_can_be_written_and_its_reset_value_in_the_others()
    {
        Read(0x004).Should().Be(0x0A00);
        Write(0x004, 0xFFFF_FFFF);
        Read(0x004).Should().Be(0xFAF0);
        Write(0x004, 0);
        Read(0x004).Should().Be(0x0A00);
        _part.Log.Should().Equal("CTRL faf0", "CTRL a00");
        Write(0x004, 0x10);
        _part.Reset();
        Read(0x004).Should().Be(0x0A00);
    }

    [Fact]
    public void A_read_of_a_write_only_register_gives_0_and_is_reported()
    {
        Write(0x00C, 5);
        Read(0x00C).Should().Be(0);
        Read(0x044).Should().Be(0);
        Write(0x044, 6);
        _part.Log.Should().Equal("DBGCMD 5", "COMMAND 6");
        Problems()
            .Should()
            .Equal("SPEC DBGCMD is write-only: the read gives 0x0", "SPEC COMMAND is write-only: the read gives 0x0");
    }

    [Fact]
    public void A_register_with_behaviour_does_both()
    {
        Write(0x014, 0x1FF);
        Read(0x014).Should().Be(0xFF);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void A_register_may_show_secure_and_non_secure_software_different_things()
    {
        var secure = new Transaction { Flags = TransactionFlags.Secure };
        _part.Window.ReadWord(0x018, 4, out ulong value, secure);
        value.Should().Be(0x5EC);
        Read(0x018).Should().Be(0x0A5);
        _part.Window.WriteWord(0x018, 4, 1, secure);
        Write(0x018, 2);
        _part.Log.Should().Equal("VIEW 1 True", "VIEW 2 False");
        _part.Window.ReadWord(0x048, 4, out value, new Transaction { RequesterId = 9 });
        value.Should().Be(9);
    }

    [Fact]
    public void An_unmodelled_register_reads_0_and_every_access_is_reported()
    {
        Read(0x020).Should().Be(0);
        Write(0x308, 7);
        Problems()
            .Should()
            .Equal(
                "SPEC PERF is not modelled: the read gives 0x0",
                "SPEC PM2 is not modelled: the write of 0x7 is ignored"
            );
    }

    [Fact]
    public void Every_register_of_an_array_has_its_own_value()
    {
        for (uint n = 0; n < 8; n++)
        {
            Write(0x100 + n * 0x20, 0x1000 * (n + 1));
            Write(0x110 + n * 0x20, n + 50);
            Write(0x10C + n * 0x20, n);
            _part.State.Channels[(int)n].Destination = n + 90;
        }

        for (uint n = 0; n < 8; n++)
        {
            Read(0x100 + n * 0x20).Should().Be(0x1000 * (n + 1));
            Read(0x104 + n * 0x20).Should().Be(n + 90);
            Read(0x108 + n * 0x20).Should().Be(0x1000 * (n + 1) + n);
            Read(0x110 + n * 0x20).Should().Be(n + 50);
        }

        _part.Log.Should().Contain(["SAR0 1000", "KILL0 0", "SAR7 8000", "KILL7 7"]);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void The_place_after_the_last_of_an_array_is_no_register()
    {
        Read(0x210);
        Read(0x114);
        Problems().Should().Equal(Missing("0x210", "reads 4"), Missing("0x114", "reads 4"));
    }

    [Fact]
    public void Where_there_is_no_register_reads_give_0_writes_are_ignored_and_both_are_reported()
    {
        Read(0x024).Should().Be(0);
        Write(0x2FF0, 5);
        Read(0x0FFC, 4);
        Read(0x5000, 8);
        Read(0xFFFF_FFFF_FFFF_FFFC, 4);
        Problems()
            .Should()
            .Equal(
                Missing("0x24", "reads 4"),
                Missing("0x2ff0", "writes 4"),
                Missing("0xffc", "reads 4"),
                Missing("0x5000", "reads 8"),
                Missing("0xffff_ffff_ffff_fffc", "reads 4")
            );
        Trace.Count(Severity.Warning).Should().Be(5);
    }

    [Theory]
    [InlineData(0x000, 1, "ID", 32)]
    [InlineData(0x000, 2, "ID", 32)]
    [InlineData(0x000, 8, "ID", 32)]
    [InlineData(0x002, 2, "ID", 32)]
    [InlineData(0x030, 4, "ONLYWIDE", 64)]
    [InlineData(0x034, 4, "ONLYWIDE", 64)]
    [InlineData(0x028, 2, "WIDE", 64)]
    [InlineData(0x028, 1, "WIDE", 64)]
    [InlineData(0x038, 1, "HALF", 16)]
    [InlineData(0x03C, 2, "BYTE", 8)]
    [InlineData(0x03C, 4, "BYTE", 8)]
    [InlineData(0x102, 2, "SAR0", 32)]
    [InlineData(0x160, 1, "SAR3", 32)]
    [InlineData(0x009, 2, "WORD", 32)]
    public void A_size_that_a_register_does_not_take_is_refused_and_reported(
        ulong offset,
        int size,
        string register,
        int width
    )
    {
        _part.State.OnlyWide = _part.State.Wide = ulong.MaxValue;
        Read(offset, size).Should().Be(0);
        Span<byte> before = stackalloc byte[_part.StateBytes.Length];
        _part.StateBytes.CopyTo(before);
        Write(offset, 0x55, size);
        _part.StateBytes.SequenceEqual(before).Should().BeTrue();
        string place = $"at 0x{offset:x}, which it does not take; reads give 0, writes are ignored";
        Problems()
            .Should()
            .Equal(
                $"SPEC {register} ({width} bits): software reads {size} bytes {place}",
                $"SPEC {register} ({width} bits): software writes {size} bytes {place}"
            );
    }

    [Fact]
    public void Bytes_and_halfwords_of_a_register_that_takes_them_are_its_lanes()
    {
        Write(0x008, 0x4433_2211);
        Enumerable.Range(0, 4).Select(n => Read(0x008 + (ulong)n, 1)).Should().Equal(0x11, 0x22, 0x33, 0x44);
        Read(0x00A, 2).Should().Be(0x4433);
        Write(0x009, 0xAA, 1);
        Write(0x00A, 0xBBCC, 2);
        Read(0x008).Should().Be(0xBBCC_AA11);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void Words_of_a_64_bit_register_that_takes_them_are_its_halves()
    {
        Write(0x028, 0x1111_2222_3333_4444, 8);
        Read(0x028, 4).Should().Be(0x3333_4444);
        Read(0x02C, 4).Should().Be(0x1111_2222);
        Write(0x02C, 0x5555_6666, 4);
        Read(0x028, 8).Should().Be(0x5555_6666_3333_4444);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void A_byte_written_to_a_write_only_register_leaves_zeros_in_the_other_lanes()
    {
        Write(0x00D, 0x7F, 1);
        _part.Log.Should().Equal("DBGCMD 7f00");
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void A_register_of_lanes_is_told_which_bytes_it_got()
    {
        Write(0x204, 0x4433_2211);
        Write(0x206, 0xAA, 1);
        Read(0x204).Should().Be(0x44AA_2211);
        Read(0x206, 1).Should().Be(0xAA);
        _part.Log.Should().Equal("PRIO1 44332211 in ffffffff", "PRIO1 aa0000 in ff0000");
    }

    [Fact]
    public void Narrow_registers_have_their_own_width()
    {
        Write(0x038, 0xFFFF_1234, 2);
        Read(0x038, 2).Should().Be(0x1234);
        Write(0x03C, 0xFF, 1);
        Read(0x03C, 1).Should().Be(0x7F);
        _part.State.Filler.Should().Be(0);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void A_narrow_register_that_takes_words_reads_zeros_above_and_ignores_what_is_written_there()
    {
        Write(0x038, 0xABCD_1234, 4);
        Read(0x038, 4).Should().Be(0x1234);
        Read(0x038, 2).Should().Be(0x1234);
        _part.State.Byte.Should().Be(0);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void Bits_above_the_size_of_an_access_do_not_reach_a_register()
    {
        Write(0x00C, 0xFFFF_FFFF_0000_0001, 4);
        Write(0x00C, 0xFFFF_FF02, 1);
        Write(0x200, 0xFFFF_FFFF_0000_0003, 4);
        _part.Log.Should().Equal("DBGCMD 1", "DBGCMD 2", "PRIO0 3 in ffffffff");
    }

    [Fact]
    public void Bits_above_the_width_of_a_register_do_not_reach_software()
    {
        _part.Identity = 0xFFFF_FFFF_0000_0007;
        Read(0x000).Should().Be(7);
        _part.Window.TryPeek(0x000, out ulong peeked).Should().BeTrue();
        peeked.Should().Be(7);
    }

    [Fact]
    public void Reading_for_the_debugger_changes_and_reports_nothing()
    {
        Trace.Add(_tail);
        IRegisterWindow window = _part.Window;
        window.TryPeek(0x010, out _).Should().BeFalse("reading pops the FIFO");
        window.TryPeek(0x024, out _).Should().BeFalse("there is no register");
        window.TryPeek(0x002, out _).Should().BeFalse("no register begins there");
        window.TryPeek(0x018, out ulong view).Should().BeTrue();
        view.Should().Be(0x5EC, "a debugger sees the secure view");
        window.TryPeek(0x00C, out ulong command).Should().BeTrue();
        command.Should().Be(0);
        window.TryPeek(0x020, out _).Should().BeTrue();
        _part.Pops.Should().Be(0);
        _tail.Events.Should().BeEmpty();
        Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void A_register_whose_read_has_a_side_effect_has_it_once_per_read()
    {
        Read(0x010).Should().Be(0x41);
        Read(0x010, 1).Should().Be(0x42);
        _part.Pops.Should().Be(2);
    }

    [Fact]
    public void A_partial_write_of_a_register_whose_read_has_a_side_effect_does_not_read_it()
    {
        Write(0x010, 0x58, 1);
        _part.Pops.Should().Be(0);
        _part.Log.Should().Equal("FIFO 58");
    }

    [Fact]
    public void Accesses_are_traced_under_the_manual_s_names()
    {
        Trace.Add(_tail);
        Write(0x00C, 0);
        Write(0x160, 0x8000_0000);
        Read(0x160);
        Read(0x009, 1);
        Write(0x206, 0xAA, 1);
        _tail
            .Events.Select(happened => happened.ToString())
            .Should()
            .Equal(
                "[     0.000000] dmac SPEC DBGCMD <- 0x0",
                "[     0.000000] dmac SPEC SAR3 <- 0x8000_0000",
                "[     0.000000] dmac SPEC SAR3 -> 0x8000_0000",
                "[     0.000000] dmac SPEC WORD -> 0x0",
                "[     0.000000] dmac SPEC PRIO1 <- 0xaa"
            );
        _tail.Events.Should().OnlyContain(happened => happened.Kind.Severity == Severity.Debug);
    }

    [Theory]
    [InlineData(0, "00000000 00000000")] // one access of 64 bits, which these registers do not take
    [InlineData(8, "00000000 00000000")]
    [InlineData(4, "11111111 22222222")]
    [InlineData(16, "00000000 00000000")]
    [InlineData(1, "00000000 00000000")] // eight of 8 bits
    public void A_burst_reaches_registers_beat_by_beat(byte beatBytes, string expected)
    {
        _part.State.Channels[0].Source = 0x1111_1111;
        _part.State.Channels[0].Destination = 0x2222_2222;
        byte[] block = new byte[8];
        _part.Window.Read(0x100, block, new Transaction { BeatBytes = beatBytes }).Should().Be(BusStatus.Okay);
        $"{BitConverter.ToUInt32(block):x8} {BitConverter.ToUInt32(block, 4):x8}".Should().Be(expected);
    }

    [Fact]
    public void A_block_reaches_registers_in_beats_of_their_natural_size()
    {
        Write(0x100, 0x1111_1111);
        _part.State.Channels[0].Destination = 0x2222_2222;
        byte[] block = new byte[12];
        _part.Window.Read(0x100, block, default).Should().Be(BusStatus.Okay);
        block.Should().Equal(0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22, 0x11, 0x11, 0x11, 0x11);

        _part.Window.Write(0x028, new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }, default).Should().Be(BusStatus.Okay);
        Read(0x028, 8).Should().Be(0x0807_0605_0403_0201);
        _part.Window.Write(0x009, new byte[] { 0xA, 0xB, 0xC }, default).Should().Be(BusStatus.Okay);
        Read(0x008).Should().Be(0x0C0B_0A00);
        Problems().Should().BeEmpty();
    }

    [Fact]
    public void The_last_word_of_a_window_of_several_pages_is_a_register_like_any_other()
    {
        Write(0x2FFC, 0x1234);
        Read(0x2FFC).Should().Be(0x1234);
    }

    [Fact]
    public void Reset_gives_the_reset_values_of_the_table_and_zeros()
    {
        byte[] fresh = _part.StateBytes.ToArray();
        Write(0x004, 0xF0);
        Write(0x160, 1);
        _part.StateBytes.SequenceEqual(fresh).Should().BeFalse();
        _part.Reset();
        _part.StateBytes.SequenceEqual(fresh).Should().BeTrue();
        ((IStateful)_part).StateHash.Should().Be(((IStateful)new Specimen(new StandaloneContext("other"))).StateHash);
    }

    [Fact]
    public void A_state_that_is_saved_and_written_back_is_the_same_state()
    {
        Write(0x160, 0x77);
        Specimen.Memory saved = _part.Snapshot();
        byte[] bytes = _part.StateBytes.ToArray();
        _part.Reset();
        bytes.CopyTo(_part.StateBytes);
        Read(0x160).Should().Be(0x77);
        saved.Channels[3].Source.Should().Be(0x77);
        _part.StateType.Should().Be<Specimen.Memory>();
    }

    private static string Missing(string offset, string what) =>
        $"SPEC has no register at {offset}: software {what} bytes there; reads give 0, writes are ignored";

    private ulong Read(ulong offset, int size = 4)
    {
        _part.Window.ReadWord(offset, size, out ulong value, default).Should().Be(BusStatus.Okay);
        return value;
    }

    private void Write(ulong offset, ulong value, int size = 4) =>
        _part.Window.WriteWord(offset, size, value, default).Should().Be(BusStatus.Okay);

    private IEnumerable<string> Problems() => Trace.Problems.Select(problem => problem.Message);
}
