using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>How a scenario ended.</summary>
/// <param name="Scenario">Which.</param>
/// <param name="Failure">The step that failed, or null when all passed.</param>
/// <param name="VirtualTime">The virtual time at the end, in picoseconds.</param>
/// <param name="BoardWarnings">What the assembly of the board warned of.</param>
public sealed record ScenarioResult(
    Scenario Scenario,
    StepFailure? Failure,
    long VirtualTime,
    IReadOnlyList<string> BoardWarnings
)
{
    /// <summary>Whether every step passed.</summary>
    public bool Passed => Failure is null;
}

/// <summary>Runs scenarios, each in a simulation of its own, so that any number may run at once in one process.</summary>
/// <param name="boards">Where boards come from.</param>
/// <param name="dma330Assembler">The assembler for <c>dma330:</c> steps.</param>
public sealed class ScenarioRunner(IBoardLibrary boards, IProgramAssembler dma330Assembler)
{
    private const int LastEvents = 12;

    /// <summary>How many actions before a failure its second run begins to be traced.</summary>
    private const long TracedActions = 5_000;

    /// <summary>Runs a scenario.</summary>
    /// <param name="scenario">Which.</param>
    /// <param name="sink">Receives the trace as it happens; null runs without a trace, which is faster.</param>
    /// <remarks>
    /// A failure of a run without a trace is run again with one, for the last transactions before it: runs repeat exactly,
    /// so nothing needs to be recorded while all is well.
    /// </remarks>
    public ScenarioResult Run(Scenario scenario, ITraceSink? sink = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ScenarioResult result = RunOnce(scenario, sink, 0, out long actions);
        if (result.Failure is null)
        {
            return result;
        }

        var tail = new TailTraceSink(LastEvents);
        ScenarioResult again = RunOnce(scenario, tail, Math.Max(0, actions - TracedActions), out _);
        return again.Failure is null
            ? result
            : result with
            {
                Failure = again.Failure with { LastEvents = [.. tail.Events] },
            };
    }

    private ScenarioResult RunOnce(Scenario scenario, ITraceSink? sink, long tracedFrom, out long actions)
    {
        var simulation = new Simulation();
        Board board = scenario.Tree is { } tree
            ? boards.Create(scenario.Board, tree, simulation)
            : boards.Create(scenario.Board, scenario.Options, simulation);
        var world = new World(board, dma330Assembler);
        if (sink is not null)
        {
            world.TraceFrom(tracedFrom, sink);
        }

        StepFailure? failure = null;
        try
        {
            if (scenario.Kernel is { } kernel)
            {
                world.Boot(kernel, scenario.KernelTree, scenario.BootsByAcpi);
            }

            foreach (Step step in scenario.Steps)
            {
                world.Run(step);
            }
        }
        catch (StepFailedException failed)
        {
            string[] explanations =
            [
                .. board.Devices.SelectMany(device =>
                    (device.Device as IExplainsState)?.Explain().Select(text => $"{device.Name}: {text}") ?? []
                ),
                .. world.LastRefusals,
            ];
            failure = failed.Failure with { Time = simulation.Now, Explanations = explanations };
        }

        actions = simulation.Actions;
        return new ScenarioResult(scenario, failure, simulation.Now, [.. board.Warnings]);
    }
}
