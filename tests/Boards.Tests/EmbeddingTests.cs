using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards.Tests;

/// <summary>The code of docs/embedding.md, run. A change here belongs there too.</summary>
public sealed class EmbeddingTests
{
    private const string OwnBoard = """
        /dts-v1/;
        / {
            #address-cells = <1>;
            #size-cells = <1>;
            interrupt-parent = <&gic>;
            memory@80000000 { device_type = "memory"; reg = <0x80000000 0x10000>; };
            gic: interrupt-controller@2c001000 {
                compatible = "arm,gic-400";
                interrupt-controller;
                #interrupt-cells = <3>;
                reg = <0x2c001000 0x1000>, <0x2c002000 0x2000>;
            };
            counter: counter@10000000 {
                compatible = "example,counter";
                reg = <0x10000000 0x1000>;
                interrupts = <0 7 4>;
            };
        };
        """;

    [Fact]
    public void A_shipped_board_is_driven_from_code()
    {
        using ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        var simulation = new Simulation();
        Board board = services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, simulation);

        BoardRegister counter = board.Find("rtc")!.FindRegister("RTCDR")!.Value;
        simulation.RunFor(3 * VirtualTime.Second);
        board.Cpu.Load(counter.Address, 4, out ulong seconds);

        seconds.Should().Be(3);
    }

    [Fact]
    public void A_device_of_ones_own_joins_a_board_of_ones_own()
    {
        using ServiceProvider services = new ServiceCollection()
            .AddEmulator()
            .AddDeviceModel("example,counter", "A counter of accesses", context => new Counter(context))
            .BuildServiceProvider();
        DeviceTree tree = DtsReader.Parse(OwnBoard, "own.dts");
        Board board = services.GetRequiredService<IBoardLibrary>().Create("own", tree, new Simulation());

        board.Cpu.Store(0x1000_0000, 4, 2);
        board.Cpu.Store(0x1000_0004, 4, 0);
        board.Cpu.Store(0x1000_0004, 4, 0);

        board.Find("counter")!.Interrupts[0].Input!.Name.Should().Be("gic SPI 7");
        board.Find("counter")!.Interrupts[0].Level.Should().BeTrue();
    }

    /// <summary>Raises its line when STEP has been written as often as LIMIT says.</summary>
    private sealed class Counter : Device<Counter.Registers>
    {
        private static readonly RegisterMap<Counter, Registers> Map = new RegisterMap<Counter, Registers>(
            "COUNTER",
            size: 0x1000
        )
            .Stored(0x0, "LIMIT", (ref s) => ref s.Limit)
            .WriteOnly(0x4, "STEP", (counter, _) => counter.Step());

        private readonly InterruptLine _line;

        public Counter(DeviceContext context)
            : base(context)
        {
            _line = context.Interrupt(0, "COUNTINT");
            var window = new RegisterWindow<Counter, Registers>(this, Map);
            Windows = [window];
            context.MapRegisters(0, window);
        }

        public override IReadOnlyList<IRegisterWindow> Windows { get; }

        public override void Reset()
        {
            State = default;
            _line.Set(false);
        }

        private void Step()
        {
            State.Count++;
            _line.Set(State.Count >= State.Limit);
        }

        public struct Registers
        {
            public uint Limit;
            public uint Count;
        }
    }
}
