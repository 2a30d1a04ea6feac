using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>A console of the simulated Linux with a shell on it.</summary>
internal sealed class HostConsole
{
    /// <summary>No command prints more than this.</summary>
    private const int MaximumOutput = 1 << 20;

    /// <summary>What an event counts of <see cref="World.MaximumWork"/>: a system call is more than an addition.</summary>
    private const long WorkOfAnEvent = 100;

    private readonly ShellConsole _shell;
    private readonly List<byte> _output = [];

    public HostConsole(Kernel kernel)
    {
        var terminal = new ConsoleFile();
        terminal.Written += bytes =>
            _output.AddRange(bytes.AsSpan(0, Math.Min(bytes.Length, MaximumOutput - _output.Count)));
        _shell = new ShellConsole(kernel.Init, terminal);
    }

    /// <summary>$? of the last command.</summary>
    public int Status => _shell.Status;

    /// <summary>What the last command printed, in lines.</summary>
    public IReadOnlyList<string> LastOutput { get; private set; } = [];

    /// <summary>Runs a command to its end and gives what it printed, in lines.</summary>
    public IReadOnlyList<string> Run(World world, string command, long patience, Place place)
    {
        if (_shell.HasEnded)
        {
            throw StepFailedException.At(place, "the shell of this console has ended");
        }

        _output.Clear();
        _shell.Start(command);
        long deadline = VirtualTime.Add(world.Simulation.Now, patience);
        bool ended = world.RunUntil(
            () =>
            {
                world.Work(WorkOfAnEvent, place);
                return _shell.IsIdle || _shell.HasEnded;
            },
            deadline,
            place
        );
        string[] lines = Lines();
        LastOutput = lines;
        return ended
            ? lines
            : throw new StepFailedException(
                new StepFailure(
                    place,
                    $"the command has not ended after {VirtualTime.Format(patience)}",
                    ["an end"],
                    [world.Simulation.Scheduler.Diagnosis(), .. lines.TakeLast(5)]
                )
            );
    }

    private string[] Lines()
    {
        string text = Encoding.UTF8.GetString(_output.ToArray()).ReplaceLineEndings("\n");
        return text.Length == 0 ? []
            : text.EndsWith('\n') ? text[..^1].Split('\n')
            : text.Split('\n');
    }
}
