using System.Diagnostics;
using Emulator.KernelShim;
using Emulator.Machine;
using Process = Emulator.KernelShim.Process;

namespace Emulator.Userland;

/// <summary>
/// A shell on a terminal, driven a command at a time: a transcript starts a command, runs the simulation until
/// <see cref="IsIdle"/>, and compares what the terminal got. Variables, directory and jobs stay from command to command.
/// </summary>
/// <example>
/// <code>
/// var console = new ShellConsole(kernel.Init, terminal);
/// console.Start("echo hello");
/// simulation.RunUntil(() => console.IsIdle, deadline);
/// int status = console.Status;
/// </code>
/// </example>
[DebuggerDisplay("{Process.Id}: idle {IsIdle}")]
public sealed class ShellConsole
{
    private readonly WaitQueue _commands = new("n_tty_read");
    private ShellExecutor? _executor;
    private string? _next;

    /// <summary>Starts a shell on a terminal.</summary>
    /// <param name="parent">Its parent: its user is the shell's, which begins in that user's home.</param>
    /// <param name="terminal">Descriptors 0, 1 and 2.</param>
    /// <param name="environment">The environment; null for HOME and PATH alone.</param>
    public ShellConsole(Process parent, OpenFile terminal, IDictionary<string, string>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(parent);
        ArgumentNullException.ThrowIfNull(terminal);
        environment ??= new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = "/root",
            ["PATH"] = "/sbin:/usr/sbin:/bin:/usr/bin",
        };
        Process = ProgramRunner.Start(
            parent,
            new Loop(this),
            ["sh"],
            environment,
            new SortedDictionary<int, OpenFile>
            {
                [0] = terminal,
                [1] = terminal,
                [2] = terminal,
            }
        );
    }

    /// <summary>The shell's process.</summary>
    public Process Process { get; }

    /// <summary>Whether the shell waits for a command; also when it has ended.</summary>
    public bool IsIdle { get; private set; } = true;

    /// <summary>Whether the shell has ended, by <c>exit</c> or a signal.</summary>
    public bool HasEnded => Process.HasExited;

    /// <summary>$? of the last command.</summary>
    public int Status { get; private set; }

    /// <summary>Gives the shell a command, of several lines perhaps (see <see cref="Shell.Check"/>).</summary>
    /// <exception cref="InvalidOperationException">It is running one, or has ended.</exception>
    public void Start(string command)
    {
        if (!IsIdle || HasEnded)
        {
            throw new InvalidOperationException("The shell is running a command, or has ended.");
        }

        _next = command;
        IsIdle = false;
        _commands.WakeAll();
    }

    /// <summary>Ctrl-C: the command that runs is ended by SIGINT, with all that it started in the foreground.</summary>
    public void Interrupt()
    {
        if (IsIdle || _executor is null)
        {
            return;
        }

        _executor.IsInterrupted = true;
        foreach (int child in _executor.Foreground.ToArray())
        {
            Kill(child);
        }
    }

    private void Kill(int id)
    {
        Kernel kernel = Process.Kernel;
        foreach (Process child in kernel.Processes.Values.Where(process => process.Parent?.Id == id).ToArray())
        {
            Kill(child.Id);
        }

        if (kernel.Processes.TryGetValue(id, out Process? target) && !target.HasExited)
        {
            kernel.Calls.Kill(Process, id, 2);
        }
    }

    private Attempt TakeCommand() => _next is null ? Attempt.Block(_commands) : 1;

    private sealed class Loop(ShellConsole console) : IProgram
    {
        public string Name => "sh";

        public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
        {
            // What login(1) does; it stays in / where there is no home.
            if (libc.Environment.TryGetValue("HOME", out string? home))
            {
                await libc.ChDir(home);
            }

            ShellState state = Shell.NewState(libc);
            state.IsInteractive = true;
            var executor = new ShellExecutor(libc, state);
            console._executor = executor;
            try
            {
                while (!executor.HasExited)
                {
                    await libc.Call(_ => console.TakeCommand());
                    string command = console._next!;
                    console._next = null;
                    executor.IsInterrupted = false;
                    await executor.RunText(command + "\n");
                    if (executor.IsInterrupted)
                    {
                        executor.ForgetInterrupt();
                    }

                    console.Status = state.Status;
                    console.IsIdle = !executor.HasExited;
                }

                await executor.RunExitTrap();
                return state.Status;
            }
            finally
            {
                console.Status = state.Status;
                console.IsIdle = true;
            }
        }
    }
}
