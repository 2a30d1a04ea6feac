using Emulator.Boards;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Scenarios.Tests;

/// <summary>Reads and runs scenarios as the command does, from texts instead of files.</summary>
internal static class Bench
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public static ScenarioReader Reader { get; } = Services.GetRequiredService<ScenarioReader>();

    public static ScenarioRunner Runner { get; } = Services.GetRequiredService<ScenarioRunner>();

    /// <summary>A scenario on fvp-ve; its first step stands on line 5.</summary>
    public static string Scenario(string steps) =>
        "name: test\nboard: fvp-ve\nkernel: none\nsteps:\n" + steps.ReplaceLineEndings("\n") + "\n";

    public static ScenarioReading Read(string text, params (string Name, byte[] Content)[] files) =>
        Reader.Read(
            text,
            "test.yaml",
            name => files.FirstOrDefault(file => string.Equals(file.Name, name, StringComparison.Ordinal)).Content
        );

    public static ScenarioResult Run(string text, ITraceSink? sink = null, params (string, byte[])[] files)
    {
        ScenarioReading reading = Read(text, files);
        reading.Errors.Should().BeEmpty(text);
        return Runner.Run(reading.Scenario!, sink);
    }

    /// <summary>Runs the steps of a scenario and leaves the world as it is at the end.</summary>
    public static World RunInWorld(Scenario scenario)
    {
        var boards = Services.GetRequiredService<IBoardLibrary>();
        Board board = boards.Create(scenario.Board, scenario.Options, new Simulation());
        var world = new World(board, Services.GetRequiredService<IProgramAssembler>());
        foreach (Step step in scenario.Steps)
        {
            world.Run(step);
        }

        return world;
    }

    /// <summary>These steps are in order and pass.</summary>
    public static void Pass(string steps, params (string, byte[])[] files)
    {
        ScenarioResult result = Run(Scenario(steps), sink: null, files);
        result.Failure.Should().BeNull(result.Failure is { } failure ? FailureText.Of(result.Scenario, failure) : "");
    }

    /// <summary>These steps are in order and fail.</summary>
    public static StepFailure Fail(string steps)
    {
        StepFailure? failure = Run(Scenario(steps)).Failure;
        failure.Should().NotBeNull(steps);
        return failure!;
    }

    /// <summary>These steps are in order and fail: the report without the last events.</summary>
    public static string FailureReport(string steps)
    {
        ScenarioResult result = Run(Scenario(steps));
        result.Failure.Should().NotBeNull(steps);
        return FailureText.Of(result.Scenario, result.Failure! with { LastEvents = [] });
    }

    /// <summary>The errors of a text, each as a person sees it.</summary>
    public static string[] Errors(string text, params (string, byte[])[] files) =>
        [.. Read(text, files).Errors.Select(error => error.ToString())];

    /// <summary>The errors of steps.</summary>
    public static string[] StepErrors(string steps, params (string, byte[])[] files) => Errors(Scenario(steps), files);
}
