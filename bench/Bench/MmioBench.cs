using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Bench;

/// <summary>What a read of a device register costs through the bus.</summary>
internal static class MmioBench
{
    private const int Devices = 50;
    private const int RegisterCount = 24;
    private const int Accesses = 4096;
    private const ulong FirstDevice = 0x1C00_0000;

    public static void Run(int rounds)
    {
        var simulation = new Simulation();
        var bus = new Bus("bus", simulation.Trace);
        var targets = new IBusTarget[Devices];
        for (int n = 0; n < Devices; n++)
        {
            var context = new StandaloneContext($"device{n}", simulation, bus);
            var device = new BenchDevice(context);
            targets[n] = device.Windows[0];
            bus.Map(device.Name, AddressOf(n), 0x1000, targets[n]);
        }

        var cpu = new CpuPort("cpu0", bus, simulation.Trace);
        ulong[] random = RandomAddresses();
        ulong polled = AddressOf(7) + 8;
        ulong[] same = [.. Enumerable.Repeat(polled, Accesses)];
        byte[] pages = new byte[1 << 20];
        for (int n = 0; n < Devices; n++)
        {
            pages[(int)(AddressOf(n) >> 12)] = (byte)n;
        }

        IRegisterFile[] bare =
        [
            .. Enumerable.Range(0, Devices).Select(n => n % 2 == 0 ? (IRegisterFile)new BareA() : new BareB()),
        ];
        Contest.Run(
            "MMIO: polling one register",
            "read",
            rounds,
            new Party("page map + interface call + register switch", Accesses, () => BareReads(pages, bare, same)),
            new Party("CpuPort.Load through the bus", Accesses, () => BusReads(cpu, same))
        );
        Contest.Run(
            "MMIO: random over 50 regions x 24 registers",
            "read",
            rounds,
            new Party("page map + interface call + register switch", Accesses, () => BareReads(pages, bare, random)),
            new Party("CpuPort.Load through the bus", Accesses, () => BusReads(cpu, random))
        );
    }

    private static ulong AddressOf(int device) => FirstDevice + (ulong)device * 0x1_0000;

    private static ulong[] RandomAddresses()
    {
        ulong seed = 1;
        var addresses = new ulong[Accesses];
        for (int i = 0; i < Accesses; i++)
        {
            seed = seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407;
            int device = (int)((seed >> 33) % Devices);
            int register = (int)((seed >> 48) % RegisterCount);
            addresses[i] = AddressOf(device) + (ulong)register * 4;
        }

        return addresses;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong BusReads(CpuPort cpu, ulong[] addresses)
    {
        ulong sum = 0;
        foreach (ulong address in addresses)
        {
            cpu.Load(address, 4, out ulong value);
            sum += value;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong BareReads(byte[] pages, IRegisterFile[] devices, ulong[] addresses)
    {
        ulong sum = 0;
        foreach (ulong address in addresses)
        {
            sum += devices[pages[(int)(address >> 12)]].Read((uint)address & 0xFFF);
        }

        return sum;
    }

    private interface IRegisterFile
    {
        uint Read(uint offset);
    }

    private sealed class BareA : IRegisterFile
    {
        private readonly uint[] _registers = [.. Enumerable.Range(0, RegisterCount).Select(n => (uint)n)];

        public uint Read(uint offset) => Switch(_registers, offset);
    }

    private sealed class BareB : IRegisterFile
    {
        private readonly uint[] _registers = [.. Enumerable.Range(0, RegisterCount).Select(n => (uint)n + 1)];

        public uint Read(uint offset) => Switch(_registers, offset);
    }

    // csharpier-ignore
    private static uint Switch(uint[] r, uint offset) =>
        offset switch
        {
            0x00 => r[0], 0x04 => r[1], 0x08 => r[2], 0x0C => r[3], 0x10 => r[4], 0x14 => r[5], 0x18 => r[6], 0x1C => r[7],
            0x20 => r[8], 0x24 => r[9], 0x28 => r[10], 0x2C => r[11], 0x30 => r[12], 0x34 => r[13], 0x38 => r[14],
            0x3C => r[15], 0x40 => r[16], 0x44 => r[17], 0x48 => r[18], 0x4C => r[19], 0x50 => r[20], 0x54 => r[21],
            0x58 => r[22], 0x5C => r[23], _ => 0,
        };

    /// <summary>24 registers: 20 slots and 4 with behaviour, about as real devices have.</summary>
    internal sealed class BenchDevice : Device<BenchDevice.Registers>
    {
        // csharpier-ignore
        private static readonly RegisterMap<BenchDevice, Registers> Map = new RegisterMap<BenchDevice, Registers>("BENCH", size: 0x1000)
            .Stored  (0x00, 20, 4, "STORED{0}", (ref s, n) => ref s.Values[n])
            .ReadOnly(0x50, "SUM",   device => device.State.Values[0] + device.State.Values[1])
            .ReadOnly(0x54, "NOT",   device => ~device.State.Values[2])
            .ReadOnly(0x58, "TIME",  device => (ulong)device.Simulation.Now)
            .ReadOnly(0x5C, "CONST", _ => 42);

        public BenchDevice(DeviceContext context)
            : base(context)
        {
            Windows = [new RegisterWindow<BenchDevice, Registers>(this, Map)];
        }

        public override IReadOnlyList<IRegisterWindow> Windows { get; }

        public override void Reset() => State = default;

        public struct Registers
        {
            public Twenty Values;
        }

        [InlineArray(20)]
        public struct Twenty
        {
            private uint _first;
        }
    }
}
