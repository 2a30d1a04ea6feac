using System.CommandLine;
using Emulator.KernelShim;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator kernels</c>: the kernels that are simulated, as profiles.</summary>
internal static class KernelsCommand
{
    public static Command Create()
    {
        var command = new Command(
            "kernels",
            "List the kernel profiles: what 'kernel:' of a scenario can name besides 'none', bare metal."
        );
        command.SetAction(_ => List());
        return command;
    }

    private static int List()
    {
        foreach (KernelProfile profile in KernelProfiles.All)
        {
            Console.WriteLine($"{profile.Name, -12} {profile.Release, -22} {profile.Machine, -8} {profile.Title}");
        }

        return ExitCodes.Passed;
    }
}
