using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>/dev/kmsg: a record a read, a line a write.</summary>
public sealed class KernelLogDeviceTests
{
    private readonly TestProcess _process = new();

    [Theory]
    [InlineData("plain", LogLevel.Warning, "plain")]
    [InlineData("<3>bad", LogLevel.Error, "bad")]
    [InlineData("<14>with a facility\n", LogLevel.Info, "with a facility")]
    [InlineData("<x>y", LogLevel.Warning, "<x>y")]
    [InlineData("<>y", LogLevel.Warning, "<>y")]
    public void What_is_written_is_a_line_of_its_level(string text, LogLevel level, string line)
    {
        long file = _process.Open("/dev/kmsg", OpenFlags.WriteOnly);

        _process.Write(file, text).Should().Be(text.Length);

        _process.Kernel.Log.Lines.Last().Should().Be(new LogLine(0, level, line));
    }

    [Fact]
    public void A_read_gives_a_record_with_level_number_and_time_and_then_waits_for_the_next()
    {
        _process.Kernel.Log.Print(LogLevel.Error, "one");
        long file = _process.Open("/dev/kmsg", OpenFlags.ReadWrite | OpenFlags.NonBlocking);

        _process.Read(file).Text.Should().Be("3,0,0,-;one\n");
        _process.Read(file).Result.Should().Be(-(long)Errno.EAGAIN);
        _process.Kernel.Simulation.RunFor(5 * VirtualTime.Microsecond);
        _process.Kernel.Log.Print(LogLevel.Info, "two");
        _process.Read(file, 4).Result.Should().Be(-(long)Errno.EINVAL, "it does not fit");
        _process.Read(file).Text.Should().Be("6,1,5,-;two\n");
    }

    [Fact]
    public void A_reader_that_waits_gets_the_line_that_comes()
    {
        long file = _process.Open("/dev/kmsg");
        var other = new TestProcess(_process.Kernel);
        Task<long> reading = Read();

        reading.IsCompleted.Should().BeFalse();
        other.Write(other.Open("/dev/kmsg", OpenFlags.WriteOnly), "come").Should().Be(4);
        _process.Kernel.Simulation.RunFor(0);

        reading.IsCompleted.Should().BeTrue();

        async Task<long> Read() =>
            await _process.Process.Thread.Do(_ =>
                _process.Calls.Read(_process.Process, (int)file, _process.Buffer, 99)
            );
    }

    [Fact]
    public void A_reader_that_was_too_slow_is_told()
    {
        long file = _process.Open("/dev/kmsg");
        for (int n = 0; n <= KernelLog.Capacity; n++)
        {
            _process.Kernel.Log.Print(LogLevel.Info, "x");
        }

        _process.Read(file).Result.Should().Be(-(long)Errno.EPIPE);
        _process.Read(file).Text.Should().StartWith("6,1,");
    }

    [Fact]
    public void A_line_that_is_too_long_is_refused() =>
        _process
            .Write(_process.Open("/dev/kmsg", OpenFlags.WriteOnly), new string('x', 993))
            .Should()
            .Be(-(long)Errno.EINVAL);
}
