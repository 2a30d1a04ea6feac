using Emulator.KernelShim;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>A number of a scenario file and where it stands.</summary>
internal sealed record NumberValue(Expression Expression, Place Place)
{
    public static readonly NumberValue Zero = new(Expression.Constant(0), default);
}

/// <summary>A text of a scenario file and where it stands.</summary>
internal sealed record TextValue(Template Template, Place Place)
{
    public static readonly TextValue Empty = new(Template.Parse(""), default);
}

/// <summary>
/// What reading a scenario needs to know: the file, the errors so far, the board it names, and the variables that the
/// steps read so far define.
/// </summary>
internal sealed class ReadingContext(string file, IReadOnlyList<string> lines, Func<string, byte[]?> readFile)
{
    /// <summary>Beyond this many errors a person mends the first ones first.</summary>
    public const int MaximumErrors = 50;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public List<ScenarioError> Errors { get; } = [];

    /// <summary>A board like the one the scenario will run on; null when it cannot be made.</summary>
    public Board? Board { get; set; }

    /// <summary>The kernel that runs on the board; null on bare metal.</summary>
    public KernelProfile? Kernel { get; set; }

    /// <summary>Whether the scenario says so: neither a kernel nor a mistake stands there.</summary>
    public bool IsBareMetal { get; set; }

    /// <summary>What steps read so far have named under the kernel.</summary>
    public HostNames HostNames { get; } = new();

    /// <summary>What is no mistake and a reader should know all the same.</summary>
    public List<ScenarioError> Notes { get; } = [];

    /// <summary>The functions that transcripts read so far define.</summary>
    public HashSet<string> ShellFunctions { get; } = new(StringComparer.Ordinal);

    public IProgramAssembler? Dma330Assembler { get; set; }

    public static Place PlaceOf(YamlNode node) => new(node.Start.Line, node.Start.Column);

    /// <summary>How far the first line after this one that holds text is indented: a block scalar's indentation.</summary>
    public int IndentationAfter(Place place)
    {
        string text = lines.Skip((int)place.Line).FirstOrDefault(line => line.AsSpan().Trim(' ').Length > 0) ?? "";
        return text.Length - text.AsSpan().TrimStart(' ').Length;
    }

    public static string Describe(YamlNode node) =>
        node switch
        {
            YamlScalarNode { Value: { Length: > 0 } text } => $"'{Words.Shorten(text)}'",
            YamlScalarNode => "nothing",
            YamlSequenceNode { Children.Count: 0 } => "an empty list",
            YamlSequenceNode => "a list",
            YamlMappingNode { Children.Count: 0 } => "an empty mapping",
            _ => "a mapping",
        };

    public void Define(string? name)
    {
        if (name is not null)
        {
            _names.Add(name);
        }
    }

    public void DefineRegion(string? name)
    {
        if (name is null)
        {
            return;
        }

        foreach (string part in new[] { "", ".iova", ".size", ".end" })
        {
            Define(name + part);
        }
    }

    public bool Knows(string name) => _names.Contains(name);

    public void Fail(YamlNode node, string message) => Fail(PlaceOf(node), message);

    public void Fail(Place place, string message)
    {
        if (Errors.Count < MaximumErrors)
        {
            Errors.Add(new ScenarioError(file, place.Line, place.Column, message));
        }
    }

    /// <summary>Tells what is no mistake and a reader should know all the same.</summary>
    public void Note(Place place, string message)
    {
        if (Notes.Count < MaximumErrors)
        {
            Notes.Add(new ScenarioError(file, place.Line, place.Column, message));
        }
    }

    public NumberValue Number(YamlNode node)
    {
        if (node is not YamlScalarNode { Value: { } text })
        {
            Fail(node, $"a number is expected, not {Describe(node)}");
            return NumberValue.Zero;
        }

        try
        {
            var expression = Expression.Parse(text);
            CheckNames(expression.Names, PlaceOf(node));
            return new NumberValue(expression, PlaceOf(node));
        }
        catch (ExpressionException exception)
        {
            Fail(new Place(node.Start.Line, node.Start.Column + exception.Offset), exception.Message);
            return NumberValue.Zero;
        }
    }

    public TextValue Text(YamlNode node)
    {
        if (node is not YamlScalarNode { Value: { } text })
        {
            Fail(node, $"a text is expected, not {Describe(node)}");
            return TextValue.Empty;
        }

        try
        {
            var template = Template.Parse(text);
            CheckNames(template.Names, PlaceOf(node));
            return new TextValue(template, PlaceOf(node));
        }
        catch (ExpressionException exception)
        {
            Fail(node, exception.Message);
            return TextValue.Empty;
        }
    }

    /// <summary>The content of a file that belongs to the scenario: beside it, no way up, no links.</summary>
    public byte[]? File(string name, Place place)
    {
        bool isPlain =
            name.Length > 0
            && !Path.IsPathRooted(name)
            && !name.Contains('\\', StringComparison.Ordinal)
            && !name.Any(char.IsControl)
            && !name.Split('/').Any(part => part is "" or "." or "..");
        if (!isPlain)
        {
            Fail(
                place,
                $"'{Words.Shorten(name)}' is not a file beside the scenario; write a relative path without '..'"
            );
            return null;
        }

        byte[]? content = readFile(name);
        if (content is null)
        {
            Fail(
                place,
                $"there is no file '{Words.Shorten(name)}' beside the scenario (links are not followed; 16 MiB at most)"
            );
        }

        return content;
    }

    public void CheckNames(IEnumerable<string> names, Place place)
    {
        foreach (string name in names)
        {
            if (Errors.Count == MaximumErrors)
            {
                return;
            }

            if (!_names.Contains(name))
            {
                Fail(place, $"there is no variable '{Words.Shorten(name)}' here{Words.DidYouMean(name, _names)}");
            }
        }
    }
}
