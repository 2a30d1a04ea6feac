using Emulator.KernelShim;
using Emulator.Userland.Tests.VfioTests;

namespace Emulator.Userland.Tests;

public sealed class DevMemTests
{
    private const string Usage =
        "BusyBox multi-call binary.\n\nUsage: devmem ADDRESS [WIDTH [VALUE]]\n\nRead/write from physical address\n\n"
        + "\tADDRESS\tAddress to act upon\n\tWIDTH\tWidth (8/16/...)\n\tVALUE\tData to be written\n";

    private readonly GuideSystem _system = new();

    [Theory]
    [InlineData("devmem 0x2c0a0fe0", "0x00000030\n")]
    [InlineData("devmem 0x2C0A0FE0 32", "0x00000030\n")]
    [InlineData("devmem 738856928 w", "0x00000030\n")]
    [InlineData("devmem 0xfffffff0 32 0xcafe; devmem 0xfffffff0 16", "0xCAFE\n")]
    [InlineData("devmem 0xfffffff0 64 0x1122334455667788; devmem 0xfffffff4 b", "0x44\n")]
    [InlineData("devmem 0xfffffff0 64 0x1122334455667788; devmem 0xfffffff0 64", "0x1122334455667788\n")]
    public void Words_of_the_physical_address_space_are_read_and_written(string command, string output) =>
        _system.Run(command).Should().Be((0, output));

    [Theory]
    [InlineData("devmem", Usage)]
    [InlineData("devmem dma", Usage)]
    [InlineData("devmem 0x80000000 32 x", Usage)]
    [InlineData("devmem 0x80000000 24", "devmem: bad width\n")]
    [InlineData("devmem 0x80000000 q", "devmem: bad width\n")]
    [InlineData("devmem 0x80000000 1x", "devmem: invalid number '1x'\n")]
    [InlineData("devmem 0x10000000000", "devmem: mmap: Invalid argument\n")]
    public void Mistakes_are_told_in_busyboxs_words(string command, string output) =>
        _system.Run(command).Should().Be((1, output));

    [Theory]
    [InlineData("devmem 0x10000000")]
    [InlineData("devmem 0x10000000 32 1")]
    public void Where_nothing_answers_the_program_gets_a_bus_error(string command) =>
        _system.Run(command).Should().Be((135, "Bus error\n"));

    [Fact]
    public void Only_root_may_use_it()
    {
        _system.LogIn(process =>
        {
            process.UserId = 1000;
            process.Capabilities = Capabilities.None;
        });

        _system.Run("devmem 0x2c0a0fe0").Should().Be((1, "devmem: can't open '/dev/mem': Permission denied\n"));
    }

    [Fact]
    public void Without_the_capability_for_raw_access_root_may_not_either()
    {
        _system.LogIn(process => process.Capabilities = Capabilities.All & ~Capabilities.SysRawIo);

        _system.Run("devmem 0x2c0a0fe0").Should().Be((1, "devmem: can't open '/dev/mem': Operation not permitted\n"));
    }
}
