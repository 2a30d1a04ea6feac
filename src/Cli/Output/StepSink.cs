using Emulator.Machine;
using Emulator.Scenarios;

namespace Emulator.Cli.Output;

/// <summary>
/// Shows a run instruction by instruction: whenever a DMA controller has executed one, what the bus did since the last
/// is on the screen, and the run waits for Enter.
/// </summary>
internal sealed class StepSink : ITraceSink
{
    private const string InstructionKind = "dma.instruction";

    private readonly TextReader _input;
    private readonly TextWriter _output;
    private readonly List<TraceEvent> _since = [];
    private bool _stopping = true;

    public StepSink(Scenario scenario, TextReader input, TextWriter output)
    {
        _input = input;
        _output = output;
        output.WriteLine($"{scenario.File}: {scenario.Name}");
        output.WriteLine("Enter: next instruction   c: run on   q: quit");
    }

    public void Write(TraceEvent traceEvent)
    {
        if (!string.Equals(traceEvent.Kind.Name, InstructionKind, StringComparison.Ordinal))
        {
            _since.Add(traceEvent);
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
        if (_stopping)
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

    private void Ask()
    {
        _output.Write("? ");
        switch (_input.ReadLine()?.Trim())
        {
            case null or "c":
                _stopping = false;
                break;
            case "q":
                throw new OperationCanceledException();
        }
    }
}
