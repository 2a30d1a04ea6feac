using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>What a trace shows of system calls.</summary>
public sealed class SyscallTraceTests : ITraceSink
{
    private readonly TestProcess _process = new();
    private readonly List<string> _calls = [];

    [Fact]
    public void Calls_are_written_as_strace_writes_them()
    {
        _process.Kernel.Simulation.Trace.Add(this);

        long file = _process.Open("/tmp/a", OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, 0x1A4);
        _process.Write(file, "a \"b\"\n\u0001");
        _process.Close(file);
        _process.Open("/nowhere");
        _process.Do(_ => _process.Calls.Close(_process.Process, 77));
        _process.Do(_ => _process.Calls.Ioctl(_process.Process, 77, VfioIoctl.CheckExtension, 3));
        _process.Mmap(8192, Protection.None);

        _calls
            .Should()
            .Equal(
                "open(\"/tmp/a\", O_WRONLY|O_CREAT|O_APPEND, 0644) = 0",
                "write(0, \"a \\\"b\\\"\\n\\1\", 7) = 7",
                "close(0) = 0",
                "open(\"/nowhere\", O_RDONLY) = -1 ENOENT",
                "close(77) = -1 EBADF",
                "ioctl(77, VFIO_CHECK_EXTENSION, 0x3) = -1 EBADF",
                "mmap2(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x40010000"
            );
    }

    [Fact]
    public void A_call_that_waits_is_shown_once_when_it_is_done()
    {
        _process.Kernel.Simulation.Trace.Add(this);

        _process.Do(reason => _process.Calls.Sleep(_process.Process, VirtualTime.Second, reason));

        _calls.Should().Equal("clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, {1, 0}, NULL) = 0");
    }

    [Fact]
    public void The_end_of_a_process_is_shown()
    {
        var other = new TestProcess(_process.Kernel);
        _process.Kernel.Simulation.Trace.Add(this);

        _process.Process.Exit(3 << 8);
        other.Process.Exit(9);

        _calls.Should().Equal("exit_group(3) = ?", "+++ killed by signal 9 +++");
    }

    [Fact]
    public void A_string_that_cannot_be_read_is_shown_as_its_address()
    {
        _process.Kernel.Simulation.Trace.Add(this);

        _process.Do(_ => _process.Calls.Open(_process.Process, 0x1234, OpenFlags.ReadOnly, 0));

        _calls.Should().Equal("open(0x1234, O_RDONLY) = -1 EFAULT");
    }

    [Fact]
    public void Looking_at_a_buffer_touches_no_page_and_reads_no_register()
    {
        ulong memory = (ulong)_process.Mmap(4096);
        long device = _process.Open("/dev/mem", OpenFlags.ReadWrite);
        long registers = _process.Do(_ =>
            _process.Calls.Mmap(
                _process.Process,
                0,
                4096,
                Protection.Read | Protection.Write,
                MapFlags.Shared,
                (int)device,
                0x2C0A_0000
            )
        );
        ulong free = _process.Kernel.Pages.FreePages;
        _process.Kernel.Simulation.Trace.Add(this);

        _process.Do(_ => _process.Calls.Write(_process.Process, 77, memory, 4));
        _process.Do(_ => _process.Calls.Write(_process.Process, 77, (ulong)registers, 4));

        _process.Kernel.Pages.FreePages.Should().Be(free);
        _calls.Should().Equal($"write(77, 0x{memory:x}, 4) = -1 EBADF", $"write(77, 0x{registers:x}, 4) = -1 EBADF");
    }

    void ITraceSink.Write(TraceEvent traceEvent)
    {
        if (traceEvent.Kind.Name is "kernel.syscall")
        {
            _calls.Add(traceEvent.Message);
        }
    }
}
