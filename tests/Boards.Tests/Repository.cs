using System.Runtime.CompilerServices;

namespace Emulator.Boards.Tests;

/// <summary>Where the sources are, from the place of this file.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> SourceProjects =>
        Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories).Where(IsSource);

    public static IEnumerable<string> SourcesOf(string project) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, "src", project), "*.cs", SearchOption.AllDirectories)
            .Where(IsSource)
            .Order(StringComparer.Ordinal);

    private static bool IsSource(string file)
    {
        string[] folders = Path.GetRelativePath(Root, file).Split(Path.DirectorySeparatorChar);
        return !folders.Contains("obj", StringComparer.Ordinal) && !folders.Contains("bin", StringComparer.Ordinal);
    }

    private static string FindRoot([CallerFilePath] string file = "")
    {
        // A deterministic build may have mapped the path away: then the test's own folder leads up to it.
        foreach (string start in new[] { Path.GetDirectoryName(file)!, AppContext.BaseDirectory })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "Emulator.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new InvalidOperationException("Emulator.sln is in no folder above the tests.");
    }
}
