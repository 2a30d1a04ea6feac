using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// Random texts into every file of a kernel of today with cards, modules and devices that come and go, and random ioctls on what
/// can be opened: it refuses, and nothing throws. <c>SYSFS_ROUNDS</c> multiplies the runs, <c>SYSFS_SEED</c> is the first.
/// </summary>
public sealed class SysfsFuzzTests
{
    private const int Steps = 400;

    private static readonly string[] Cards =
    [
        "pcie-root-port,id=r1,addr=1,chassis=1",
        "pcie-root-port,id=r2,addr=2,chassis=2",
        "x3130-upstream,id=u1,bus=r1",
        "xio3130-downstream,id=d0,bus=u1,addr=0,chassis=3",
        "edu,bus=d0",
        "nvme-subsys,id=ss0",
        "nvme,bus=r2,serial=s0,subsys=ss0,sriov_max_vfs=4,sriov_vi_flexible=4,msix_qsize=6",
        "edu,addr=4.0,multifunction=on",
        "edu,addr=4.1",
        "e1000e,addr=5",
    ];

    private static readonly string[] Words =
    [
        "1",
        "0",
        "-1",
        "2",
        "4",
        "vfio-pci",
        "pci-stub",
        "vfio-platform",
        "0000:00:04.0",
        "0000:00:04.1",
        "0000:03:00.0",
        "0000:04:00.0",
        "00:04.0",
        "1234 11e8",
        "8086 10d3 ffffffff ffffffff 0 0",
        "9030000.pl061",
        "9010000.pl031",
        "504",
        "511",
        "in",
        "out",
        "high",
        "both",
        "add",
        "identity",
        "DMA",
        "DMA-FQ",
        "auto",
        "on",
        "y",
        "\n",
        " ",
        "\0",
        "99999999999999999999",
        "(null)",
        "flr bus",
        "enabled",
        "+3600",
    ];

    [Fact]
    public void Random_texts_and_ioctls_throw_nothing()
    {
        int first = Number("SYSFS_SEED", 0);
        for (int seed = first; seed < first + 12 * Number("SYSFS_ROUNDS", 1); seed++)
        {
            try
            {
                Run(new Random(seed));
            }
            catch (NothingCanHappenException)
            {
                // A call that waits for what nobody does, a read of the clock's interrupts for one: as it should.
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed}: {exception}", exception);
            }
        }
    }

    private static void Run(Random random)
    {
        KernelProfile profile = random.Next(2) == 0 ? KernelProfiles.Linux612Oracle : KernelProfiles.Linux61;
        var bench = new VfioPciBench(profile, Cards);
        TestProcess user = bench.User;
        var open = new List<long>();
        List<string> paths = Paths(bench.Kernel);
        for (int step = 0; step < Steps; step++)
        {
            if (step % 100 == 99)
            {
                paths = Paths(bench.Kernel);
            }

            string path = paths[random.Next(paths.Count)];
            switch (random.Next(10))
            {
                case < 5:
                    user.Echo(Text(random), path);
                    break;
                case < 7
                    when !path.EndsWith("kmsg", StringComparison.Ordinal)
                        && !path.StartsWith("/dev/rtc", StringComparison.Ordinal):
                    user.Cat(path);
                    break;
                case 7 when open.Count > 0:
                    Ioctl(random, user, open[random.Next(open.Count)]);
                    break;
                case 8 when open.Count > 4:
                    user.Close(open[0]);
                    open.RemoveAt(0);
                    break;
                default:
                    string device = paths.Where(known => known.StartsWith("/dev/", StringComparison.Ordinal)).Last();
                    long descriptor = user.Open(random.Next(2) == 0 ? path : device, (OpenFlags)random.Next(3));
                    if (descriptor >= 0)
                    {
                        open.Add(descriptor);
                    }

                    break;
            }
        }

        user.Process.Exit(0);
        bench.Kernel.Simulation.RunFor(VirtualTime.Second);
    }

    private static void Ioctl(Random random, TestProcess user, long descriptor)
    {
        byte[] buffer = new byte[128];
        random.NextBytes(buffer);
        for (int word = 0; word < buffer.Length; word += 4)
        {
            if (random.Next(3) != 0)
            {
                BitConverter.TryWriteBytes(buffer.AsSpan(word), random.Next(4) == 0 ? 0x1000 : random.Next(64));
            }
        }

        user.Poke(buffer);
        uint request = (uint)(0x3B00 | random.Next(0x60, 0xA0));
        user.Do(_ => user.Calls.Ioctl(user.Process, (int)descriptor, request, user.Buffer));
    }

    private static string Text(Random random) =>
        random.Next(8) == 0
            ? new string((char)random.Next(1, 256), random.Next(1, 5000))
            : string.Join(
                random.Next(4) == 0 ? "" : " ",
                Enumerable.Range(0, random.Next(1, 3)).Select(_ => Words[random.Next(Words.Length)])
            );

    private static List<string> Paths(Kernel kernel)
    {
        var paths = new List<string>();
        Add(kernel.Files.Root, paths);
        return paths;
    }

    private static void Add(DirectoryInode directory, List<string> paths)
    {
        foreach (Inode child in directory.Children)
        {
            if (child is DirectoryInode inner)
            {
                Add(inner, paths);
            }
            else if (child is not LinkInode)
            {
                paths.Add(child.Path);
            }
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
