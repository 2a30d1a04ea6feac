using System.Globalization;
using System.Text;
using Emulator.Machine;

namespace Emulator.Scenarios.Tests;

/// <summary>
/// docs/rules.md is made of what the scenarios in scenarios/rules show when they run: for each the errno, the check that refuses and
/// its reason, and what the kernel logs with it. <c>EMULATOR_WRITE_DOCS=1</c> writes the page anew.
/// </summary>
public sealed class RulesTests
{
    private const string Page = "docs/rules.md";
    private const string CheckMark = "# check: ";

    private static readonly string Root = RootFolder();

    [Fact]
    public void The_page_of_rules_is_what_the_scenarios_show()
    {
        string page = Write();
        string file = Path.Combine(Root, Page);
        if (string.Equals(Environment.GetEnvironmentVariable("EMULATOR_WRITE_DOCS"), "1", StringComparison.Ordinal))
        {
            File.WriteAllText(file, page);
        }

        File.ReadAllText(file).ReplaceLineEndings("\n").Should().Be(page, "EMULATOR_WRITE_DOCS=1 writes it anew");
    }

    private static string Write()
    {
        var page = new StringBuilder(
            """
            # Rules that one can break

            Each rule is a scenario in [scenarios/rules](../scenarios/rules) that breaks it; this page is written from what they show
            when they run (`EMULATOR_WRITE_DOCS=1 dotnet test` writes it, and a test compares). The check is named as the function
            of the Linux kernel that it mirrors.

            """
        );
        string[] files = Directory.GetFiles(Path.Combine(Root, "scenarios", "rules"), "*.yaml");
        Array.Sort(files, StringComparer.Ordinal);
        files.Should().NotBeEmpty();
        foreach (string file in files)
        {
            WriteRule(page, file);
        }

        return page.ToString();
    }

    private static void WriteRule(StringBuilder page, string file)
    {
        string text = File.ReadAllText(file).ReplaceLineEndings("\n");
        string[] comment = [.. text.Split('\n').TakeWhile(line => line.StartsWith('#'))];
        string check = comment.Single(line => line.StartsWith(CheckMark, StringComparison.Ordinal))[CheckMark.Length..];
        IEnumerable<string> why = comment
            .Where(line => !line.StartsWith(CheckMark, StringComparison.Ordinal))
            .Select(line => line.TrimStart('#').Trim());
        var sink = new Listener();
        ScenarioResult result = Bench.Run(text, sink);
        result.Failure.Should().BeNull(file);
        TraceEvent refusal = sink.Refusals.Last(known =>
            TextOf(known).Contains($": {check}: ", StringComparison.Ordinal)
        );
        string[] parts = TextOf(refusal).Split(": ", 4);
        page.Append(CultureInfo.InvariantCulture, $"\n## {result.Scenario.Name}\n\n{string.Join(' ', why)}\n\n");
        page.Append("| | |\n|---|---|\n");
        page.Append(CultureInfo.InvariantCulture, $"| call | `{parts[1]}` |\n");
        page.Append(CultureInfo.InvariantCulture, $"| refused by | `{parts[2]}` |\n");
        page.Append(CultureInfo.InvariantCulture, $"| because | {parts[3]} |\n");
        foreach (TraceEvent line in sink.Lines.Where(line => line.Time == refusal.Time))
        {
            page.Append(CultureInfo.InvariantCulture, $"| log | `{TextOf(line)}` |\n");
        }

        string kernel = text.Split('\n')
            .Single(line => line.StartsWith("kernel:", StringComparison.Ordinal))[8..]
            .Trim('"');
        string name = Path.GetFileName(file);
        page.Append(
            CultureInfo.InvariantCulture,
            $"| seen on | {result.Scenario.Board}, kernel {kernel}: [{name}](../scenarios/rules/{name}) |\n"
        );
    }

    private static string TextOf(TraceEvent traceEvent) => traceEvent.Fields[0].Value;

    private static string RootFolder()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Emulator.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The repository is not above the test.");
    }

    private sealed class Listener : ITraceSink
    {
        public List<TraceEvent> Refusals { get; } = [];

        public List<TraceEvent> Lines { get; } = [];

        public void Write(TraceEvent traceEvent)
        {
            if (string.Equals(traceEvent.Kind.Name, "kernel.refusal", StringComparison.Ordinal))
            {
                Refusals.Add(traceEvent);
            }
            else if (string.Equals(traceEvent.Kind.Name, "kernel.log", StringComparison.Ordinal))
            {
                Lines.Add(traceEvent);
            }
        }
    }
}
