using System.Buffers.Binary;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Peripherals;

namespace Emulator.Boards.Tests;

/// <summary>Interrupts of functions: pins through bridges to the interrupt map, and messages.</summary>
public sealed class InterruptTests
{
    private const ulong Ram = 0x4000_0000;

    /// <summary>The map of the virt board: SPI 3 to 6, turned by the device number on the root bus.</summary>
    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 5)]
    [InlineData(3, 6)]
    [InlineData(4, 3)]
    public void A_pin_goes_where_the_map_says(int device, int spi)
    {
        Machine machine = new($"edu,addr={device}");
        machine.Raise(device << 3);
        machine.HighInputs.Should().Equal($"gic SPI {spi}");
        machine.Lower(device << 3);
        machine.HighInputs.Should().BeEmpty();
    }

    [Fact]
    public void Each_bridge_turns_the_pin_by_the_device_number_behind_it()
    {
        Machine machine = new(
            "pcie-root-port,id=r1,addr=1,chassis=1",
            "x3130-upstream,id=u1,bus=r1",
            "xio3130-downstream,id=d0,bus=u1,addr=0,chassis=2",
            "xio3130-downstream,id=d1,bus=u1,addr=1,chassis=3",
            "edu,bus=d0",
            "edu,bus=d1"
        );
        machine.Number(1 << 3, 1, 4);
        machine.Number(0x100, 2, 4);
        machine.Number(0x200, 3, 3, 0x1000_1000);
        machine.Number(0x208, 4, 4, 0x1010_1010);
        machine.Raise(0x300);
        machine.HighInputs.Should().Equal("gic SPI 4");
        machine.Raise(0x400);
        machine.HighInputs.Should().Equal("gic SPI 4", "gic SPI 5");
        machine.Lower(0x300);
        machine.HighInputs.Should().Equal("gic SPI 5");
    }

    [Fact]
    public void A_pin_is_shared_and_can_be_disabled()
    {
        Machine machine = new("pcie-pci-bridge,id=b,addr=1", "edu,bus=b,addr=1", "edu,bus=b,addr=5");
        machine.Number(1 << 3, 1, 1);
        machine.Raise(0x108);
        machine.Raise(0x128);
        machine.HighInputs.Should().Equal("gic SPI 5");
        machine.Lower(0x108);
        machine.HighInputs.Should().Equal("gic SPI 5");
        machine.WriteConfiguration(0x128, 0x04, 2, 0x402);
        machine.HighInputs.Should().BeEmpty();
        machine.ReadConfiguration(0x128, 0x06, 2).Should().Be(0x18, "the status bit does not care");
        machine.WriteConfiguration(0x128, 0x04, 2, 0x2);
        machine.HighInputs.Should().Equal("gic SPI 5");
    }

    [Fact]
    public void A_message_is_a_write_of_the_function()
    {
        Machine machine = new("edu,addr=1");
        machine.SetMessage(0x08, 0x40, Ram + 0x100, 0xBEEF);
        machine.WriteConfiguration(0x08, 0x04, 2, 0x6);
        machine.Raise(0x08);
        byte[] data = new byte[4];
        machine.Board.Bus.Read(Ram + 0x100, data, default);
        BinaryPrimitives.ReadUInt32LittleEndian(data).Should().Be(0xBEEF);
        machine.HighInputs.Should().BeEmpty();
    }

    [Fact]
    public void A_message_needs_a_bus_master()
    {
        Machine machine = new("edu,addr=1");
        machine.SetMessage(0x08, 0x40, Ram + 0x100, 0xBEEF);
        machine.Raise(0x08);
        byte[] data = new byte[4];
        machine.Board.Bus.Read(Ram + 0x100, data, default);
        data.Should().Equal(0, 0, 0, 0);
    }

    /// <summary>The virt board with cards; each function's BAR 0 is at a place of its own in the 32-bit window.</summary>
    private sealed class Machine
    {
        private readonly Dictionary<int, ulong> _bars = [];

        public Machine(params string[] devices)
        {
            DeviceTree tree = Emulation.Library.Tree("virt");
            Emulation.Library.Plug(tree, devices);
            Board = Emulation.Library.Create("virt", tree, new Simulation());
        }

        public Board Board { get; }

        public IEnumerable<string> HighInputs =>
            Board
                .Find("pcie")!
                .Interrupts.Where(line => line.Level)
                .Select(line => line.Input!.Name)
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal);

        public uint ReadConfiguration(int requesterId, int offset, int sizeBytes)
        {
            Board.Bus.ReadWord(At(requesterId, offset), sizeBytes, out ulong value, default);
            return (uint)value;
        }

        public void WriteConfiguration(int requesterId, int offset, int sizeBytes, uint value) =>
            Board.Bus.WriteWord(At(requesterId, offset), sizeBytes, value, default);

        /// <summary>Gives a bridge its bus numbers and window.</summary>
        public void Number(int requesterId, int secondary, int subordinate, uint window = 0x1FF0_1000)
        {
            WriteConfiguration(requesterId, 0x19, 1, (uint)secondary);
            WriteConfiguration(requesterId, 0x1A, 1, (uint)subordinate);
            WriteConfiguration(requesterId, 0x20, 4, window);
            WriteConfiguration(requesterId, 0x04, 2, 0x6);
        }

        public void SetMessage(int requesterId, int capability, ulong address, uint data)
        {
            WriteConfiguration(requesterId, capability + 4, 4, (uint)address);
            WriteConfiguration(requesterId, capability + 8, 4, (uint)(address >> 32));
            WriteConfiguration(requesterId, capability + 12, 2, data);
            WriteConfiguration(requesterId, capability + 2, 2, 1);
        }

        public void Raise(int requesterId) => Write(requesterId, 0x60, 1);

        public void Lower(int requesterId) => Write(requesterId, 0x64, 1);

        private static ulong At(int requesterId, int offset) =>
            PciBoard.Ecam + ((ulong)requesterId << 12) + (ulong)offset;

        private void Write(int requesterId, ulong register, uint value)
        {
            if (!_bars.TryGetValue(requesterId, out ulong bar))
            {
                bar = 0x1000_0000 + (ulong)_bars.Count * 0x10_0000;
                _bars[requesterId] = bar;
                WriteConfiguration(requesterId, 0x10, 4, (uint)bar);
                uint command = ReadConfiguration(requesterId, 0x04, 2);
                WriteConfiguration(requesterId, 0x04, 2, command | 2);
            }

            Board.Bus.WriteWord(bar + register, 4, value, default).Should().Be(BusStatus.Okay);
        }
    }
}
