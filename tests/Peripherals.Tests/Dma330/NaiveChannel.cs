namespace Emulator.Peripherals.Tests;

/// <summary>What a run of <see cref="NaiveChannel"/> is given.</summary>
internal sealed record NaiveSettings
{
    public const uint FirstMissing = 0xE000_0000;
    public const int Events = 16;
    public const int Peripherals = 4;

    public bool NonSecure { get; init; }

    public uint NonSecureEvents { get; init; }

    public uint NonSecurePeripherals { get; init; }

    public int BusBytes { get; init; } = 16;

    public int MfifoBytes { get; init; } = 16 * 1024;

    public uint InterruptEnables { get; init; }
}

/// <summary>All of memory: an array where programs mostly go, a dictionary for the rest.</summary>
internal sealed class NaiveMemory
{
    public byte[] Low { get; } = new byte[0x2_0000];

    public Dictionary<uint, byte> Elsewhere { get; } = [];

    public byte this[uint address]
    {
        get => address < Low.Length ? Low[address] : Elsewhere.GetValueOrDefault(address);
        set
        {
            if (address < Low.Length)
            {
                Low[address] = value;
            }
            else
            {
                Elsewhere[address] = value;
            }
        }
    }

    public void Put(uint address, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            this[address++] = value;
        }
    }
}

/// <summary>
/// One channel of a DMA-330 straight from the manual: an instruction at a time, a byte at a time, without time, caches or
/// tables of its own code. Above <see cref="NaiveSettings.FirstMissing"/> nothing answers.
/// </summary>
internal sealed class NaiveChannel(NaiveMemory memory, NaiveSettings settings)
{
    private readonly List<byte> _mfifo = [];
    private bool _burstRequest;
    private bool _lastRequest;
    private uint _lastWait;
    private uint _waitingFor;
    private uint _status = 1;

    public uint Pc { get; private set; }

    public uint Sar { get; private set; }

    public uint Dar { get; private set; }

    public uint Ccr { get; private set; } = 0x0080_0200;

    public uint[] Counters { get; } = [0, 0];

    public uint FaultType { get; private set; }

    public uint Events { get; private set; }

    /// <summary>Single (0), burst (1), and 2 with it if it is the last; by interface.</summary>
    public Queue<int>[] Requests { get; } = [new(), new(), new(), new()];

    public List<string> Acknowledged { get; } = [];

    /// <summary>Each byte on the bus: r or w, and the address.</summary>
    public List<(char Way, uint Address)> Bus { get; } = [];

    public uint Status =>
        _status | (_status is 4 or 7 ? _waitingFor << 4 : 0) | _lastWait | (settings.NonSecure ? 1U << 21 : 0);

    /// <summary>Runs to the end, a fault or a wait. False if none comes soon.</summary>
    public bool Run(uint start)
    {
        Pc = start;
        for (int left = 3000; left > 0 && _status == 1; left--)
        {
            Step();
        }

        return _status != 1;
    }

    private void Step()
    {
        if (!TryFetch(Pc, out byte first))
        {
            Fault(16);
            return;
        }

        int length = Length(first);
        Span<byte> code = stackalloc byte[6];
        for (uint n = 0; n < length; n++)
        {
            if (!TryFetch(Pc + n, out code[(int)n]))
            {
                Fault(16);
                return;
            }
        }

        byte second = code[1];
        bool single = (first & 3) == 1;
        bool permitted = (first & 1) == 0 || single != _burstRequest;
        switch (first)
        {
            case 0x00:
                _status = 0;
                return;
            case 0x04 or 0x05 or 0x07:
                Next(1, !permitted || Load(single));
                return;
            case 0x08 or 0x09 or 0x0B:
                Next(1, !permitted || Store(single, zeros: false));
                return;
            case 0x0C:
                Next(1, Store(single: false, zeros: true));
                return;
            case 0x12 or 0x13 or 0x18:
                Next(1, true);
                return;
            case 0x20 or 0x22:
                Counters[(first >> 1) & 1] = second;
                Next(2, true);
                return;
            case 0x38 or 0x39 or 0x3B or 0x3C or 0x3D or 0x3F:
                EndCountedLoop(ref Counters[(first >> 2) & 1], permitted, second);
                return;
            case 0x28 or 0x2C or 0x2D or 0x2F:
                Pc = permitted && !_lastRequest ? Pc - second : Pc + 2;
                return;
            case 0x54 or 0x56 or 0x5C or 0x5E:
                Add(first, (uint)(second | (code[2] << 8)));
                return;
            case 0x25 or 0x27 or 0x29 or 0x2B or 0x30 or 0x31 or 0x32 or 0x35:
                Peripheral(first, second, permitted);
                return;
            case 0x34 or 0x36:
                Event(first, second);
                return;
            case 0xBC:
                Move(second, BitConverter.ToUInt32(code[2..]));
                return;
            default:
                Fault(0);
                return;
        }
    }

    private static int Length(byte first) =>
        first switch
        {
            0xBC or 0xA0 or 0xA2 => 6,
            0x54 or 0x56 or 0x5C or 0x5E => 3,
            0x20 or 0x22 or 0x34 or 0x35 or 0x36 or 0x30 or 0x31 or 0x32 => 2,
            0x25 or 0x27 or 0x29 or 0x2B or 0x28 or 0x2C or 0x2D or 0x2F => 2,
            0x38 or 0x39 or 0x3B or 0x3C or 0x3D or 0x3F => 2,
            _ => 1,
        };

    private bool TryFetch(uint address, out byte value)
    {
        value = memory[address];
        return address < NaiveSettings.FirstMissing;
    }

    private bool Fault(int bit)
    {
        FaultType = 1U << bit;
        _status = 15;
        return false;
    }

    private void Next(uint length, bool done) => Pc += done ? length : 0;

    private void EndCountedLoop(ref uint counter, bool permitted, byte back)
    {
        if (!permitted || counter == 0)
        {
            Pc += 2;
            return;
        }

        counter--;
        Pc -= back;
    }

    private void Add(byte first, uint immediate)
    {
        uint addend = first >= 0x5C ? 0xFFFF_0000 | immediate : immediate;
        if ((first & 2) == 0)
        {
            Sar += addend;
        }
        else
        {
            Dar += addend;
        }

        Pc += 3;
    }

    private void Move(byte register, uint value)
    {
        switch (register)
        {
            case 0:
                Sar = value;
                break;
            case 1:
                uint swap = (value >> 28) & 7;
                uint widest = Math.Max((value >> 1) & 7, (value >> 15) & 7);
                if ((1U << (int)widest) > settings.BusBytes || swap > 4)
                {
                    Fault(1);
                    return;
                }

                if (settings.NonSecure && ((value >> 9) & (value >> 23) & 1) == 0)
                {
                    Fault(7);
                    return;
                }

                Ccr = value & 0x7FFF_FFFF;
                break;
            case 2:
                Dar = value;
                break;
            default:
                Fault(1);
                return;
        }

        Pc += 6;
    }

    private void Event(byte first, byte second)
    {
        int number = second >> 3;
        int mustBeZero = first == 0x36 ? 5 : 7;
        if ((second & mustBeZero) != 0 || number >= NaiveSettings.Events)
        {
            Fault(1);
            return;
        }

        if (settings.NonSecure && ((settings.NonSecureEvents >> number) & 1) == 0)
        {
            Fault(5);
            return;
        }

        uint bit = 1U << number;
        if (first == 0x34)
        {
            Events |= bit;
            Pc += 2;
        }
        else if ((Events & bit) != 0 && (settings.InterruptEnables & bit) == 0)
        {
            Events &= ~bit;
            Pc += 2;
        }
        else
        {
            _status = 4;
            _waitingFor = (uint)number;
        }
    }

    private void Peripheral(byte first, byte second, bool permitted)
    {
        int number = second >> 3;
        if ((second & 7) != 0 || number >= NaiveSettings.Peripherals)
        {
            Fault(1);
            return;
        }

        if (settings.NonSecure && ((settings.NonSecurePeripherals >> number) & 1) == 0)
        {
            Fault(6);
            return;
        }

        bool done = true;
        switch (first)
        {
            case 0x35:
                Requests[number].Clear();
                Acknowledged.Add($"{number} Flush");
                break;
            case 0x30 or 0x31 or 0x32:
                done = Wait(first, number);
                break;
            case 0x25 or 0x27 when permitted:
                done = Load(first == 0x25);
                Acknowledge(done, number, first == 0x25);
                break;
            case 0x29 or 0x2B when permitted:
                done = Store(first == 0x29, zeros: false);
                Acknowledge(done, number, first == 0x29);
                break;
        }

        Next(2, done);
    }

    private void Acknowledge(bool done, int number, bool single)
    {
        if (done)
        {
            Acknowledged.Add($"{number} {(single ? "Single" : "Burst")}");
        }
    }

    private bool Wait(byte first, int number)
    {
        _lastWait =
            first == 0x32 ? 1U << 14
            : first == 0x31 ? 1U << 15
            : 0;
        Queue<int> queue = Requests[number];
        while (queue.TryPeek(out int head))
        {
            bool burst = (head & 1) != 0;
            if (first == 0x32 && !burst)
            {
                queue.Dequeue();
                continue;
            }

            if (first != 0x30 || !burst)
            {
                queue.Dequeue();
            }

            _burstRequest = burst && first != 0x30;
            _lastRequest = (head & 2) != 0;
            return true;
        }

        _status = 7;
        _waitingFor = (uint)number;
        return false;
    }

    private bool Load(bool single)
    {
        List<uint> addresses = Burst(Sar, Ccr & 0x3FF, single, out uint after);
        if (addresses.Count > settings.MfifoBytes)
        {
            return Fault(12);
        }

        if (_mfifo.Count + addresses.Count > settings.MfifoBytes)
        {
            return Fault(31); // nobody else will make room
        }

        Sar = after;
        var loaded = new List<byte>();
        foreach (uint address in addresses)
        {
            if (address >= NaiveSettings.FirstMissing)
            {
                return Fault(18);
            }

            Bus.Add(('r', address));
            loaded.Add(memory[address]);
        }

        int unit = 1 << (int)((Ccr >> 28) & 7);
        for (int at = 0; at + unit <= loaded.Count; at += unit)
        {
            loaded.Reverse(at, unit);
        }

        _mfifo.AddRange(loaded);
        return true;
    }

    private bool Store(bool single, bool zeros)
    {
        List<uint> addresses = Burst(Dar, Ccr >> 14, single, out uint after);
        if (!zeros && addresses.Count > settings.MfifoBytes)
        {
            return Fault(12);
        }

        if (!zeros && addresses.Count > _mfifo.Count)
        {
            return Fault(13);
        }

        Dar = after;
        foreach (uint address in addresses)
        {
            if (address >= NaiveSettings.FirstMissing)
            {
                return Fault(17);
            }

            Bus.Add(('w', address));
            memory[address] = zeros ? (byte)0 : _mfifo[0];
            if (!zeros)
            {
                _mfifo.RemoveAt(0);
            }
        }

        return true;
    }

    /// <summary>The address of each byte, beat by beat; the first beat of an unaligned burst is partial.</summary>
    private static List<uint> Burst(uint address, uint half, bool single, out uint after)
    {
        uint beatBytes = 1U << (int)((half >> 1) & 7);
        uint beats = single ? 1 : ((half >> 4) & 15) + 1;
        var addresses = new List<uint>();
        for (uint beat = 0; beat < beats; beat++)
        {
            uint at = address;
            do
            {
                addresses.Add(at++);
            } while (at % beatBytes != 0);

            address = (half & 1) != 0 ? at : address;
        }

        after = address;
        return addresses;
    }
}
