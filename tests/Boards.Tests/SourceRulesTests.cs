using System.Text.RegularExpressions;

namespace Emulator.Boards.Tests;

/// <summary>
/// Below the command line nothing knows the host's time, threads, randomness or hash order, so that a scenario gives the
/// same trace on every run and host.
/// </summary>
public sealed partial class SourceRulesTests
{
    public static TheoryData<string> Projects =>
        new(
            Repository
                .SourceProjects.Select(Path.GetFileNameWithoutExtension)
                .Where(name => name is not "Cli")
                .Select(name => name!)
                .Order(StringComparer.Ordinal)
        );

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_source_uses_what_differs_from_run_to_run(string project) =>
        Offences(project, Forbidden()).Should().BeEmpty();

    [Theory]
    [MemberData(nameof(Projects))]
    public void Programs_await_nothing_but_the_simulation(string project) =>
        Offences(project, Awaits()).Should().BeEmpty();

    [Theory]
    [InlineData("DateTime.UtcNow")]
    [InlineData("DateTimeOffset.Now")]
    [InlineData("var watch = Stopwatch.StartNew();")]
    [InlineData("Environment.TickCount64")]
    [InlineData("new Random(1)")]
    [InlineData("Random random = new(1)")]
    [InlineData("Random.Shared.Next()")]
    [InlineData("new Thread(Run)")]
    [InlineData("Thread.Sleep(1)")]
    [InlineData("ThreadPool.QueueUserWorkItem(Run)")]
    [InlineData("Task.Run(Run)")]
    [InlineData("HashCode.Combine(1)")]
    [InlineData("name.GetHashCode()")]
    [InlineData("Guid.NewGuid()")]
    [InlineData("Parallel.For(0, 1, Run)")]
    [InlineData("new Timer(Run)")]
    public void The_rule_knows_an_offence(string code) => Forbidden().IsMatch(code).Should().BeTrue();

    [Theory]
    [InlineData("VirtualTime.Now")]
    [InlineData("Simulation.Now")]
    [InlineData("StateHash.Of(bytes)")]
    [InlineData("public override int GetHashCode() => 0;")]
    [InlineData("IRandomAccess")]
    [InlineData("uint pc = Thread.Pc;")]
    [InlineData("Task.CompletedTask")]
    [InlineData("// a Thread of the DMAC")]
    [InlineData("\"Thread\"")]
    public void The_rule_knows_what_is_none(string code) => Forbidden().IsMatch(CodeOf(code)).Should().BeFalse();

    [Theory]
    [InlineData("await Task.Yield();")]
    [InlineData("await Task.Delay(1);")]
    [InlineData("await Read().ConfigureAwait(false);")]
    [InlineData("await stream.ReadAsync(buffer);")]
    public void The_rule_knows_a_foreign_wait(string code) => Awaits().IsMatch(code).Should().BeTrue();

    private static List<string> Offences(string project, Regex rule)
    {
        var offences = new List<string>();
        foreach (string file in Repository.SourcesOf(project))
        {
            string[] lines = File.ReadAllLines(file);
            for (int line = 0; line < lines.Length; line++)
            {
                if (rule.IsMatch(CodeOf(lines[line])))
                {
                    offences.Add($"{Path.GetRelativePath(Repository.Root, file)}:{line + 1}: {lines[line].Trim()}");
                }
            }
        }

        return offences;
    }

    /// <summary>A line without its texts and comments.</summary>
    private static string CodeOf(string line) => Comment().Replace(Text().Replace(line, "\"\""), "");

    [GeneratedRegex(
        @"\b(DateTime(Offset)?\.(Now|UtcNow|Today)|Stopwatch|Environment\.TickCount|TimeProvider\.System"
            + @"|new Random\b|Random \w+ = new|Random\.Shared|RandomNumberGenerator|Guid\.(NewGuid|CreateVersion7)"
            + @"|new Thread\b|Thread\.(Sleep|Yield|SpinWait|CurrentThread)|CurrentManagedThreadId|ThreadPool|PeriodicTimer|new Timer\b|Parallel\.|Task\.(Run|Delay|Factory)|AsParallel"
            + @"|HashCode\b)|\.GetHashCode\(",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Forbidden();

    [GeneratedRegex(
        @"\bTask\.(Yield|Delay|WhenAll|WhenAny)\b|ConfigureAwait|await .*Async\(",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Awaits();

    [GeneratedRegex("\"([^\"\\\\]|\\\\.)*\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Text();

    [GeneratedRegex("//.*$", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Comment();
}
