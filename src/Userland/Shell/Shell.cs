using System.Buffers;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>
/// The shell, POSIX's language (XCU chapter 2) with the messages of busybox's ash. It runs <c>-c</c> commands, a script file,
/// or what comes on its standard input.
/// </summary>
public sealed class Shell(string name) : IProgram
{
    private static readonly SearchValues<char> Special = SearchValues.Create("/=$`'\"\\*?[{!");

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <summary>Whether a text is a whole shell program: for those who read one line by line.</summary>
    public static ShellInput Check(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new ShellParser(text);
        try
        {
            while (parser.Next() is not null) { }
        }
        catch (ShellSyntaxException exception)
        {
            return exception.IsIncomplete
                ? new ShellInput(ShellInputState.Incomplete, exception.Message, exception.Line)
                : new ShellInput(ShellInputState.Wrong, exception.Message, exception.Line);
        }

        return parser.EndedInHereDocument
            ? new ShellInput(ShellInputState.Incomplete, "a here-document is not ended", 1)
            : new ShellInput(ShellInputState.Complete, null, 0);
    }

    /// <summary>
    /// Whether a command can begin with a word: a compound one, a builtin, an assignment, a path, the name of a program, or one that
    /// an expansion makes.
    /// </summary>
    public static bool CanBegin(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        return word.AsSpan().ContainsAny(Special)
            || ShellParser.BeginsCompound(word)
            || ShellExecutor.Builtins.ContainsKey(word)
            || UserlandPrograms.All.Any(program => string.Equals(program.Name, word, StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(libc);
        ArgumentNullException.ThrowIfNull(arguments);
        ShellState state = NewState(libc);
        string? command = null;
        bool takesCommand = false;
        bool isInteractive = false;
        int at = 1;
        for (; at < arguments.Count && arguments[at].Length > 1 && arguments[at][0] == '-'; at++)
        {
            if (arguments[at] is "--")
            {
                at++;
                break;
            }

            foreach (char option in arguments[at][1..])
            {
                if (option is 'e' or 'u' or 'x' or 'f')
                {
                    state.Options.Add(option);
                }

                takesCommand |= option == 'c';
                isInteractive |= option == 'i';
                if (!"euxfcisl".Contains(option, StringComparison.Ordinal))
                {
                    await libc.Print(2, $"sh: illegal option -{option}\n");
                    return 2;
                }
            }
        }

        if (takesCommand)
        {
            if (at >= arguments.Count)
            {
                await libc.Print(2, "sh: -c requires an argument\n");
                return 2;
            }

            command = arguments[at++];
            state.Name = at < arguments.Count ? arguments[at++] : state.Name;
        }
        else if (at < arguments.Count)
        {
            state.Name = arguments[at++];
            state.IsScript = true;
            long file = await libc.Open(state.Name, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
            (long result, byte[] data) = file < 0 ? (file, []) : await WholeFile.Read(libc, file);
            if (result < 0)
            {
                await libc.Print(2, $"sh: can't open '{state.Name}': {ErrnoText.Of(result)}\n");
                return 2;
            }

            await libc.Close(file);
            command = Encoding.UTF8.GetString(data);
        }

        state.Positional = [.. arguments.Skip(at)];
        var executor = new ShellExecutor(libc, state);
        if (command is not null)
        {
            await executor.RunText(command);
        }
        else
        {
            state.IsInteractive = isInteractive || await libc.IsTerminal(0);
            await RunInput(libc, executor);
        }

        await executor.RunExitTrap();
        return state.Status;
    }

    internal static ShellState NewState(Libc libc)
    {
        var state = new ShellState { ProcessId = libc.Process.Id };
        foreach ((string name, string value) in libc.Environment)
        {
            if (ShellParser.IsName(name))
            {
                state.Set(name, value);
                state.Export(name);
            }
        }

        state.Set("IFS", " \t\n");
        state.Set("PWD", libc.Process.WorkingDirectory.Path);
        return state;
    }

    private static async Task RunInput(Libc libc, ShellExecutor executor)
    {
        var text = new StringBuilder();
        while (!executor.HasExited)
        {
            if (executor.State.IsInteractive)
            {
                bool isFirst = text.Length == 0;
                string standard = libc.Process.UserId == 0 ? "# " : "$ ";
                await libc.Print(2, executor.State.Get(isFirst ? "PS1" : "PS2") ?? (isFirst ? standard : "> "));
            }

            (string line, bool isEnd) = await ReadLine(libc);
            text.Append(line);
            if (text.Length == 0 && isEnd)
            {
                return;
            }

            bool isWhole = isEnd || Check(text.ToString()).State != ShellInputState.Incomplete;
            if (isWhole || text.Length > Expander.MaximumLength)
            {
                await executor.RunText(text.ToString());
                text.Clear();
            }

            if (isEnd)
            {
                return;
            }
        }
    }

    /// <summary>Byte by byte, so that what follows is left to the commands.</summary>
    private static async Task<(string Line, bool IsEnd)> ReadLine(Libc libc)
    {
        var line = new List<byte>();
        while (true)
        {
            (long result, byte[] data) = await libc.Read(0, 1);
            if (result <= 0)
            {
                return (Encoding.UTF8.GetString([.. line]), true);
            }

            line.Add(data[0]);
            if (data[0] == '\n' || line.Count > Expander.MaximumLength)
            {
                return (Encoding.UTF8.GetString([.. line]), false);
            }
        }
    }
}

/// <summary>How a text reads as a shell program.</summary>
public enum ShellInputState
{
    /// <summary>It can be run.</summary>
    Complete,

    /// <summary>It is right so far, and goes on in the next line.</summary>
    Incomplete,

    /// <summary>It is wrong, whatever may follow.</summary>
    Wrong,
}

/// <summary>How a text reads as a shell program.</summary>
/// <param name="State">Whether it can be run.</param>
/// <param name="Message">What is wrong or missing, in ash's words; null when nothing is.</param>
/// <param name="Line">The line of the message, from 1.</param>
public readonly record struct ShellInput(ShellInputState State, string? Message, int Line);
