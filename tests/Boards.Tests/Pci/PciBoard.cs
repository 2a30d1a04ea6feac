using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Peripherals;

namespace Emulator.Boards.Tests;

/// <summary>A board with a PCI host and the cards of QEMU's -device strings, and its configuration space as a CPU sees it.</summary>
internal sealed class PciBoard
{
    public const ulong Ecam = 0x40_1000_0000;

    private const string Nodes = """
        #address-cells = <2>;
        #size-cells = <2>;
        memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x10000000>; };
        pcie: pcie@10000000 {
            compatible = "pci-host-ecam-generic";
            #address-cells = <3>;
            #size-cells = <2>;
            #interrupt-cells = <1>;
            device_type = "pci";
            bus-range = <0 0xff>;
            reg = <0x40 0x10000000 0x0 0x10000000>;
            ranges = <0x1000000 0x0 0x0 0x0 0x3eff0000 0x0 0x10000>,
                     <0x2000000 0x0 0x10000000 0x0 0x10000000 0x0 0x2eff0000>,
                     <0x3000000 0x80 0x0 0x80 0x0 0x80 0x0>;
            emulator,gpex-root@0 { compatible = "emulator,gpex-root"; reg = <0 0 0 0 0>; };
        };
        """;

    public PciBoard(params string[] devices)
        : this("", devices) { }

    private PciBoard(string more, string[] devices)
    {
        DeviceTree tree = DtsReader.Parse($"/dts-v1/; / {{ {Nodes} {more} }};", "test.dts");
        QemuDevices.Plug(tree, devices);
        Board = Emulation.Service<IBoardFactory>().Assemble("test", new Simulation(), tree);
    }

    public Board Board { get; }

    public PciHost Host => (PciHost)Board.Find("pcie")!.Device!;

    public static PciBoard With(string nodes, params string[] devices) => new(nodes, devices);

    public uint Read(int bus, int device, int function, int offset, int sizeBytes = 4)
    {
        Board
            .Bus.ReadWord(At(bus, device, function, offset), sizeBytes, out ulong value, default)
            .Should()
            .Be(BusStatus.Okay);
        return (uint)value;
    }

    public void Write(int bus, int device, int function, int offset, uint value, int sizeBytes = 4) =>
        Board.Bus.WriteWord(At(bus, device, function, offset), sizeBytes, value, default).Should().Be(BusStatus.Okay);

    public T Device<T>(string name)
        where T : class => (T)Board.Find(name)!.Device!;

    /// <summary>Gives a bridge its bus numbers, as enumeration does.</summary>
    public void SetBuses(int bus, int device, int function, int secondary, int subordinate) =>
        Write(bus, device, function, 0x18, (uint)(bus | (secondary << 8) | (subordinate << 16)));

    private static ulong At(int bus, int device, int function, int offset) =>
        Ecam + ((ulong)bus << 20) + ((ulong)device << 15) + ((ulong)function << 12) + (ulong)offset;
}
