namespace Emulator.Peripherals.Tests;

/// <summary>
/// One channel of a DMA-330 as a reader of the instruction set would write it down: memory is an array, the MFIFO a queue,
/// time does not exist. It knows memory-to-memory programs without faults, and its own encodings.
/// </summary>
internal sealed class NaiveDma330(byte[] memory)
{
    private readonly Queue<byte> _mfifo = [];

    public uint Sar { get; private set; }

    public uint Dar { get; private set; }

    public uint Ccr { get; private set; } = 0x0080_0200;

    public uint[] Counters { get; } = [0, 0];

    public void Run(uint pc)
    {
        while (memory[pc] != 0)
        {
            byte first = memory[pc];
            byte second = memory[pc + 1];
            switch (first)
            {
                case 0xBC:
                    uint value = Word(pc + 2);
                    (Sar, Ccr, Dar) = second switch
                    {
                        0 => (value, Ccr, Dar),
                        1 => (Sar, value, Dar),
                        _ => (Sar, Ccr, value),
                    };
                    pc += 6;
                    break;
                case 0x54 or 0x56 or 0x5C or 0x5E:
                    uint addend = second | ((uint)memory[pc + 2] << 8) | (first >= 0x5C ? 0xFFFF_0000 : 0);
                    Sar += (first & 2) == 0 ? addend : 0;
                    Dar += (first & 2) != 0 ? addend : 0;
                    pc += 3;
                    break;
                case 0x20 or 0x22:
                    Counters[(first >> 1) & 1] = second;
                    pc += 2;
                    break;
                case 0x38 or 0x3C:
                    ref uint counter = ref Counters[(first >> 2) & 1];
                    pc = counter == 0 ? pc + 2 : pc - second;
                    counter -= counter == 0 ? 0U : 1;
                    break;
                case 0x04 or 0x05:
                    Sar = Transfer(Sar, Ccr & 0x3FF, first == 0x05, address => _mfifo.Enqueue(memory[address]));
                    pc++;
                    break;
                case 0x08 or 0x09:
                    Dar = Transfer(Dar, Ccr >> 14, first == 0x09, address => memory[address] = _mfifo.Dequeue());
                    pc++;
                    break;
                case 0x0C:
                    Dar = Transfer(Dar, Ccr >> 14, false, address => memory[address] = 0);
                    pc++;
                    break;
                default:
                    pc++;
                    break;
            }
        }
    }

    /// <summary>Goes through a burst beat by beat and byte by byte; the settings are those of one half of CCR.</summary>
    private static uint Transfer(uint address, uint settings, bool oneBeat, Action<uint> move)
    {
        uint beatBytes = 1U << (int)((settings >> 1) & 7);
        uint beats = oneBeat ? 1 : ((settings >> 4) & 15) + 1;
        for (uint beat = 0; beat < beats; beat++)
        {
            uint at = address;
            do
            {
                move(at++);
            } while (at % beatBytes != 0);

            address = (settings & 1) != 0 ? at : address;
        }

        return address;
    }

    private uint Word(uint address) => BitConverter.ToUInt32(memory, (int)address);
}
