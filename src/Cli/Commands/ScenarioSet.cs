using Emulator.Scenarios;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary>The scenario files that a command line means.</summary>
internal static class ScenarioSet
{
    /// <summary>The files in the order of the command line, without repetition.</summary>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths)
    {
        var files = new List<string>();
        foreach (string path in paths)
        {
            IReadOnlyList<string> found =
                ScenarioFiles.Find(path) ?? throw new UserErrorException($"there is no file or folder '{path}'");
            files.AddRange(found.Where(file => !files.Contains(file, StringComparer.Ordinal)));
        }

        return files;
    }

    public static ScenarioReading Read(IServiceProvider services, string file) =>
        ScenarioFiles.Read(services.GetRequiredService<ScenarioReader>(), file);
}
