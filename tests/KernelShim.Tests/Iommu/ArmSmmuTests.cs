using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The arm-smmu driver on the board: probing, domains, faults.</summary>
public sealed class ArmSmmuTests
{
    private const IommuProtection ReadWrite = IommuProtection.Read | IommuProtection.Write | IommuProtection.Cache;
    private readonly FvpKernel _machine = new();

    [Fact]
    public void Probing_reads_the_identification_registers_and_says_what_it_found()
    {
        _machine
            .Log.Should()
            .Equal(
                "arm-smmu 2c0b0000.smmu: registered 4 master devices",
                "arm-smmu 2c0b0000.smmu: probing hardware configuration...",
                "arm-smmu 2c0b0000.smmu: SMMUv1 with:",
                "arm-smmu 2c0b0000.smmu: \tstage 2 translation",
                "arm-smmu 2c0b0000.smmu: \tcoherent table walk",
                "arm-smmu 2c0b0000.smmu: \tstream matching with 32 register groups, mask 0x7fff",
                "arm-smmu 2c0b0000.smmu: \t8 context banks (8 stage-2 only)",
                "arm-smmu 2c0b0000.smmu: \t32-bit VA, 32-bit IPA, 40-bit PA"
            );
        _machine.Kernel.Log.Lines.Should().OnlyContain(line => line.Level == LogLevel.Notice);
        _machine.Simulation.Trace.Problems.Should().BeEmpty();
        _machine.Smmu!.IsCoherent.Should().BeTrue();
    }

    [Fact]
    public void Reset_leaves_every_stream_unmatched_and_the_SMMU_on()
    {
        _machine.Read("smmu.sCR0").Should().Be(0x1836);
        _machine.Read("smmu.SMR0").Should().Be(0x7FFF_7FFF, "invalid is all that counts");
        _machine.Read("smmu.S2CR31").Should().Be(0x0001_0000);
        _machine.Read("smmu.CB7_SCTLR").Should().Be(0);
        Action("arm-smmu global fault").Should().Equal(90, 91);
    }

    [Fact]
    public void Probing_believes_the_registers_and_not_the_tree()
    {
        var small = new FvpKernel(editHardware: tree =>
        {
            tree.FindByLabel("smmu")!.SetCells("emulator,context-banks", 2);
            tree.FindByLabel("smmu")!.SetCells("emulator,stream-match-groups", 4);
        });

        small.Log.Should().Contain("arm-smmu 2c0b0000.smmu: \t2 context banks (2 stage-2 only)");
        small.Log.Should().Contain("arm-smmu 2c0b0000.smmu: \tstream matching with 4 register groups, mask 0x7fff");
    }

    [Fact]
    public void Attaching_programs_a_context_bank_and_the_streams_of_the_master()
    {
        IommuDomain domain = Attached(0);

        _machine.Read("smmu.CBAR0").Should().Be(0x0100_0001, "stage 2, VMID 1, the second context interrupt");
        _machine.Read("smmu.CB0_TCR").Should().Be(0x8000_3540);
        _machine.Read("smmu.CB0_SCTLR").Should().Be(0xE7, "the kernel of the guide stalls");
        _machine.Read("smmu.SMR0").Should().Be(0x8000_0000);
        _machine.Read("smmu.SMR1").Should().Be(0x8000_0008);
        _machine.Read("smmu.S2CR0").Should().Be(0);
        _machine.Read("smmu.S2CR1").Should().Be(0);
        Action("arm-smmu-context-fault").Should().Equal(FvpKernel.ContextInterrupt);

        IommuDomain second = Attached(1);
        _machine.Read("smmu.CBAR1").Should().Be(0x0200_0002);
        _machine.Read("smmu.SMR3").Should().Be(0x8000_0009);
        _machine.Read("smmu.S2CR3").Should().Be(1);
        domain.ApertureEnd.Should().Be(0xFFFF_FFFF);
        second.PageSizes.Should().Be(0x21_1000);
    }

    [Fact]
    public void A_kernel_that_does_not_stall_leaves_that_bit_clear()
    {
        var machine = new FvpKernel(KernelProfiles.VosysV6 with { SmmuStalls = false });
        Device device = machine.AddDmac(0);
        machine.Smmu!.CreateDomain()!.Attach(device).Should().Be(0);
        machine.Read("smmu.CB0_SCTLR").Should().Be(0x67);
    }

    [Fact]
    public void Detaching_lets_the_streams_bypass_and_leaves_others_alone()
    {
        Device first = _machine.AddDmac(0);
        Device second = _machine.AddDmac(1);
        IommuDomain one = Attach(first);
        IommuDomain two = Attach(second);

        two.Detach(second);
        two.Free();

        _machine.Read("smmu.SMR2").Should().Be(0x7FFF_7FFF);
        _machine.Read("smmu.S2CR2").Should().Be(0x0001_0000);
        _machine.Read("smmu.CB1_SCTLR").Should().Be(0);
        _machine.Read("smmu.S2CR1").Should().Be(0, "the manager of the first is still confined");
        one.Attach(first).Should().Be(-(long)Errno.EEXIST);
    }

    [Fact]
    public void Freed_domains_give_back_their_pages_their_bank_and_their_interrupt()
    {
        Device device = _machine.AddDmac(2);
        ulong free = _machine.Kernel.Pages.FreePages;
        for (int round = 0; round < 20; round++)
        {
            IommuDomain domain = Attach(device);
            domain.Map(0x4000_0000, 0x8800_0000, 0x40_0000, ReadWrite).Should().Be(0);
            _machine.Kernel.Pages.FreePages.Should().Be(free - 4, "a first table, a second, two of pages");
            domain.Detach(device);
            domain.Free();
            domain.Free();
        }

        _machine.Kernel.Pages.FreePages.Should().Be(free);
        Action("arm-smmu-context-fault").Should().BeEmpty();
    }

    [Fact]
    public void When_every_context_bank_is_taken_the_next_domain_cannot_be_attached_until_one_is_freed()
    {
        var machine = new FvpKernel(editHardware: tree =>
            tree.FindByLabel("smmu")!.SetCells("emulator,context-banks", 3)
        );
        var domains = new List<IommuDomain>();
        for (int dmac = 0; dmac < 4; dmac++)
        {
            IommuDomain domain = machine.Smmu!.CreateDomain()!;
            domain.Attach(machine.AddDmac(dmac)).Should().Be(dmac < 3 ? 0 : -(long)Errno.ENOSPC);
            domains.Add(domain);
        }

        domains[1].Detach(machine.Kernel.Iommus.Groups[1].Devices[0]);
        domains[1].Free();
        domains[3].Attach(machine.Kernel.Iommus.Groups[3].Devices[0]).Should().Be(0);
        machine.Read("smmu.S2CR2").Should().Be(1, "the lowest bank and the lowest register are taken again");
    }

    [Fact]
    public void A_master_that_needs_more_stream_match_registers_than_are_free_gets_none()
    {
        var machine = new FvpKernel(editHardware: tree =>
            tree.FindByLabel("smmu")!.SetCells("emulator,stream-match-groups", 3)
        );
        machine.Smmu!.CreateDomain()!.Attach(machine.AddDmac(0)).Should().Be(0);

        machine.Smmu.CreateDomain()!.Attach(machine.AddDmac(1)).Should().Be(-(long)Errno.ENOSPC);

        machine.Log.Last().Should().Be("arm-smmu 2c0b0000.smmu: failed to allocate free SMR");
        machine.Read("smmu.SMR2").Should().Be(0x7FFF_7FFF);
    }

    [Fact]
    public void An_SMMU_of_the_platform_bus_is_probed_when_it_appears_and_turned_off_when_it_goes()
    {
        var machine = new FvpKernel(editKernelTree: tree =>
            tree.FindByPath("/smmu@2c0b0000")!.SetStrings("status", "disabled")
        );
        ArmSmmuDriver driver = machine.Smmu!;
        var smmu = new Device
        {
            Name = "2c0b0000.smmu",
            Node = machine.Kernel.Tree.FindByPath("/smmu@2c0b0000"),
            Resources = [new DeviceResource(0x2C0B_0000, 0x1_0000)],
            Interrupts = [machine.Interrupt(58), machine.Interrupt(59), machine.Interrupt(60)],
        };
        machine.Log.Should().BeEmpty();
        driver.Matches(smmu).Should().BeTrue();

        driver.Probe(smmu).Should().Be(0);
        machine.AddDmac(3).Group!.Id.Should().Be(0);
        machine.Read("smmu.sCR0").Should().Be(0x1836);

        driver.Remove(smmu);
        machine.Read("smmu.sCR0").Should().Be(1);
        driver.Serves(machine.AddDmac(2)).Should().BeFalse();
    }

    [Fact]
    public void An_SMMU_without_context_interrupts_is_not_used()
    {
        var machine = new FvpKernel(editKernelTree: tree =>
            tree.FindByPath("/smmu@2c0b0000")!.SetCells("interrupts", 0, 58, 4, 0, 59, 4)
        );

        machine.Log.Should().Equal("arm-smmu 2c0b0000.smmu: found 2 interrupts but expected at least 3");
        machine.AddDmac(0).Group.Should().BeNull();
    }

    [Fact]
    public void A_device_that_no_SMMU_serves_cannot_be_attached()
    {
        var stranger = new Device { Name = "1c090000.uart", Bus = new BusType("amba") };

        _machine.Smmu!.Serves(stranger).Should().BeFalse();
        _machine.Smmu.CreateDomain()!.Attach(stranger).Should().Be(-(long)Errno.ENXIO);
        _machine.Log.Last().Should().Be("amba 1c090000.uart: cannot attach to SMMU, is it on the same bus?");
    }

    [Fact]
    public void A_transfer_outside_its_window_is_logged_resumed_and_aborted()
    {
        Transfer transfer = Start(_machine, destination: 0x3000);
        _machine.RunFor(VirtualTime.Millisecond);

        _machine
            .Log.Last()
            .Should()
            .Be("arm-smmu 2c0b0000.smmu: Unhandled context fault: iova=0x00003000, fsynr=0x13, cb=0");
        _machine.Kernel.Log.Lines.Last().Level.Should().Be(LogLevel.Error);
        _machine.Read("smmu.CB0_FSR").Should().Be(0);
        _machine.ChannelStatus(0, 0).Should().Be(0xF, "the aborted store faults the channel");
        _machine.Read("dma0.FTR0").Should().Be(1 << 17, "data write error");
        transfer.ReadDestination().Should().OnlyContain(value => value == 0);
        _machine.Interrupts.Descriptors.Single(one => one.Number == FvpKernel.ContextInterrupt).Count.Should().Be(1);
    }

    [Fact]
    public void A_load_outside_the_window_is_told_as_a_read()
    {
        Start(_machine, source: 0x7_0000_00, destination: 0x1000);
        _machine.RunFor(VirtualTime.Millisecond);

        _machine
            .Log.Last()
            .Should()
            .Be("arm-smmu 2c0b0000.smmu: Unhandled context fault: iova=0x07000000, fsynr=0x2, cb=0");
    }

    [Fact]
    public void With_the_wire_cut_nothing_is_logged_and_the_transfer_hangs()
    {
        var machine = new FvpKernel(
            options: new Dictionary<string, ulong>(StringComparer.Ordinal) { ["smmu_irq"] = 0 }
        );
        int before = machine.Kernel.Log.Lines.Count;
        Start(machine, destination: 0x3000);
        machine.RunFor(VirtualTime.Second);

        machine.Kernel.Log.Lines.Should().HaveCount(before);
        machine.Read("smmu.CB0_FSR").Should().Be(0x4000_0002, "the fault waits, and so does the transfer");
        machine.ChannelStatus(0, 0).Should().NotBe(0xF);
    }

    [Fact]
    public void A_global_fault_is_logged_with_its_registers_and_cleared()
    {
        _machine.AddDmac(0);
        _machine.Write(_machine.FindRegister("smmu.sCR0"), 0x1C36); // As if unmatched streams were to fault.
        _machine.Store(0x9000_0000, 0x9000_0000, "DMAEND");
        _machine.StartChannel(0, 3, 0x9000_0000);
        _machine.RunFor(VirtualTime.Millisecond);

        _machine
            .Log.TakeLast(2)
            .Should()
            .Equal(
                "arm-smmu 2c0b0000.smmu: Unexpected global fault, this could be serious",
                "arm-smmu 2c0b0000.smmu: \tGFSR 0x00000002, GFSYNR0 0x00000008, GFSYNR1 0x00000000, GFSYNR2 0x00000000"
            );
        _machine.Read("smmu.sGFSR").Should().Be(0);
    }

    [Fact]
    public void Only_ten_faults_in_five_seconds_are_logged()
    {
        Device device = _machine.AddDmac(0);
        IommuDomain domain = Attach(device);
        domain.Map(0x2000, 0x9000_2000, 0x1000, ReadWrite);
        _machine.Store(0x9000_2000, 0x2000, "DMAMOV SAR, 0x5000\nDMALD\nDMAEND");
        for (int fault = 0; fault < 14; fault++)
        {
            if (fault == 13)
            {
                _machine.RunFor(6 * VirtualTime.Second);
            }

            _machine.StartChannel(0, 0, 0x2000);
            _machine.RunFor(VirtualTime.Millisecond);
            Kill();
        }

        _machine.Log.Count(text => text.Contains("Unhandled context fault", StringComparison.Ordinal)).Should().Be(11);
        _machine.Log.Should().Contain("arm_smmu_context_fault: 3 callbacks suppressed");
    }

    /// <summary>DMAKILL of channel 0, without which a faulted channel cannot be started again.</summary>
    private void Kill()
    {
        ulong registers = FvpKernel.DmacBase(0);
        _machine.Write(registers + 0xD08, 0x0001_0001);
        _machine.Write(registers + 0xD0C, 0);
        _machine.Write(registers + 0xD04, 0);
        _machine.RunFor(VirtualTime.Millisecond);
    }

    private static Transfer Start(FvpKernel machine, uint source = 0, uint destination = 0x1000)
    {
        Device device = machine.AddDmac(0);
        IommuDomain domain = machine.Smmu!.CreateDomain()!;
        domain.Attach(device).Should().Be(0);
        var transfer = new Transfer(machine);
        domain.Map(0x0000, transfer.Source, 0x1000, ReadWrite).Should().Be(0);
        domain.Map(0x1000, transfer.Destination, 0x1000, ReadWrite).Should().Be(0);
        domain.Map(0x2000, transfer.Code, 0x1000, ReadWrite).Should().Be(0);
        machine.Store(
            transfer.Code,
            0x2000,
            $"""
            DMAMOV CCR, SB16 SS64 SAI SP2 DB16 DS64 DAI DP2
            DMAMOV SAR, 0x{source:x}
            DMAMOV DAR, 0x{destination:x}
            DMALD
            DMAST
            DMAWMB
            DMASEV 0
            DMAEND
            """
        );
        machine.StartChannel(0, 0, 0x2000);
        return transfer;
    }

    private IommuDomain Attached(int dmac) => Attach(_machine.AddDmac(dmac));

    private IommuDomain Attach(Device device)
    {
        IommuDomain domain = _machine.Smmu!.CreateDomain()!;
        domain.Attach(device).Should().Be(0);
        return domain;
    }

    /// <summary>The numbers of the interrupts that have an action of this name.</summary>
    private IEnumerable<int> Action(string name) =>
        from descriptor in _machine.Interrupts.Descriptors
        where descriptor.Actions.Any(action => string.Equals(action.Name, name, StringComparison.Ordinal))
        select descriptor.Number;

    private sealed class Transfer
    {
        private readonly FvpKernel _machine;

        public Transfer(FvpKernel machine)
        {
            _machine = machine;
            machine.Kernel.Pages.TryAllocate(3, out ulong pages).Should().BeTrue();
            Source = pages;
            Destination = pages + 0x1000;
            Code = pages + 0x2000;
            machine.Board.Cpu.Store(Source, [.. Enumerable.Repeat((byte)0xA5, 4096)]);
        }

        public ulong Source { get; }

        public ulong Destination { get; }

        public ulong Code { get; }

        public byte[] ReadDestination()
        {
            byte[] bytes = new byte[4096];
            _machine.Board.Cpu.Load(Destination, bytes);
            return bytes;
        }
    }
}
