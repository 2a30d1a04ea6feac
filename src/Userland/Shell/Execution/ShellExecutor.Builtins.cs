using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>A command that the shell runs itself.</summary>
internal delegate Task<int> Builtin(ShellExecutor shell, IReadOnlyList<string> words);

/// <content>The builtins.</content>
internal sealed partial class ShellExecutor
{
    private readonly Stack<SortedDictionary<string, string?>> _locals = new();

    // csharpier-ignore
    internal static readonly SortedDictionary<string, Builtin> Builtins = new(StringComparer.Ordinal)
    {
        [":"] = (_, _) => Task.FromResult(0),
        ["true"] = (_, _) => Task.FromResult(0),
        ["false"] = (_, _) => Task.FromResult(1),
        ["."] = (shell, words) => shell.Source(words),
        ["source"] = (shell, words) => shell.Source(words),
        ["eval"] = (shell, words) => shell.RunText(string.Join(' ', words.Skip(1)) + "\n"),
        ["exec"] = (shell, words) => shell.ExecBuiltin(words),
        ["exit"] = (shell, words) => shell.Leave(Flow.Exit, words),
        ["return"] = (shell, words) => shell.Leave(Flow.Return, words),
        ["break"] = (shell, words) => shell.LeaveLoop(Flow.Break, words),
        ["continue"] = (shell, words) => shell.LeaveLoop(Flow.Continue, words),
        ["shift"] = (shell, words) => shell.Shift(words),
        ["export"] = (shell, words) => shell.Declare(words),
        ["readonly"] = (shell, words) => shell.Declare(words),
        ["local"] = (shell, words) => shell.Declare(words),
        ["unset"] = (shell, words) => shell.UnsetAll(words),
        ["set"] = (shell, words) => shell.SetOptions(words),
        ["read"] = (shell, words) => shell.ReadLine(words),
        ["cd"] = (shell, words) => shell.ChangeDirectory(words),
        ["pwd"] = (shell, _) => shell.PrintDirectory(),
        ["echo"] = (shell, words) => EchoCommand.Run(shell._libc, words, shell.State.Name),
        ["printf"] = (shell, words) => PrintfCommand.Run(shell._libc, words, shell.State.Name),
        ["test"] = (shell, words) => TestCommand.Run(shell._libc, words, shell.State.Name),
        ["["] = (shell, words) => TestCommand.Run(shell._libc, words, shell.State.Name),
        ["[["] = (shell, words) => TestCommand.Run(shell._libc, words, shell.State.Name),
        ["wait"] = (shell, words) => shell.WaitBuiltin(words),
        ["jobs"] = (shell, _) => shell.ListJobs(),
        ["fg"] = (shell, words) => shell.WaitBuiltin(words),
        ["kill"] = (shell, words) => KillCommand.Run(shell._libc, shell.ResolveJobs(words), shell.State.Name),
        ["command"] = (shell, words) => shell.Command(words),
        ["type"] = (shell, words) => shell.TypeOf(words),
        ["trap"] = (shell, words) => shell.Trap(words),
        ["umask"] = (shell, _) => shell.Print("0022\n"),
        ["ulimit"] = (shell, words) => shell.Limit(words),
        ["alias"] = (shell, words) => shell.Refuse(words),
        ["bg"] = (shell, words) => shell.Refuse(words),
        ["getopts"] = (shell, words) => shell.Refuse(words),
        ["let"] = (shell, words) => shell.Refuse(words),
        ["history"] = (shell, words) => shell.Refuse(words),
    };

    private async Task<int> Print(string text) => await _libc.Print(1, text) < 0 ? 1 : 0;

    private async Task<int> Refuse(IReadOnlyList<string> words)
    {
        await Report($"{words[0]}: this builtin is not supported by this shell");
        return 2;
    }

    private async Task<int?> Number(IReadOnlyList<string> words, int standard)
    {
        if (words.Count < 2)
        {
            return standard;
        }

        if (int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            return number;
        }

        await Report($"Illegal number: {words[1]}", words[0]);
        return null;
    }

    private async Task<int> Leave(Flow flow, IReadOnlyList<string> words)
    {
        int? number = await Number(words, State.Status);
        _flow = flow;
        return number ?? 2;
    }

    private async Task<int> LeaveLoop(Flow flow, IReadOnlyList<string> words)
    {
        int? levels = await Number(words, 1);
        if (levels is null or 0 || _loops == 0)
        {
            return levels is null or 0 ? 2 : 0;
        }

        _flow = flow;
        _flowLevels = Math.Min(levels.Value, _loops);
        return 0;
    }

    private async Task<int> Shift(IReadOnlyList<string> words)
    {
        int? count = await Number(words, 1);
        if (count is null || count > State.Positional.Count)
        {
            return count is null ? 2 : 1;
        }

        State.Positional = [.. State.Positional.Skip(count.Value)];
        return 0;
    }

    private async Task<int> Source(IReadOnlyList<string> words)
    {
        if (words.Count < 2)
        {
            await Report("filename argument required", words[0]);
            return 2;
        }

        (string? text, long error) = await ReadFile(words[1]);
        if (text is null)
        {
            bool isMissing = (Errno)(-error) is Errno.ENOENT or Errno.ENOTDIR;
            throw new ShellException(
                $"can't open '{words[1]}': {(isMissing ? "No such file or directory" : ErrnoText.Of(error))}",
                2
            );
        }

        _functions++;
        int status = await RunText(text);
        _functions = Math.Max(0, _functions - 1);
        _flow = _flow == Flow.Return ? Flow.None : _flow;
        return status;
    }

    private async Task<int> ExecBuiltin(IReadOnlyList<string> words)
    {
        if (words.Count == 1)
        {
            return 0;
        }

        int status = await BecomeProgram([.. words.Skip(1)]);
        _flow = Flow.Exit;
        return status;
    }

    private async Task<int> ReadLine(IReadOnlyList<string> words)
    {
        List<string> names = [.. words.Skip(1)];
        bool isRaw = names.Remove("-r");
        if (names is ["-p", var prompt, ..])
        {
            await _libc.Print(2, prompt);
            names.RemoveRange(0, 2);
        }

        if (names.Find(name => !ShellParser.IsName(name)) is { } bad)
        {
            throw new ShellException(
                bad.StartsWith('-') ? $"read: illegal option {bad}" : $"read: {bad}: bad variable name",
                2
            );
        }

        (string line, bool isWhole) = await TakeLine(isRaw);
        string separators = State.Get("IFS") ?? " \t\n";
        names = names.Count == 0 ? ["REPLY"] : names;
        string rest = line.Trim([.. separators.Where(char.IsWhiteSpace)]);
        for (int n = 0; n < names.Count; n++)
        {
            int end = n == names.Count - 1 ? -1 : rest.AsSpan().IndexOfAny(separators);
            State.Set(names[n], end < 0 ? rest : rest[..end]);
            rest = end < 0 ? "" : rest[(end + 1)..].TrimStart([.. separators.Where(char.IsWhiteSpace)]);
        }

        return isWhole ? 0 : 1;
    }

    private async Task<(string Line, bool IsWhole)> TakeLine(bool isRaw)
    {
        var line = new List<byte>();
        while (line.Count < Expander.MaximumLength)
        {
            (long result, byte[] data) = await _libc.Read(0, 1);
            if (result <= 0)
            {
                return (Encoding.UTF8.GetString([.. line]), false);
            }

            if (data[0] == '\n')
            {
                break;
            }

            if (data[0] == '\\' && !isRaw)
            {
                (result, data) = await _libc.Read(0, 1);
                if (result <= 0 || data[0] == '\n')
                {
                    continue;
                }
            }

            line.Add(data[0]);
        }

        return (Encoding.UTF8.GetString([.. line]), true);
    }

    private async Task<int> ChangeDirectory(IReadOnlyList<string> words)
    {
        string target = words.Count > 1 ? words[1] : State.Get("HOME") ?? "/";
        bool isBack = target is "-";
        target = isBack ? State.Get("OLDPWD") ?? "" : target;
        string before = await _libc.GetCwd();
        long result = await _libc.ChDir(target);
        if (result < 0)
        {
            await Report($"can't cd to {target}: {ErrnoText.Of(result)}", "cd");
            return 2;
        }

        State.Set("OLDPWD", before);
        string now = await _libc.GetCwd();
        State.Set("PWD", now);
        return isBack ? await Print(now + "\n") : 0;
    }

    private async Task<int> PrintDirectory() => await Print(await _libc.GetCwd() + "\n");

    private async Task<int> Command(IReadOnlyList<string> words)
    {
        if (words.Count < 2)
        {
            return 0;
        }

        if (words[1] is "-v" or "-V")
        {
            int status = 0;
            foreach (string name in words.Skip(2))
            {
                string? path = await Describe(name);
                status = path is null ? 127 : status;
                await Print(path is null ? "" : path + "\n");
            }

            return status;
        }

        List<string> rest = [.. words.Skip(1)];
        if (Builtins.TryGetValue(rest[0], out Builtin? builtin))
        {
            return await builtin(this, rest);
        }

        return await WaitFor(await Fork(child => child.ExecCommand(rest, [], []), null));
    }

    private async Task<string?> Describe(string name) =>
        State.Functions.ContainsKey(name) || Builtins.ContainsKey(name) ? name : (await FindExisting(name));

    private async Task<string?> FindExisting(string name)
    {
        string? path = (await FindProgram(name)).Path;
        return path is not null && await _libc.Exists(path) ? path : null;
    }

    private async Task<int> TypeOf(IReadOnlyList<string> words)
    {
        int status = 0;
        foreach (string name in words.Skip(1))
        {
            string? what =
                State.Functions.ContainsKey(name) ? "is a function"
                : Builtins.ContainsKey(name) ? "is a shell builtin"
                : await FindExisting(name) is { } path ? "is " + path
                : null;
            status = what is null ? 127 : status;
            await Print(what is null ? $"{name}: not found\n" : $"{name} {what}\n");
        }

        return status;
    }

    private async Task<int> Trap(IReadOnlyList<string> words)
    {
        if (words.Count < 3)
        {
            return 0;
        }

        foreach (string signal in words.Skip(2))
        {
            if (signal is "EXIT" or "0")
            {
                State.ExitTrap = words[1] is "-" ? null : words[1];
            }
            else if (Signals.Parse(signal) is null)
            {
                await Report($"{signal}: invalid signal specification", "trap");
                return 1;
            }
        }

        return 0;
    }

    private async Task<int> Limit(IReadOnlyList<string> words)
    {
        if (words.Count < 2 || words[1] is not "-l")
        {
            await Report($"ulimit: only -l is supported by this shell");
            return 2;
        }

        if (words.Count == 2)
        {
            ulong limit = _libc.Process.MemlockLimitBytes;
            return await Print(
                limit == ulong.MaxValue
                    ? "unlimited\n"
                    : string.Create(CultureInfo.InvariantCulture, $"{limit >> 10}\n")
            );
        }

        ulong bytes = ulong.MaxValue;
        if (words[2] is not "unlimited")
        {
            if (!ulong.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out ulong kilobytes))
            {
                await Report($"Illegal number: {words[2]}", "ulimit");
                return 2;
            }

            bytes = kilobytes > ulong.MaxValue >> 10 ? ulong.MaxValue : kilobytes << 10;
        }

        long result = await _libc.SetMemlockLimit(bytes);
        if (result < 0)
        {
            await Report($"error setting limit: {ErrnoText.Of(result)}", "ulimit");
        }

        return result < 0 ? 1 : 0;
    }
}
