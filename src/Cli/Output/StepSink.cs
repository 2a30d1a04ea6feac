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
        bool isInstruction = string.Equals(traceEvent.Kind.Name, InstructionKind, StringComparison.Ordinal);
        _output.WriteLine(isInstruction ? $"=> {traceEvent}" : $"   {traceEvent}");
        if (!isInstruction || !_stopping)
        {
            return;
        }

        foreach (TraceField value in traceEvent.Fields)
        {
            if (!traceEvent.Kind.Template.Contains($"{{{value.Name}}}", StringComparison.Ordinal))
            {
                _output.Write($"   {value.Name}={value.Value}");
            }
        }

        _output.Write("\n? ");
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
