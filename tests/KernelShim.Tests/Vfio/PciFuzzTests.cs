using FsCheck;
using FsCheck.Fluent;

namespace Emulator.KernelShim.Tests;

/// <summary>Random accesses to configuration space and BARs, and random ioctls, of a function that a program has.</summary>
public sealed class VfioPciFuzzTests
{
    private const int Operations = 400;

    private static readonly uint[] Commands =
    [
        VfioIoctl.DeviceGetInfo,
        VfioIoctl.DeviceGetRegionInfo,
        VfioIoctl.DeviceGetIrqInfo,
        VfioIoctl.DeviceSetIrqs,
        VfioIoctl.DeviceSetIrqs,
        VfioIoctl.DeviceSetIrqs,
        VfioIoctl.DeviceReset,
        VfioIoctl.DeviceGetPciHotResetInfo,
        VfioIoctl.DevicePciHotReset,
        VfioIoctl.DeviceIoEventFd,
        VfioIoctl.DeviceFeature,
        0x3BFF,
    ];

    private static readonly uint[] Words =
    [
        0,
        1,
        2,
        3,
        4,
        5,
        8,
        12,
        20,
        21,
        24,
        28,
        32,
        64,
        0x21,
        0x24,
        0x22,
        0x9,
        0x11,
        0x14,
        0x2_0003,
        0x2_0005,
        0xFFFF_FFFF,
    ];

    [Fact]
    public void Random_calls_throw_nothing_and_leave_a_function_that_still_works()
    {
        Gen<int[]> seeds = Gen.Choose(0, int.MaxValue).ArrayOf(Operations);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(20_261_121UL, 1UL),
            Prop.ForAll(Arb.From(seeds), Run)
        );
    }

    private static void Run(int[] seeds)
    {
        var bench = new VfioPciBench(
            seeds.Length % 2 == 0 ? KernelProfiles.Linux61 : KernelProfiles.Linux612,
            "edu,addr=2",
            "pcie-root-port,id=r1,addr=5",
            "nvme,bus=r1,serial=1"
        );
        long[] devices = [bench.Open("0000:00:02.0"), bench.Open("0000:01:00.0")];
        int eventFd = (int)bench.EventFd();
        foreach (int seed in seeds)
        {
            Step(bench, devices[seed & 1], eventFd, seed >> 1);
        }

        foreach (long device in devices)
        {
            bench.User.Close(device).Should().Be(0);
        }

        foreach (
            (string name, uint identification) in new[]
            {
                ("0000:00:02.0", 0x11E8_1234u),
                ("0000:01:00.0", 0x0010_1B36u),
            }
        )
        {
            bench.User.Echo(name, "/sys/bus/pci/drivers/vfio-pci/unbind").Should().BePositive();
            long again = bench.Open(name);
            bench.Decode(again, 2);
            bench.ReadWord(again, VfioPciBench.Configuration).Should().Be(identification);
            bench.Read(again, 0, 4).Should().Be(4);
        }
    }

    private static void Step(VfioPciBench bench, long device, int eventFd, int seed)
    {
        var random = new Random(seed);
        switch (random.Next(4))
        {
            case 0:
                bench.Read(device, Position(random), random.Next(0, 300));
                break;
            case 1:
                byte[] bytes = new byte[random.Next(1, 16)];
                random.NextBytes(bytes);
                bench.Write(device, Position(random), bytes);
                break;
            default:
                object[] fields = [.. Enumerable.Range(0, 10).Select(_ => (object)(int)Word(random, eventFd))];
                bench.Ioctl(device, Commands[random.Next(Commands.Length)], fields);
                break;
        }
    }

    /// <summary>Mostly configuration space and the beginnings of BARs.</summary>
    private static ulong Position(Random random) =>
        random.Next(8) switch
        {
            < 5 => VfioPciBench.Configuration + (ulong)random.Next(0, 0x110),
            5 => VfioPciBench.Configuration + (ulong)random.Next(0, 0x1100),
            6 => (ulong)random.Next(0, 9) << VfioPciBench.RegionShift | (uint)random.Next(0, 0x4100),
            _ => (ulong)random.NextInt64(),
        };

    private static uint Word(Random random, int eventFd) =>
        random.Next(6) == 0 ? (uint)eventFd : Words[random.Next(Words.Length)];
}
