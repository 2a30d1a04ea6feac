using System.Reflection;
using System.Xml.Linq;

namespace Emulator.Boards.Tests;

/// <summary>The floors of the house: a project knows the projects below it and no others.</summary>
public sealed class FloorsTests
{
    private const string Machine = "Machine";

    /// <summary>What each project of src may refer to. A new project needs a row here before it needs code.</summary>
    private static readonly Dictionary<string, string[]> Below = new(StringComparer.Ordinal)
    {
        ["Machine"] = [],
        ["Peripherals"] = [Machine],
        ["Iommu"] = [Machine],
        ["L4Re"] = [Machine],
        ["KernelShim"] = [Machine],
        ["Userland"] = ["KernelShim", Machine],
        ["Scenarios"] = ["Userland", "KernelShim", Machine],
        ["Boards"] = ["Scenarios", "Userland", "KernelShim", "L4Re", "Peripherals", "Iommu", Machine],
        ["Cli"] = ["Boards", "Scenarios", "Userland", "KernelShim", "L4Re", "Peripherals", "Iommu", Machine],
    };

    private static readonly string[] TestPackages = ["FluentAssertions", "FsCheck", "xunit", "BenchmarkDotNet"];

    public static TheoryData<string> Projects =>
        new(
            Repository
                .SourceProjects.Select(Path.GetFileNameWithoutExtension)
                .Select(name => name!)
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Every_project_has_a_row() =>
        Projects.Select(row => row.Data).Should().BeSubsetOf(Below.Keys).And.Contain(Machine);

    [Fact]
    public void The_rows_themselves_have_no_circle()
    {
        foreach ((string project, string[] below) in Below)
        {
            foreach (string lower in below)
            {
                Below[lower].Should().NotContain(project);
                Below[lower].Should().BeSubsetOf(below, $"{project} sees what {lower} sees");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_projects_below_it(string project) =>
        Items(project, "ProjectReference")
            .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))
            .Should()
            .BeSubsetOf(Below[project]);

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_built_assembly_refers_only_to_assemblies_below_it(string project)
    {
        string? file = project is "Cli"
            ? FindCommandLine()
            : Path.Combine(AppContext.BaseDirectory, $"Emulator.{project}.dll");
        if (file is null)
        {
            Assert.Skip("the command line has not been built");
        }

        Assembly
            .LoadFrom(file)
            .GetReferencedAssemblies()
            .Select(reference => reference.Name!)
            .Where(reference => reference.StartsWith("Emulator.", StringComparison.Ordinal))
            .Select(reference => reference["Emulator.".Length..])
            .Should()
            .BeSubsetOf(Below[project]);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void What_only_tests_use_is_in_no_product(string project) =>
        Items(project, "PackageReference")
            .Should()
            .NotContain(package =>
                TestPackages.Any(forbidden => package.StartsWith(forbidden, StringComparison.OrdinalIgnoreCase))
            );

    [Fact]
    public void Nobody_uses_BenchmarkDotNet_which_brings_instruction_decoders() =>
        Directory
            .EnumerateFiles(Repository.Root, "*.*proj", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file).Contains("BenchmarkDotNet", StringComparison.Ordinal))
            .Should()
            .BeEmpty();

    [Fact]
    public void What_all_projects_share_brings_no_test_package() =>
        XDocument
            .Load(Path.Combine(Repository.Root, "Directory.Build.props"))
            .Descendants("PackageReference")
            .Select(item => item.Attribute("Include")!.Value)
            .Should()
            .NotContain(package =>
                TestPackages.Any(forbidden => package.StartsWith(forbidden, StringComparison.OrdinalIgnoreCase))
            );

    /// <summary>These tests stand below the command line and have no copy of it beside them.</summary>
    private static string? FindCommandLine()
    {
        string output = Path.Combine(Repository.Root, "src", "Cli", "bin");
        return Directory.Exists(output)
            ? Directory
                .EnumerateFiles(output, "emulator.dll", SearchOption.AllDirectories)
                .MaxBy(File.GetLastWriteTimeUtc)
            : null;
    }

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument
            .Load(Path.Combine(Repository.Root, "src", project, project + ".csproj"))
            .Descendants(kind)
            .Select(item => item.Attribute("Include")!.Value);
}
