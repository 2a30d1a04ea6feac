using System.Diagnostics;

namespace Emulator.Scenarios.Tests;

/// <summary>What of the host a scenario can see: plain files beside it.</summary>
public sealed class FileTests
{
    [Theory]
    [InlineData("../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../secret")]
    [InlineData("./data.bin")]
    [InlineData("a//data.bin")]
    [InlineData("..\\\\secret")]
    [InlineData("a\\0b")]
    public void A_name_that_could_lead_elsewhere_is_refused_without_looking(string name)
    {
        string text = Bench.Scenario($"  - memory: {{ at: 0x8000_0000, size: 4, file: \"{name}\" }}");

        ScenarioReading reading = Bench.Reader.Read(
            text,
            "test.yaml",
            asked => throw new InvalidOperationException($"asked for {asked}")
        );

        reading
            .Errors.Should()
            .Contain(error =>
                error.Message.EndsWith("is not a file beside the scenario; write a relative path without '..'")
            );
    }

    [Fact]
    public void A_file_beside_the_scenario_and_below_its_folder_is_read()
    {
        using var folder = new TemporaryFolder();
        folder.Write("data/four.bin", [1, 2, 3, 4]);

        Errors(folder, "data/four.bin").Should().BeEmpty();
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("data/x", [1]);

        const string Message = " beside the scenario (links are not followed; 16 MiB at most)";
        Errors(folder, "nothing").Should().Equal($"there is no file 'nothing'{Message}");
        Errors(folder, "data").Should().Equal($"there is no file 'data'{Message}");
        Errors(folder, new string('n', 5000)).Should().ContainSingle();
    }

    [Fact]
    public void Links_are_not_followed_wherever_they_stand()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        string secret = elsewhere.Write("secret", [42]);
        File.CreateSymbolicLink(Path.Combine(folder.Path, "link"), secret);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "folder"), elsewhere.Path);

        Errors(folder, "link").Should().ContainSingle();
        Errors(folder, "folder/secret").Should().ContainSingle();
    }

    [Fact]
    public void A_file_of_more_than_16_MiB_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("large", new byte[(16 << 20) + 1]);
        folder.Write("largest", new byte[16 << 20]);

        Errors(folder, "large").Should().ContainSingle();
        Errors(folder, "largest").Should().BeEmpty();
    }

    [Fact]
    public void A_pipe_is_never_opened()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        using (var mkfifo = Process.Start("mkfifo", Path.Combine(folder.Path, "pipe")))
        {
            mkfifo.WaitForExit();
        }

        Errors(folder, "pipe").Should().BeEmpty("it counts as an empty file");
    }

    [Fact]
    public void A_folder_gives_its_scenario_files_in_order_without_links_and_hidden_ones()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        foreach (string name in new[] { "b.yaml", "a/z.yml", "a/c.txt", ".github/workflows/ci.yml", ".hidden.yaml" })
        {
            folder.Write(name, "");
        }

        elsewhere.Write("e.yaml", "");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "link"), elsewhere.Path);

        ScenarioFiles
            .Find(folder.Path)!
            .Select(path => Path.GetRelativePath(folder.Path, path))
            .Should()
            .Equal("a/z.yml", "b.yaml");
        ScenarioFiles.Find(Path.Combine(folder.Path, "nothing")).Should().BeNull();
    }

    [Fact]
    public void A_file_that_is_too_large_or_gone_is_an_error_and_no_exception()
    {
        using var folder = new TemporaryFolder();
        string large = folder.Write("large.yaml", new byte[(16 << 20) + 1]);

        ScenarioFiles.Read(Bench.Reader, large).Errors.Single().Message.Should().Be("the file is larger than 16 MiB");
        ScenarioFiles
            .Read(Bench.Reader, large + ".gone")
            .Errors.Single()
            .Message.Should()
            .StartWith("the file cannot be read: ");
    }

    private static IEnumerable<string> Errors(TemporaryFolder folder, string name)
    {
        string scenario = Bench.Scenario($"  - memory: {{ at: 0x8000_0000, size: 16MiB, file: {name} }}");
        return ScenarioFiles
            .Read(Bench.Reader, folder.Write("test.yaml", scenario))
            .Errors.Select(error => error.Message);
    }
}
