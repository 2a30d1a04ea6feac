using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland.Tests.VfioTests;

namespace Emulator.Userland.Tests;

/// <summary>What programs written in C# against the C library can do: threads, and loads and stores that go wrong.</summary>
public sealed class ThreadsAndFaultsTests
{
    private readonly GuideSystem _system = new();

    [Fact]
    public void A_load_where_nothing_is_mapped_ends_the_program_by_SIGSEGV() =>
        Run(async libc => (int)await libc.Load(0)).Should().Be((139, "Segmentation fault\n"));

    [Fact]
    public void A_store_into_a_read_only_page_ends_the_program_by_SIGSEGV() =>
        Run(async libc =>
            {
                long page = await libc.Mmap(4096, Protection.Read, MapFlags.Private | MapFlags.Anonymous);
                await libc.Load((ulong)page);
                await libc.Store((ulong)page, 1);
                return 0;
            })
            .Should()
            .Be((139, "Segmentation fault\n"));

    [Fact]
    public void A_fault_in_one_thread_ends_all()
    {
        Run(async libc =>
            {
                await libc.CreateThread(async thread => await thread.Load(4));
                await libc.Sleep(VirtualTime.Second);
                return 0;
            })
            .Should()
            .Be((139, "Segmentation fault\n"));
        NothingIsLeft();
    }

    [Fact]
    public void A_thread_shares_memory_and_descriptors()
    {
        Run(async libc =>
        {
            long page = await libc.Mmap(
                4096,
                Protection.Read | Protection.Write,
                MapFlags.Private | MapFlags.Anonymous
            );
            long events = await libc.EventFd(0, 0);
            await libc.CreateThread(async thread =>
            {
                await thread.Store((ulong)page, 7);
                await thread.Write(events, BitConverter.GetBytes(1UL).AsSpan());
            });
            await libc.Read(events, 8);
            return (int)await libc.Load((ulong)page);
        })
            .Status.Should()
            .Be(7);
        NothingIsLeft();
    }

    [Fact]
    public void An_exit_in_one_thread_ends_all()
    {
        Run(async libc =>
        {
            await libc.CreateThread(_ => throw new ExitException(5));
            await libc.Sleep(VirtualTime.Second);
            return 0;
        })
            .Status.Should()
            .Be(5);
        NothingIsLeft();
    }

    [Fact]
    public void Of_threads_woken_together_none_goes_on_after_the_exit_of_one()
    {
        bool wentOn = false;
        Run(async libc =>
        {
            long events = await libc.EventFd(0, 0);
            await libc.CreateThread(async thread =>
            {
                await thread.Select([(int)events]);
                throw new ExitException(3);
            });
            await libc.CreateThread(async thread =>
            {
                await thread.Select([(int)events]);
                wentOn = true;
            });
            await libc.Sleep(VirtualTime.Millisecond);
            await libc.Write(events, BitConverter.GetBytes(1UL).AsSpan());
            await libc.Sleep(VirtualTime.Second);
            return 0;
        })
            .Status.Should()
            .Be(3);
        wentOn.Should().BeFalse();
        NothingIsLeft();
    }

    [Fact]
    public void Select_is_woken_by_any_of_its_descriptors()
    {
        Run(async libc =>
        {
            int first = (int)await libc.EventFd(0, 0);
            int second = (int)await libc.EventFd(0, 0);
            await libc.CreateThread(async thread =>
            {
                await thread.Sleep(VirtualTime.Millisecond);
                await thread.Write(second, BitConverter.GetBytes(1UL).AsSpan());
            });
            (long result, IReadOnlyList<int> ready) = await libc.Select([first, second]);
            return result == 1 && ready.SequenceEqual([second]) ? 42 : 1;
        })
            .Status.Should()
            .Be(42);
    }

    [Fact]
    public void Poll_is_woken_by_any_of_its_descriptors()
    {
        Run(async libc =>
        {
            int first = (int)await libc.EventFd(0, 0);
            int second = (int)await libc.EventFd(0, 0);
            await libc.CreateThread(async thread =>
            {
                await thread.Sleep(VirtualTime.Millisecond);
                await thread.Write(second, BitConverter.GetBytes(1UL).AsSpan());
            });
            (long result, IReadOnlyList<PollEvents> events) = await libc.Poll([
                (first, PollEvents.In),
                (second, PollEvents.In),
            ]);
            return result == 1 && events.SequenceEqual([PollEvents.None, PollEvents.In]) ? 42 : 1;
        })
            .Status.Should()
            .Be(42);
    }

    [Fact]
    public void Select_of_a_descriptor_that_is_not_open_is_EBADF() =>
        Run(async libc => (await libc.Select([9])).Result == -(long)Errno.EBADF ? 42 : 1).Status.Should().Be(42);

    [Fact]
    public void A_register_access_costs_time_and_memory_does_not()
    {
        long onMemory = -1;
        Run(async libc =>
        {
            const Protection Both = Protection.Read | Protection.Write;
            long page = await libc.Mmap(4096, Both, MapFlags.Private | MapFlags.Anonymous);
            long before = libc.Process.Kernel.Simulation.Now;
            await libc.Store((ulong)page, 1);
            await libc.Load((ulong)page);
            onMemory = libc.Process.Kernel.Simulation.Now - before;
            return 0;
        });

        onMemory.Should().Be(0);
    }

    [Fact]
    public void Random_numbers_are_those_of_glibc()
    {
        var random = new GlibcRandom(1);

        new[] { random.Next(), random.Next(), random.Next() }.Should().Equal(1_804_289_383, 846_930_886, 1_681_692_777);
        new GlibcRandom(0).Next().Should().Be(1_804_289_383);
    }

    private (int Status, string Output) Run(Func<Libc, Task<int>> body)
    {
        _system.Programs.Install(_system.Kernel, "/tmp/specimen", new Specimen(body));
        return _system.Run("/tmp/specimen");
    }

    private void NothingIsLeft() =>
        _system.Simulation.Scheduler.Processes.Should().NotContain(thread => thread.Name == "specimen");

    private sealed class Specimen(Func<Libc, Task<int>> body) : IProgram
    {
        public string Name => "specimen";

        public Task<int> Main(Libc libc, IReadOnlyList<string> arguments) => body(libc);
    }
}
