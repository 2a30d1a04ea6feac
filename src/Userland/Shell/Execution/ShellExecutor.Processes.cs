using Emulator.KernelShim;

namespace Emulator.Userland;

/// <content>Simple commands and jobs: what makes processes.</content>
internal sealed partial class ShellExecutor
{
    private const string DefaultPath = "/sbin:/usr/sbin:/bin:/usr/bin";

    private readonly SortedDictionary<int, int> _finishedJobs = [];

    /// <summary>The children that the command line waits for.</summary>
    public List<int> Foreground { get; } = [];

    /// <summary>Runs the body of a child: a mistake in it is reported and ends it.</summary>
    public async Task RunGuarded(Func<ShellExecutor, Task> body)
    {
        try
        {
            await body(this);
        }
        catch (ShellException exception)
        {
            await Report(exception.Message);
            State.Status = exception.Status;
        }
    }

    private async Task ExecuteSimple(SimpleCommand simple)
    {
        State.Line = simple.Line;
        await _libc.SpendTimeOnce();
        _substituted = false;
        List<string> words = await Words(simple);
        var assignments = new List<(string Name, string Value)>();
        foreach (Assignment assignment in simple.Assignments)
        {
            assignments.Add(await Assign(assignment, words.Count == 0));
        }

        await Trace(assignments, words);
        if (words.Count == 0)
        {
            int status = _substituted ? State.Status : 0;
            State.Status = status;
            if (simple.Redirections.Count > 0)
            {
                List<SavedDescriptor>? saved = await ApplyRedirections(simple.Redirections);
                State.Status = saved is null ? 1 : status;
                await Restore(saved ?? []);
            }

            return;
        }

        if (State.Functions.TryGetValue(words[0], out Node? function))
        {
            await WithRedirections(simple, assignments, () => CallFunction(function, words));
        }
        else if (Builtins.TryGetValue(words[0], out Builtin? builtin))
        {
            bool keeps = words[0] is "exec";
            await WithRedirections(simple, assignments, () => builtin(this, words), keeps);
        }
        else
        {
            Func<ShellExecutor, Task> body = child => child.ExecCommand(words, assignments, simple.Redirections);
            long child = await Fork(body, null);
            await RunForeground(child, simple);
        }
    }

    private async Task Trace(List<(string Name, string Value)> assignments, List<string> words)
    {
        if (State.Options.Contains('x'))
        {
            IEnumerable<string> shown = assignments.Select(pair => $"{pair.Name}={pair.Value}").Concat(words);
            await _libc.Print(2, (State.Get("PS4") ?? "+ ") + string.Join(' ', shown) + "\n");
        }
    }

    private async Task WithRedirections(
        SimpleCommand simple,
        List<(string Name, string Value)> assignments,
        Func<Task<int>> run,
        bool keep = false
    )
    {
        if (await ApplyRedirections(simple.Redirections) is not { } saved)
        {
            State.Status = 1;
            return;
        }

        var before = assignments.ConvertAll(pair => (pair.Name, Value: State.Variables.GetValueOrDefault(pair.Name)));
        try
        {
            foreach ((string name, string value) in assignments)
            {
                State.Set(name, value);
            }

            State.Status = await run() & 0xFF;
        }
        finally
        {
            foreach ((string name, string? value) in before)
            {
                RestoreVariable(name, value);
            }

            if (keep && State.Status == 0)
            {
                await Forget(saved);
            }
            else
            {
                await Restore(saved);
            }
        }
    }

    private void RestoreVariable(string name, string? value)
    {
        if (value is null)
        {
            State.Unset(name);
        }
        else
        {
            State.Set(name, value);
        }
    }

    private async Task<int> CallFunction(Node body, List<string> words)
    {
        IReadOnlyList<string> positional = State.Positional;
        int loops = _loops;
        var locals = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        _locals.Push(locals);
        State.Positional = words[1..];
        _loops = 0;
        _functions++;
        try
        {
            await Execute(body);
        }
        finally
        {
            _functions = Math.Max(0, _functions - 1);
            _loops = loops;
            State.Positional = positional;
            _locals.Pop();
            foreach ((string name, string? value) in locals)
            {
                RestoreVariable(name, value);
            }
        }

        _flow = _flow == Flow.Return ? Flow.None : _flow;
        return State.Status;
    }

    /// <summary>In a child: redirects, and becomes the program.</summary>
    private async Task ExecCommand(
        IReadOnlyList<string> words,
        IReadOnlyList<(string Name, string Value)> assignments,
        IReadOnlyList<Redirection> redirections
    )
    {
        if (await ApplyRedirections(redirections) is null)
        {
            State.Status = 1;
            return;
        }

        foreach ((string name, string value) in assignments)
        {
            State.Set(name, value);
            State.Export(name);
        }

        State.Status = await BecomeProgram(words);
    }

    private async Task<int> BecomeProgram(IReadOnlyList<string> words)
    {
        (string? path, long error) = await FindProgram(words[0]);
        if (path is null)
        {
            return await ReportExec(words[0], error);
        }

        if (words.Sum(word => word.Length + 1) > 128 << 10)
        {
            return await ReportExec(words[0], -(long)Errno.E2BIG);
        }

        _libc.Environment.Clear();
        foreach ((string name, string value) in State.Environment())
        {
            _libc.Environment[name] = value;
        }

        long result = await _libc.Exec(path, words);
        if (result != -(long)Errno.ENOEXEC)
        {
            return result < 0 ? await ReportExec(words[0], result) : (int)result;
        }

        State.Positional = [.. words.Skip(1)];
        State.Name = words[0];
        State.IsScript = true;
        (string? text, long failure) = await ReadFile(path);
        return text is null ? await ReportExec(words[0], failure) : await RunText(text);
    }

    private async Task<int> ReportExec(string name, long error)
    {
        bool isMissing = (Errno)(-error) is Errno.ENOENT or Errno.ENOTDIR;
        await Report($"{name}: {(isMissing ? "not found" : ErrnoText.Of(error))}");
        return isMissing || (Errno)(-error) is Errno.ELOOP or Errno.ENAMETOOLONG ? 127 : 126;
    }

    /// <summary>The path of a command, or the errno that kept it from being found.</summary>
    internal async Task<(string? Path, long Error)> FindProgram(string name)
    {
        long error = -(long)Errno.ENOENT;
        if (name.Length == 0)
        {
            return (null, error);
        }

        if (name.Contains('/', StringComparison.Ordinal))
        {
            return (name, 0);
        }

        foreach (string directory in (State.Get("PATH") ?? DefaultPath).Split(':').Take(64))
        {
            string path = directory.Length == 0 ? name : directory.TrimEnd('/') + "/" + name;
            (long result, FileStatus status) = await _libc.Status(path);
            if (result == 0 && status.Kind == InodeKind.Regular)
            {
                return (path, 0);
            }

            bool isMissing = result is -(long)Errno.ENOENT or -(long)Errno.ENOTDIR;
            error =
                isMissing ? error
                : result == 0 ? -(long)Errno.EACCES
                : result;
        }

        return (null, error);
    }

    private async Task<(string? Text, long Error)> ReadFile(string path)
    {
        long file = await _libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return (null, file);
        }

        (long result, byte[] data) = await WholeFile.Read(_libc, file);
        await _libc.Close(file);
        return result < 0 ? (null, result) : (System.Text.Encoding.UTF8.GetString(data), 0);
    }

    private Task<long> Start(Node command) => Fork(command, null);

    private Task<long> Fork(Node command, IReadOnlyDictionary<int, int>? places) =>
        Fork(child => child.RunAsChild(command), places);

    private async Task<long> Fork(Func<ShellExecutor, Task> body, IReadOnlyDictionary<int, int>? places)
    {
        int depth = _depth;
        long child = await _libc.Fork(
            new Subshell(
                State.Copy(),
                executor =>
                {
                    executor._depth = depth;
                    return body(executor);
                }
            ),
            ["sh"],
            places
        );
        return child >= 0 ? child : throw new ShellException($"can't fork: {ErrnoText.Of(child)}", 2);
    }

    /// <summary>Forks what writes into a pipe; the pipe is closed when that fails.</summary>
    private async Task<long> ForkWriter(Func<ShellExecutor, Task> body, int reader, int writer)
    {
        try
        {
            return await Fork(body, new SortedDictionary<int, int> { [1] = writer });
        }
        catch (ShellException)
        {
            await _libc.Close(reader);
            await _libc.Close(writer);
            throw;
        }
    }

    /// <summary>What a child shell does with its command: a simple one it becomes, a subshell's body it runs.</summary>
    private async Task RunAsChild(Node command)
    {
        if (command is SimpleCommand simple)
        {
            State.Line = simple.Line;
            List<string> words = await Words(simple);
            if (words.Count > 0 && !State.Functions.ContainsKey(words[0]) && !Builtins.ContainsKey(words[0]))
            {
                var assignments = new List<(string, string)>();
                foreach (Assignment assignment in simple.Assignments)
                {
                    assignments.Add(await Assign(assignment, sets: false));
                }

                await Trace(assignments, words);
                await ExecCommand(words, assignments, simple.Redirections);
                return;
            }

            var parts = words.ConvertAll(word => new Word([new LiteralPart(word, true)]));
            command = simple with { Words = parts };
        }
        else if (command is SubshellCommand subshell)
        {
            if (await ApplyRedirections(subshell.Redirections) is null)
            {
                State.Status = 1;
                return;
            }

            command = subshell.Body;
        }

        await Execute(command);
    }

    private async Task RunForeground(long child, Node command)
    {
        Foreground.Add((int)child);
        State.Status = await WaitFor(child);
        Foreground.Clear();
        bool isLast =
            command is SubshellCommand && State.Status != 0 && State.Options.Contains('e') && _conditions == 0;
        if (isLast)
        {
            _flow = Flow.Exit;
        }
    }

    private async Task StartInBackground(Node command)
    {
        await ReapJobs();
        long child = await Fork(command, null);
        State.LastBackground = (int)child;
        int number = State.Jobs.Count == 0 ? 1 : State.Jobs[^1].Number + 1;
        State.Jobs.Add(new Job(number, (int)child, Describe(command)));
        State.Status = 0;
    }

    private static string Describe(Node command) =>
        command is SimpleCommand simple
            ? string.Join(
                ' ',
                simple.Words.Select(word => string.Concat(word.Parts.OfType<LiteralPart>().Select(part => part.Text)))
            )
            : "...";

    /// <summary>Takes the statuses of the jobs that have ended.</summary>
    private async Task ReapJobs()
    {
        foreach (Job job in State.Jobs.ToArray())
        {
            long status = await _libc.Wait(job.ProcessId, noHang: true);
            if (status != -(long)Errno.EAGAIN)
            {
                State.Jobs.Remove(job);
                _finishedJobs[job.ProcessId] = ShellStatus(status);
            }
        }
    }

    private static int ShellStatus(long status) =>
        status < 0 ? 127
        : (status & 0x7F) != 0 ? 128 + (int)(status & 0x7F)
        : (int)(status >> 8) & 0xFF;

    /// <summary>Waits for a child; says which signal killed it, as ash does.</summary>
    private async Task<int> WaitFor(long child)
    {
        long status = await _libc.Wait((int)child);
        if (status > 0 && (status & 0x7F) is not (0 or 2 or 13))
        {
            await _libc.Print(2, Signals.Describe((int)(status & 0x7F)) + "\n");
        }

        return ShellStatus(status);
    }
}
