namespace Emulator.Peripherals.Tests;

/// <summary>Random programs in which every instruction, every form and every fault turns up, and most of which get far.</summary>
internal static class DifferentialPrograms
{
    private static readonly byte[] Plain = [0x04, 0x04, 0x05, 0x07, 0x08, 0x08, 0x09, 0x0B, 0x0C, 0x12, 0x13, 0x18];

    public static byte[] Make(Random random, NaiveSettings settings)
    {
        var code = new List<byte>();
        Move(code, 1, Control(random, settings));
        Move(code, 0, Address(random));
        Move(code, 2, Address(random));
        AddBody(code, random, settings, random.Next(3, 30), depth: 0);
        code.Add(0);
        return [.. code];
    }

    private static void AddBody(List<byte> code, Random random, NaiveSettings settings, int count, int depth)
    {
        for (; count > 0; count--)
        {
            switch (random.Next(16))
            {
                case 0:
                    Move(code, 1, Control(random, settings));
                    break;
                case 1:
                    Move(code, (byte)(random.Next(30) == 0 ? random.Next(8) : random.Next(2) * 2), Address(random));
                    break;
                case 2:
                    code.AddRange([
                        (byte)(0x54 | (random.Next(4) * 2) | (random.Next(2) * 8)),
                        (byte)random.Next(256),
                        0,
                    ]);
                    code[^3] = (byte)(random.Next(2) == 0 ? 0x54 | (random.Next(2) * 2) : 0x5C | (random.Next(2) * 2));
                    code[^1] = code[^3] >= 0x5C ? (byte)0xFF : (byte)0;
                    break;
                case 3 when depth < 2:
                    AddLoop(code, random, settings, depth);
                    break;
                case 4:
                    code.AddRange([0x34, Operand(random, NaiveSettings.Events)]);
                    break;
                case 5 when random.Next(2) == 0:
                    // Mostly one that this program has just signalled.
                    byte number = Operand(random, NaiveSettings.Events);
                    code.AddRange(random.Next(3) == 0 ? [0x36, number] : [0x34, number, 0x36, (byte)(number | 2)]);
                    break;
                case 6:
                    code.AddRange([(byte)(0x30 + random.Next(3)), Operand(random, NaiveSettings.Peripherals)]);
                    break;
                case 7:
                    byte[] forms = [0x25, 0x27, 0x29, 0x2B, 0x35];
                    code.AddRange([forms[random.Next(forms.Length)], Operand(random, NaiveSettings.Peripherals)]);
                    break;
                case 8 when random.Next(6) == 0:
                    code.Add((byte)random.Next(256));
                    break;
                case 9 or 10:
                    code.AddRange([0x04, 0x08]);
                    break;
                default:
                    code.Add(Plain[random.Next(Plain.Length)]);
                    break;
            }
        }
    }

    private static void AddLoop(List<byte> code, Random random, NaiveSettings settings, int depth)
    {
        bool endless = random.Next(8) == 0;
        if (!endless)
        {
            code.AddRange([(byte)(0x20 | (depth << 1)), (byte)random.Next(5)]);
        }

        int body = code.Count;
        AddBody(code, random, settings, random.Next(1, 6), depth + 1);
        int back = code.Count - body;
        byte[] ends = endless ? [0x28, 0x2C, 0x2D, 0x2F, 0x2F] : [0x38, 0x38, 0x38, 0x39, 0x3B];
        byte end = ends[random.Next(ends.Length)];
        code.AddRange([(byte)(end | (endless ? 0 : depth << 2)), (byte)Math.Min(back, 255)]);
    }

    private static void Move(List<byte> code, byte register, uint value) =>
        code.AddRange([0xBC, register, .. BitConverter.GetBytes(value)]);

    private static byte Operand(Random random, int count) =>
        (byte)(random.Next(25) == 0 ? random.Next(256) : random.Next(count) << 3);

    private static uint Control(Random random, NaiveSettings settings)
    {
        if (random.Next(25) == 0)
        {
            return (uint)random.NextInt64(1L << 32);
        }

        int widest = settings.BusBytes switch
        {
            4 => 2,
            8 => 3,
            _ => 4,
        };
        uint Half() =>
            (uint)(random.Next(4) == 0 ? 0 : 1)
            | ((uint)random.Next(widest + 1) << 1)
            | ((uint)random.Next(16) << 4)
            | 0x200;
        uint source = Half();
        uint destination = random.Next(2) == 0 ? source : Half();
        uint swap = random.Next(4) == 0 ? (uint)random.Next(5) : 0;
        return source | (destination << 14) | (swap << 28);
    }

    /// <summary>Mostly in the middle of the data, often aligned; sometimes at an edge of pages or of memory, or nowhere.</summary>
    private static uint Address(Random random) =>
        random.Next(20) switch
        {
            0 => NaiveSettings.FirstMissing - (uint)random.Next(0x100),
            1 => NaiveSettings.FirstMissing + (uint)random.Next(0x1000),
            2 or 3 => 0x8000 - (uint)random.Next(0x40),
            < 12 => 0x6000 + (uint)random.Next(0x600) * 16,
            _ => 0x6000 + (uint)random.Next(0x6000),
        };
}
