using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>press:</c> and <c>release:</c>: a person's finger on a key of the board.</summary>
internal sealed class KeyStep : Step
{
    private readonly string _key;
    private readonly bool _isPressed;

    private KeyStep(Place place, string key, bool isPressed)
        : base(place) => (_key, _isPressed) = (key, isPressed);

    public static Step ReadPress(ReadingContext context, YamlNode node) => Read(context, node, isPressed: true);

    public static Step ReadRelease(ReadingContext context, YamlNode node) => Read(context, node, isPressed: false);

    public override void Run(World world)
    {
        IKeys[] boards = [.. world.Board.Devices.Select(device => device.Device).OfType<IKeys>()];
        if (!boards.Any(keys => keys.Press(_key, _isPressed)))
        {
            throw StepFailedException.At(
                Place,
                $"board {world.Board.Name} has no key '{Words.Shorten(_key)}'"
                    + Words.DidYouMean(_key, "Its keys", [.. boards.SelectMany(keys => keys.Keys)])
            );
        }
    }

    private static KeyStep Read(ReadingContext context, YamlNode node, bool isPressed)
    {
        string key = (node as YamlScalarNode)?.Value ?? "";
        if (key.Length == 0)
        {
            context.Fail(node, $"a key's name is needed, not {ReadingContext.Describe(node)}");
        }

        return new KeyStep(ReadingContext.PlaceOf(node), key, isPressed);
    }
}
