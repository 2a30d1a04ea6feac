using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>What a small command needs: its options, its input by lines, buffered output, errors in its name.</summary>
internal sealed class Tool(Libc libc, string name)
{
    private const int FlushBytes = 4096;

    /// <summary>No line is longer.</summary>
    public const int MaximumLineBytes = 1 << 20;

    private readonly List<byte> _output = [];

    /// <summary>The C library.</summary>
    public Libc Libc => libc;

    /// <summary>The exit status so far.</summary>
    public int Status { get; set; }

    /// <summary>Says <c>name: message</c> on standard error; the exit status becomes 1, or as told.</summary>
    public async Task Error(string message, int status = 1)
    {
        await Flush();
        await libc.Print(2, $"{name}: {message}\n");
        Status = Math.Max(Status, status);
    }

    /// <summary>Says <c>name: what: strerror</c>.</summary>
    public Task Error(string what, long error, int status = 1) => Error($"{what}: {ErrnoText.Of(error)}", status);

    /// <summary>Puts text out, through a buffer.</summary>
    public Task Print(string text) => Print(Encoding.UTF8.GetBytes(text));

    /// <summary>Puts bytes out, through a buffer.</summary>
    public async Task Print(byte[] bytes)
    {
        _output.AddRange(bytes);
        if (_output.Count >= FlushBytes)
        {
            await Flush();
        }
    }

    /// <summary>Writes what the buffer holds.</summary>
    public async Task Flush()
    {
        byte[] bytes = [.. _output];
        _output.Clear();
        Status = Math.Max(Status, await EchoCommand.WriteAll(libc, bytes, name));
    }

    /// <summary>Flushes, and gives the exit status.</summary>
    public async Task<int> Finish()
    {
        await Flush();
        return Status;
    }

    /// <summary>Opens a file to read, <c>-</c> being standard input; -1 when it cannot be, which was reported.</summary>
    /// <param name="path">The path.</param>
    /// <param name="words">The message before the errno's text, with the path in place of {0}.</param>
    /// <param name="status">The exit status then.</param>
    public async Task<long> Open(string path, string words = "{0}", int status = 1)
    {
        if (path is "-")
        {
            return 0;
        }

        long file = await libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            await Error(words.Replace("{0}", path, StringComparison.Ordinal), file, status);
            return -1;
        }

        return file;
    }

    /// <summary>Closes what <see cref="Open"/> opened.</summary>
    public Task<long> Close(long file) => file > 0 ? libc.Close(file) : Task.FromResult(0L);

    /// <summary>
    /// Calls for each line of a file, without its line end, until told to stop by false. What was printed is written before
    /// each wait for more.
    /// </summary>
    public async Task ForEachLine(long file, Func<string, Task<bool>> action)
    {
        var pending = new List<byte>();
        while (true)
        {
            await Flush();
            (long result, byte[] data) = await libc.Read(file, 64 << 10);
            if (result < 0)
            {
                await Error("read error", result);
            }

            if (result <= 0)
            {
                break;
            }

            int start = 0;
            for (int at = 0; at < data.Length; at++)
            {
                if (data[at] != '\n' && pending.Count + at - start < MaximumLineBytes)
                {
                    continue;
                }

                pending.AddRange(data.AsSpan(start, at - start));
                start = at + 1;
                string line = Encoding.UTF8.GetString([.. pending]);
                pending.Clear();
                if (!await action(line))
                {
                    return;
                }
            }

            pending.AddRange(data.AsSpan(start));
        }

        if (pending.Count > 0)
        {
            await action(Encoding.UTF8.GetString([.. pending]));
        }
    }

    /// <summary>All lines of some files, or of standard input when there are none; 16 MiB of them at the most.</summary>
    public async Task<List<string>> AllLines(IReadOnlyList<string> paths, string words = "{0}")
    {
        var lines = new List<string>();
        long room = KernelShim.RegularInode.MaximumBytes;
        foreach (string path in paths.Count == 0 ? ["-"] : paths)
        {
            long file = await Open(path, words);
            if (file < 0)
            {
                continue;
            }

            await ForEachLine(
                file,
                line =>
                {
                    lines.Add(line);
                    room -= line.Length + 1;
                    return Task.FromResult(room > 0);
                }
            );
            await Close(file);
            if (room <= 0)
            {
                await Error("out of memory: the input is too long");
                break;
            }
        }

        return lines;
    }
}

/// <summary>The options and operands of a command line, as getopt(3) reads them.</summary>
internal sealed class Options
{
    private readonly SortedDictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    private Options(string? mistake) => Mistake = mistake;

    /// <summary>What is wrong, in getopt's words; null when nothing is.</summary>
    public string? Mistake { get; private set; }

    /// <summary>What is no option.</summary>
    public List<string> Operands { get; } = [];

    /// <summary>Whether an option is there.</summary>
    public bool this[string option] => _values.ContainsKey(option);

    /// <summary>The last value of an option, or null.</summary>
    public string? Value(string option) => _values.TryGetValue(option, out List<string>? values) ? values[^1] : null;

    /// <summary>All values of an option.</summary>
    public IReadOnlyList<string> Values(string option) => _values.GetValueOrDefault(option) ?? [];

    /// <summary>Reads a command line.</summary>
    /// <param name="arguments">argv.</param>
    /// <param name="letters">The options, as for getopt: <c>an:</c>; a leading + ends them at the first operand.</param>
    /// <param name="names">Long options: the long name and the letter it stands for.</param>
    public static Options Parse(
        IReadOnlyList<string> arguments,
        string letters,
        params (string Long, char Letter)[] names
    )
    {
        var options = new Options(null);
        bool stopsAtOperand = letters.StartsWith('+');
        int at = 1;
        for (; at < arguments.Count; at++)
        {
            string word = arguments[at];
            if (word is "--")
            {
                at++;
                break;
            }

            if (word.StartsWith("--", StringComparison.Ordinal))
            {
                string[] parts = word[2..].Split('=', 2);
                char letter = Array
                    .Find(names, name => string.Equals(name.Long, parts[0], StringComparison.Ordinal))
                    .Letter;
                if (letter == 0)
                {
                    options.Mistake = $"unrecognized option '{word}'";
                    return options;
                }

                options.Add(letter, parts.Length > 1 ? parts[1] : "");
            }
            else if (word.Length > 1 && word[0] == '-')
            {
                if (!options.TryTakeLetters(arguments, ref at, letters))
                {
                    return options;
                }
            }
            else if (stopsAtOperand)
            {
                break;
            }
            else
            {
                options.Operands.Add(word);
            }
        }

        options.Operands.AddRange(arguments.Skip(at));
        return options;
    }

    private bool TryTakeLetters(IReadOnlyList<string> arguments, ref int at, string letters)
    {
        string word = arguments[at];
        for (int n = 1; n < word.Length; n++)
        {
            int known = word[n] is ':' or '+' ? -1 : letters.IndexOf(word[n], StringComparison.Ordinal);
            if (known < 0)
            {
                Mistake = $"invalid option -- '{word[n]}'";
                return false;
            }

            if (known + 1 >= letters.Length || letters[known + 1] != ':')
            {
                Add(word[n], "");
                continue;
            }

            if (n + 1 < word.Length)
            {
                Add(word[n], word[(n + 1)..]);
            }
            else if (at + 1 < arguments.Count)
            {
                Add(word[n], arguments[++at]);
            }
            else
            {
                Mistake = $"option requires an argument -- '{word[n]}'";
                return false;
            }

            return true;
        }

        return true;
    }

    private void Add(char letter, string value)
    {
        string name = letter.ToString();
        if (!_values.TryGetValue(name, out List<string>? values))
        {
            _values[name] = values = [];
        }

        values.Add(value);
    }
}

/// <summary>A small command: options are read and mistakes in them reported before it runs.</summary>
/// <param name="name">Its name.</param>
/// <param name="letters">Its options, as for getopt.</param>
/// <param name="minimumOperands">How many operands it needs.</param>
/// <param name="body">What it does.</param>
internal sealed class ToolProgram(string name, string letters, int minimumOperands, Func<Tool, Options, Task> body)
    : IProgram
{
    /// <inheritdoc/>
    public string Name => name;

    /// <summary>The names of long options.</summary>
    public (string Long, char Letter)[] LongNames { get; init; } = [];

    /// <summary>The exit status of a mistake in the options.</summary>
    public int UsageStatus { get; init; } = 1;

    /// <inheritdoc/>
    public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
    {
        var tool = new Tool(libc, name);
        Options options = Options.Parse(arguments, letters, LongNames);
        if (options.Mistake is not null || options.Operands.Count < minimumOperands)
        {
            await tool.Error(options.Mistake ?? "missing operand", UsageStatus);
            return tool.Status;
        }

        await body(tool, options);
        return await tool.Finish();
    }
}

/// <summary>A program that gets its command line as it is.</summary>
internal sealed class RawProgram(string name, Func<Libc, IReadOnlyList<string>, Task<int>> body) : IProgram
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public Task<int> Main(Libc libc, IReadOnlyList<string> arguments) => body(libc, arguments);
}
