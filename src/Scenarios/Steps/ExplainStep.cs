using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>explain:</c> tells how an SMMU would translate an address here and now: stream, context bank, TLB, each descriptor.
/// The lines go to the trace; <c>shows:</c> says what must be among them. Like a debugger it looks without touching.
/// </summary>
internal sealed class ExplainStep : Step
{
    private static readonly TraceKind Explained = new("scenario.explain", Severity.Info, "{line}");

    private readonly List<TextValue> _shows = [];
    private TextValue _on = TextValue.Empty;
    private NumberValue _stream = NumberValue.Zero;
    private NumberValue _iova = NumberValue.Zero;
    private bool _isWrite;
    private TransactionFlags _flags;

    private ExplainStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "explain");
        var step = new ExplainStep(map.Place)
        {
            _on = map.RequiredText("on"),
            _stream = map.RequiredNumber("stream"),
            _iova = map.RequiredNumber("iova"),
            _isWrite = map.Choice("access", "read", "read", "write") is "write",
            _flags =
                (map.Flag("privileged", otherwise: false) ? TransactionFlags.Privileged : TransactionFlags.None)
                | (map.Flag("instruction", otherwise: false) ? TransactionFlags.Instruction : TransactionFlags.None),
        };
        step._shows.AddRange(map.List("shows").Select(context.Text));
        map.Finish();
        if (
            context.Board is { } board
            && step._on.Template.Literal is { Length: > 0 } name
            && board.Find(name)?.Device is not IExplainsTranslation
        )
        {
            context.Fail(step._on.Place, $"board {board.Name} has no SMMU '{name}'");
        }

        return step;
    }

    public override void Run(World world)
    {
        string name = world.Text(_on);
        if (world.Board.Find(name)?.Device is not IExplainsTranslation smmu)
        {
            throw StepFailedException.At(_on.Place, $"the board has no SMMU '{name}'");
        }

        IReadOnlyList<string> lines = smmu.ExplainTranslation(
            (uint)world.Number(_stream),
            world.Number(_iova),
            _isWrite,
            _flags
        );
        foreach (string line in lines)
        {
            world.Simulation.Trace.Emit(Explained, name, TraceField.Of("line", line));
        }

        Check(world, name, lines);
    }

    /// <summary>The texts must stand in lines of their own, in this order; other lines may come between.</summary>
    private void Check(World world, string name, IReadOnlyList<string> lines)
    {
        string[] expected = [.. _shows.Select(world.Text)];
        int at = 0;
        foreach (string line in lines)
        {
            if (at < expected.Length && line.Contains(expected[at], StringComparison.Ordinal))
            {
                at++;
            }
        }

        if (at < expected.Length)
        {
            throw new StepFailedException(
                new StepFailure(Place, $"{name} translates otherwise: '{expected[at]}' is not shown", expected, lines)
            );
        }
    }
}
