using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Scenarios.Tests;

/// <summary>Whatever the text is, reading gives errors and running gives a result; nothing else of the host is asked for.</summary>
public sealed class HostileInputTests
{
    private const string Seed = """
        name: everything
        board: fvp-ve
        kernel: none
        options: { smmu_irq: 1 }
        variables: { n: 3, base: 0x8000_0000 }
        steps:
          - memory: { at: base, size: 4KiB, iova: 0, as: src, fill: { random: 1 } }
          - memory: { at: base + 0x1000, as: dst, words: [1, 2, n] }
          - tables: { at: 0x8010_0000, as: t, room: 64KiB, input-bits: 32, map: [ { iova: 0, to: src, size: 4KiB, access: ro } ] }
          - tables: { edit: t, unmap: [ { iova: 0, size: 4KiB } ] }
          - mmio: { write: { smmu.CB0_TTBR0: t, smmu.CB$(n)_TCR: t.tcr, 0x8000_2100: 5 } }
          - mmio: { read: smmu.sCR0, as: v, mask: 1, equals: 1 }
          - repeat: { times: 3, as: k, steps: [ { let: { q: k * 2 } }, { expect: { value: q, equals: k << 1 } } ] }
          - wait: { register: smmu.sCR0, equals: 1, within: 1us, every: 10ns }
          - wait: { time: 1us }
          - never: { interrupt: SPI 64, within: 1us }
          - never: { changes: src, within: 1us }
          - expect: { memory: src, fill: { random: 1 } }
          - expect: { registers: { smmu.sCR0: { mask: 1, equals: 1 } } }
          - expect: { interrupts: { idle: [SPI 64] } }
          - expect: { fault: { on: smmu, bank: 0, kind: none } }
          - memory: { at: base, size: 4, file: data.bin }
          - dma330: { on: dma0, at: base, bytes: "00" }
          - expect: { trace: clean }
        """;

    private static readonly string[] Pieces =
    [
        "0",
        "-1",
        "~0",
        "0xffff_ffff_ffff_ffff",
        "1/0",
        "64MiB",
        "1TiB",
        "$(",
        "$n",
        "((((",
        "n.size",
        "src.end",
        "[]",
        "{}",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ", ",
        "- ",
        "\n",
        "\n  - ",
        "\t",
        "|",
        ">",
        "'",
        "\"",
        "#",
        "&a",
        "*a",
        "!t",
        "? ",
        "%YAML 1.2",
        "---",
        "...",
        "null",
        "~",
        "true",
        "\0",
        "\u001b[2J",
        "é",
        "\uD800",
        "\uFEFF",
        "\u2028",
        "😀",
        "smmu.CB0_FSR",
        "gic.GICC_IAR",
        "dma0.CSR0",
        "a.b.c.d",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "mine.dts",
        "SPI 64",
        "SGI 16",
        "1ms",
        "100s",
        "1ps",
        "lpae-stage-2",
        "kind",
        "secure: true",
        "fails: DECERR",
        "size: 8",
        "times: 1000000",
        "as: x",
        "DMAEND",
        "note: x",
        "\\u0000",
        "\"\\x07\"",
        "0x",
        "1_",
        "99999999999999999999",
    ];

    [Fact]
    public void The_seed_passes() => Bench.Run(Seed, sink: null, ("data.bin", [1, 2, 3, 4])).Passed.Should().BeTrue();

    [Fact]
    public void Mutated_scenarios_give_errors_or_results()
    {
        Gen<Func<string, string>> mutation = Gen.OneOf(
            from place in Gen.Choose(0, 10_000)
            from piece in Gen.Elements(Pieces)
            select (Func<string, string>)(text => text.Insert(place % (text.Length + 1), piece)),
            from place in Gen.Choose(0, 10_000)
            from length in Gen.Choose(1, 40)
            select (Func<string, string>)(text => Cut(text, place, length)),
            from place in Gen.Choose(0, 10_000)
            from length in Gen.Choose(1, 20)
            from piece in Gen.Elements(Pieces)
            select (Func<string, string>)(
                text =>
                    Cut(text, place, length)
                        .Insert(Math.Min(place % (text.Length + 1), Cut(text, place, length).Length), piece)
            ),
            from place in Gen.Choose(0, 10_000)
            from target in Gen.Choose(0, 10_000)
            select (Func<string, string>)(text => CopyLine(text, place, target))
        );
        Gen<string> texts =
            from mutations in mutation.ListOf().Where(list => list.Count is > 0 and < 6)
            select mutations.Aggregate(Seed, (text, mutate) => mutate(text));
        Prop.ForAll(texts.ToArbitrary(), Survives)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1_500).WithQuietOnSuccess(true));
    }

    [Fact]
    public void Random_texts_give_errors()
    {
        Gen<string> texts = Gen.Elements(Pieces).ListOf().Select(pieces => string.Concat(pieces));
        Prop.ForAll(texts.ToArbitrary(), Survives)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2_000).WithQuietOnSuccess(true));
    }

    [Fact]
    public void Mutated_device_trees_of_boards_give_errors_or_results()
    {
        const string Tree = """
            /dts-v1/;
            / { #address-cells = <1>; #size-cells = <1>; interrupt-parent = <&gic>;
              memory@80000000 { device_type = "memory"; reg = <0x80000000 0x100000>; };
              gic: gic@1000 { compatible = "arm,gic-400"; #interrupt-cells = <3>; interrupt-controller; reg = <0x1000 0x1000>, <0x2000 0x1000>; };
              rtc@4000 { compatible = "arm,pl031"; reg = <0x4000 0x1000>; interrupts = <0 4 4>; };
              smmu@10000 { compatible = "arm,mmu-400"; reg = <0x10000 0x10000>; interrupts = <0 5 4>, <0 6 4>; #global-interrupts = <1>; };
            };
            """;
        string[] words =
        [
            "0xffffffff",
            "0",
            "<",
            ">",
            ";",
            "&gic",
            "reg",
            "4",
            "\"x\"",
            "{",
            "}",
            "/delete-node/ rtc@4000;",
            "0x80000000",
        ];
        Gen<string> trees =
            from places in Gen.Choose(0, Tree.Length).ListOf(3)
            from cut in Gen.Choose(0, 12)
            from word in Gen.Elements(words)
            select places
                .Take(2)
                .Aggregate(
                    Tree,
                    (text, place) => Cut(text, place, cut).Insert(Math.Min(place, text.Length - cut), word)
                );
        Prop.ForAll(
                trees.ToArbitrary(),
                tree =>
                    Survives(
                        "name: x\nboard: x.dts\nkernel: none\nsteps:\n  - wait: { time: 1us }\n",
                        Encoding.UTF8.GetBytes(tree)
                    )
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithQuietOnSuccess(true));
    }

    private static bool Survives(string text) => Survives(text, [1, 2, 3, 4]);

    private static bool Survives(string text, byte[] file)
    {
        ScenarioReading reading = Bench.Reader.Read(
            text,
            "test.yaml",
            name =>
            {
                bool isPlain = !name.StartsWith('/') && !name.Split('/').Contains("..", StringComparer.Ordinal);
                isPlain.Should().BeTrue($"'{name}' leads elsewhere");
                return name.EndsWith(".dts", StringComparison.Ordinal) || name is "data.bin" ? file : null;
            }
        );
        reading.Errors.Should().NotContain(error => error.Line < 1 || error.Column < 1);
        (reading.Scenario is null).Should().Be(reading.Errors.Count > 0);
        if (reading.Scenario is { } scenario)
        {
            ScenarioResult result = Bench.Runner.Run(scenario);
            if (result.Failure is { } failure)
            {
                FailureText.Of(scenario, failure).Should().StartWith("test.yaml:");
            }
        }

        return true;
    }

    private static string Cut(string text, int place, int length)
    {
        int start = place % (text.Length + 1);
        return text.Remove(start, Math.Min(length, text.Length - start));
    }

    private static string CopyLine(string text, int place, int target)
    {
        List<string> lines = [.. text.Split('\n')];
        lines.Insert(target % lines.Count, lines[place % lines.Count]);
        return string.Join('\n', lines);
    }
}
