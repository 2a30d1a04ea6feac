using System.Diagnostics;
using System.Text.Json;
using System.Xml.Linq;

namespace Emulator.Cli.Tests;

/// <summary><c>emulator run</c> and <c>emulator check</c>.</summary>
public sealed class RunTests : IDisposable
{
    private readonly EmulatorProcess _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void A_good_file_passes_with_one_line_and_a_summary()
    {
        _emulator.WriteGood("good.yaml");

        Outcome outcome = _emulator.Run("run", "good.yaml");

        outcome.ExitCode.Should().Be(0);
        outcome.Lines.Should().Equal("ok    good.yaml: story of good.yaml (50ns)", "1 passed, 0 failed");
        outcome.Errors.Should().BeEmpty();
    }

    [Fact]
    public void A_failed_expectation_is_reported_like_a_compiler_does_and_gives_1()
    {
        _emulator.WriteFailing("bad.yaml");

        Outcome outcome = _emulator.Run("run", "bad.yaml");

        outcome.ExitCode.Should().Be(1);
        outcome.Lines.Should().Equal("FAIL  bad.yaml: story of bad.yaml (0ps)", "0 passed, 1 failed");
        outcome
            .Errors.ReplaceLineEndings("\n")
            .Should()
            .Be(
                """
                bad.yaml:5:13: 1 has another value
                   |
                 5 |   - expect: { value: 1, equals: 2 }
                   |             ^
                    expected   found
                  ! 0x2        0x1
                  at 0ps of virtual time

                """.ReplaceLineEndings("\n")
            );
    }

    [Fact]
    public void A_broken_file_does_not_stop_the_others_and_gives_2()
    {
        _emulator.WriteFailing("a.yaml");
        _emulator.WriteBroken("b.yaml");
        _emulator.WriteGood("c.yaml");

        Outcome outcome = _emulator.Run("run", ".", "--jobs", "1");

        outcome.ExitCode.Should().Be(2);
        outcome.Lines.Select(line => line[..5]).Should().Equal("FAIL ", "ERROR", "ok   ", "1 pas");
        outcome.Lines[^1].Should().Be("1 passed, 1 failed, 1 could not be run");
        outcome.Errors.Should().Contain("b.yaml:5:5: unknown step 'expekt'; did you mean 'expect'? Valid steps: ");
    }

    [Fact]
    public void A_file_that_is_no_text_is_reported_and_does_not_stop_the_others()
    {
        File.WriteAllBytes(Path.Combine(_emulator.Folder, "a.yaml"), [0xFF, 0x00]);
        _emulator.WriteGood("b.yaml");

        Outcome outcome = _emulator.Run("run", "a.yaml", "b.yaml");

        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Be("a.yaml:1:1: the file is not UTF-8 text\n");
        outcome.Lines[^1].Should().Be("1 passed, 0 failed, 1 could not be run");
    }

    [Fact]
    public void A_filter_looks_at_files_and_names_also_of_broken_files()
    {
        _emulator.WriteGood("a.yaml");
        _emulator.WriteBroken("b.yaml");

        _emulator.Run("run", ".", "--filter", "OF A").Lines[^1].Should().Be("1 passed, 0 failed");
        _emulator.Run("run", ".", "--filter", "story of b").ExitCode.Should().Be(2);
        Outcome none = _emulator.Run("run", ".", "--filter", "none");
        none.ExitCode.Should().Be(5);
        none.Lines.Should().Equal("no scenario matched");
    }

    [Fact]
    public void An_empty_folder_gives_5_and_a_missing_path_2()
    {
        _emulator.Run("run", ".").ExitCode.Should().Be(5);
        Outcome missing = _emulator.Run("run", "gone.yaml");
        missing.ExitCode.Should().Be(2);
        missing.Errors.Should().Be("emulator: there is no file or folder 'gone.yaml'\n");
    }

    [Fact]
    public void Output_stays_in_the_order_of_the_files_however_many_run_at_once()
    {
        for (int n = 0; n < 12; n++)
        {
            // The first take longest.
            _emulator.WriteScenario(
                $"s{n:00}.yaml",
                $"  - repeat: {{ times: {(12 - n) * 3000}, steps: [ {{ mmio: {{ read: smmu.sCR0 }} }} ] }}"
            );
        }

        Outcome one = _emulator.Run("run", ".", "--jobs", "1");
        Outcome four = _emulator.Run("run", ".", "--jobs", "4");

        four.Output.Should().Be(one.Output);
        one.Lines.Should().HaveCount(13).And.Subject.Take(12).Should().BeInAscendingOrder(StringComparer.Ordinal);
    }

    [Fact]
    public void The_JUnit_report_tells_what_passed_failed_and_could_not_be_run()
    {
        _emulator.WriteGood("a.yaml");
        _emulator.WriteFailing("b.yaml");
        _emulator.WriteBroken("c.yaml");

        _emulator.Run("run", ".", "--report-junit", "report.xml").ExitCode.Should().Be(2);

        XElement suite = XDocument.Parse(_emulator.Read("report.xml")).Root!.Element("testsuite")!;
        suite.Attributes().Select(attribute => attribute.Value).Should().Equal("emulator", "3", "1", "1");
        suite.Elements("testcase").Select(c => c.Attribute("name")!.Value).Should().Contain("story of c.yaml");
    }

    [Theory]
    [InlineData("trace.txt")]
    [InlineData("trace.jsonl")]
    public void Two_traces_of_the_same_scenarios_are_equal_byte_by_byte(string file)
    {
        _emulator.WriteGood("a.yaml");
        _emulator.WriteScenario(
            "b.yaml",
            "  - mmio: { write: { smmu.CB0_TTBR0: 0x8000_0000 } }\n  - wait: { time: 1us }"
        );

        _emulator.Run("run", ".", "--trace", file).ExitCode.Should().Be(0);
        _emulator.Run("run", ".", "--trace", "again-" + file, "--jobs", "3").ExitCode.Should().Be(0);

        string text = _emulator.Read(file);
        _emulator.Read("again-" + file).Should().Be(text);
        text.Should().Contain("CB0_TTBR0").And.NotContain("\r");
    }

    [Fact]
    public void Every_line_of_a_JSON_trace_is_an_object_and_each_scenario_is_named()
    {
        _emulator.WriteGood("a.yaml");
        _emulator.WriteGood("b.yaml");

        _emulator.Run("run", ".", "--trace", "trace.jsonl").ExitCode.Should().Be(0);

        JsonElement[] lines =
        [
            .. _emulator
                .Read("trace.jsonl")
                .TrimEnd('\n')
                .Split('\n')
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
        lines.Should().OnlyContain(line => line.ValueKind == JsonValueKind.Object);
        lines
            .Where(line => line.TryGetProperty("scenario", out _))
            .Select(line => line.GetProperty("name").GetString())
            .Should()
            .Equal("story of a.yaml", "story of b.yaml");
    }

    [Fact]
    public void A_trace_or_report_that_cannot_be_written_is_a_wrong_option()
    {
        _emulator.WriteGood("a.yaml");

        _emulator.Run("run", "a.yaml", "--trace", "no/such/folder").ExitCode.Should().Be(2);
        _emulator.Run("run", "a.yaml", "--report-junit", "no/such/folder").ExitCode.Should().Be(2);
        if (File.Exists("/dev/full"))
        {
            Outcome full = _emulator.Run("run", "a.yaml", "--trace", "/dev/full");
            full.ExitCode.Should().Be(2);
            full.Errors.Should().StartWith("emulator: ").And.NotContain("   at ");
        }
    }

    [Fact]
    public void Repetitions_compare_the_traces()
    {
        _emulator.WriteGood("a.yaml");

        Outcome outcome = _emulator.Run("run", "a.yaml", "--repeat", "3");

        outcome.ExitCode.Should().Be(0);
        outcome.Lines[^1].Should().Be("1 passed, 0 failed");
    }

    [Fact]
    public void Stepping_stops_at_every_instruction_until_the_input_ends()
    {
        _emulator.WriteScenario("dma.yaml", TransferSteps);

        Outcome entered = _emulator.RunWith("\n\n\n\n\n\n\n\n", "run", "dma.yaml", "--step");
        Outcome ended = _emulator.RunWith("\n", "run", "dma.yaml", "--step");
        Outcome goesOn = _emulator.RunWith("c\n", "run", "dma.yaml", "--step");
        Outcome quits = _emulator.RunWith("q\n", "run", "dma.yaml", "--step");

        entered.ExitCode.Should().Be(0);
        entered.Output.Should().Contain("DMALD").And.Contain("DMAEND");
        Prompts(entered).Should().BeGreaterThan(4);
        Prompts(ended).Should().Be(2);
        ended.ExitCode.Should().Be(0);
        Prompts(goesOn).Should().Be(1);
        goesOn.ExitCode.Should().Be(0);
        quits.ExitCode.Should().Be(130);

        static int Prompts(Outcome outcome) => outcome.Output.Split("\n? ").Length - 1;
    }

    [Fact]
    public void Stepping_shows_each_instruction_with_its_bus_traffic_and_the_state_after_it()
    {
        _emulator.WriteScenario("dma.yaml", TransferSteps);

        Outcome outcome = _emulator.RunWith("u 0x8000_200C\nnext\nstep\nn 2\nc\n", "run", "dma.yaml", "--step");

        string output = outcome.Output.ReplaceLineEndings("\n");
        output
            .Should()
            .Contain("=> [     0.330000] dma0 ch0 0x8000_2012 DMALD\n")
            .And.Contain(
                """
                     [     0.330000] dma0 ch0 0x8000_2012 DMALD  <- 0x8000_0000 16 B (burst 1x16) INCR prot 0b010 cache 0b0000 0102030405060708090A0B0C0D0E0F10
                     sar 0x8000_0010  dar 0x8000_1000  ccr 0x82_4209  lc0 0  lc1 0  mfifo 16  reads 1  writes 0
                ? step
                there is no command 'step'
                  n, next, Enter     execute the next instruction
                """.ReplaceLineEndings("\n")
            );
        string[] typed = [.. output.Split('\n').Where(line => line.StartsWith('?'))];
        typed.Should().Equal("? u 0x8000_200C", "? next", "? step", "? n 2", "? c");
        outcome.Lines[^1].Should().Be("1 passed, 0 failed");
    }

    [Fact]
    public void Redirected_output_has_no_control_sequences()
    {
        _emulator.Write(
            "a.yaml",
            $"name: \"\\e[31mred\"\n{EmulatorProcess.Header}  - expect: {{ value: 1, equals: 2 }} # \u009b1m\n"
        );

        Outcome outcome = _emulator.Run("run", "a.yaml");

        outcome.Output.Should().NotContain("\u001b").And.Contain("?[31mred");
        outcome.Errors.Should().NotContain("\u001b").And.NotContain("\u009b");
        _emulator.Run("--help").Output.Should().NotContain("\u001b");
    }

    [Fact]
    public void A_closed_pipe_gives_no_stack_trace()
    {
        for (int n = 0; n < 40; n++)
        {
            _emulator.WriteGood($"s{n:00}.yaml");
        }

        using Process process = _emulator.Start("run", ".", "--jobs", "1");
        process.StandardOutput.BaseStream.ReadByte();
        process.StandardOutput.Close();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();

        errors.Should().NotContain("   at ").And.NotContain("Unhandled");
        process.ExitCode.Should().BeOneOf(0, 2);
    }

    [Fact]
    public void An_interrupt_ends_the_run_with_130()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        for (int n = 0; n < 200; n++)
        {
            _emulator.WriteScenario(
                $"s{n:000}.yaml",
                "  - repeat: { times: 200000, steps: [ { mmio: { read: smmu.sCR0 } } ] }"
            );
        }

        using Process process = _emulator.Start("run", ".", "--jobs", "1");
        process.StandardOutput.ReadLine().Should().StartWith("ok ");
        using (
            var kill = Process.Start(
                "kill",
                ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]
            )
        )
        {
            kill.WaitForExit();
        }

        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.Should().Be(130);
        errors.Should().Be("emulator: interrupted\n");
    }

    [Fact]
    public void Check_reports_every_mistake_and_runs_nothing()
    {
        _emulator.WriteFailing("a.yaml");
        _emulator.Run("check", ".").Lines.Should().Equal("1 file in order, 0 with mistakes");

        _emulator.WriteBroken("b.yaml");
        Outcome outcome = _emulator.Run("check", ".");

        outcome.ExitCode.Should().Be(2);
        outcome.Lines.Should().Equal("1 file in order, 1 with mistakes");
        outcome.Errors.Should().Contain("b.yaml:5:5: unknown step 'expekt'");
        _emulator.Run("check", "gone").ExitCode.Should().Be(2);
    }

    private const string TransferSteps = """
          - memory: { at: 0x8000_0000, size: 16, as: src, fill: { count: 1 } }
          - memory: { at: 0x8000_1000, size: 16, as: dst, fill: { byte: 0 } }
          - memory: { at: 0x8000_2000, size: 64, as: code }
          - dma330:
              on: dma0
              at: code
              program: |
                DMAMOV CCR, SB1 SS128 SAI SP2 DB1 DS128 DAI DP2
                DMAMOV SAR, 0x80000000
                DMAMOV DAR, 0x80001000
                DMALD
                DMAST
                DMAEND
          - wait: { time: 10us }
          - expect: { memory: dst, equals: src }
        """;
}
