namespace Emulator.Cli.Commands;

/// <summary>What <c>emulator run</c> was asked for.</summary>
internal sealed record RunOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>Runs only scenarios whose file or name holds this text; null runs all.</summary>
    public string? Filter { get; init; }

    /// <summary>How many scenarios run at once.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Where the JUnit report goes, or null.</summary>
    public string? JUnitFile { get; init; }

    /// <summary>Where the trace goes, or null.</summary>
    public string? TraceFile { get; init; }

    /// <summary>How often each scenario runs; all its traces must be equal.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Whether to stop at every DMA instruction.</summary>
    public bool Step { get; init; }

    /// <summary>Whether colours and live progress may be shown.</summary>
    public bool Plain { get; init; }
}
