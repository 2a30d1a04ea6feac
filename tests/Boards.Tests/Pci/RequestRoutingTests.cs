using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Peripherals;

namespace Emulator.Boards.Tests;

/// <summary>Where requests of functions end: memory, a sibling, or refused on the way.</summary>
public sealed class RequestRoutingTests
{
    private const ulong Ram = 0x4000_0000;

    [Fact]
    public void A_function_that_is_no_bus_master_sends_nothing()
    {
        var board = new PciBoard("edu,addr=1");
        PciFunction edu = FunctionOf(board, 0, 8);
        edu.WriteMemory(Ram, [1, 2, 3, 4]).Should().Be(BusStatus.DecodeError);
        board.Write(0, 1, 0, 4, 0x4, 2);
        edu.WriteMemory(Ram, [1, 2, 3, 4]).Should().Be(BusStatus.Okay);
        byte[] read = new byte[4];
        edu.ReadMemory(Ram, read).Should().Be(BusStatus.Okay);
        read.Should().Equal(1, 2, 3, 4);
    }

    [Fact]
    public void A_read_of_nothing_is_a_master_abort()
    {
        var board = new PciBoard("edu,addr=1");
        board.Write(0, 1, 0, 4, 0x4, 2);
        FunctionOf(board, 0, 8).ReadMemory(0x1_0000_0000, new byte[4]).Should().Be(BusStatus.DecodeError);
        board.Read(0, 1, 0, 6, 2).Should().Be(0x2010);
    }

    [Fact]
    public void Without_redirection_a_switch_carries_a_request_to_its_other_port()
    {
        SwitchBoard board = new();
        board.Left.WriteMemory(SwitchBoard.RightBar + 4, [0xF0, 0, 0, 0]).Should().Be(BusStatus.Okay);
        board.Pci.Board.Bus.ReadWord(SwitchBoard.RightBar + 4, 4, out ulong value, default);
        value.Should().Be(0xFFFF_FF0F);
    }

    [Fact]
    public void A_bridge_that_is_no_bus_master_forwards_nothing_up()
    {
        SwitchBoard board = new();
        board.Left.WriteMemory(Ram, [1, 0, 0, 0]).Should().Be(BusStatus.Okay);
        board.Pci.Write(1, 0, 0, 4, 0x2, 2);
        board.Left.WriteMemory(Ram, [1, 0, 0, 0]).Should().Be(BusStatus.DecodeError);
        board.Left.WriteMemory(SwitchBoard.RightBar + 4, [0, 0, 0, 0]).Should().Be(BusStatus.Okay);
    }

    [Fact]
    public void A_source_that_is_not_below_the_port_is_an_access_violation()
    {
        var board = new PciBoard("pcie-root-port,id=r1,addr=1,chassis=1", "edu,bus=r1");
        board.SetBuses(0, 1, 0, 1, 1);
        board.Write(0, 1, 0, 4, 0x6, 2);
        board.Write(1, 0, 0, 4, 0x6, 2);
        PciFunction edu = FunctionOf(board, 1, 0);
        edu.ReadMemory(Ram, new byte[4]).Should().Be(BusStatus.Okay);
        board.Write(0, 1, 0, 0x14E, 0x1, 2);
        edu.ReadMemory(Ram, new byte[4]).Should().Be(BusStatus.Okay);

        // The port has other numbers now, and nobody has told the function: it has captured bus 1.
        board.SetBuses(0, 1, 0, 2, 2);
        edu.ReadMemory(Ram, new byte[4]).Should().Be(BusStatus.SlaveError);
        edu.RequesterId.Should().Be(0x0100);
        board.Read(0, 1, 0, 0x104).Should().Be(1 << 21);
        board.Write(0, 1, 0, 0x104, 1 << 21);
        board.Read(0, 1, 0, 0x104).Should().Be(0);
        board.Write(2, 0, 0, 0x3C, 0, 1);
        edu.ReadMemory(Ram, new byte[4]).Should().Be(BusStatus.Okay, "a configuration write tells it its number");
    }

    [Fact]
    public void On_a_conventional_bus_others_hear_a_request_before_the_bridge_does()
    {
        var board = new PciBoard("pcie-pci-bridge,id=b,addr=1", "edu,bus=b,addr=1", "edu,bus=b,addr=2");
        board.SetBuses(0, 1, 0, 1, 1);
        board.Write(0, 1, 0, 4, 0x6, 2);
        board.Write(0, 1, 0, 0x20, 0x1020_1010);
        foreach (int device in new[] { 1, 2 })
        {
            board.Write(1, device, 0, 0x10, (uint)(0x1000_0000 + device * 0x10_0000));
            board.Write(1, device, 0, 4, 0x6, 2);
        }

        PciFunction first = FunctionOf(board, 1, 8);
        first.WriteMemory(0x1020_0004, [1, 0, 0, 0]).Should().Be(BusStatus.Okay);
        first.WriteMemory(Ram, [1, 0, 0, 0]).Should().Be(BusStatus.Okay);

        // Inside the window and nobody's: the bridge does not take it up.
        board.Write(1, 2, 0, 4, 0, 2);
        first.WriteMemory(0x1020_0004, [1, 0, 0, 0]).Should().Be(BusStatus.DecodeError);
    }

    [Theory]
    [InlineData("pcie-pci-bridge", 0x0100)]
    [InlineData("pci-bridge,chassis_nr=1", 0x0008)]
    [InlineData("i82801b11-bridge", 0x0008)]
    public void Behind_a_conventional_bus_the_requester_is_the_bridge(string bridge, uint requester)
    {
        var board = new PciBoard($"{bridge},id=b,addr=1", "edu,bus=b,addr=2");
        board.SetBuses(0, 1, 0, 1, 1);
        board.Write(0, 1, 0, 4, 0x6, 2);
        board.Write(1, 2, 0, 4, 0x6, 2);
        RequesterAtMemory(board, FunctionOf(board, 1, 0x10)).Should().Be(requester);
    }

    [Fact]
    public void Behind_ports_the_requester_is_the_function()
    {
        SwitchBoard board = new();
        RequesterAtMemory(board.Pci, board.Left).Should().Be(0x0300);
        RequesterAtMemory(board.Pci, board.Right).Should().Be(0x0400);
    }

    [Fact]
    public void A_virtual_function_requests_under_its_own_number()
    {
        var board = new PciBoard(
            "pcie-root-port,id=r1,addr=1,chassis=1",
            "nvme-subsys,id=ss0",
            "nvme,bus=r1,serial=s,subsys=ss0,sriov_max_vfs=2"
        );
        board.SetBuses(0, 1, 0, 1, 1);
        board.Write(0, 1, 0, 4, 0x6, 2);
        board.Write(1, 0, 0, 0x130, 2, 2);
        board.Write(1, 0, 0, 0x128, 0x9, 2);
        board.Write(1, 0, 2, 4, 0x4, 2);
        RequesterAtMemory(board, FunctionOf(board, 1, 2)).Should().Be(0x0102);
    }

    [Fact]
    public void The_IOMMU_sees_a_request_with_the_stream_of_the_map()
    {
        Simulation simulation = new();
        DeviceTree tree = Emulation.Library.Tree("virt");
        Emulation.Library.Plug(tree, ["edu,addr=3"]);
        Board board = Emulation.Library.Create("virt", tree, simulation);
        PciFunction edu = ((Edu)board.Devices.Single(device => device.Device is Edu).Device!).Function;
        board.Bus.WriteWord(PciBoard.Ecam + (0x18 << 12) + 4, 2, 0x4, default);
        edu.ReadMemory(Ram, new byte[4]).Should().Be(BusStatus.Okay, "the SMMU lets everything pass after reset");
        const ulong StopUnknownStreams = 0x400 | 0x6;
        Register(board, "smmu.sCR0", StopUnknownStreams);
        edu.ReadMemory(Ram, new byte[4]).Should().NotBe(BusStatus.Okay);
        Register(board, "smmu.sGFSYNR1").Should().Be(0x18);
    }

    private static ulong Register(Board board, string name, ulong? write = null)
    {
        string[] parts = name.Split('.');
        BoardRegister register = board.Find(parts[0])!.FindRegister(parts[1])!.Value;
        if (write is { } value)
        {
            board.Bus.WriteWord(register.Address, 4, value, default);
        }

        board.Bus.ReadWord(register.Address, 4, out ulong read, default);
        return read;
    }

    private static PciFunction FunctionOf(PciBoard board, int bus, int devfn) => board.Host.Find(bus, devfn)!;

    /// <summary>The requester ID with which a write of a function gets to memory.</summary>
    private static uint RequesterAtMemory(PciBoard board, PciFunction function)
    {
        var probe = new Probe();
        BusRegion region = board.Board.Bus.Map("probe", 0x20_0000_0000, 0x1000, probe);
        function.WriteMemory(region.Start, [1, 2, 3, 4]).Should().Be(BusStatus.Okay);
        board.Board.Bus.Unmap(region);
        return probe.Requester;
    }

    private sealed class Probe : IBusTarget
    {
        public uint Requester { get; private set; }

        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) => BusStatus.Okay;

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            Requester = transaction.RequesterId;
            return BusStatus.Okay;
        }
    }

    /// <summary>A switch behind a root port, with an edu below each of two downstream ports; everything is switched on.</summary>
    private sealed class SwitchBoard
    {
        public const ulong RightBar = 0x1010_0000;

        public SwitchBoard()
        {
            Pci = new PciBoard(
                "pcie-root-port,id=r1,addr=1,chassis=1",
                "x3130-upstream,id=u1,bus=r1",
                "xio3130-downstream,id=d0,bus=u1,addr=0,chassis=2",
                "xio3130-downstream,id=d1,bus=u1,addr=1,chassis=3",
                "edu,bus=d0",
                "edu,bus=d1"
            );
            Bridge(0, 1, 1, 4, 0x1010_1000);
            Bridge(1, 0, 2, 4, 0x1010_1000);
            Bridge(2, 0, 3, 3, 0x1000_1000);
            Bridge(2, 1, 4, 4, 0x1010_1010);
            Card(3, 0x1000_0000);
            Card(4, (uint)RightBar);
        }

        public PciBoard Pci { get; }

        public PciFunction Left => FunctionOf(Pci, 3, 0);

        public PciFunction Right => FunctionOf(Pci, 4, 0);

        private void Bridge(int bus, int device, int secondary, int subordinate, uint window)
        {
            Pci.SetBuses(bus, device, 0, secondary, subordinate);
            Pci.Write(bus, device, 0, 0x20, window);
            Pci.Write(bus, device, 0, 4, 0x6, 2);
        }

        private void Card(int bus, uint address)
        {
            Pci.Write(bus, 0, 0, 0x10, address);
            Pci.Write(bus, 0, 0, 4, 0x6, 2);
        }
    }
}
