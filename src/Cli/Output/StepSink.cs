using System.Globalization;
using Emulator.Machine;
using Emulator.Scenarios;

namespace Emulator.Cli.Output;

/// <summary>
/// Shows a run instruction by instruction: whenever a DMA controller has executed one, what the bus did since the last
/// is on the screen, and the run waits for a command. Commands that do not come from a terminal are shown as if they had
/// been typed, so that the output reads the same; at their end everything is shown without stopping.
/// </summary>
internal sealed class StepSink : ITraceSink
{
    private const string InstructionKind = "dma.instruction";

    private const string Help = """
          n, next, Enter     execute the next instruction
          n N                execute N instructions
          u ADDR             run until a thread has executed the instruction at an address
          c, continue        run to the end and show nothing more
          q, quit            end the run here
        """;

    private readonly TextReader _input;
    private readonly TextWriter _output;
    private readonly bool _echo;
    private readonly List<TraceEvent> _since = [];
    private bool _quiet;
    private bool _running;
    private long _left;
    private ulong? _until;

    /// <summary>Begins to show a scenario.</summary>
    /// <param name="scenario">What is run.</param>
    /// <param name="input">Where commands come from.</param>
    /// <param name="output">Where everything is shown.</param>
    /// <param name="echo">Whether commands are to be repeated, because no terminal shows them.</param>
    public StepSink(Scenario scenario, TextReader input, TextWriter output, bool echo)
    {
        _input = input;
        _output = output;
        _echo = echo;
        output.WriteLine($"{scenario.File}: {scenario.Name}");
        output.WriteLine("Enter or n: next instruction   c: run on   q: quit   h: help");
    }

    public void Write(TraceEvent traceEvent)
    {
        if (!string.Equals(traceEvent.Kind.Name, InstructionKind, StringComparison.Ordinal))
        {
            _since.Add(traceEvent);
            return;
        }

        if (_quiet || (_until is { } wanted && !IsAt(traceEvent, wanted)))
        {
            _since.Clear();
            return;
        }

        // What an instruction did is traced before the instruction itself, which is complete only then.
        int own = _since.FindIndex(earlier => earlier.Time == traceEvent.Time && earlier.Source is not "cpu0");
        Show(own < 0 ? _since : _since.GetRange(0, own));
        _output.WriteLine($"=> {traceEvent}");
        if (own >= 0)
        {
            Show(_since.GetRange(own, _since.Count - own));
        }

        _since.Clear();
        ShowState(traceEvent);
        if (Stops())
        {
            Ask();
        }
    }

    private void Show(IEnumerable<TraceEvent> events)
    {
        foreach (TraceEvent shown in events)
        {
            _output.WriteLine($"     {shown}");
        }
    }

    private void ShowState(TraceEvent instruction)
    {
        IEnumerable<string> state = instruction
            .Fields.Where(value => !instruction.Kind.Template.Contains($"{{{value.Name}}}", StringComparison.Ordinal))
            .Select(value => $"{value.Name} {value.Value}");
        _output.WriteLine($"     {string.Join("  ", state)}");
    }

    private bool Stops()
    {
        if (_running)
        {
            return false;
        }

        _left--;
        return _until is not null || _left <= 0;
    }

    private static bool IsAt(TraceEvent instruction, ulong address) =>
        instruction.Fields.Any(value => value is { Name: "pc" } && value.Number == address);

    private void Ask()
    {
        _until = null;
        _left = 0;
        do
        {
            _output.Write("? ");
            string? line = _input.ReadLine();
            if (_echo)
            {
                _output.WriteLine(line ?? "(no more commands)");
            }

            if (line is null)
            {
                _running = true;
                return;
            }

            Obey(line);
        } while (!_running && _left == 0 && _until is null);
    }

    private void Obey(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case [] or ["n" or "next"]:
                _left = 1;
                break;
            case ["n" or "next", var count]
                when long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out long times) && times > 0:
                _left = times;
                break;
            case ["u" or "until", var text] when ParseAddress(text) is { } address:
                _until = address;
                break;
            case ["c" or "continue"]:
                _running = _quiet = true;
                break;
            case ["q" or "quit"]:
                throw new OperationCanceledException();
            case ["h" or "help" or "?"]:
                _output.WriteLine(Help);
                break;
            default:
                _output.WriteLine($"there is no command '{line.Trim()}'");
                _output.WriteLine(Help);
                break;
        }
    }

    private static ulong? ParseAddress(string text)
    {
        string digits = text.Replace("_", "", StringComparison.Ordinal);
        return
            digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong hex)
            ? hex
            : null;
    }
}
