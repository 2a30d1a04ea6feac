using System.Diagnostics;

namespace Emulator.Bench;

/// <summary>From starting the published command to its first passed scenario, against starting it to print its version.</summary>
internal static class StartupBench
{
    public static void Run(int rounds, string command, string scenario)
    {
        Contest.Run(
            "start-up of " + command,
            "start",
            rounds,
            new Party("emulator --version", 1, () => Start(command, "--version")),
            new Party("emulator run " + scenario, 1, () => Start(command, "run", scenario))
        );
    }

    private static void Start(string command, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, UseShellExecute = false }
        )!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{command} {string.Join(' ', arguments)} ended with {process.ExitCode}"
            );
        }
    }
}
