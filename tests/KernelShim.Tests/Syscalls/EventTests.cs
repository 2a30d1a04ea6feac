using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

public sealed class EventTests
{
    private readonly TestProcess _process = new();

    [Fact]
    public void An_eventfd_adds_up_and_is_emptied_by_a_read()
    {
        long file = _process.Do(_ => _process.Calls.EventFd(_process.Process, 2, 0));
        EventFile events = (EventFile)_process.Process.FindFile((int)file)!;
        events.Signal();
        events.Signal(4);

        _process.Do(_ => _process.Calls.Read(_process.Process, (int)file, _process.Buffer, 8)).Should().Be(8);
        _process.PeekWord().Should().Be(7);
        events.Count.Should().Be(0);
    }

    [Fact]
    public void A_semaphore_gives_one_at_a_time()
    {
        long file = _process.Do(_ => _process.Calls.EventFd(_process.Process, 2, 1));

        _process.Do(_ => _process.Calls.Read(_process.Process, (int)file, _process.Buffer, 8)).Should().Be(8);
        _process.PeekWord().Should().Be(1);
    }

    [Fact]
    public void A_read_of_an_empty_eventfd_waits_for_a_signal_or_is_EAGAIN()
    {
        long blocking = _process.Do(_ => _process.Calls.EventFd(_process.Process, 0, 0));
        long nonBlocking = _process.Do(_ => _process.Calls.EventFd(_process.Process, 0, (int)OpenFlags.NonBlocking));
        var other = new TestProcess(_process.Kernel);
        var events = (EventFile)_process.Process.FindFile((int)blocking)!;
        other.Process.Run(async () =>
        {
            long until = 5 * VirtualTime.Millisecond;
            await other.Process.Thread.Do(reason => _process.Calls.Sleep(other.Process, until, reason));
            events.Signal();
            return 0;
        });

        _process
            .Do(_ => _process.Calls.Read(_process.Process, (int)nonBlocking, _process.Buffer, 8))
            .Should()
            .Be(-(long)Errno.EAGAIN);
        _process.Do(_ => _process.Calls.Read(_process.Process, (int)blocking, _process.Buffer, 8)).Should().Be(8);
        _process.Kernel.Simulation.Now.Should().Be(5 * VirtualTime.Millisecond);
    }

    [Fact]
    public void A_pipe_carries_bytes_between_processes_and_ends_when_the_writer_does()
    {
        _process.Do(_ => _process.Calls.Pipe(_process.Process, _process.Buffer, 0)).Should().Be(0);
        int reader = BinaryPrimitives.ReadInt32LittleEndian(_process.Peek(4));
        int writer = BinaryPrimitives.ReadInt32LittleEndian(_process.Peek(4, 4));
        _process.Write(writer, "through").Should().Be(7);

        _process.Read(reader).Text.Should().Be("through");
        _process.Close(writer);
        _process.Read(reader).Result.Should().Be(0);
    }

    [Fact]
    public void A_write_to_a_pipe_that_nobody_reads_is_EPIPE()
    {
        _process.Do(_ => _process.Calls.Pipe(_process.Process, _process.Buffer, 0));
        int reader = BinaryPrimitives.ReadInt32LittleEndian(_process.Peek(4));
        int writer = BinaryPrimitives.ReadInt32LittleEndian(_process.Peek(4, 4));
        _process.Close(reader);

        _process.Write(writer, "x").Should().Be(-(long)Errno.EPIPE);
    }

    [Fact]
    public void Two_who_wait_for_each_other_are_named()
    {
        _process.Do(_ => _process.Calls.Pipe(_process.Process, _process.Buffer, 0));
        int reader = BinaryPrimitives.ReadInt32LittleEndian(_process.Peek(4));

        Action read = () => _process.Read(reader);

        read.Should().Throw<NothingCanHappenException>().WithMessage("*test waits in do_sys_poll*");
    }

    [Fact]
    public void Poll_tells_what_is_ready_and_gives_up_at_its_deadline()
    {
        long file = _process.Do(_ => _process.Calls.EventFd(_process.Process, 0, 0));
        byte[] poll = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(poll, (int)file);
        poll[4] = 1;
        _process.Poke(poll);
        long deadline = VirtualTime.Millisecond;

        _process.Do(_ => _process.Calls.Poll(_process.Process, _process.Buffer, 1, deadline)).Should().Be(0);
        _process.Kernel.Simulation.Now.Should().Be(deadline);
        ((EventFile)_process.Process.FindFile((int)file)!).Signal();
        _process.Do(_ => _process.Calls.Poll(_process.Process, _process.Buffer, 1, deadline)).Should().Be(1);
        _process.Peek(1, 6)[0].Should().Be(1);
    }

    [Fact]
    public void A_parent_waits_for_its_child_and_gets_its_status_once()
    {
        var child = new TestProcess(_process.Kernel, _process.Process);
        child.Process.Run(async () =>
        {
            await child.Process.Thread.Do(reason => _process.Calls.Sleep(child.Process, 1000, reason));
            return 3 << 8;
        });

        _process
            .Do(_ => _process.Calls.Wait(_process.Process, child.Process.Id, noHang: true))
            .Should()
            .Be(-(long)Errno.EAGAIN);
        _process.Do(_ => _process.Calls.Wait(_process.Process, child.Process.Id, noHang: false)).Should().Be(3 << 8);
        _process
            .Do(_ => _process.Calls.Wait(_process.Process, child.Process.Id, noHang: false))
            .Should()
            .Be(-(long)Errno.ECHILD);
    }

    [Fact]
    public void A_signal_ends_a_sleep_early()
    {
        var sleeper = new TestProcess(_process.Kernel);
        long result = 0;
        sleeper.Process.Run(async () =>
        {
            result = await sleeper.Process.Thread.Do(reason =>
                _process.Calls.Sleep(sleeper.Process, VirtualTime.Second, reason)
            );
            return 0;
        });
        _process.Kernel.Simulation.RunFor(VirtualTime.Millisecond);

        _process.Do(_ => _process.Calls.Kill(_process.Process, sleeper.Process.Id, 15)).Should().Be(0);
        _process.Kernel.Simulation.RunFor(VirtualTime.Millisecond);

        result.Should().Be(-(long)Errno.EINTR);
    }

    [Fact]
    public void Limits_are_raised_only_by_who_may()
    {
        _process.Do(_ => _process.Calls.SetMemlockLimit(_process.Process, 1 << 20)).Should().Be(0);
        _process.Process.Capabilities = Capabilities.None;

        _process.Do(_ => _process.Calls.SetMemlockLimit(_process.Process, 4096)).Should().Be(0);
        _process.Do(_ => _process.Calls.SetMemlockLimit(_process.Process, 8192)).Should().Be(-(long)Errno.EPERM);
    }
}
