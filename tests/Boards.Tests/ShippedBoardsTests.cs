using System.Diagnostics;
using System.Text;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards.Tests;

/// <summary>What holds for every shipped board, and the map of each.</summary>
public sealed class ShippedBoardsTests
{
    public static TheoryData<string> Boards => new(Emulation.Library.Boards.Select(board => board.Name));

    public static TheoryData<string, string> Options =>
        new(
            Emulation.Library.Boards.SelectMany(board =>
                board.Options.Select(option => (board.Name, option.Name)).ToArray()
            )
        );

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_board_as_it_ships_has_no_contradictions_and_no_problems(string name)
    {
        Board board = Emulation.Create(name);
        board.Name.Should().Be(name);
        board.Warnings.Should().BeEmpty();
        board.Simulation.Trace.Problems.Should().BeEmpty();
        board.Memory.Should().NotBeEmpty();
        board.Devices.Select(device => device.Path).Should().OnlyHaveUniqueItems();
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_blob_of_ours_is_what_dtc_makes_of_the_same_source(string name)
    {
        string source = File.ReadAllText(Path.Combine(Repository.Root, "src", "Boards", "Dts", name + ".dts"));
        byte[] theirs = Dtc(Encoding.UTF8.GetBytes(source), "-I", "dts", "-O", "dtb", "-q");
        byte[] ours = DtbWriter.Write(Emulation.Library.Tree(name));
        string Decompiled(byte[] blob) => Encoding.UTF8.GetString(Dtc(blob, "-I", "dtb", "-O", "dts", "-q"));
        Decompiled(ours).Should().Be(Decompiled(theirs));
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_board_that_went_through_a_blob_is_the_same_board(string name)
    {
        DeviceTree tree = DtbReader.Read(DtbWriter.Write(Emulation.Library.Tree(name)), name + ".dtb");
        Board fromBlob = Emulation.Library.Create(name, tree, new Simulation());
        Board shipped = Emulation.Create(name);
        fromBlob.Devices.Select(Wiring).Should().Equal(shipped.Devices.Select(Wiring));

        // A blob has no labels, so the names of devices and inputs differ; places, models and wires do not.
        static string Wiring(BoardDevice device) =>
            $"{device.Path} {device.Title} "
            + string.Join(' ', device.Regions.Select(region => $"{region.Start:x}+{region.LengthBytes:x}"))
            + string.Join(' ', device.Interrupts.Select(line => line.Input?.Name.Split(' ', 2)[1] ?? "-"))
            + string.Join(' ', device.Ports.SelectMany(port => port.StreamIds));
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void An_option_at_its_default_changes_nothing(string name, string option)
    {
        BoardType board = Emulation.Library.Boards.Single(known => name.Equals(known.Name, StringComparison.Ordinal));
        ulong value = board.Options.Single(known => option.Equals(known.Name, StringComparison.Ordinal)).Default;
        DeviceTree tree = Emulation.Library.Tree(name, new Dictionary<string, ulong> { [option] = value });
        DtsWriter.Write(tree).Should().Be(DtsWriter.Write(Emulation.Library.Tree(name)));
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_tree_that_was_handed_out_may_be_changed(string name)
    {
        Emulation.Library.Tree(name).Root.SetStrings("model", "changed");
        DtsWriter.Write(Emulation.Library.Tree(name)).Should().NotContain("changed");
    }

    [Fact]
    public void A_board_that_is_not_shipped_is_refused_and_the_shipped_ones_are_named() =>
        FluentActions
            .Invoking(() => Emulation.Create("fvp-vee"))
            .Should()
            .Throw<BoardException>()
            .WithMessage("there is no board 'fvp-vee'; boards: *fvp-ve*");

    [Fact]
    public void An_unknown_option_is_refused_and_the_known_ones_are_named() =>
        FluentActions
            .Invoking(() => Emulation.Create("fvp-ve", ("dmac4_int_base", 64)))
            .Should()
            .Throw<BoardException>()
            .WithMessage(
                "board fvp-ve has no option 'dmac4_int_base'; its options: "
                    + "dmac0_int_base, dmac1_int_base, dmac2_int_base, dmac3_int_base, smmu_irq"
            );

    // csharpier-ignore
    [Theory]
    [InlineData(0x0C00_0000, 0x0FFF_FFFF, "flash@0[1]")]
    [InlineData(0x0800_0000, 0x0BFF_FFFF, "flash@0[0]")]
    [InlineData(0x1400_0000, 0x15FF_FFFF, "psram@1")]
    [InlineData(0x1800_0000, 0x187F_FFFF, "vram")]
    [InlineData(0x1A00_0000, 0x1A00_FFFF, "ethernet@2")]
    [InlineData(0x1C01_0000, 0x1C01_0FFF, "v2m_sysreg")]
    [InlineData(0x1C02_0000, 0x1C02_0FFF, "v2m_sysctl")]
    [InlineData(0x1C09_0000, 0x1C09_0FFF, "uart0")]
    [InlineData(0x1C0C_0000, 0x1C0C_0FFF, "uart3")]
    [InlineData(0x1C0F_0000, 0x1C0F_0FFF, "wdt@f0000")]
    [InlineData(0x1C11_0000, 0x1C11_0FFF, "v2m_timer01")]
    [InlineData(0x1C17_0000, 0x1C17_0FFF, "rtc")]
    [InlineData(0x2C00_1000, 0x2C00_1FFF, "gic[0]")]
    [InlineData(0x2C00_2000, 0x2C00_2FFF, "gic[1]")]
    [InlineData(0x2C00_4000, 0x2C00_5FFF, "gic[2]")]
    [InlineData(0x2C00_6000, 0x2C00_7FFF, "gic[3]")]
    [InlineData(0x2C0A_0000, 0x2C0A_0FFF, "dma0")]
    [InlineData(0x2C0A_3000, 0x2C0A_3FFF, "dma3")]
    [InlineData(0x2C0B_0000, 0x2C0B_FFFF, "smmu")]
    [InlineData(0x8000_0000, 0xFFFF_FFFF, "memory@80000000")]
    public void The_fvp_ve_has_its_parts_where_the_model_s_documentation_has_them(ulong start, ulong last, string name)
    {
        BusRegion? region = Emulation.Create("fvp-ve").Bus.Find(start);
        region.Should().NotBeNull();
        (region!.Start, region.Last, region.Name).Should().Be((start, last, name));
    }

    [Fact]
    public void The_fvp_ve_has_four_big_and_four_little_CPUs() =>
        Emulation
            .Create("fvp-ve")
            .Cpus.Select(cpu => cpu.Name)
            .Should()
            .Equal("cpu0", "cpu1", "cpu2", "cpu3", "cpu4", "cpu5", "cpu6", "cpu7");

    [Theory]
    [InlineData("rtc", "gic SPI 4")]
    [InlineData("uart0", "gic SPI 5")]
    [InlineData("uart3", "gic SPI 8")]
    [InlineData("v2m_timer01", "gic SPI 2")]
    public void The_interrupts_of_the_fvp_ve_s_motherboard_pass_its_map_to_the_GIC(string device, string input) =>
        Emulation.Create("fvp-ve").Find(device)!.Interrupts.Select(line => line.Input?.Name).Should().Contain(input);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 40)]
    [InlineData(2, 136)]
    [InlineData(3, 216)]
    public void The_DMACs_of_the_fvp_ve_are_wired_where_the_option_says_and_the_kernel_is_not_told(int dmac, int spi)
    {
        Board board = Emulation.Create("fvp-ve", ($"dmac{dmac}_int_base", (ulong)spi));
        for (int other = 0; other < 4; other++)
        {
            int first = other == dmac ? spi : 64 + 32 * other;
            board
                .Find($"dma{other}")!
                .Interrupts.Take(8)
                .Select(line => $"{line.Name} {line.Input!.Name}")
                .Should()
                .Equal(Enumerable.Range(0, 8).Select(n => $"irq[{n}] gic SPI {first + n}"));
        }

        board
            .Warnings.Should()
            .ContainSingle()
            .Which.Should()
            .StartWith($"dma{dmac}: wired otherwise")
            .And.Contain($"irq[0] to gic SPI {spi} (the tree says <0 {64 + 32 * dmac} 4>) and 7 more");
        DtsWriter
            .Write(HardwareFacts.KernelTree(board.HardwareTree))
            .Should()
            .Be(DtsWriter.Write(HardwareFacts.KernelTree(Emulation.Library.Tree("fvp-ve"))));
    }

    [Theory]
    [InlineData("dmac3_int_base", 217)]
    [InlineData("dmac0_int_base", ulong.MaxValue)]
    [InlineData("smmu_irq", 2)]
    public void A_value_that_an_option_of_the_fvp_ve_does_not_take_is_refused(string option, ulong value) =>
        FluentActions
            .Invoking(() => Emulation.Create("fvp-ve", (option, value)))
            .Should()
            .Throw<BoardException>()
            .WithMessage($"option {option} is *, not {value}");

    [Fact]
    public void A_line_of_a_DMAC_reaches_software_through_the_GIC()
    {
        Board board = Emulation.Create("fvp-ve");
        InterruptLine line = board.Find("dma1")!.Interrupts.Single(pin => pin.Name is "irq[3]");
        line.Set(true);
        BoardRegister pending = board.Find("gic")!.FindRegister("GICD_ISPENDR4")!.Value;
        board.Cpu.IsSecure = true;
        board.Cpu.Load(pending.Address, 4, out ulong value).Should().Be(BusStatus.Okay);
        value.Should().Be(1UL << ((32 + 96 + 3) % 32), "SPI 99 has ID 131");
    }

    private static byte[] Dtc(byte[] input, params string[] arguments)
    {
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "dtc"))
            .FirstOrDefault(File.Exists);
        if (path is null)
        {
            Assert.Skip("no dtc on this machine");
        }

        string folder = Directory.CreateTempSubdirectory("board").FullName;
        try
        {
            string file = Path.Combine(folder, "input");
            string output = Path.Combine(folder, "output");
            File.WriteAllBytes(file, input);
            using var process = Process.Start(path, [.. arguments, "-o", output, file]);
            process.WaitForExit();
            process.ExitCode.Should().Be(0);
            return File.ReadAllBytes(output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
