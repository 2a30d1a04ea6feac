using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// A program is killed while the DMA-330 moves its pages. Every step of the release is the real kernel's of 3.12 to 3.18:
/// vfio-platform frees the interrupts, type1 detaches the group and then unmaps, arm-smmu turns the bank off last. Nobody tells
/// the device; what it still does meets an SMMU that lets streams of no domain pass.
/// </summary>
public sealed class KilledTransferTests
{
    private const ulong Page = 4096;
    private const ulong ChannelStatus = 0x2C0A_0100;
    private const ulong ContextFaultStatus = 0x2C0B_8058;
    private const int Faulting = 15;

    private readonly Kernel _kernel = BootedKernel.Boot();
    private readonly TestProcess _root;
    private readonly TestProcess _user;

    public KilledTransferTests()
    {
        _root = new TestProcess(_kernel);
        _user = new TestProcess(_kernel);
        _root
            .Echo("vfio-platform", $"/sys/bus/platform/devices/{DmaCopy.DeviceName}/driver_override")
            .Should()
            .BePositive();
        _root.Echo(DmaCopy.DeviceName, "/sys/bus/platform/drivers_probe").Should().BePositive();
    }

    [Fact]
    public void The_release_goes_interrupt_streams_mappings_bank()
    {
        ulong free = _kernel.Pages.FreePages;
        StartCopy(source: 0, destination: Page, program: 2 * Page);

        Writes(() => _user.Process.Exit(9))
            .Should()
            .Equal(
                "gic GICD GICD_ICENABLER3 <- 0x1", // irq 96: free_irq of the eventfd's handler
                "smmu SMMU-400 S2CR0 <- 0x1_0000", // both streams pass unchanged
                "smmu SMMU-400 S2CR1 <- 0x1_0000",
                "smmu SMMU-400 SMR0 <- 0x7fff_ffff", // and match nothing
                "smmu SMMU-400 SMR1 <- 0x7fff_ffff",
                "smmu SMMU-400 TLBIVMID <- 0x1", // the three mappings, each unmapped and unpinned
                "smmu SMMU-400 TLBIVMID <- 0x1",
                "smmu SMMU-400 TLBIVMID <- 0x1",
                "smmu SMMU-400 CB0_SCTLR <- 0x0", // the bank goes off
                "smmu SMMU-400 TLBIVMID <- 0x1",
                "gic GICD GICD_ICENABLER2 <- 0x1000_0000" // irq 92: its context interrupt
            );
        _kernel.Pages.FreePages.Should().Be(free);
        _kernel.Vfio!.Groups[0].Container.Should().BeNull();
    }

    [Fact]
    public void A_transfer_with_addresses_where_nothing_is_ends_in_a_fault_that_nobody_hears_of()
    {
        StartCopy(source: 0, destination: Page, program: 2 * Page);
        long lines = _kernel.Log.Count;

        _user.Process.Exit(9);
        _kernel.Simulation.RunFor(VirtualTime.Millisecond);

        (Load(ChannelStatus) & 15).Should().Be(Faulting, "the bus answers with an error");
        _kernel.Log.Count.Should().Be(lines, "no context bank sees a stream that bypasses");
        Load(0x2C0B_0048).Should().Be(0, "sGFSR");
        new TestProcess(_kernel).Open("/dev/vfio/0", OpenFlags.ReadWrite).Should().BeGreaterThanOrEqualTo(0);
    }

    [Fact]
    public void A_transfer_with_addresses_that_are_RAM_goes_on_in_memory_of_others()
    {
        const ulong Source = 0xF000_0000;
        const ulong Destination = Source + Page;
        const ulong Code = Source + 2 * Page;
        byte[] theirs = [.. Enumerable.Repeat((byte)0x5A, (int)Page)];
        StartCopy(Source, Destination, Code);
        _kernel.Board.Cpu.Store(Source, theirs);
        _kernel.Board.Cpu.Store(Code, DmaCopy.Program((uint)Source, (uint)Destination, 16));

        _user.Process.Exit(9);
        _kernel.Simulation.RunFor(VirtualTime.Millisecond);

        byte[] written = new byte[Page];
        _kernel.Board.Cpu.Load(Destination, written);
        written[..256]
            .Should()
            .Equal(DmaCopy.Pattern()[..256], "this burst was loaded before the kill and stored after it");
        written[256..].Should().OnlyContain(value => value == 0x5A, "now the IOVAs are physical addresses");
        (Load(ChannelStatus) & 15).Should().Be(0, "it has run to its end");
    }

    [Fact]
    public void The_next_program_has_the_device_once_it_has_killed_what_runs()
    {
        StartCopy(source: 0, destination: Page, program: 2 * Page);
        _user.Process.Exit(9);
        _kernel.Simulation.RunFor(VirtualTime.Millisecond);

        DmaCopy.Run(new TestProcess(_kernel)).Should().BeTrue();
    }

    [Fact]
    public void A_transaction_that_is_stalled_at_the_kill_is_terminated_when_its_bank_is_used_again()
    {
        StartCopy(source: 0, destination: 0x10_0000, program: 2 * Page, mapped: Page);
        while (Load(ContextFaultStatus) == 0)
        {
            _kernel.Simulation.RunFor(10 * VirtualTime.Nanosecond);
        }

        _user.Process.Exit(9);
        _kernel.Simulation.RunFor(VirtualTime.Millisecond);
        (Load(ContextFaultStatus) >> 30 & 1)
            .Should()
            .Be(1, "free_irq came before the interrupt was taken: nobody resumes");
        (Load(ChannelStatus) & 15).Should().NotBe(Faulting).And.NotBe(0, "the channel waits for its store");

        DmaCopy.Run(new TestProcess(_kernel)).Should().BeTrue();
        (Load(ContextFaultStatus) >> 30 & 1).Should().Be(0);
    }

    private ulong Load(ulong address)
    {
        _kernel.Board.Cpu.Load(address, 4, out ulong value).Should().Be(BusStatus.Okay);
        return value;
    }

    /// <summary>The register writes of an act, without those that begin a TLB synchronisation.</summary>
    private string[] Writes(Action act)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var sink = new TextTraceSink(text);
        _kernel.Simulation.Trace.Add(sink);
        act();
        _kernel.Simulation.Trace.Remove(sink);
        return
        [
            .. text.ToString()
                .Split('\n')
                .Where(line => line.Contains(" <- ") && !line.Contains("TLBGSYNC"))
                .Select(line => line[(line.IndexOf(']', StringComparison.Ordinal) + 2)..]),
        ];
    }

    private void StartCopy(ulong source, ulong destination, ulong program, ulong? mapped = null)
    {
        long device = DmaCopy.Open(
            _user,
            [source, mapped ?? destination, program],
            out ulong memory,
            out ulong registers
        );
        long events = _user.Do(_ => _user.Calls.EventFd(_user.Process, 0, 0));
        DmaCopy.Ioctl(_user, device, VfioIoctl.DeviceSetIrqs, 24, 0x24, 0, 0, 1, events).Should().Be(0);
        _user.Process.Memory.TryWrite(memory, DmaCopy.Pattern()).Should().BeTrue();
        byte[] code = DmaCopy.Program((uint)source, (uint)destination, 16);
        _user.Process.Memory.TryWrite(memory + 2 * Page, code).Should().BeTrue();
        DmaCopy.Start(_user, registers, (uint)program);
        _kernel.Simulation.RunFor(300 * VirtualTime.Nanosecond);
    }
}
