using System.Reflection;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>The register space: identification, masks, widths, and what is not there.</summary>
public sealed class RegisterTests
{
    private static readonly Transaction Cpu = new() { Flags = TransactionFlags.Privileged };

    [Fact]
    public void The_identification_registers_describe_an_SMMUv1_with_stage_2_only()
    {
        var bench = new SmmuBench();
        bench["IDR0"].Should().Be(0x2901_5E20);
        bench["IDR1"].Should().Be(0x2008_0008);
        bench["IDR2"].Should().Be(0x22);
        bench["IDR7"].Should().Be(0);
        (bench["PIDR2"] >> 4 & 0xF).Should().Be(0, "architecture version 1 is written 0");
        (bench["CIDR0"], bench["CIDR1"], bench["CIDR2"], bench["CIDR3"]).Should().Be((0x0D, 0xF0, 0x05, 0xB1));
    }

    [Fact]
    public void The_identification_registers_follow_the_configuration()
    {
        var bench = new SmmuBench(context =>
            context
                .With("emulator,context-banks", 1)
                .With("emulator,stream-match-groups", 1)
                .With("emulator,context-interrupts", 7)
        );
        bench["IDR0"].Should().Be(0x2907_5E01);
        bench["IDR1"].Should().Be(0x2001_0001);
        bench.Route();
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.ReadShouldReach(0x1000, 0x9000_0000);
        bench.Window.TryFind("SMR1", out _, out _).Should().BeFalse();
        bench.Window.TryFind("CB1_SCTLR", out _, out _).Should().BeFalse();
    }

    [Theory]
    [InlineData("emulator,context-banks", 9u)]
    [InlineData("emulator,context-banks", 0u)]
    [InlineData("emulator,stream-match-groups", 129u)]
    [InlineData("emulator,stream-id-bits", 16u)]
    [InlineData("emulator,tlb-entries", 513u)]
    public void A_part_that_cannot_exist_is_refused_by_name(string property, uint value)
    {
        Action make = () => _ = new SmmuBench(context => context.With(property, value));
        make.Should().Throw<BoardException>().WithMessage($"*smmu: {property} is {value}*");
    }

    [Fact]
    public void The_second_of_two_global_interrupts_is_the_non_secure_one()
    {
        var context = new RecordingContext();
        context.Inner.With("#global-interrupts", 2).With("emulator,context-interrupts", 2);
        _ = new Smmu(context, SmmuPart.Mmu400);
        context.Pins.Should().Equal(("gbl_flt_irpt_ns", 1), ("cxt_irpt[0]", 2), ("cxt_irpt[1]", 3));
    }

    [Theory]
    [InlineData("sCR0", 0xFFFF_FFFF, 0x0FFF_FC37)]
    [InlineData("sCR0", 0x0000_1836, 0x0000_1836)]
    [InlineData("S2CR0", 0xFFFF_FFFF, 0x0FF3_FBFF)]
    [InlineData("SMR0", 0xFFFF_FFFF, 0xFFFF_7FFF)]
    [InlineData("CBAR0", 0xFFFF_FFFF, 0xFF00_00FF)]
    [InlineData("CB0_SCTLR", 0xFFFF_FFFF, 0x0FEF_C1FF)]
    [InlineData("CB0_TCR", 0x8002_3558, 0x8000_3558)]
    [InlineData("CB0_TCR", 0x0000_0000, 0x8000_0000)]
    [InlineData("sGFSYNR1", 0xFFFF_FFFF, 0x7FFF)]
    [InlineData("CB0_FSYNR1", 0xFFFF_FFFF, 0)]
    [InlineData("CB0_IPAFAR", 0xFFFF_FFFF, 0)]
    public void Only_bits_that_exist_are_stored(string register, uint written, uint expected)
    {
        var bench = new SmmuBench();
        bench[register] = written;
        bench[register].Should().Be(expected);
        bench.Trace.Count(Severity.Warning).Should().Be(0);
    }

    [Fact]
    public void A_64_bit_register_is_one_doubleword_or_two_words()
    {
        var bench = new SmmuBench();
        bench.Window.TryFind("CB3_TTBR0", out ulong offset, out _);
        offset.Should().Be(0xB020);
        bench.Window.WriteWord(offset, 4, 0x8002_0000, Cpu);
        bench.Window.WriteWord(offset + 4, 4, 0x12, Cpu);
        bench["CB3_TTBR0"].Should().Be(0x12_8002_0000);
        bench["CB3_FAR"] = 0x20_8000_0140;
        bench.Window.TryFind("CB3_FAR", out offset, out _);
        bench.Window.ReadWord(offset, 4, out ulong low, Cpu);
        bench.Window.ReadWord(offset + 4, 4, out ulong high, Cpu);
        (low, high).Should().Be((0x8000_0140, 0x20));
        bench.Trace.Count(Severity.Warning).Should().Be(0);
    }

    [Fact]
    public void What_Linux_3_writes_at_reset_is_taken_without_complaint()
    {
        var bench = new SmmuBench();
        bench["sGFSR"] = bench["sGFSR"];
        for (int n = 0; n < 32; n++)
        {
            bench[$"SMR{n}"] = 0;
            bench[$"S2CR{n}"] = 0x0001_0000;
        }

        for (int n = 0; n < 8; n++)
        {
            bench[$"CB{n}_SCTLR"] = 0;
            bench[$"CB{n}_FSR"] = 0xC000_01FE;
        }

        bench["STLBIALL"] = 0;
        bench["TLBIALLH"] = 0;
        bench["TLBIALLNSNH"] = 0;
        bench["sTLBGSYNC"] = 0;
        bench["sTLBGSTATUS"].Should().Be(0);
        bench["sCR0"] = 0x1836;
        bench["sCR0"].Should().Be(0x1836);
        bench.Trace.Count(Severity.Warning).Should().Be(0);
    }

    [Fact]
    public void Unmodelled_pages_and_missing_registers_are_reported()
    {
        var bench = new SmmuBench();
        bench.Window.ReadWord(0x2000, 4, out ulong value, Cpu).Should().Be(BusStatus.Okay);
        bench.Window.ReadWord(0x3E00, 4, out _, Cpu);
        bench.Window.ReadWord(0x1800, 4, out _, Cpu);
        value.Should().Be(0);
        bench.Trace.Count(Severity.Warning).Should().Be(3);
    }

    [Fact]
    public void The_secure_aliases_answer_secure_software_only()
    {
        var bench = new SmmuBench();
        bench.Window.TryFind("nsCR0", out ulong offset, out _);
        var secure = new Transaction { Flags = TransactionFlags.Secure };
        bench.Window.ReadWord(offset, 4, out ulong value, secure);
        value.Should().Be(1);
        bench.Window.WriteWord(offset, 4, 0x406, Cpu);
        bench["sCR0"].Should().Be(1);
        bench.Window.WriteWord(offset, 4, 0x406, secure);
        bench["sCR0"].Should().Be(0x406);
        bench.Window.ReadWord(offset, 4, out value, Cpu);
        value.Should().Be(0);
    }

    [Fact]
    public void The_state_is_one_unmanaged_value_without_padding()
    {
        RuntimeHelpers.IsReferenceOrContainsReferences<SmmuState>().Should().BeFalse();
        SizeOfFields(typeof(SmmuState)).Should().Be(Unsafe.SizeOf<SmmuState>());
    }

    private static int SizeOfFields(Type type)
    {
        if (type.IsPrimitive)
        {
            return System.Runtime.InteropServices.Marshal.SizeOf(type);
        }

        int sum = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Sum(field => SizeOfFields(field.FieldType));
        return sum * (type.GetCustomAttribute<InlineArrayAttribute>()?.Length ?? 1);
    }

    /// <summary>A context that remembers which interrupt entries were asked for.</summary>
    private sealed class RecordingContext : DeviceContext
    {
        public StandaloneContext Inner { get; } = new("smmu");

        public List<(string Pin, int Index)> Pins { get; } = [];

        public override string Name => Inner.Name;

        public override Simulation Simulation => Inner.Simulation;

        public override AddressMapEpoch Epoch => Inner.Epoch;

        public override IBusTarget SystemBus => Inner.SystemBus;

        public override uint[]? Cells(string property) => Inner.Cells(property);

        public override IReadOnlyList<string>? Strings(string property) => Inner.Strings(property);

        public override void MapRegisters(int index, IBusTarget target) => Inner.MapRegisters(index, target);

        public override ulong RegisterSize(int index) => Inner.RegisterSize(index);

        public override InterruptLine Interrupt(int index, string pin)
        {
            Pins.Add((pin, index));
            return Inner.Interrupt(index, pin);
        }

        public override MasterPort MasterPort() => Inner.MasterPort();

        public override CpuPort? Cpu(int number) => Inner.Cpu(number);
    }
}
