using FsCheck;
using FsCheck.Fluent;

namespace Emulator.KernelShim.Tests;

/// <summary>Random calls of three processes with random and nearly right arguments.</summary>
public sealed class VfioFuzzTests
{
    private const int Processes = 3;
    private const ulong Page = 4096;

    private static readonly string[] Names = ["a.dma", "b.dma", "c.other"];

    private static readonly uint[] Words =
    [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        16,
        20,
        24,
        32,
        48,
        112,
        0x21,
        0x22,
        0x24,
        0x0C,
        0x14,
        0x11,
        0x1000,
        0x2000,
        0x3000,
        0x4000_0000,
        0x4001_0000,
        0x4001_1000,
        0x7FFF_FFFF,
        0xFFFF_F000,
        0xFFFF_FFFF,
    ];

    private static readonly ulong[] Numbers =
    [
        0,
        1,
        3,
        6,
        9,
        10,
        0xFFC,
        0x1000,
        0x4000_0000,
        0x4001_0FFC,
        0x4001_4000,
        1UL << 40,
        (1UL << 40) + 0x100,
        0x7FFF_FFFF_FFFF_FFFF,
        ulong.MaxValue,
        ulong.MaxValue - 0xFFF,
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Random_calls_throw_nothing_and_reach_no_foreign_memory(bool isModern)
    {
        var reached = new SortedDictionary<string, int>(StringComparer.Ordinal);
        Gen<int[]> calls = Gen.Choose(0, int.MaxValue).ArrayOf(1200);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(20_260_101UL, 1UL),
            Prop.ForAll(Arb.From(calls), seeds => Run(seeds, isModern, reached))
        );
        reached.Should().HaveCount(3);
        reached.Values.Should().OnlyContain(count => count > 100, "the calls get far enough to matter");
    }

    private static void Run(int[] seeds, bool isModern, SortedDictionary<string, int> reached)
    {
        var bench = new VfioBench(isModern ? VfioBench.Modern : null);
        foreach (string name in Names)
        {
            bench.Bind(name);
        }

        ulong free = bench.Kernel.Pages.FreePages;
        var source = new Source(seeds);
        TestProcess[] users = new TestProcess[Processes];
        for (int n = 0; n < Processes; n++)
        {
            users[n] = NewUser(bench, n);
        }

        var bystander = new TestProcess(bench.Kernel);
        byte[] canary = [.. Enumerable.Repeat((byte)0xA5, 8192)];
        bystander.Poke(canary);

        while (!source.IsEmpty)
        {
            int number = source.Next(Processes);
            bench.User = users[number];
            if (source.Next(60) == 0)
            {
                users[number].Process.Exit(9);
                users[number] = NewUser(bench, number);
                continue;
            }

            Step(bench, source, reached);
        }

        bystander.Peek(canary.Length).Should().Equal(canary);
        foreach (TestProcess user in users)
        {
            user.Process.Memory.LockedPages.Should().BeGreaterThanOrEqualTo(0);
            user.Process.Exit(0);
            user.Process.Memory.LockedPages.Should().Be(0);
        }

        bench.Iommu.Domains.Should().BeEmpty();
        bench.OtherIommu.Domains.Should().BeEmpty();
        bench.Interrupts.Descriptors.SelectMany(descriptor => descriptor.Actions).Should().BeEmpty();
        bystander.Process.Exit(0);
        bench.Kernel.Pages.FreePages.Should().Be(free);
    }

    private static TestProcess NewUser(VfioBench bench, int number)
    {
        var user = new TestProcess(bench.Kernel);
        user.Mmap(4 * Page);
        if (number > 0)
        {
            user.Process.Capabilities = Capabilities.DacOverride;
        }

        // A start that usually succeeds, so that random calls get somewhere; another process may hold the group.
        bench.User = user;
        string name = Names[number];
        long container = bench.OpenContainer();
        long group = bench.OpenGroup(name);
        bench.SetContainer(group, container);
        bench.SetIommu(container, (ulong)(1 + 2 * (number & 1)));
        bench.GetDevice(group, name);
        return user;
    }

    private static void Step(VfioBench bench, Source source, SortedDictionary<string, int> reached)
    {
        TestProcess user = bench.User;
        long file = source.Next(4) == 0 ? source.Next(8) : Rightful(user, source);
        void Count(string what, long result) => reached[what] = reached.GetValueOrDefault(what) + (result >= 0 ? 1 : 0);
        int act = source.Next(14);
        file = act switch
        {
            _ when source.Next(8) == 0 => file,
            2 or 4 => Find<VfioGroupFile>(user, file),
            3 or 6 or 7 => Find<VfioContainer>(user, file),
            8 or 11 => Find<VfioDeviceFile>(user, file),
            _ => file,
        };
        switch (act)
        {
            case 0:
                bench.OpenContainer();
                break;
            case 1:
                bench.OpenGroup(source.Pick("a.dma", "a.dma", "b.dma", "c.other"));
                break;
            case 2:
                bench.SetContainer(file, Find<VfioContainer>(user, source.Next(8)));
                break;
            case 3:
                bench.SetIommu(file, source.Pick<ulong>(1, 3, 3, 6, 9, 99));
                break;
            case 4:
                Count("device", bench.GetDevice(file, source.Pick("a.dma", "b.dma", "c.other", "x", "")));
                break;
            case 5 when source.Next(8) == 0:
                user.Close(file);
                break;
            case 6:
                Count(
                    "map",
                    bench.Map(
                        file,
                        0x4001_0000 + Page * (ulong)source.Next(5),
                        Page * (ulong)source.Next(8),
                        Page * (ulong)source.Next(5),
                        (uint)source.Next(5)
                    )
                );
                break;
            case 7:
                bench.Unmap(file, Page * (ulong)source.Next(8), Page * (ulong)source.Next(6), (uint)source.Next(4));
                break;
            case 8:
                Count(
                    "irq",
                    bench.SetIrqs(
                        file,
                        source.Pick(0x24U, 0x24U, 0x21U, 0x22U, 0x0CU, 0x14U, 0x11U, 0x09U),
                        source.Next(2),
                        0,
                        source.Pick(0, 1, 1, 1),
                        source.Next(9) - 1
                    )
                );
                break;
            case 9:
                bench.EventFd();
                break;
            case 10:
                Raise(bench, source);
                break;
            case 11:
                Transfer(bench, source, file);
                break;
            default:
                Anything(bench, source, file);
                break;
        }
    }

    /// <summary>Any open descriptor.</summary>
    private static long Rightful(TestProcess user, Source source)
    {
        int[] open = [.. user.Process.Descriptors.Keys, 0];
        return open[source.Next(open.Length)];
    }

    /// <summary>A descriptor of a kind, where there is one.</summary>
    private static long Find<T>(TestProcess user, long otherwise)
    {
        foreach ((int number, Descriptor descriptor) in user.Process.Descriptors)
        {
            if (descriptor.File is T)
            {
                return number;
            }
        }

        return otherwise;
    }

    private static void Raise(VfioBench bench, Source source)
    {
        int number = source.Pick(VfioBench.Level, VfioBench.Edge);
        if (source.Next(2) == 0)
        {
            bench.Interrupts.Raise(number);
        }
        else
        {
            bench.Interrupts.Lower(number);
        }
    }

    private static void Transfer(VfioBench bench, Source source, long file)
    {
        TestProcess user = bench.User;
        ulong buffer = source.Pick(user.Buffer, user.Buffer, 8UL, ulong.MaxValue - 2);
        long count = source.Next(0x300);
        long position = source.Pick(0L, 0xFF0L, 1L << 40, (1L << 40) + 0x100, -1L, long.MaxValue);
        switch (source.Next(3))
        {
            case 0 when user.Process.FindFile((int)file) is not EventFile:
                user.Do(_ => user.Calls.PRead(user.Process, (int)file, buffer, count, position));
                break;
            case 1:
                user.Do(_ => user.Calls.PWrite(user.Process, (int)file, buffer, count, position));
                break;
            default:
                user.Do(_ =>
                    user.Calls.Mmap(
                        user.Process,
                        0,
                        Page,
                        (Protection)(count & 3),
                        MapFlags.Shared,
                        (int)file,
                        (ulong)position
                    )
                );
                break;
        }
    }

    private static void Anything(VfioBench bench, Source source, long file)
    {
        byte[] words = new byte[80];
        for (int at = 0; at < words.Length; at += 4)
        {
            BitConverter.TryWriteBytes(words.AsSpan(at), source.Pick(Words));
        }

        TestProcess user = bench.User;
        user.Poke(words);
        uint command = VfioIoctl.GetApiVersion + (uint)source.Next(22);
        ulong argument = source.Next(3) == 0 ? source.Pick(Numbers) : user.Buffer;
        user.Do(_ => user.Calls.Ioctl(user.Process, (int)file, command, argument));
    }

    /// <summary>Choices out of random numbers; 0 when they are used up.</summary>
    private sealed class Source(int[] numbers)
    {
        private int _at;

        public bool IsEmpty => _at >= numbers.Length;

        public int Next(int below) => IsEmpty ? 0 : numbers[_at++] % below;

        public T Pick<T>(params T[] values) => values[Next(values.Length)];
    }
}
