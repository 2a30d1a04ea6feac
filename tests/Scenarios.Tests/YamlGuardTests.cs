using System.Text;

namespace Emulator.Scenarios.Tests;

/// <summary>What of YAML is taken, and what is refused.</summary>
public sealed class YamlGuardTests
{
    private const string Head = "name: test\nboard: fvp-ve\nkernel: none\n";

    [Theory]
    [InlineData(Head + "steps:\n  - let: &x { a: 1 }\n", 5, 10, "YAML anchors and aliases are not part of")]
    [InlineData(Head + "steps:\n  - let: { a: *x }\n", 5, 15, "YAML anchors and aliases are not part of")]
    [InlineData(Head + "steps:\n  - let: { a: !!int 1 }\n", 5, 15, "YAML tags are not part of the scenario language")]
    [InlineData(Head + "steps: !x []\n", 4, 8, "YAML tags are not part of the scenario language")]
    [InlineData(Head + "steps: []\n---\nname: b\n", 5, 1, "the file holds several YAML documents; write one")]
    [InlineData(Head + "steps: []\nname: b\n", 5, 1, "the key 'name' stands here for the second time")]
    [InlineData(Head + "steps:\n\t- let: { a: 1 }\n", 5, 1, "a tab in the indentation; YAML indents with blanks")]
    [InlineData("", 1, 1, "the file is empty; a scenario begins with 'name:', 'board:', 'kernel:' and 'steps:'")]
    [InlineData("# only a comment\n", 1, 1, "the file is empty; a scenario begins with")]
    [InlineData("---\n", 1, 1, "the file is empty; a scenario begins with")]
    [InlineData("- a\n- b\n", 1, 1, "the scenario takes keys and values, { key: value, ... }, not a list")]
    [InlineData("just words\n", 1, 1, "the scenario takes keys and values, { key: value, ... }, not 'just words'")]
    public void A_guard_says_what_and_where(string text, long line, long column, string message)
    {
        ScenarioError error = Bench.Read(text).Errors[0];

        error.Message.Should().StartWith(message);
        (error.Line, error.Column).Should().Be((line, column));
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        string text = Head + "steps: " + new string('[', 200_000);

        Bench.Errors(text).Should().Equal("test.yaml:4:37: nested deeper than 32 levels");
    }

    [Fact]
    public void A_scenario_is_at_most_1_MiB_long()
    {
        string scenario = Head + "steps: []\n#";
        int room = (1 << 20) - scenario.Length;

        Bench.Errors(scenario + new string('x', room)).Should().BeEmpty();
        Bench
            .Errors(scenario + new string('x', room + 1))
            .Should()
            .Equal("test.yaml:1:1: the file is longer than 1048576 characters");
    }

    [Fact]
    public void Windows_line_ends_change_nothing()
    {
        string text = Bench.Scenario("  - mmoi: 1\n  - let: { a: b }").ReplaceLineEndings("\r\n");

        Bench
            .Errors(text)
            .Should()
            .Equal(
                "test.yaml:5:5: unknown step 'mmoi'; did you mean 'mmio'? "
                    + "Valid steps: mmio, sysreg, memory, press, release, tables, explain, groups, dma330, wait, expect, never, let, repeat, host, process, kill, vfio, map, unmap, regs, irq, reset, open, ioctl, close, note",
                "test.yaml:6:15: there is no variable 'b' here"
            );
    }

    [Fact]
    public void Errors_come_in_order_of_place_and_not_more_than_fifty()
    {
        string text = Bench.Scenario(string.Concat(Enumerable.Repeat("  - foo: 1\n", 200)));

        IReadOnlyList<ScenarioError> errors = Bench.Read(text).Errors;

        errors.Should().HaveCount(50);
        errors.Should().BeInAscendingOrder(error => error.Line);
    }

    [Fact]
    public void Many_unknown_variables_in_one_text_cost_no_more_than_the_first_fifty()
    {
        string variables = string.Concat(Enumerable.Range(0, 20_000).Select(n => $"  variable_{n}: 1\n"));
        string uses = string.Concat(Enumerable.Repeat("$variablx", 50_000));

        Bench
            .Errors(Head + "variables:\n" + variables + $"steps:\n  - mmio: {{ read: a.{uses} }}\n")
            .Should()
            .HaveCount(50);
    }

    [Theory]
    [InlineData("name: 7\nboard: [a]\nkernel: none\nsteps: []", "test.yaml:2:8: 'board:' takes a text, not a list")]
    [InlineData("name:\nboard: fvp-ve\nkernel: none\nsteps: []", "test.yaml:1:6: 'name:' takes a text, not nothing")]
    [InlineData("name: a\nboard: fvp-ve\nkernel: none", "test.yaml:1:1: the scenario needs 'steps:'")]
    [InlineData(
        "name: a\nboard: fvp-ve\nsteps: []",
        "test.yaml:1:1: the scenario needs 'kernel: none' (bare metal: the steps act as a boot ROM) or a kernel"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: 5.4\nsteps: []",
        "test.yaml:3:9: kernel '5.4' is not modelled; did you mean '6.1'? Kernels: none, slides-2013-before, slides-2013, vosys-v6, 6.1, 6.12, 6.12-oracle"
    )]
    [InlineData(
        "name: a\nboard: fpv-ve\nkernel: none\nsteps: []",
        "test.yaml:2:8: there is no board 'fpv-ve'; did you mean 'fvp-ve'? Boards: fvp-ve, virt, or a .dts or .dtb file beside the scenario"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: none\noptions: { smmu_irk: 0 }\nsteps: []",
        "test.yaml:4:12: board fvp-ve has no option 'smmu_irk'; did you mean 'smmu_irq'? "
            + "Its options: dmac0_int_base, dmac1_int_base, dmac2_int_base, dmac3_int_base, smmu_irq"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: none\noptions: { smmu_irq: 2 }\nsteps: []",
        "test.yaml:4:10: option smmu_irq is 0 or 1, not 2"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: none\noptions: { smmu_irq: 1 / 0 }\nsteps: []",
        "test.yaml:4:24: division by zero"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: none\nvariables: [1]\nsteps: []",
        "test.yaml:4:12: variables takes { name: number, ... }, not a list"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: none\nsteps: {}",
        "test.yaml:4:8: 'steps:' takes a list, not an empty mapping"
    )]
    [InlineData(
        "name: a\nboard: fvp-ve\nkernel: none\nsteps: []\nstepz: []",
        "test.yaml:5:1: unknown key 'stepz' in the scenario; did you mean 'steps'? "
            + "Valid keys: name, board, options, kernel, devices, kernel-tree, boot, variables, steps"
    )]
    public void Top_level_mistakes_have_their_places(string text, string error) =>
        Bench.Errors(text + "\n").Should().Equal(error);

    [Fact]
    public void Names_and_notes_are_prose_in_which_a_dollar_means_nothing()
    {
        ScenarioReading reading = Bench.Read(
            "name: it costs $5 or $(more\nboard: fvp-ve\nkernel: none\nsteps:\n  - note: $x stays $x\n    let: { a: 1 }\n"
        );

        reading.Errors.Should().BeEmpty();
        reading.Scenario!.Name.Should().Be("it costs $5 or $(more");
    }

    [Fact]
    public void A_file_with_mistakes_still_has_its_name() =>
        Bench.Read("name: a story\nboard: fvp-ve\nkernel: none\nsteps: [x]\n").Name.Should().Be("a story");

    [Fact]
    public void A_byte_order_mark_is_no_part_of_the_text_and_bytes_that_are_not_UTF_8_are_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] text = Encoding.UTF8.GetBytes(Head + "steps: []\n");
        string good = folder.Write("good.yaml", [0xEF, 0xBB, 0xBF, .. text]);
        string bad = folder.Write("bad.yaml", [0xEF, 0xBB, 0xBF, .. text, (byte)'#', 0xFF]);
        string wide = folder.Write(
            "wide.yaml",
            [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Head)]
        );

        ScenarioFiles.Read(Bench.Reader, good).Errors.Should().BeEmpty();
        ScenarioFiles.Read(Bench.Reader, bad).Errors.Single().Message.Should().Be("the file is not UTF-8 text");
        ScenarioFiles.Read(Bench.Reader, wide).Errors.Single().Message.Should().Be("the file is not UTF-8 text");
    }
}
