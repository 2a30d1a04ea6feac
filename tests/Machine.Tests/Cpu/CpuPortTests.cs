namespace Emulator.Machine.Tests;

public sealed class CpuPortTests
{
    private static readonly SystemRegister Counter = new(3, 3, 14, 0, 2);

    private readonly Simulation _simulation = new();
    private readonly Bus _bus;
    private readonly CpuPort _cpu;
    private readonly Probe _probe = new();

    public CpuPortTests()
    {
        _bus = new Bus("bus", _simulation.Trace);
        _bus.Map("ram", 0x8000_0000, 0x1_0000, new Ram("ram", 0x1_0000));
        _bus.Map("probe", 0x1000, 0x1000, _probe);
        _cpu = new CpuPort("cpu2", _bus, _simulation.Trace, number: 2);
    }

    [Theory]
    [InlineData(1, 0x88)]
    [InlineData(2, 0x7788)]
    [InlineData(4, 0x5566_7788)]
    [InlineData(8, 0x1122_3344_5566_7788)]
    public void A_word_that_is_stored_is_loaded_again(int size, ulong value)
    {
        _cpu.Store(0x8000_0100, size, 0x1122_3344_5566_7788).Should().Be(BusStatus.Okay);
        _cpu.Load(0x8000_0100, size, out ulong loaded).Should().Be(BusStatus.Okay);
        loaded.Should().Be(value);
    }

    [Fact]
    public void Blocks_are_stored_and_loaded_in_memory_order()
    {
        _cpu.Store(0x8000_0001, new byte[] { 1, 2, 3, 4, 5 }).Should().Be(BusStatus.Okay);
        byte[] loaded = new byte[5];
        _cpu.Load(0x8000_0001, loaded).Should().Be(BusStatus.Okay);
        loaded.Should().Equal(1, 2, 3, 4, 5);
    }

    [Fact]
    public void Accesses_are_privileged_and_carry_the_number_of_the_cpu()
    {
        _cpu.Load(0x1000, 4, out _);
        _cpu.IsSecure = true;
        _cpu.Store(0x1000, 4, 0);
        _cpu.IsSecure = false;
        _cpu.Load(0x1000, 4, out _);
        _probe.Transactions.Select(signals => signals.IsSecure).Should().Equal(false, true, false);
        _probe.Transactions.Should().OnlyContain(signals => signals.IsPrivileged && !signals.IsInstruction);
        _probe
            .Transactions.Should()
            .OnlyContain(signals => signals.RequesterId == 2 && signals.InitiatorName == "cpu2");
    }

    [Fact]
    public void Where_nobody_is_the_access_aborts()
    {
        _cpu.Load(0x5000, 4, out ulong value).Should().Be(BusStatus.DecodeError);
        value.Should().Be(0);
        _cpu.Store(0x5000, 8, 1).Should().Be(BusStatus.DecodeError);
        _cpu.Load(0x5000, new byte[16]).Should().Be(BusStatus.DecodeError);
        _cpu.Store(0x5000, new byte[3]).Should().Be(BusStatus.DecodeError);
        _simulation
            .Trace.Problems.Where(problem => problem.Source is "cpu2")
            .Select(problem => problem.Message)
            .Should()
            .Equal(
                "external abort: load of 4 bytes at 0x5000 answered DECERR",
                "external abort: store of 8 bytes at 0x5000 answered DECERR",
                "external abort: load of 16 bytes at 0x5000 answered DECERR",
                "external abort: store of 3 bytes at 0x5000 answered DECERR"
            );
    }

    [Fact]
    public void Where_somebody_refuses_the_access_aborts()
    {
        _probe.Answer = BusStatus.SlaveError;
        _cpu.Load(0x1000, 4, out _).Should().Be(BusStatus.SlaveError);
        _simulation
            .Trace.Problems.Should()
            .ContainSingle()
            .Which.ToString()
            .Should()
            .Be("[     0.000000] warning: cpu2 external abort: load of 4 bytes at 0x1000 answered SLVERR");
    }

    [Fact]
    public void A_cpu_is_never_held()
    {
        _cpu.CanBeHeld.Should().BeFalse();
        IBusInitiator initiator = _cpu;
        FluentActions
            .Invoking(() => initiator.OnHeldTransaction(0, HeldOutcome.Repeat))
            .Should()
            .Throw<InvalidOperationException>();
    }

    [Fact]
    public void A_system_register_is_answered_by_the_device_that_claimed_it()
    {
        var timer = new Timer();
        _cpu.Claim(Counter, timer);
        _cpu.TryWriteSystemRegister(Counter, 99).Should().BeTrue();
        _cpu.TryReadSystemRegister(Counter, out ulong value).Should().BeTrue();
        value.Should().Be(99);
        _simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void A_system_register_is_claimed_once()
    {
        _cpu.Claim(Counter, new Timer());
        FluentActions
            .Invoking(() => _cpu.Claim(Counter, new Timer()))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("cpu2: system register S3_3_C14_C0_2 is claimed twice.");
    }

    [Fact]
    public void A_system_register_that_nobody_has_is_undefined()
    {
        _cpu.TryReadSystemRegister(Counter, out ulong value).Should().BeFalse();
        value.Should().Be(0);
        _cpu.TryWriteSystemRegister(Counter, 1).Should().BeFalse();
        _simulation
            .Trace.Problems.Select(problem => problem.Message)
            .Should()
            .Equal("read of S3_3_C14_C0_2: no device has it", "write of S3_3_C14_C0_2: no device has it");
    }

    [Fact]
    public void Firmware_that_knows_a_function_answers_it()
    {
        _cpu.Claim(new Psci(0x8400_0000, result: 0x1_0000));
        _cpu.Claim(new Psci(0x8400_0001, result: 7));
        ulong[] registers = [0x8400_0001, 1, 2, 3];
        _cpu.CallFirmware(FirmwareConduit.HypervisorCall, registers);
        registers.Should().Equal(7, 1, 2, 3);
    }

    [Fact]
    public void A_function_that_no_firmware_knows_is_not_supported()
    {
        ulong[] registers = [0x8400_0000, 1];
        _cpu.CallFirmware(FirmwareConduit.SecureMonitorCall, registers);
        registers.Should().Equal(CpuPort.FunctionNotSupported, 1);
        registers[0] = 0xC600_0001;
        _cpu.CallFirmware(FirmwareConduit.HypervisorCall, registers);
        _simulation
            .Trace.Problems.Select(problem => problem.Message)
            .Should()
            .Equal(
                "SMC 0x8400_0000: no firmware answers; the result is NOT_SUPPORTED",
                "HVC 0xc600_0001: no firmware answers; the result is NOT_SUPPORTED"
            );
    }

    [Fact]
    public void Its_interrupt_inputs_show_the_level_of_their_wires()
    {
        _cpu.Irq.Name.Should().Be("cpu2 IRQ");
        _cpu.Fiq.Name.Should().Be("cpu2 FIQ");
        var line = new InterruptLine(_simulation.Trace, "gic", "nIRQ");
        line.Connect(_cpu.Irq);
        line.Set(true);
        (_cpu.Irq.Level, _cpu.Fiq.Level).Should().Be((true, false));
    }

    private sealed class Timer : ISystemRegisterTarget
    {
        private ulong _value;

        public ulong ReadSystemRegister(SystemRegister register) => _value;

        public void WriteSystemRegister(SystemRegister register, ulong value) => _value = value;
    }

    private sealed class Psci(ulong function, ulong result) : IFirmwareTarget
    {
        public bool TryCall(FirmwareConduit conduit, Span<ulong> registers)
        {
            if (registers[0] != function)
            {
                return false;
            }

            registers[0] = result;
            return true;
        }
    }
}
