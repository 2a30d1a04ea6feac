using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Emulator.Boards.Tests;

/// <summary>
/// The floors of the house: which project may know which. Both the project files and the built assemblies are looked at,
/// because the compiler drops a reference from an assembly until something uses it.
/// </summary>
public sealed class FloorsTests
{
    // csharpier-ignore
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Machine"]     = [],
        ["Peripherals"] = ["Machine"],
        ["Iommu"]       = ["Machine"],
        ["L4Re"]        = ["Machine"],
        ["KernelShim"]  = ["Machine"],
        ["Userland"]    = ["KernelShim", "Machine"],
        ["Scenarios"]   = ["Userland", "KernelShim", "Machine"],
        ["Boards"]      = ["Scenarios", "Userland", "KernelShim", "L4Re", "Peripherals", "Iommu", "Machine"],
        ["Cli"]         = ["Boards", "Scenarios", "Userland", "KernelShim", "L4Re", "Peripherals", "Iommu", "Machine"],
    };

    /// <summary>What would bring the host's clock, threads, chance or seeded hashes into the simulated world.</summary>
    private static readonly Regex Nondeterministic = new(
        @"DateTime(Offset)?\.(Utc)?Now|Stopwatch|Environment\.TickCount|new Random\(|Random\.Shared|Guid\.NewGuid"
            + @"|new Thread\(|Thread\.(Sleep|Yield|CurrentThread|MemoryBarrier)|ThreadPool|Task\.(Run|Delay|Yield|Factory)|Parallel\.|HashCode\.|ConfigureAwait",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(10)
    );

    private static string Root { get; } = FindRoot();

    private static IEnumerable<string> Projects =>
        Directory
            .EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal);

    [Fact]
    public void Every_project_has_its_floor() =>
        Projects.Select(Path.GetFileNameWithoutExtension).Should().BeSubsetOf(Allowed.Keys).And.Contain("Machine");

    [Fact]
    public void Project_references_point_down()
    {
        foreach (string project in Projects)
        {
            string name = Path.GetFileNameWithoutExtension(project);
            IEnumerable<string> references = XDocument
                .Load(project)
                .Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!));

            references.Should().BeSubsetOf(Allowed[name], "{0} may know no other project", name);
        }
    }

    [Fact]
    public void Assembly_references_point_down()
    {
        string folder = Path.GetDirectoryName(typeof(EmulatorServices).Assembly.Location)!;
        string[] assemblies = Directory
            .GetFiles(folder, "Emulator.*.dll")
            .Where(file => !Path.GetFileName(file).Contains("Tests"))
            .ToArray();
        assemblies.Should().HaveCountGreaterThanOrEqualTo(5);
        foreach (string file in assemblies)
        {
            Assembly assembly = Assembly.LoadFrom(file);
            string name = assembly.GetName().Name!["Emulator.".Length..];
            IEnumerable<string> references = assembly
                .GetReferencedAssemblies()
                .Select(reference => reference.Name!)
                .Where(reference => reference.StartsWith("Emulator.", StringComparison.Ordinal))
                .Select(reference => reference["Emulator.".Length..]);

            references.Should().BeSubsetOf(Allowed[name], "{0} may know no other assembly", name);
        }
    }

    [Fact]
    public void No_project_of_ours_brings_test_packages_or_instruction_decoders()
    {
        foreach (string project in Projects)
        {
            XDocument
                .Load(project)
                .Descendants("PackageReference")
                .Select(reference => (string)reference.Attribute("Include")!)
                .Should()
                .NotContain(["FluentAssertions", "BenchmarkDotNet", "xunit.v3", "FsCheck"], project);
        }
    }

    [Fact]
    public void Nothing_below_the_command_line_asks_the_host_for_time_threads_or_chance()
    {
        string[] sources = Allowed
            .Keys.Where(name => name is not "Cli")
            .Select(name => Path.Combine(Root, "src", name))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
            .ToArray();
        sources.Should().HaveCountGreaterThan(100);

        IEnumerable<string> offences =
            from file in sources
            from line in File.ReadLines(file).Select((text, index) => (Text: text, Number: index + 1))
            where !line.Text.TrimStart().StartsWith("//", StringComparison.Ordinal)
            where Nondeterministic.IsMatch(line.Text)
            select $"{Path.GetRelativePath(Root, file)}:{line.Number}: {line.Text.Trim()}";

        offences.Should().BeEmpty();
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Emulator.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests are not below the repository.");
    }
}
