using System.Globalization;
using Emulator.Cli.Commands;
using Spectre.Console;

namespace Emulator.Cli.Output;

/// <summary>Colours and a line of progress, for a person at a terminal.</summary>
internal sealed class TerminalOutput : IRunOutput
{
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings());
    private int _files;
    private int _done;

    public void Start(int files)
    {
        _files = files;
        ShowProgress();
    }

    public void Show(FileOutcome outcome)
    {
        _done++;
        ClearProgress();
        string colour = outcome.Passed ? "green" : "red";
        string word = PlainOutput.Word(outcome);
        string rest = PlainOutput.Headline(outcome)[word.Length..];
        _console.MarkupLine($"[{colour}]{word}[/]{Markup.Escape(rest)}");
        foreach (string line in PlainOutput.Details(outcome))
        {
            Console.WriteLine(line); // as it is: a report that is wrapped to the terminal's width loses its columns
        }

        ShowProgress();
    }

    public void Finish(IReadOnlyList<FileOutcome> outcomes)
    {
        ClearProgress();
        string colour = outcomes.Count > 0 && outcomes.All(outcome => outcome.Passed) ? "green" : "red";
        _console.MarkupLine($"[{colour}]{Markup.Escape(PlainOutput.Summary(outcomes))}[/]");
    }

    private void ShowProgress()
    {
        if (_done < _files)
        {
            Console.Write(string.Create(CultureInfo.InvariantCulture, $"{_done}/{_files} ..."));
        }
    }

    private static void ClearProgress() => Console.Write("\r\u001b[K");
}
