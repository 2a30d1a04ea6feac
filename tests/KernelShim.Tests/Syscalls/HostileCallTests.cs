using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>Calls that no honest program makes: they are refused as Linux refuses them, and leave nothing behind.</summary>
public sealed class HostileCallTests
{
    private const ulong Page = 4096;

    private readonly TestProcess _process = new();

    private Syscalls Calls => _process.Calls;

    private FileTree Files => _process.Kernel.Files;

    [Fact]
    public void An_open_without_a_free_descriptor_makes_no_file()
    {
        FillDescriptors();

        _process.Open("/tmp/new", OpenFlags.Create | OpenFlags.WriteOnly).Should().Be(-(long)Errno.EMFILE);

        _process.Close(5);
        _process.Open("/tmp/new").Should().Be(-(long)Errno.ENOENT);
    }

    [Fact]
    public void A_pipe_that_gets_one_descriptor_of_two_gives_it_back()
    {
        FillDescriptors();
        _process.Close(7).Should().Be(0);

        Pipe(0).Should().Be(-(long)Errno.EMFILE);

        _process.Open("/dev/null").Should().Be(7);
    }

    [Fact]
    public void Unknown_flags_of_a_pipe_are_refused() => Pipe(1).Should().Be(-(long)Errno.EINVAL);

    [Theory]
    [InlineData("/tmp/f")]
    [InlineData("/dev/zero")]
    public void A_negative_count_is_refused(string path)
    {
        long file = _process.Open(path, OpenFlags.Create);

        _process
            .Do(_ => Calls.Read(_process.Process, (int)file, _process.Buffer, -1))
            .Should()
            .Be(-(long)Errno.EINVAL, path);
        _process
            .Do(_ => Calls.PRead(_process.Process, (int)file, _process.Buffer, long.MinValue, 0))
            .Should()
            .Be(-(long)Errno.EINVAL, path);
    }

    [Theory]
    [InlineData(RegularInode.MaximumBytes, Errno.EFBIG)]
    [InlineData(long.MaxValue - 16, Errno.EFBIG)]
    [InlineData(long.MaxValue - 3, Errno.EINVAL)]
    public void A_write_beyond_every_file_is_refused(long position, Errno errno)
    {
        long file = _process.Open("/tmp/f", OpenFlags.Create | OpenFlags.ReadWrite);

        _process
            .Do(_ => Calls.PWrite(_process.Process, (int)file, _process.Buffer, 8, position))
            .Should()
            .Be(-(long)errno);
        _process.Do(_ => Calls.LSeek(_process.Process, (int)file, position, 0)).Should().Be(position);
        _process.Write(file, "12345678").Should().Be(-(long)errno);
    }

    [Fact]
    public void No_position_of_an_attribute_wraps()
    {
        ((DirectoryInode)Files.Root.Find("sys")!).AddAttribute("a", 0x1A4, () => "x\n", (_, text) => text.Length);
        long file = _process.Open("/sys/a", OpenFlags.ReadWrite);
        _process.Do(_ => Calls.LSeek(_process.Process, (int)file, long.MaxValue - 1, 0)).Should().BePositive();

        _process.Write(file, "12").Should().Be(-(long)Errno.EINVAL);
        _process.Write(file, "1").Should().Be(1);
        _process.Read(file).Result.Should().Be(-(long)Errno.EINVAL);
    }

    [Fact]
    public void A_negative_position_is_refused_before_the_descriptor_is_looked_at() =>
        _process.Do(_ => Calls.PRead(_process.Process, 99, 0, 1, -1)).Should().Be(-(long)Errno.EINVAL);

    [Theory]
    [InlineData(1L << 31)]
    [InlineData((1L << 32) + 1)]
    [InlineData(long.MaxValue)]
    public void A_directory_read_far_beyond_its_end_is_at_its_end(long position)
    {
        long directory = _process.Open("/", OpenFlags.Directory);
        _process.Do(_ => Calls.LSeek(_process.Process, (int)directory, position, 0)).Should().Be(position);

        _process.Do(_ => Calls.GetDents(_process.Process, (int)directory, _process.Buffer, 4096)).Should().Be(0);
    }

    [Fact]
    public void A_tree_of_any_depth_has_a_path()
    {
        for (int depth = 0; depth < 9_000; depth++)
        {
            ulong name = _process.Put("d");
            _process.Do(_ => Calls.MkDir(_process.Process, name, 0x1ED)).Should().Be(0);
            _process.Do(_ => Calls.ChDir(_process.Process, name)).Should().Be(0);
        }

        _process.Process.WorkingDirectory.Path.Should().HaveLength(18_000);
        GetCwd(64 << 10).Should().Be(-(long)Errno.ENAMETOOLONG);
    }

    [Fact]
    public void Programs_cannot_fill_the_host_with_files()
    {
        long file = _process.Open("/tmp/f", OpenFlags.Create | OpenFlags.ReadWrite);
        const long Last = RegularInode.MaximumBytes - 1;
        long PutByte(long where) =>
            _process.Do(_ => Calls.PWrite(_process.Process, (int)where, _process.Buffer, 1, Last));
        PutByte(file).Should().Be(1);
        for (int n = 1; n < 4; n++)
        {
            PutByte(_process.Open($"/tmp/f{n}", OpenFlags.Create | OpenFlags.ReadWrite)).Should().Be(1);
        }

        long full = _process.Open("/tmp/full", OpenFlags.Create | OpenFlags.ReadWrite);
        PutByte(full).Should().Be(-(long)Errno.ENOSPC);
        ulong name = _process.Put("/tmp/f");
        _process.Do(_ => Calls.Unlink(_process.Process, name)).Should().Be(0);
        PutByte(full).Should().Be(-(long)Errno.ENOSPC, "the removed file is still open");
        _process.Close(file);
        PutByte(full).Should().Be(1);
    }

    [Fact]
    public void Programs_cannot_fill_the_host_with_names()
    {
        long result;
        int made = 0;
        do
        {
            ulong name = _process.Put($"/tmp/{made}");
            result = _process.Do(_ => Calls.MkDir(_process.Process, name, 0x1ED));
        } while (result == 0 && ++made < 100_000);

        result.Should().Be(-(long)Errno.ENOSPC);
        ulong first = _process.Put("/tmp/0");
        _process.Do(_ => Calls.RmDir(_process.Process, first)).Should().Be(0);
        _process.Do(_ => Calls.MkDir(_process.Process, first, 0x1ED)).Should().Be(0);
    }

    [Theory]
    [InlineData(0xFFFF_FFFF_FFFF_F000, 2, Errno.ENOMEM)]
    [InlineData(0xBF00_0000, 1, Errno.ENOMEM)]
    [InlineData(0xBEFF_F000, 2, Errno.ENOMEM)]
    [InlineData(0x4000_0001, 1, Errno.EINVAL)]
    public void A_fixed_mapping_stays_in_the_address_space(ulong address, ulong pages, Errno errno) =>
        Map(address, pages * Page).Should().Be(-(long)errno);

    [Fact]
    public void A_process_has_a_bounded_number_of_mappings()
    {
        ulong start = (ulong)Map(0x5000_0000, 0x2000_0000);
        long result = 0;
        for (ulong at = start; result == 0 && at < start + 0x2000_0000; at += 2 * Page)
        {
            result = _process.Do(_ => Calls.Mprotect(_process.Process, at, Page, Protection.Read));
        }

        result.Should().Be(-(long)Errno.ENOMEM);
        _process.Mmap(Page).Should().Be(-(long)Errno.ENOMEM);
        _process.Do(_ => Calls.Munmap(_process.Process, start, 0x2000_0000)).Should().Be(0);
        _process.Mmap(Page).Should().BePositive();
    }

    [Fact]
    public void A_short_write_into_a_pipe_goes_in_whole_or_not_at_all()
    {
        Pipe((int)OpenFlags.NonBlocking).Should().Be(0);
        int writer = _process.Peek(8)[4];
        long Fill(long count) => _process.Do(_ => Calls.Write(_process.Process, writer, _process.Buffer, count));

        Fill(65_436).Should().Be(65_436);
        _process.Process.FindFile(writer)!.Poll().Should().Be(PollEvents.None);
        Fill(101).Should().Be(-(long)Errno.EAGAIN);
        Fill(100).Should().Be(100);
    }

    [Fact]
    public void A_poll_of_two_files_ends_with_the_second()
    {
        int first = EventFd();
        int second = EventFd();
        var file = (EventFile)_process.Process.FindFile(second)!;
        SimulatedProcess waiter = _process.Kernel.Simulation.Scheduler.Start(
            "poll",
            async self =>
            {
                await self.Do(reason =>
                    reason == WakeReason.FirstAttempt ? Attempt.Block(_process.Kernel.Sleepers, 100) : 0
                );
                file.Signal();
            }
        );
        _process.Poke([.. BitConverter.GetBytes(first), 1, 0, 0, 0, .. BitConverter.GetBytes(second), 1, 0, 0, 0]);

        _process.Do(_ => Calls.Poll(_process.Process, _process.Buffer, 2, VirtualTime.Never)).Should().Be(1);

        _process.Peek(16)[14].Should().Be(1);
        waiter.HasEnded.Should().BeTrue();
    }

    [Fact]
    public void A_zombie_can_be_asked_for_and_killed_until_it_is_waited_for()
    {
        Process child = _process.Kernel.CreateProcess("child", _process.Process);
        child.Exit(0);

        Calls.Kill(_process.Process, child.Id, 0).Value.Should().Be(0);
        Calls.Kill(_process.Process, child.Id, 9).Value.Should().Be(0);
        Calls.Wait(_process.Process, child.Id, noHang: false).Value.Should().Be(0);
        Calls.Kill(_process.Process, child.Id, 0).Value.Should().Be(-(long)Errno.ESRCH);
    }

    [Fact]
    public void The_first_process_takes_no_signal()
    {
        Calls.Kill(_process.Process, 1, 9).Value.Should().Be(0);

        _process.Kernel.Init.PendingSignal.Should().Be(0);
    }

    [Fact]
    public void A_process_that_ended_leaves_nothing_on_the_scheduler()
    {
        Scheduler scheduler = _process.Kernel.Simulation.Scheduler;
        int before = scheduler.Processes.Count;
        var idle = new TestProcess(_process.Kernel);
        Process waiting = _process.Kernel.CreateProcess("waiting", _process.Process);
        waiting.Run(async () =>
        {
            await waiting.Thread.Do(_ => Attempt.Block(_process.Kernel.Sleepers));
            throw new InvalidOperationException("It ran on after its end.");
        });
        _process.Kernel.Simulation.RunFor(10);

        idle.Process.Exit(0);
        waiting.Exit(9);
        _process.Kernel.Sleepers.WakeAll();
        _process.Kernel.Simulation.RunFor(10);

        scheduler.Processes.Should().HaveCount(before);
    }

    private long EventFdCall() => _process.Do(_ => Calls.EventFd(_process.Process, 0, 0));

    private int EventFd() => (int)EventFdCall();

    private long Pipe(int flags) => _process.Do(_ => Calls.Pipe(_process.Process, _process.Buffer, flags));

    private long GetCwd(long size) => _process.Do(_ => Calls.GetCwd(_process.Process, _process.Buffer, size));

    private long Map(ulong address, ulong length) =>
        _process.Do(_ =>
            Calls.Mmap(
                _process.Process,
                address,
                length,
                Protection.Read | Protection.Write,
                MapFlags.Private | MapFlags.Anonymous | MapFlags.Fixed,
                -1,
                0
            )
        );

    private void FillDescriptors()
    {
        while (_process.Open("/dev/null") >= 0) { }

        Files.Usage.Inodes.Should().Be(0);
    }
}
