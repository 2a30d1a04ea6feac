using System.Globalization;

namespace Emulator.Scenarios.Tests;

/// <summary>The examples of docs/scenarios.md are read and run, and its numbers are those of the program.</summary>
public sealed class DocumentationTests
{
    private const string Before = """
        name: an example
        board: fvp-ve
        kernel: none
        steps:
          - memory: { at: 0x8000_0000, size: 64, as: src }
          - memory: { at: 0x8000_1000, size: 64, as: dst }
          - memory: { at: 0x8000_2000, size: 64, as: code }

        """;

    private static readonly string Text = File.ReadAllText(Path.Combine(Root(), "docs", "scenarios.md"));

    public static TheoryData<string> Examples =>
        [
            .. Text.ReplaceLineEndings("\n")
                .Split("```yaml\n")
                .Skip(1)
                .Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)]),
        ];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_example_is_in_order_and_whole_scenarios_pass(string example)
    {
        bool isWhole = example.StartsWith("name:", StringComparison.Ordinal);
        string text = isWhole
            ? example
            : Before + string.Concat(example.TrimEnd('\n').Split('\n').Select(line => $"  {line}\n"));

        ScenarioReading reading = Bench.Read(text, ("image.bin", [1, 2, 3, 4]));

        reading.Errors.Should().BeEmpty(text);
        if (isWhole)
        {
            ScenarioResult result = Bench.Runner.Run(reading.Scenario!);
            result
                .Failure.Should()
                .BeNull(result.Failure is { } failure ? FailureText.Of(result.Scenario, failure) : "");
        }
    }

    [Fact]
    public void There_is_an_example_for_every_step()
    {
        string all = string.Concat(Examples.Select(row => row.Data));

        foreach (string step in StepReader.KindNames)
        {
            all.Should().Contain($"- {step}:");
        }
    }

    [Theory]
    [InlineData("steps, repetitions counted", World.MaximumSteps)]
    [InlineData("events and DMA instructions", World.MaximumActions)]
    [InlineData("work of the host: numbers, accesses, blocks of 64 bytes", World.MaximumWork)]
    public void The_bounds_are_those_of_the_program(string what, long bound)
    {
        var blanks = new NumberFormatInfo { NumberGroupSeparator = " ", NumberDecimalDigits = 0 };

        Text.Should().Contain($"| {what} | {bound.ToString("N", blanks)} |");
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Emulator.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests are not below the repository.");
    }
}
