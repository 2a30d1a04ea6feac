using System.Globalization;
using System.Text;

namespace Emulator.Conformance;

/// <summary>What became of the recordings of one sub-folder.</summary>
internal sealed class Report(string name)
{
    private static readonly Lock Writing = new();

    private readonly List<string> _differences = [];
    private readonly List<string> _notes = [];

    public int Ran { get; private set; }

    public int Agreed { get; private set; }

    public IReadOnlyList<string> Differences => _differences;

    public void Add(string vector, string? difference)
    {
        Ran++;
        if (difference is null)
        {
            Agreed++;
        }
        else
        {
            _differences.Add($"{vector}: {difference}");
        }
    }

    /// <summary>Something to read that is no difference: a deviation of the recorded system, a case that is not modelled.</summary>
    public void Note(string text) => _notes.Add(text);

    /// <summary>Writes the report to the console and to artifacts/conformance.txt.</summary>
    public void Publish()
    {
        var text = new StringBuilder();
        text.Append(
            Ran == 0 && _notes.Count == 0
                ? $"{name}: no recordings in {Recordings.Folder}\n"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name}: {Ran} ran, {Agreed} agreed, {_differences.Count} differ\n"
                )
        );
        foreach (
            string line in _differences
                .Select(line => "  differs  " + line)
                .Concat(_notes.Select(line => "  note     " + line))
        )
        {
            text.Append(line).Append('\n');
        }

        Console.Write(text);
        TestContext.Current.TestOutputHelper?.Write(text.ToString());
        string folder = Path.Combine(Recordings.Root, "artifacts");
        Directory.CreateDirectory(folder);
        lock (Writing)
        {
            File.AppendAllText(Path.Combine(folder, "conformance.txt"), text.ToString());
        }
    }
}
