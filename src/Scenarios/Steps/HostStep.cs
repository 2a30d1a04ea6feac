using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>host:</c> a console of the simulated Linux. A transcript is typed and compared; a command can also be started, typed to
/// and waited for in steps of their own, while other consoles and processes go on.
/// </summary>
internal sealed class HostStep : Step
{
    private const long DefaultPatience = 60 * VirtualTime.Second;

    private readonly string _console = Host.FirstConsole;
    private readonly NumberValue? _user;
    private readonly Transcript? _run;
    private readonly string? _start;
    private readonly string? _type;
    private readonly string? _keys;
    private readonly ExpectedLine? _until;
    private readonly IReadOnlyList<ExpectedLine>? _prints;
    private readonly long? _for;
    private readonly long _within = DefaultPatience;
    private readonly NumberValue? _exit;

    private HostStep(Place place)
        : base(place) { }

    private HostStep(ReadingContext context, YamlNode node)
        : base(ReadingContext.PlaceOf(node)) => _run = Transcript.Read(context, node);

    private HostStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _console = map.NewName("on") ?? Host.FirstConsole;
        _user = map.Number("user");
        _within = map.Duration("within") ?? DefaultPatience;
        _for = map.Duration("for");
        _exit = map.Number("exit");
        _until = map.Has("until")
            ? ExpectedLine.ReadPart(context, map.RequiredWords("until"), map.PlaceOf("until"))
            : null;
        _prints = map.Has("prints")
            ? ExpectedLine.ReadAll(context, map.RequiredWords("prints"), map.PlaceOf("prints"))
            : null;
        bool waits = (_until ?? (object?)_for ?? _exit ?? (object?)_prints) is not null;
        switch (waits && !AnyAction(map) ? null : map.OneOf("run", "start", "type", "keys"))
        {
            case "run":
                _run = Transcript.Read(context, map.Node("run")!);
                break;
            case "start":
                _start = map.RequiredWords("start");
                Transcript.CheckCommand(context, _start, map.PlaceOf("start"));
                break;
            case "type":
                _type = (map.Node("type") as YamlScalarNode)?.Value ?? map.RequiredWords("type");
                break;
            case "keys":
                _keys = map.Choice("keys", "ctrl-c", "ctrl-c", "ctrl-d");
                break;
        }

        if (_run is not null && (_until ?? (object?)_for ?? _prints) is not null)
        {
            context.Fail(
                map.PlaceOf("run"),
                "'run:' waits for the end and says itself what is printed; with 'until:', 'for:' or 'prints:' write 'start:'"
            );
        }

        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        if (context.IsBareMetal)
        {
            context.Fail(node, "host needs a kernel; the scenario says 'kernel: none'");
            return new HostStep(ReadingContext.PlaceOf(node));
        }

        return node is YamlMappingNode
            ? new HostStep(context, new MapReader(context, node, "host"))
            : new HostStep(context, node);
    }

    public override void Run(World world)
    {
        ulong user = _user is null ? 0 : world.Number(_user);
        if (user > int.MaxValue)
        {
            throw StepFailedException.At(_user!.Place, $"a user ID has 31 bits; {user} does not fit");
        }

        HostConsole console = world.Host(Place).Console(_console, (int)user, Place);
        if (_run is not null)
        {
            _run.Run(world, console, _within, _exit);
            return;
        }

        Act(console);
        Wait(world, console);
        IReadOnlyList<string> output = console.TakeOutput();
        if (_prints is not null && LinePattern.Compare(_prints, output) is { } difference)
        {
            throw new StepFailedException(
                new StepFailure(Place, "the console shows something else", difference.Expected, difference.Found)
            );
        }

        if (_exit is not null)
        {
            Transcript.CheckStatus(world, console, world.Number(_exit), Place, output);
        }
    }

    private static bool AnyAction(MapReader map) =>
        map.Has("run") | map.Has("start") | map.Has("type") | map.Has("keys");

    private void Act(HostConsole console)
    {
        if (_start is not null)
        {
            console.Start(_start, Place);
        }
        else if (_type is not null)
        {
            console.Type(_type, Place);
        }
        else if (_keys is "ctrl-c")
        {
            console.Interrupt(Place);
        }
        else if (_keys is not null)
        {
            console.EndInput(Place);
        }
    }

    private void Wait(World world, HostConsole console)
    {
        if (_for is { } time)
        {
            world.RunPrograms(() => false, time, Place);
        }

        long seen = -1;
        if (_until is not null && !world.RunPrograms(() => Shows(console, _until, ref seen), _within, Place))
        {
            throw new StepFailedException(
                new StepFailure(
                    Place,
                    $"the console has not shown this after {VirtualTime.Format(_within)}",
                    [_until.Text],
                    [.. console.Output.TakeLast(8), world.Simulation.Scheduler.Waiting()]
                )
            );
        }

        if (_exit is not null)
        {
            console.RunToEnd(world, _within, Place);
        }
    }

    /// <summary>Asked after every event, so it looks only where something was printed since.</summary>
    private static bool Shows(HostConsole console, ExpectedLine part, ref long seenBytes)
    {
        if (console.PrintedBytes == seenBytes)
        {
            return false;
        }

        seenBytes = console.PrintedBytes;
        return console.Output.Any(line => part.IsIn(line));
    }
}
