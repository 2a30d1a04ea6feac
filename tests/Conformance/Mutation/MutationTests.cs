using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Emulator.Conformance.Linux;
using Emulator.KernelShim;

namespace Emulator.Conformance.Mutation;

/// <summary>
/// Takes checks out of the simulated kernel, one at a time, chosen at random among those that the recorded calls run into, and
/// builds it anew: a recorded call must then disagree that agreed before. <c>EMULATOR_MUTANTS=10</c> says how many,
/// <c>EMULATOR_SEED</c> which; each costs a build, so none are tried without.
/// </summary>
public sealed class MutationTests
{
    private const string Project = "tests/Conformance";

    [Fact]
    public void A_check_that_is_taken_out_is_missed_by_a_recorded_call()
    {
        int count = Number("EMULATOR_MUTANTS");
        if (count == 0)
        {
            Assert.Skip("EMULATOR_MUTANTS=10 takes out ten checks; each costs a build");
        }

        int seed = Number("EMULATOR_SEED");
        KernelCheck[] checks = Exercised();
        new Random(seed).Shuffle(checks);
        string copy = Directory.CreateTempSubdirectory("mutants").FullName;
        try
        {
            Copy(Recordings.Root, copy);
            HashSet<string> before = Differences(copy)!;
            var report = new Report("mutants");
            report.Note($"seed {seed}; {checks.Length} checks are run into by recorded calls");
            int tried = 0;
            foreach (KernelCheck check in checks.TakeWhile(_ => tried < count))
            {
                tried += Try(check, copy, before, report) ? 1 : 0;
            }

            report.Publish();
            report.Differences.Should().BeEmpty($"seed {seed}");
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>Tries a mutant. False if it does not compile: what follows the check needs it.</summary>
    private static bool Try(KernelCheck check, string copy, HashSet<string> before, Report report)
    {
        string file = Path.Combine(copy, check.File);
        string text = File.ReadAllText(file);
        File.WriteAllText(file, check.RemoveFrom(text));
        HashSet<string>? after = Differences(copy);
        File.WriteAllText(file, text);
        if (after is null)
        {
            report.Note($"{check.Name}: does not compile without");
            return false;
        }

        string? noticed = after.Where(name => !before.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault();
        report.Add(check.Name, noticed is null ? "no recorded call misses it" : null);
        report.Note($"{check.Name}: missed by {noticed ?? "nothing"}");
        return true;
    }

    /// <summary>The checks that refused something in some recording.</summary>
    private static KernelCheck[] Exercised()
    {
        var seen = new HashSet<Refusal>();
        foreach (OpsRecording recording in OpsRecording.All())
        {
            OpsMachine machine = OpsMachine.Create(recording);
            var runner = new OpsRunner(machine);
            foreach (OpsOperation operation in recording.Operations)
            {
                runner.Run(operation.Text);
                seen.UnionWith(machine.Kernel.Refusals);
            }
        }

        return
        [
            .. KernelCheck
                .In(Recordings.Root, "src/KernelShim")
                .Where(check =>
                    seen.Any(refusal =>
                        string.Equals(refusal.Function, check.Function, StringComparison.Ordinal)
                        && string.Equals(refusal.Errno.ToString(), check.Errno, StringComparison.Ordinal)
                        && Regex.IsMatch(refusal.Reason, "^" + check.Reason, RegexOptions.Singleline)
                    )
                ),
        ];
    }

    /// <summary>The recorded calls that disagree with the copy, or null if it does not compile.</summary>
    private static HashSet<string>? Differences(string copy)
    {
        if (Execute(copy, "build", Project, "-v", "quiet") != 0)
        {
            return null;
        }

        string list = Path.Combine(copy, "artifacts", "conformance.txt");
        Directory.CreateDirectory(Path.GetDirectoryName(list)!);
        File.Delete(list);
        Execute(copy, "run", "--project", Project, "--no-build", "--", "--filter-class", "*OpsTests");
        return
        [
            .. File.ReadLines(list)
                .Where(line =>
                    line.Contains("differs", StringComparison.Ordinal)
                    || line.Contains("Exception", StringComparison.Ordinal)
                )
                .Select(line => line.Trim().Split(':')[0])
                .DefaultIfEmpty("no list: the replay ended early"),
        ];
    }

    private static int Execute(string folder, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = System.Diagnostics.Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Copies what git would, more or less: no build products.</summary>
    private static void Copy(string from, string to)
    {
        foreach (string folder in Directory.GetDirectories(from))
        {
            string name = Path.GetFileName(folder);
            if (name is not ("bin" or "obj" or ".git" or "artifacts"))
            {
                Directory.CreateDirectory(Path.Combine(to, name));
                Copy(folder, Path.Combine(to, name));
            }
        }

        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    private static int Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : 0;
}
