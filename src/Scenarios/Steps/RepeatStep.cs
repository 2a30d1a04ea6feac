using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>repeat:</c> runs steps several times, counting in a variable from 0.</summary>
internal sealed class RepeatStep : Step
{
    private const ulong MaximumTimes = 1_000_000;

    private readonly NumberValue _times;
    private readonly string? _as;
    private readonly IReadOnlyList<Step> _steps;

    private RepeatStep(Place place, NumberValue times, string? name, IReadOnlyList<Step> steps)
        : base(place)
    {
        _times = times;
        _as = name;
        _steps = steps;
    }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "repeat");
        NumberValue times = map.RequiredNumber("times");
        string? name = map.NewName("as");
        context.Define(name);
        if (!map.Has("steps"))
        {
            context.Fail(map.Place, "repeat needs 'steps:'");
        }

        IReadOnlyList<Step> steps = StepReader.ReadAll(context, map.List("steps"));
        map.Finish();
        return new RepeatStep(map.Place, times, name, steps);
    }

    public override void Run(World world)
    {
        ulong times = world.Number(_times);
        if (times > MaximumTimes)
        {
            throw StepFailedException.At(_times.Place, $"repeat takes at most {MaximumTimes} times, not {times}");
        }

        for (ulong n = 0; n < times; n++)
        {
            world.Work(1, Place);
            if (_as is not null)
            {
                world.Variables.Set(_as, n);
            }

            foreach (Step step in _steps)
            {
                world.Run(step);
            }
        }
    }
}
