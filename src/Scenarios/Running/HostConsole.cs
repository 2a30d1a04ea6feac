using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>A console of the simulated Linux with a shell on it.</summary>
internal sealed class HostConsole
{
    /// <summary>No more output than this is kept between two steps.</summary>
    private const int MaximumOutput = 1 << 20;

    private readonly ConsoleFile _terminal = new();
    private readonly ShellConsole _shell;
    private readonly List<byte> _output = [];

    /// <summary>Opens a console.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="showsLog">Whether the kernel's log goes here (<c>console=</c> of the command line).</param>
    /// <param name="userId">Whose shell it is.</param>
    public HostConsole(Kernel kernel, bool showsLog, int userId)
    {
        _terminal.Written += Add;
        if (showsLog)
        {
            kernel.Log.Console += line => Add(Encoding.UTF8.GetBytes(line + "\n"));
        }

        _shell = new ShellConsole(kernel.Init, _terminal, userId == 0 ? null : HomelessUser());
        UserCredentials.Apply(_shell.Process, userId, null, null);
    }

    /// <summary>$? of the last command.</summary>
    public int Status => _shell.Status;

    /// <summary>Whether a command runs.</summary>
    public bool IsBusy => !_shell.IsIdle && !_shell.HasEnded;

    /// <summary>What was printed since it was last taken, in lines.</summary>
    public IReadOnlyList<string> Output
    {
        get
        {
            string text = Encoding.UTF8.GetString(_output.ToArray()).ReplaceLineEndings("\n");
            return text.Length == 0 ? []
                : text.EndsWith('\n') ? text[..^1].Split('\n')
                : text.Split('\n');
        }
    }

    /// <summary>How many bytes were ever printed: tells whether <see cref="Output"/> is worth another look.</summary>
    public long PrintedBytes { get; private set; }

    /// <summary>Gives what was printed since the last call, in lines, and forgets it.</summary>
    public IReadOnlyList<string> TakeOutput()
    {
        IReadOnlyList<string> lines = Output;
        _output.Clear();
        return lines;
    }

    /// <summary>Begins a command.</summary>
    public void Start(string command, Place place)
    {
        if (_shell.HasEnded)
        {
            throw StepFailedException.At(place, "the shell of this console has ended");
        }

        if (IsBusy)
        {
            throw StepFailedException.At(
                place,
                "a command still runs on this console; wait for its end with 'exit:', or end it with 'keys: ctrl-c'"
            );
        }

        _shell.Start(command);
    }

    /// <summary>Types a line to the command that runs.</summary>
    public void Type(string text, Place place)
    {
        Demand(place);
        _terminal.Type(Encoding.UTF8.GetBytes(text + "\n"));
    }

    /// <summary>Ctrl-C.</summary>
    public void Interrupt(Place place)
    {
        Demand(place);
        _shell.Interrupt();
    }

    /// <summary>Ctrl-D.</summary>
    public void EndInput(Place place)
    {
        Demand(place);
        _terminal.EndInput();
    }

    /// <summary>Runs the world until the command has ended.</summary>
    public void RunToEnd(World world, long patience, Place place)
    {
        if (!world.RunPrograms(() => !IsBusy, patience, place))
        {
            throw new StepFailedException(
                new StepFailure(
                    place,
                    $"the command has not ended after {VirtualTime.Format(patience)}",
                    ["an end"],
                    [world.Simulation.Scheduler.Waiting(), .. Output.TakeLast(5)]
                )
            );
        }
    }

    /// <summary>Where a login finds no home it says so and takes /.</summary>
    private static SortedDictionary<string, string> HomelessUser() =>
        new(StringComparer.Ordinal) { ["HOME"] = "/", ["PATH"] = "/bin:/usr/bin" };

    private void Demand(Place place)
    {
        if (!IsBusy)
        {
            throw StepFailedException.At(place, "nothing runs on this console that could read; begin it with 'start:'");
        }
    }

    private void Add(byte[] bytes)
    {
        PrintedBytes += bytes.Length;
        _output.AddRange(bytes.AsSpan(0, Math.Min(bytes.Length, MaximumOutput - _output.Count)));
    }
}
