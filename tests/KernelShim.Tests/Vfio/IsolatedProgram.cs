using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// One program: a pool of pages that it may give to its DMA controller, as many that it never does, and a page of microcode.
/// Every byte of its pages has its number in the upper half, so that a byte of anybody else's stands out.
/// </summary>
internal sealed class IsolatedProgram
{
    private const ulong Page = 4096;
    private const int PoolPages = 8;
    private const int Slots = 12;
    private const ulong CodeIova = 0x10_0000;
    private const int Channels = 8;

    private readonly Random _random;
    private readonly TestProcess _process;
    private readonly int _number;
    private readonly long _container;
    private readonly ulong _pool;
    private readonly ulong _code;
    private readonly ulong _registers;
    private readonly (int PoolPage, uint Access)?[] _slots = new (int, uint)?[Slots];
    private readonly HashSet<int> _writable = [];
    private byte[] _before = [];
    private byte[] _microcode = new byte[Page];

    public IsolatedProgram(Kernel kernel, TestProcess root, Random random, int number)
    {
        _random = random;
        _number = number;
        _process = new TestProcess(kernel);
        string device = $"2c0a{number}000.dma";
        root.Echo("vfio-platform", $"/sys/bus/platform/devices/{device}/driver_override").Should().BePositive();
        root.Echo(device, "/sys/bus/platform/drivers_probe").Should().BePositive();

        _container = _process.Open("/dev/vfio/vfio", OpenFlags.ReadWrite);
        long group = _process.Open($"/dev/vfio/{number}", OpenFlags.ReadWrite);
        DmaCopy.Ioctl(_process, group, VfioIoctl.GroupSetContainer, (int)_container).Should().Be(0);
        Call(_container, VfioIoctl.SetIommu, VfioExtension.Type1V2).Should().Be(0);
        long file = Call(group, VfioIoctl.GroupGetDeviceFd, _process.Put(device));
        const Protection Both = Protection.Read | Protection.Write;
        _registers = (ulong)
            _process.Do(_ => _process.Calls.Mmap(_process.Process, 0, Page, Both, MapFlags.Shared, (int)file, 0));
        _pool = (ulong)_process.Mmap(2 * PoolPages * Page);
        _code = (ulong)_process.Mmap(Page);
        byte[] content = [.. Enumerable.Range(0, 2 * PoolPages * (int)Page).Select(n => (byte)(Mark | n * 7 % 16))];
        _process.Process.Memory.TryWrite(_pool, content).Should().BeTrue();
        Map(_code, CodeIova, Page, VfioFlags.MapRead).Should().Be(0);
    }

    /// <summary>How many bursts its transfers were told to move.</summary>
    public long Bursts { get; private set; }

    /// <summary>How many channels stood with a fault at the end.</summary>
    public int Faults { get; private set; }

    private int Mark => (_number + 1) << 4;

    public void Act()
    {
        switch (_random.Next(5))
        {
            case 0 or 1:
                MapSomething();
                break;
            case 2:
                UnmapSomething();
                break;
            default:
                StartTransfer();
                break;
        }
    }

    /// <summary>What is mapped now may be written from now on.</summary>
    public void BeginInterval()
    {
        _before = Content();
        _writable.Clear();
        foreach ((int PoolPage, uint Access)? slot in _slots)
        {
            if (slot is { } mapped && (mapped.Access & VfioFlags.MapWrite) != 0)
            {
                _writable.Add(mapped.PoolPage);
            }
        }
    }

    public void CheckInterval()
    {
        byte[] now = Content();
        for (int page = 0; page < 2 * PoolPages; page++)
        {
            Range bytes = (page * (int)Page)..((page + 1) * (int)Page);
            if (!_writable.Contains(page))
            {
                now[bytes]
                    .SequenceEqual(_before[bytes])
                    .Should()
                    .BeTrue("page {0} of {1} was not given", page, _number);
            }
        }

        byte[] code = new byte[Page];
        _process.Process.Memory.TryRead(_code, code).Should().BeTrue();
        code.Should().Equal(_microcode, "the device may only read it");
        now.Should().OnlyContain(value => (value & 0xF0) == Mark, "nothing of another program can be read");
    }

    /// <summary>Channels that stand have stopped, or have a fault that its type register tells.</summary>
    public void CheckFaults()
    {
        _process.Kernel.Simulation.RunFor(VirtualTime.Millisecond);
        for (int channel = 0; channel < Channels; channel++)
        {
            ulong state = Load(0x100 + 8 * (ulong)channel) & 15;
            ulong type = Load(0x040 + 4 * (ulong)channel);
            state.Should().BeOneOf(0UL, 15UL);
            if (state == 15)
            {
                const ulong Aborts = 1 << 16 | 1 << 17 | 1 << 18;
                const ulong NoData = 1 << 13;
                (type & (Aborts | NoData))
                    .Should()
                    .NotBe(0UL, "the SMMU stops a program, or an unaligned burst that is too short, not {0:x}", type);
                Faults++;
            }
        }
    }

    private void MapSomething()
    {
        int slot = _random.Next(Slots);
        int page = _random.Next(PoolPages);
        uint access = (uint)_random.Next(1, 4);
        long result = Map(_pool + (ulong)page * Page, (ulong)slot * Page, Page, access);
        if (_slots[slot] is not null)
        {
            result.Should().Be(-(long)Errno.EEXIST);
            return;
        }

        result.Should().Be(0);
        _slots[slot] = (page, access);
        if ((access & VfioFlags.MapWrite) != 0)
        {
            _writable.Add(page);
        }
    }

    private void UnmapSomething()
    {
        int slot = _random.Next(Slots);
        DmaCopy.Ioctl(_process, _container, VfioIoctl.IommuUnmapDma, 24, 0, (ulong)slot * Page, Page).Should().Be(0);
        _slots[slot] = null;
    }

    /// <summary>A copy between random places, inside and outside of what is mapped; the channel is killed first.</summary>
    private void StartTransfer()
    {
        int channel = _random.Next(Channels);
        Debug(0x0001_0001 | (uint)channel << 8, 0);
        _process.Kernel.Simulation.RunFor(VirtualTime.Microsecond);

        int sizeLog = _random.Next(4);
        int beats = _random.Next(1, 17);
        int loops = _random.Next(1, 33);
        uint aligned = _random.Next(5) == 0 ? uint.MaxValue : ~((1U << sizeLog) - 1);
        uint control = 0x0080_4201 | (uint)(sizeLog << 1 | (beats - 1) << 4 | sizeLog << 15 | (beats - 1) << 18);
        byte[] program =
        [
            0xBC,
            0x01,
            .. BitConverter.GetBytes(control),
            0xBC,
            0x00,
            .. BitConverter.GetBytes(RandomIova(0xFFFF_F000) & aligned),
            0xBC,
            0x02,
            .. BitConverter.GetBytes(RandomIova((uint)CodeIova) & aligned),
            0x20,
            (byte)(loops - 1),
            0x04,
            0x08,
            0x38,
            0x02,
            0x13,
            0x00,
        ];
        ulong place = (ulong)channel * 0x100;
        _process.Process.Memory.TryWrite(_code + place, program).Should().BeTrue();
        program.CopyTo(_microcode, (int)place);
        Debug(0x00A2_0000 | (uint)channel << 24, (uint)(CodeIova + place));
        Bursts += 2 * loops;
    }

    /// <summary>Mostly among the slots. Nobody reads the microcode, whose bytes have no owner's mark, but some try to write it.</summary>
    private uint RandomIova(uint otherwise) =>
        _random.Next(20) switch
        {
            0 => (uint)_random.NextInt64(1L << 32),
            1 => otherwise,
            _ => (uint)_random.Next(Slots * (int)Page),
        };

    private void Debug(uint instruction0, uint instruction1)
    {
        Store(0xD08, instruction0);
        Store(0xD0C, instruction1);
        Store(0xD04, 0);
    }

    private long Map(ulong address, ulong iova, ulong size, uint access) =>
        DmaCopy.Ioctl(_process, _container, VfioIoctl.IommuMapDma, 32, access, address, iova, size);

    private long Call(long file, uint command, ulong argument) =>
        _process.Do(_ => _process.Calls.Ioctl(_process.Process, (int)file, command, argument));

    private byte[] Content()
    {
        byte[] content = new byte[2 * PoolPages * (int)Page];
        _process.Process.Memory.TryRead(_pool, content).Should().BeTrue();
        return content;
    }

    private ulong Load(ulong offset)
    {
        _process.Process.Memory.TryLoad(_registers + offset, 4, out ulong value, out _).Should().BeTrue();
        return value;
    }

    private void Store(ulong offset, ulong value) =>
        _process.Process.Memory.TryStore(_registers + offset, 4, value, out _).Should().BeTrue();
}
