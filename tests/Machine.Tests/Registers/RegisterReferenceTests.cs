using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Machine.Tests;

/// <summary>Random accesses: a register window and a naive reading of the rules must never differ.</summary>
public sealed class RegisterReferenceTests
{
    private const int AllSizes = 1 | 2 | 4;

    /// <summary>The registers that only store, and how the table declares them.</summary>
    private static readonly Plain[] Plains =
    [
        new(0x008, 4, AllSizes, ulong.MaxValue),
        new(0x028, 8, 4 | 8, ulong.MaxValue),
        new(0x030, 8, 8, ulong.MaxValue),
        new(0x038, 2, 2 | 4, ulong.MaxValue),
        new(0x03C, 1, 1, 0x7F),
        .. Enumerable.Range(0, 8).Select(n => new Plain(0x100 + (ulong)n * 0x20, 4, 4, ulong.MaxValue)),
        .. Enumerable.Range(0, 4).Select(n => new Plain(0x200 + (ulong)n * 4, 4, 1 | 4, ulong.MaxValue)),
    ];

    private static readonly ulong[] Places =
    [
        0x008,
        0x024,
        0x028,
        0x030,
        0x038,
        0x03C,
        0x100,
        0x1E0,
        0x200,
        0x20C,
        0x210,
    ];

    [Fact]
    public void Any_sequence_of_accesses_gives_what_the_rules_say()
    {
        Gen<int[]> scripts = Gen.Choose(0, int.MaxValue).ArrayOf(200);
        Prop.ForAll(scripts.ToArbitrary(), Replay).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    private static void Replay(int[] script)
    {
        var context = new StandaloneContext("dmac");
        IRegisterWindow window = new Specimen(context).Window;
        var model = Plains.ToDictionary(plain => plain.Offset, _ => 0UL);
        int refused = 0;
        foreach (int step in script)
        {
            int size = 1 << (step % 4);
            ulong offset = Places[step / 4 % Places.Length] + (ulong)(step / 64 % 8);
            ulong value = (ulong)step * 0x9E37_79B9_7F4A_7C15;
            if (ReachesBehaviour(offset, size))
            {
                continue;
            }

            bool takes = Takes(offset, size, out Plain row);
            refused += takes ? 0 : 1;
            if (step / 1024 % 2 == 0)
            {
                window.WriteWord(offset, size, value, default).Should().Be(BusStatus.Okay);
                if (takes)
                {
                    ulong lanes = Ones(size) << (int)(8 * (offset - row.Offset)) & row.Mask & Ones(row.Width);
                    ulong shifted = (value & Ones(size)) << (int)(8 * (offset - row.Offset));
                    model[row.Offset] = model[row.Offset] & ~lanes | shifted & lanes;
                }
            }
            else
            {
                window.ReadWord(offset, size, out ulong read, default).Should().Be(BusStatus.Okay);
                ulong expected = takes ? model[row.Offset] >> (int)(8 * (offset - row.Offset)) & Ones(size) : 0;
                read.Should().Be(expected, $"of {size} bytes at 0x{offset:x}");
            }

            context
                .Simulation.Trace.Count(Severity.Warning)
                .Should()
                .Be(refused, $"after {size} bytes at 0x{offset:x}");
        }
    }

    /// <summary>Whether an access touches a register that does more than store.</summary>
    private static bool ReachesBehaviour(ulong offset, int size) =>
        Specimen
            .Map.Registers.SelectMany(row =>
                Enumerable
                    .Range(0, row.Count)
                    .Select(n => (Start: row.Offset + (ulong)n * row.StrideBytes, row.WidthBits))
            )
            .Where(register => !Array.Exists(Plains, plain => plain.Offset == register.Start))
            .Any(register =>
                offset < register.Start + (ulong)register.WidthBits / 8 && register.Start < offset + (ulong)size
            );

    private static bool Takes(ulong offset, int size, out Plain row)
    {
        row = Array.Find(Plains, plain => offset >= plain.Offset && offset < plain.Offset + (ulong)plain.Width);
        return row.Width != 0
            && offset % (ulong)size == 0
            && (row.Sizes & size) != 0
            && (size > row.Width ? offset == row.Offset : offset + (ulong)size <= row.Offset + (ulong)row.Width);
    }

    private static ulong Ones(int size) => ulong.MaxValue >> (64 - size * 8);

    private readonly record struct Plain(ulong Offset, int Width, int Sizes, ulong Mask);
}
