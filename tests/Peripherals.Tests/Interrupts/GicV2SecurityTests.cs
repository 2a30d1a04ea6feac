namespace Emulator.Peripherals.Tests;

/// <summary>The two views of a GIC with Security Extensions (IHI 0048B, 3.8 and 4.2.1).</summary>
public sealed class GicV2SecurityTests
{
    private const int Spi = 96;

    private static GicBench AsTheManual() => new(security: true, bootsNonSecure: false);

    [Fact]
    public void A_non_secure_kernel_needs_no_firmware_before_it()
    {
        GicBench gic = new(security: true);
        gic.Write("GICD_CTLR", 1);
        gic.Write("GICC_PMR", 0xF0);
        gic.Write("GICC_CTLR", 1);
        gic.Enable(Spi);
        gic.SetLine(Spi, true);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
        gic.Read("GICC_PMR").Should().Be(0xF0);
        gic.Acknowledge().Should().Be(Spi);
        gic.Read("GICC_RPR").Should().Be(0xA0);
        gic.End(Spi);
        gic.Bit("GICD_ISACTIVER", Spi).Should().BeFalse();
        gic.Problems.Should().Be(0);
    }

    [Fact]
    public void After_the_parts_own_reset_everything_belongs_to_the_secure_side()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_ISENABLER3", 1);
        gic.WriteByte("GICD_IPRIORITYR", Spi, 0xA0);
        gic.Write("GICD_IGROUPR3", 1);
        gic.Write("GICC_PMR", 0xF0);
        gic.Read("GICD_ISENABLER3", secure: true).Should().Be(0);
        gic.ReadByte("GICD_IPRIORITYR", Spi, secure: true).Should().Be(0);
        gic.Read("GICD_IGROUPR3", secure: true).Should().Be(0);
        gic.Read("GICC_PMR", secure: true).Should().Be(0, "a secure mask cannot be opened from the other side");
    }

    [Fact]
    public void The_non_secure_side_sees_half_of_the_priorities_as_all_of_them()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_IGROUPR3", 1, secure: true);
        gic.WriteByte("GICD_IPRIORITYR", Spi, 0xA0);
        gic.ReadByte("GICD_IPRIORITYR", Spi).Should().Be(0xA0);
        gic.ReadByte("GICD_IPRIORITYR", Spi, secure: true).Should().Be(0xD0);
        gic.Write("GICC_PMR", 0xF8, secure: true);
        gic.Read("GICC_PMR").Should().Be(0xF0);
        gic.Write("GICC_PMR", 0x40);
        gic.Read("GICC_PMR", secure: true).Should().Be(0xA0);
    }

    [Fact]
    public void A_byte_written_from_the_non_secure_side_leaves_its_neighbours_alone()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_IGROUPR3", 0b11, secure: true);
        gic.WriteByte("GICD_IPRIORITYR", Spi, 0x40, secure: true);
        gic.WriteByte("GICD_IPRIORITYR", Spi + 1, 0x40);
        gic.ReadByte("GICD_IPRIORITYR", Spi, secure: true).Should().Be(0x40);
        gic.ReadByte("GICD_IPRIORITYR", Spi + 1, secure: true).Should().Be(0xA0);
    }

    [Fact]
    public void Each_side_has_its_own_control_bits()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_CTLR", 1);
        gic.Read("GICD_CTLR", secure: true).Should().Be(2);
        gic.Write("GICD_CTLR", 3, secure: true);
        gic.Write("GICD_CTLR", 0);
        gic.Read("GICD_CTLR", secure: true).Should().Be(1);
        gic.Write("GICC_CTLR", 0x201);
        gic.Read("GICC_CTLR", secure: true).Should().Be(0x402);
        gic.Write("GICC_CTLR", 0x1D, secure: true);
        gic.Read("GICC_CTLR").Should().Be(0);
        gic.Read("GICC_CTLR", secure: true).Should().Be(0x1D);
    }

    [Fact]
    public void An_acknowledge_from_the_wrong_side_says_so()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_CTLR", 3, secure: true);
        gic.Write("GICC_CTLR", 3, secure: true);
        gic.Write("GICC_PMR", 0xF8, secure: true);
        gic.Write("GICD_IGROUPR3", 0b10, secure: true);
        gic.Write("GICD_ISENABLER3", 0b11, secure: true);
        gic.WriteByte("GICD_IPRIORITYR", Spi + 1, 0xC0, secure: true);
        gic.SetLine(Spi, true);
        gic.Read("GICC_IAR").Should().Be(1023, "group 0 is the secure side's");
        gic.Read("GICC_HPPIR").Should().Be(1023);
        gic.SetLine(Spi, false);
        gic.SetLine(Spi + 1, true);
        gic.Read("GICC_IAR", secure: true).Should().Be(1022, "group 1 is the other side's unless AckCtl is set");
        gic.Read("GICC_AHPPIR", secure: true).Should().Be(Spi + 1);
        gic.Read("GICC_AIAR", secure: true).Should().Be(Spi + 1);
        gic.Write("GICC_AEOIR", Spi + 1, secure: true);
        gic.Write("GICC_CTLR", 7, secure: true);
        gic.Read("GICC_IAR", secure: true).Should().Be(Spi + 1);
    }

    [Fact]
    public void The_non_secure_side_cannot_end_a_secure_interrupt()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_CTLR", 1, secure: true);
        gic.Write("GICC_CTLR", 1, secure: true);
        gic.Write("GICC_PMR", 0xF8, secure: true);
        gic.Write("GICD_ISENABLER3", 1, secure: true);
        gic.SetLine(Spi, true);
        gic.Read("GICC_IAR", secure: true).Should().Be(Spi);
        gic.Read("GICC_RPR").Should().Be(0, "a secure priority is running");
        gic.Write("GICC_EOIR", Spi);
        gic.Problems.Should().Be(1);
        gic.Read("GICD_ISACTIVER3", secure: true).Should().Be(1);
    }

    [Fact]
    public void A_secure_software_interrupt_reaches_the_group_it_is_meant_for()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICD_IGROUPR0", 1 << 3, secure: true);
        gic.Write("GICD_SGIR", 0x0200_0003, secure: true);
        gic.Read("GICD_ISPENDR0", secure: true).Should().Be(0);
        gic.Write("GICD_SGIR", 0x0200_8003, secure: true);
        gic.Read("GICD_ISPENDR0", secure: true).Should().Be(1 << 3);
        gic.Write("GICD_SGIR", 0x0200_0004);
        gic.Read("GICD_ISPENDR0", secure: true).Should().Be(1 << 3, "number 4 is in group 0");
        gic.Read("GICD_SPENDSGIR0").Should().Be(0x0100_0000);
    }

    [Fact]
    public void A_common_binary_point_is_one_higher_in_the_non_secure_view()
    {
        GicBench gic = AsTheManual();
        gic.Write("GICC_BPR", 5);
        gic.Read("GICC_ABPR", secure: true).Should().Be(5);
        gic.Write("GICC_BPR", 3, secure: true);
        gic.Write("GICC_CTLR", 1 << 4, secure: true);
        gic.Read("GICC_BPR").Should().Be(4);
        gic.Write("GICC_BPR", 7);
        gic.Read("GICC_BPR", secure: true).Should().Be(3);
        gic.Read("GICC_ABPR", secure: true).Should().Be(5);
    }
}
