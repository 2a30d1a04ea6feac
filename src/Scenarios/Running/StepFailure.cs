using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>An expectation that did not hold.</summary>
/// <param name="Place">Where the expectation stands.</param>
/// <param name="Message">What failed, in a sentence.</param>
/// <param name="Expected">What was expected, line by line.</param>
/// <param name="Found">What was found, line by line.</param>
public sealed record StepFailure(
    Place Place,
    string Message,
    IReadOnlyList<string> Expected,
    IReadOnlyList<string> Found
)
{
    /// <summary>When, in picoseconds.</summary>
    public long Time { get; init; }

    /// <summary>What the devices say of themselves: recorded faults, faulting channels.</summary>
    public IReadOnlyList<string> Explanations { get; init; } = [];

    /// <summary>The last bus transactions and register accesses before it.</summary>
    public IReadOnlyList<TraceEvent> LastEvents { get; init; } = [];
}

/// <summary>Ends a run with a failure. Caught by the runner; never seen by a user.</summary>
internal sealed class StepFailedException(StepFailure failure) : Exception(failure.Message)
{
    public StepFailure Failure { get; } = failure;

    public static StepFailedException At(Place place, string message) => new(new StepFailure(place, message, [], []));

    public static StepFailedException At(Place place, string message, string expected, string found) =>
        new(new StepFailure(place, message, [expected], [found]));
}
