using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>let:</c> sets variables, in order.</summary>
internal sealed class LetStep : Step
{
    private readonly List<(string Name, NumberValue Value)> _values = [];

    private LetStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node) => ReadVariables(context, node, "let");

    /// <summary>Reads <c>{ name: number, ... }</c>, also for <c>variables:</c> at the top of a file.</summary>
    public static LetStep ReadVariables(ReadingContext context, YamlNode node, string what)
    {
        var step = new LetStep(ReadingContext.PlaceOf(node));
        if (node is not YamlMappingNode mapping)
        {
            context.Fail(node, $"{what} takes {{ name: number, ... }}, not {ReadingContext.Describe(node)}");
            return step;
        }

        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            if (
                name.Length == 0
                || char.IsAsciiDigit(name[0])
                || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
            )
            {
                context.Fail(key, $"'{name}' is not a name; use letters, digits and _");
                continue;
            }

            step._values.Add((name, context.Number(value)));
            context.Define(name);
        }

        return step;
    }

    public override void Run(World world)
    {
        foreach ((string name, NumberValue value) in _values)
        {
            world.Variables.Set(name, world.Number(value));
        }
    }
}
