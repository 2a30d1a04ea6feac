using System.Buffers.Binary;
using System.Text;
using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class FirmwareConfigurationTests
{
    private const ulong Base = 0x0902_0000;
    private const ulong Memory = 0x4000_0000;

    private readonly StandaloneContext _context = new("fw_cfg");
    private readonly CpuPort _cpu;

    public FirmwareConfigurationTests()
    {
        _cpu = _context.AddCpu();
        _context.AddCpu();
        StatePadding.MustBeAbsent(new FirmwareConfiguration(_context));
        _context.Bus.Map("fw_cfg", Base, 0x18, _context.Registers[0]);
        _context.Bus.Map("ram", Memory, 0x1_0000, new Ram("ram", 0x1_0000));
    }

    private byte[] Item(ushort item, int length)
    {
        _cpu.Store(Base + 8, 2, BinaryPrimitives.ReverseEndianness(item));
        byte[] bytes = new byte[length];
        for (int n = 0; n < length; n++)
        {
            _cpu.Load(Base, 1, out ulong value);
            bytes[n] = (byte)value;
        }

        return bytes;
    }

    [Fact]
    public void The_signature_the_features_and_the_number_of_CPUs_can_be_read()
    {
        Encoding.ASCII.GetString(Item(0, 4)).Should().Be("QEMU");
        Item(1, 4).Should().Equal(3, 0, 0, 0);
        Item(5, 2).Should().Equal(2, 0);
        Item(0x19, 6).Should().Equal(0, 0, 0, 0, 0, 0);
        Item(0x7777, 2).Should().Equal(0, 0);
    }

    [Fact]
    public void A_descriptor_moves_an_item_to_memory()
    {
        byte[] descriptor = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(descriptor, 0x0000_000A);
        BinaryPrimitives.WriteUInt32BigEndian(descriptor.AsSpan(4), 4);
        BinaryPrimitives.WriteUInt64BigEndian(descriptor.AsSpan(8), Memory + 0x100);
        _cpu.Store(Memory, descriptor);
        _cpu.Load(Base + 16, 8, out ulong signature);
        BinaryPrimitives.ReverseEndianness(signature).Should().Be(0x5145_4D55_2043_4647);
        _cpu.Store(Base + 16, 4, BinaryPrimitives.ReverseEndianness((uint)(Memory >> 32)));
        _cpu.Store(Base + 20, 4, BinaryPrimitives.ReverseEndianness((uint)Memory));
        _cpu.Load(Memory + 0x100, 4, out ulong moved);
        moved.Should().Be(0x554D_4551);
        _cpu.Load(Memory, 4, out ulong control);
        control.Should().Be(0, "it is done, without an error");
    }

    [Fact]
    public void A_transfer_to_nowhere_ends_with_the_error_bit()
    {
        byte[] descriptor = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(descriptor, 0x0000_000A);
        BinaryPrimitives.WriteUInt32BigEndian(descriptor.AsSpan(4), 4);
        _cpu.Store(Memory, descriptor);
        _cpu.Store(Base + 16, 8, BinaryPrimitives.ReverseEndianness(Memory));
        _cpu.Load(Memory, 4, out ulong control);
        BinaryPrimitives.ReverseEndianness((uint)control).Should().Be(1);
    }
}
