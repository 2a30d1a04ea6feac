using Emulator.KernelShim;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>path:</c> what a file holds, where a link points, or whether there is anything.</summary>
internal sealed class FileExpectation : HostExpectation
{
    private readonly string _path;
    private readonly string? _kind;
    private readonly IReadOnlyList<ExpectedLine> _wanted;

    private FileExpectation(Place place, string path, string? kind, IReadOnlyList<ExpectedLine> wanted)
        : base(place)
    {
        _path = path;
        _kind = kind;
        _wanted = wanted;
    }

    public static FileExpectation ReadFile(ReadingContext context, MapReader map)
    {
        string path = map.RequiredWords("path");
        if (path.Length > 0 && path[0] != '/')
        {
            context.Fail(map.PlaceOf("path"), "'path:' takes a whole path of the simulated system, from /");
        }

        string? kind = map.OneOf("holds", "link", "exists");
        string value = kind switch
        {
            "exists" => map.Flag("exists", otherwise: true) ? "yes" : "no",
            "holds" => (map.Node("holds") as YamlScalarNode)?.Value ?? map.RequiredWords("holds"),
            "link" => map.RequiredWords("link"),
            _ => "",
        };
        ExpectedLine[] wanted = ExpectedLine.ReadAll(context, value, map.PlaceOf(kind ?? "path"));
        return new FileExpectation(map.PlaceOf("path"), path, kind, wanted);
    }

    public override void Check(World world)
    {
        Host host = world.Host(Place);
        world.Work(100, Place);
        (string message, string[] found) = _kind switch
        {
            "link" => ($"{_path} is another link", Link(host)),
            "exists" => ($"{_path}, whether it exists", [Exists(host) ? "yes" : "no"]),
            _ => ($"{_path} holds something else", Content(host)),
        };
        if (LinePattern.Compare(_wanted, found) is { } difference)
        {
            throw new StepFailedException(new StepFailure(Place, message, difference.Expected, difference.Found));
        }
    }

    private string[] Link(Host host)
    {
        (long result, string target) = host.Files.ReadLink(_path);
        return [result < 0 ? ErrnoText.Of(result) : target];
    }

    private bool Exists(Host host) => host.Files.Exists(_path);

    private string[] Content(Host host)
    {
        (long result, string text) = host.Files.Read(_path);
        return result < 0 ? [ErrnoText.Of(result)] : ExpectedLine.Lines(text);
    }
}
