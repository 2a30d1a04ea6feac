using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>/dev/mem on a board with RAM from 0x8000_0000 on.</summary>
public sealed class PhysicalMemoryTests
{
    private const ulong Ram = 0xFFFF_F000;
    private const ulong DmacIdentification = 0x2C0A_0FE0;

    private readonly TestProcess _process = new();

    [Fact]
    public void RAM_is_read_and_written_as_a_file()
    {
        long file = _process.Open("/dev/mem", OpenFlags.ReadWrite);
        _process.Poke("devmem!!"u8.ToArray());

        _process
            .Do(_ => _process.Calls.PWrite(_process.Process, (int)file, _process.Buffer, 8, (long)Ram))
            .Should()
            .Be(8);
        _process
            .Do(_ => _process.Calls.PRead(_process.Process, (int)file, _process.Buffer + 64, 6, (long)Ram + 1))
            .Should()
            .Be(6);

        _process.Peek(6, 64).Should().Equal("evmem!"u8.ToArray());
    }

    [Theory]
    [InlineData((long)DmacIdentification)]
    [InlineData(0xFFFF_FFFC)]
    [InlineData(long.MaxValue - 2)]
    public void What_is_not_RAM_is_EFAULT(long position)
    {
        long file = _process.Open("/dev/mem", OpenFlags.ReadWrite);

        _process
            .Do(_ => _process.Calls.PRead(_process.Process, (int)file, _process.Buffer, 8, position))
            .Should()
            .Be(-(long)Errno.EFAULT);
        _process.RefusedBy.Should().Be("read_mem");
        _process
            .Do(_ => _process.Calls.PWrite(_process.Process, (int)file, _process.Buffer, 8, position))
            .Should()
            .Be(-(long)Errno.EFAULT);
    }

    [Fact]
    public void Registers_are_mapped_and_each_load_is_one_access()
    {
        ulong address = Map(DmacIdentification & ~0xFFFUL);

        _process.Process.TryLoad(address + 0xFE0, 4, out ulong value).Should().BeTrue();
        value.Should().Be(0x30);
        _process.Process.PendingSignal.Should().Be(0);
    }

    [Fact]
    public void Where_nothing_answers_a_load_brings_SIGBUS()
    {
        ulong address = Map(0x1000_0000);

        _process.Process.TryLoad(address, 4, out _).Should().BeFalse();
        _process.Process.PendingSignal.Should().Be(7);
    }

    [Fact]
    public void Where_nothing_is_mapped_a_store_brings_SIGSEGV()
    {
        _process.Process.TryStore(0x1234_0000, 4, 0).Should().BeFalse();
        _process.Process.PendingSignal.Should().Be(11);
    }

    [Fact]
    public void Addresses_end_after_40_bits()
    {
        long file = _process.Open("/dev/mem", OpenFlags.ReadWrite);

        _process
            .Do(_ =>
                _process.Calls.Mmap(
                    _process.Process,
                    0,
                    0x2000,
                    Protection.Read,
                    MapFlags.Shared,
                    (int)file,
                    0xFF_FFFF_F000
                )
            )
            .Should()
            .Be(-(long)Errno.EINVAL);
        _process.RefusedBy.Should().Be("mmap_mem");
    }

    [Fact]
    public void Opening_it_needs_CAP_SYS_RAWIO()
    {
        _process.Process.Capabilities &= ~Capabilities.SysRawIo;

        _process.Open("/dev/mem").Should().Be(-(long)Errno.EPERM);
        _process.RefusedBy.Should().Be("open_port");
    }

    private ulong Map(ulong physical)
    {
        long file = _process.Open("/dev/mem", OpenFlags.ReadWrite | OpenFlags.Synchronous);
        const Protection Both = Protection.Read | Protection.Write;
        long address = _process.Do(_ =>
            _process.Calls.Mmap(_process.Process, 0, 0x1000, Both, MapFlags.Shared, (int)file, physical)
        );
        address.Should().BePositive();
        return (ulong)address;
    }
}
