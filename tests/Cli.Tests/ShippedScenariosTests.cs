namespace Emulator.Cli.Tests;

/// <summary>The scenarios and transcripts that come with the project are true.</summary>
public sealed class ShippedScenariosTests : IDisposable
{
    private readonly EmulatorProcess _emulator = new();

    private static string Root
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Emulator.sln")))
            {
                folder = Path.GetDirectoryName(folder);
            }

            return folder ?? throw new InvalidOperationException("there is no repository above the tests");
        }
    }

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void Every_shipped_scenario_passes_those_in_folders_of_folders_too()
    {
        Outcome outcome = _emulator.Run("run", Path.Combine(Root, "scenarios"));

        outcome.ExitCode.Should().Be(0);
        int files = Directory.GetFiles(Path.Combine(Root, "scenarios"), "*.yaml", SearchOption.AllDirectories).Length;
        outcome.Lines[^1].Should().Be($"{files} passed, 0 failed");
        outcome.Output.Should().Contain("dma330");
    }

    [Fact]
    public void The_transcript_of_the_walk_through_a_transfer_is_what_the_command_prints()
    {
        string page = File.ReadAllText(Path.Combine(Root, "docs", "stepping.md")).ReplaceLineEndings("\n");
        const string Command = "$ emulator run scenarios/fvp-ve/dma330/copy.yaml --step\n";
        int begin = page.IndexOf(Command, StringComparison.Ordinal) + Command.Length;
        string shown = page[begin..page.IndexOf("\n```", begin, StringComparison.Ordinal)];
        IEnumerable<string> typed = shown.Split('\n').Where(line => line.StartsWith('?')).Select(line => line[2..]);
        string file = _emulator.Write(
            "scenarios/fvp-ve/dma330/copy.yaml",
            File.ReadAllText(Path.Combine(Root, "scenarios", "fvp-ve", "dma330", "copy.yaml"))
        );
        string relative = Path.GetRelativePath(_emulator.Folder, file);

        Outcome outcome = _emulator.RunWith(
            string.Concat(typed.Select(line => line + "\n")),
            "run",
            relative,
            "--step"
        );

        outcome.Output.ReplaceLineEndings("\n").TrimEnd().Should().Be(shown);
    }
}
