using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>What reading a file gave: a scenario, or errors.</summary>
/// <param name="Scenario">The scenario, when there are no errors.</param>
/// <param name="Errors">Everything that is wrong, in order of place.</param>
public sealed record ScenarioReading(Scenario? Scenario, IReadOnlyList<ScenarioError> Errors)
{
    /// <summary>What is no mistake and a reader should know all the same, in order of place.</summary>
    public IReadOnlyList<ScenarioError> Notes { get; init; } = [];

    /// <summary>The name in the file, or the file's when it has none or is no YAML.</summary>
    public required string Name { get; init; }
}

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
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        var context = new ReadingContext(file, lines, readFile) { Dma330Assembler = dma330Assembler };
        Scenario? scenario = null;
        if (YamlText.Load(text, file, context.Errors) is { } root)
        {
            scenario = ReadRoot(context, root, file, lines);
        }

        ScenarioError[] errors = InOrder(context.Errors);
        return new ScenarioReading(errors.Length == 0 ? scenario : null, errors)
        {
            Name = scenario is { Name.Length: > 0 } ? scenario.Name : file,
            Notes = InOrder(context.Notes),
        };
    }

    private static ScenarioError[] InOrder(IEnumerable<ScenarioError> errors) =>
        [.. errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];

    private Scenario ReadRoot(ReadingContext context, YamlNode root, string file, IReadOnlyList<string> lines)
    {
        var map = new MapReader(context, root, "the scenario");
        string name = map.RequiredWords("name");
        string boardName = map.RequiredWords("board");
        Dictionary<string, ulong> options = ReadOptions(context, map, boardName);
        context.Kernel = ReadKernel(context, map);
        DeviceTree? tree = PlugDevices(context, map, boardName, options, ReadTree(context, map, boardName));
        CreateBoard(context, map, boardName, options, tree);
        DeviceTree? kernelTree = KernelTreeReader.Read(context, map);
        bool byAcpi = ReadBoot(context, map);
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
        return new Scenario(file, name, boardName, options, tree, context.Kernel, kernelTree, lines, steps)
        {
            BootsByAcpi = byAcpi,
        };
    }

    /// <summary><c>boot:</c> how the kernel is told of the board.</summary>
    private static bool ReadBoot(ReadingContext context, MapReader map)
    {
        bool byAcpi = map.Choice("boot", "device-tree", "device-tree", "acpi") is "acpi";
        if (byAcpi && context.IsBareMetal)
        {
            context.Fail(
                map.PlaceOf("boot"),
                "'boot:' says how a kernel is told of the board; the scenario says 'kernel: none'"
            );
        }

        return byAcpi;
    }

    private static KernelProfile? ReadKernel(ReadingContext context, MapReader map)
    {
        if (!map.Has("kernel"))
        {
            context.Fail(
                map.Place,
                "the scenario needs 'kernel: none' (bare metal: the steps act as a boot ROM) or a kernel"
            );
            return null;
        }

        string name = map.RequiredWords("kernel");
        if (name is "none")
        {
            context.IsBareMetal = true;
            return null;
        }

        KernelProfile? kernel = KernelProfiles.Find(name);
        if (kernel is null)
        {
            string[] valid = ["none", .. KernelProfiles.All.Select(profile => profile.Name)];
            context.Fail(
                map.PlaceOf("kernel"),
                $"kernel '{Words.Shorten(name)}' is not modelled{Words.DidYouMean(name, "Kernels", valid)}"
            );
        }

        return kernel;
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
                string[] valid = [.. type.Options.Select(option => option.Name)];
                context.Fail(
                    key,
                    $"board {board} has no option '{Words.Shorten(name)}'{Words.DidYouMean(name, "Its options", valid)}"
                );
            }
            else if (IsDeviceTree(board))
            {
                context.Fail(key, "a board of your own has no options; change its device tree");
            }
            else if (number.Expression.IsConstant)
            {
                options[name] = Evaluate(context, number);
            }
        }

        return options;
    }

    private static ulong Evaluate(ReadingContext context, NumberValue number)
    {
        try
        {
            return number.Expression.Evaluate(new Variables());
        }
        catch (ExpressionException exception)
        {
            context.Fail(number.Place with { Column = number.Place.Column + exception.Offset }, exception.Message);
            return 0;
        }
    }

    private static bool IsDeviceTree(string board) =>
        board.EndsWith(".dts", StringComparison.Ordinal) || board.EndsWith(".dtb", StringComparison.Ordinal);

    /// <summary>The user's own tree, when the board is a .dts or .dtb file beside the scenario.</summary>
    private static DeviceTree? ReadTree(ReadingContext context, MapReader map, string board)
    {
        if (!IsDeviceTree(board))
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
            return KernelTreeReader.Parse(context, content, board, place);
        }
        catch (DeviceTreeException exception)
        {
            context.Fail(place, exception.Message);
            return null;
        }
    }

    /// <summary><c>devices:</c> are plugged into the tree of the hardware, which then is the scenario's own.</summary>
    private DeviceTree? PlugDevices(
        ReadingContext context,
        MapReader map,
        string board,
        Dictionary<string, ulong> options,
        DeviceTree? tree
    )
    {
        IReadOnlyList<YamlNode> items = map.Has("devices") ? map.List("devices") : [];
        var devices = new List<string>();
        foreach (YamlNode item in items)
        {
            if (item is YamlScalarNode { Value: { Length: > 0 } text })
            {
                devices.Add(text);
            }
            else
            {
                context.Fail(item, "a device is a text as QEMU's -device takes it: edu,addr=2");
            }
        }

        bool isKnown =
            tree is not null || boards.Boards.Any(type => string.Equals(type.Name, board, StringComparison.Ordinal));
        if (devices.Count == 0 || devices.Count != items.Count || !isKnown)
        {
            return tree;
        }

        try
        {
            tree ??= boards.Tree(board, options);
            boards.Plug(tree, devices);
            return tree;
        }
        catch (BoardException exception)
        {
            int wrong = devices.FindIndex(text =>
                exception.Message.StartsWith($"'-device {text}'", StringComparison.Ordinal)
            );
            context.Fail(wrong < 0 ? map.PlaceOf("devices") : ReadingContext.PlaceOf(items[wrong]), exception.Message);
            return tree;
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
        if (name.Length == 0 || (IsDeviceTree(name) && tree is null))
        {
            return;
        }

        if (tree is null && !names.Contains(name, StringComparer.Ordinal))
        {
            context.Fail(
                map.PlaceOf("board"),
                $"there is no board '{Words.Shorten(name)}'{Words.DidYouMean(name, "Boards", names)}, "
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
