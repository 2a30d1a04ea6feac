using System.Text;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>What reading a file gave: a scenario, or errors.</summary>
/// <param name="Scenario">The scenario, when there are no errors.</param>
/// <param name="Errors">Everything that is wrong, in order of place.</param>
public sealed record ScenarioReading(Scenario? Scenario, IReadOnlyList<ScenarioError> Errors);

/// <summary>Reads scenario files and checks them against the board they name, without running anything.</summary>
/// <param name="boards">The boards that a scenario can name.</param>
/// <param name="dma330Assembler">The assembler for <c>dma330:</c> steps.</param>
public sealed class ScenarioReader(IBoardLibrary boards, IProgramAssembler dma330Assembler)
{
    /// <summary>No file beside a scenario is larger than this.</summary>
    public const int MaximumFileBytes = 16 << 20;

    /// <summary>Reads a scenario.</summary>
    /// <param name="text">The YAML text.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="readFile">Gives the content of a file beside the scenario, or null where there is none.</param>
    public ScenarioReading Read(string text, string file, Func<string, byte[]?> readFile)
    {
        ArgumentNullException.ThrowIfNull(text);
        var context = new ReadingContext(file, readFile) { Dma330Assembler = dma330Assembler };
        Scenario? scenario = null;
        if (YamlText.Load(text, file, context.Errors) is { } root)
        {
            scenario = ReadRoot(context, root, file, text.ReplaceLineEndings("\n").Split('\n'));
        }

        ScenarioError[] errors = [.. context.Errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];
        return new ScenarioReading(errors.Length == 0 ? scenario : null, errors);
    }

    private Scenario ReadRoot(ReadingContext context, YamlNode root, string file, IReadOnlyList<string> lines)
    {
        var map = new MapReader(context, root, "the scenario");
        string name = map.RequiredText("name").Template.Literal ?? file;
        TextValue board = map.RequiredText("board");
        string boardName = board.Template.Literal ?? "";
        Dictionary<string, ulong> options = ReadOptions(context, map, boardName);
        ReadKernel(context, map);
        DeviceTree? tree = ReadTree(context, map, boardName);
        CreateBoard(context, map, boardName, options, tree);
        var steps = new List<Step>();
        if (map.Node("variables") is { } variables)
        {
            steps.Add(LetStep.ReadVariables(context, variables, "variables"));
        }

        if (!map.Has("steps"))
        {
            context.Fail(map.Place, "the scenario needs 'steps:'");
        }

        steps.AddRange(StepReader.ReadAll(context, map.List("steps")));
        map.Finish();
        return new Scenario(file, name, boardName, options, tree, lines, steps);
    }

    private static void ReadKernel(ReadingContext context, MapReader map)
    {
        if (!map.Has("kernel"))
        {
            context.Fail(map.Place, "the scenario needs 'kernel: none' (bare metal: the steps act as a boot ROM)");
            return;
        }

        string kernel = map.RequiredText("kernel").Template.Literal ?? "";
        if (kernel is not "none")
        {
            context.Fail(
                map.PlaceOf("kernel"),
                $"kernel '{kernel}' is not modelled; 'kernel: none' runs the steps on bare metal, as a boot ROM would"
            );
        }
    }

    private Dictionary<string, ulong> ReadOptions(ReadingContext context, MapReader map, string board)
    {
        var options = new Dictionary<string, ulong>(StringComparer.Ordinal);
        BoardType? type = boards.Boards.FirstOrDefault(candidate =>
            string.Equals(candidate.Name, board, StringComparison.Ordinal)
        );
        foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("options"))
        {
            string name = key.Value ?? "";
            NumberValue number = context.Number(value);
            if (
                type is not null
                && !type.Options.Any(option => string.Equals(option.Name, name, StringComparison.Ordinal))
            )
            {
                IEnumerable<string> valid = type.Options.Select(option => option.Name);
                context.Fail(
                    key,
                    $"board {board} has no option '{name}'{Words.DidYouMean(name, valid)} Its options: {string.Join(", ", valid)}"
                );
            }
            else if (number.Expression.IsConstant)
            {
                options[name] = number.Expression.Evaluate(new Variables());
            }
        }

        return options;
    }

    /// <summary>The user's own tree, when the board is a .dts or .dtb file beside the scenario.</summary>
    private static DeviceTree? ReadTree(ReadingContext context, MapReader map, string board)
    {
        if (!board.EndsWith(".dts", StringComparison.Ordinal) && !board.EndsWith(".dtb", StringComparison.Ordinal))
        {
            return null;
        }

        Place place = map.PlaceOf("board");
        if (context.File(board, place) is not { } content)
        {
            return null;
        }

        try
        {
            return DtbReader.IsBlob(content)
                ? DtbReader.Read(content, board)
                : DtsReader.Parse(
                    Encoding.UTF8.GetString(content),
                    board,
                    (path, _) => context.File(path, place) is { } included ? new DtsInclude(path, included) : null
                );
        }
        catch (DeviceTreeException exception)
        {
            context.Fail(place, exception.Message);
            return null;
        }
    }

    private void CreateBoard(
        ReadingContext context,
        MapReader map,
        string name,
        Dictionary<string, ulong> options,
        DeviceTree? tree
    )
    {
        string[] names = [.. boards.Boards.Select(board => board.Name)];
        bool isFile =
            name.EndsWith(".dts", StringComparison.Ordinal) || name.EndsWith(".dtb", StringComparison.Ordinal);
        if (!map.Has("board") || (isFile && tree is null))
        {
            return;
        }

        if (tree is null && !names.Contains(name, StringComparer.Ordinal))
        {
            context.Fail(
                map.PlaceOf("board"),
                $"there is no board '{name}'{Words.DidYouMean(name, names)} Boards: {string.Join(", ", names)}, "
                    + "or a .dts or .dtb file beside the scenario"
            );
            return;
        }

        try
        {
            context.Board = tree is null
                ? boards.Create(name, options, new Simulation())
                : boards.Create(name, tree, new Simulation());
        }
        catch (BoardException exception)
        {
            context.Fail(map.PlaceOf(map.Has("options") ? "options" : "board"), exception.Message);
        }
    }
}
