using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>What makes commands be left out.</summary>
internal enum Flow
{
    None,
    Break,
    Continue,
    Return,
    Exit,
}

/// <summary>Runs what the parser read, in one process; subshells are processes with an executor of their own.</summary>
internal sealed partial class ShellExecutor
{
    /// <summary>Functions, eval and sourced files nest no deeper than this, commands inside them counted.</summary>
    private const int MaximumDepth = 200;

    /// <summary>
    /// What returns runs on the stack of what it returns from; so that deep nesting needs no deep stack of the host, every so
    /// many levels the way back begins anew from the scheduler.
    /// </summary>
    private const int LevelsPerStack = 8;

    private readonly Libc _libc;
    private readonly Expander _expander;
    private Flow _flow;
    private int _flowLevels;
    private int _loops;
    private int _functions;
    private int _depth;
    private int _conditions;
    private bool _substituted;

    public ShellExecutor(Libc libc, ShellState state)
    {
        _libc = libc;
        State = state;
        _expander = new Expander(libc, state, Substitute);
    }

    /// <summary>What the shell remembers.</summary>
    public ShellState State { get; }

    /// <summary>Whether <c>exit</c> was called.</summary>
    public bool HasExited => _flow == Flow.Exit;

    /// <summary>A person pressed Ctrl-C: the command line that runs is left.</summary>
    public bool IsInterrupted { get; set; }

    /// <summary>The interrupted line has been left; the next one runs.</summary>
    public void ForgetInterrupt()
    {
        IsInterrupted = false;
        (_flow, _loops, _functions, _conditions) = (Flow.None, 0, 0, 0);
        State.Status = 130;
    }

    /// <summary>Parses and runs a whole text; the status of the last command.</summary>
    public async Task<int> RunText(string text)
    {
        var parser = new ShellParser(text, Math.Min(_depth / 8, ShellParser.MaximumDepth - 8));
        while (_flow == Flow.None)
        {
            CommandList? commands;
            try
            {
                commands = parser.Next();
            }
            catch (ShellSyntaxException exception)
            {
                State.Line = exception.Line;
                await Report(exception.Message);
                State.Status = 2;
                _flow = State.IsInteractive ? _flow : Flow.Exit;
                break;
            }

            if (commands is null)
            {
                break;
            }

            await Run(commands);
        }

        return State.Status;
    }

    /// <summary>Runs commands; a mistake that ends the line is reported, and ends a shell nobody types to.</summary>
    public async Task<int> Run(Node commands)
    {
        bool isOutermost = _depth == 0;
        try
        {
            await Execute(commands);
        }
        catch (ShellException exception) when (isOutermost)
        {
            await Report(exception.Message);
            State.Status = exception.Status;
            _flow = State.IsInteractive ? Flow.None : Flow.Exit;
            (_depth, _loops, _functions, _conditions) = (0, 0, 0, 0);
        }

        if (_flow != Flow.Exit && _loops == 0 && _functions == 0 && _depth == 0)
        {
            _flow = Flow.None;
        }

        return State.Status;
    }

    /// <summary>Runs the EXIT trap, once.</summary>
    public async Task RunExitTrap()
    {
        if (State.ExitTrap is { Length: > 0 } trap)
        {
            int status = State.Status;
            State.ExitTrap = null;
            _flow = Flow.None;
            await RunText(trap);
            State.Status = HasExited ? State.Status : status;
        }
    }

    /// <summary>A message as ash words it: <c>sh: text</c>, in a script <c>name: line 3: text</c>.</summary>
    public Task Report(string message, string? builtin = null)
    {
        string line =
            State.IsScript || (builtin is not null && !State.IsInteractive)
                ? string.Create(CultureInfo.InvariantCulture, $"line {State.Line}: ")
                : "";
        string who = builtin is null ? "" : builtin + ": ";
        return _libc.Print(2, $"{State.Name}: {who}{line}{message}\n");
    }

    private async Task Execute(Node node)
    {
        if (++_depth > MaximumDepth)
        {
            throw new ShellException("commands nest too deep", 2);
        }

        try
        {
            if (IsInterrupted)
            {
                _flow = Flow.Exit;
                State.Status = 130;
            }

            if (node is SimpleCommand or CommandList or AndOrList or Pipeline or FunctionDefinition)
            {
                await Dispatch(node);
                return;
            }

            if (node is SubshellCommand subshell)
            {
                await RunForeground(await Start(subshell), subshell);
            }
            else if (await ApplyRedirections(node.Redirections) is { } saved)
            {
                try
                {
                    await Dispatch(node);
                }
                finally
                {
                    await Restore(saved);
                }
            }
            else
            {
                State.Status = 1;
            }
        }
        finally
        {
            if (_depth % LevelsPerStack == 0)
            {
                await _libc.SpendTimeOnce();
            }

            _depth = Math.Max(0, _depth - 1);
        }
    }

    private Task Dispatch(Node node) =>
        node switch
        {
            CommandList list => ExecuteList(list),
            AndOrList list => ExecuteAndOr(list),
            Pipeline pipeline => ExecutePipeline(pipeline),
            SimpleCommand simple => ExecuteSimple(simple),
            SubshellCommand subshell => Execute(subshell.Body),
            GroupCommand group => Execute(group.Body),
            IfCommand choice => ExecuteIf(choice),
            WhileCommand loop => ExecuteWhile(loop),
            ForCommand loop => ExecuteFor(loop),
            CaseCommand choice => ExecuteCase(choice),
            FunctionDefinition function => Define(function),
            _ => throw new InvalidOperationException($"There is no command {node.GetType().Name}."),
        };

    private Task Define(FunctionDefinition function)
    {
        State.Functions[function.Name] = function.Body;
        State.Status = 0;
        return Task.CompletedTask;
    }

    private async Task ExecuteList(CommandList list)
    {
        if (list.Items.Count == 0)
        {
            State.Status = 0;
        }

        foreach (ListItem item in list.Items)
        {
            if (_flow != Flow.None)
            {
                return;
            }

            if (item.IsBackground)
            {
                await StartInBackground(item.Command);
                continue;
            }

            await Execute(item.Command);
            bool isExempt = item.Command is AndOrList or Pipeline { IsNegated: true } or WhileCommand or IfCommand;
            if (State.Status != 0 && _conditions == 0 && !isExempt && State.Options.Contains('e') && _flow == Flow.None)
            {
                _flow = Flow.Exit;
            }
        }
    }

    private async Task ExecuteAndOr(AndOrList list)
    {
        int last = -1;
        _conditions++;
        await Execute(list.First);
        _conditions--;
        for (int n = 0; n < list.Rest.Count && _flow == Flow.None; n++)
        {
            (bool isAnd, Node command) = list.Rest[n];
            if (State.Status == 0 != isAnd)
            {
                continue;
            }

            last = n;
            bool isLast = n == list.Rest.Count - 1;
            _conditions += isLast ? 0 : 1;
            await Execute(command);
            _conditions -= isLast ? 0 : 1;
        }

        bool failedAtEnd = State.Status != 0 && last == list.Rest.Count - 1;
        if (failedAtEnd && _conditions == 0 && State.Options.Contains('e') && _flow == Flow.None)
        {
            _flow = Flow.Exit;
        }
    }

    private async Task Condition(Node node)
    {
        _conditions++;
        await Execute(node);
        _conditions--;
    }

    private async Task ExecuteIf(IfCommand choice)
    {
        await Condition(choice.Condition);
        if (_flow != Flow.None)
        {
            return;
        }

        if (State.Status == 0)
        {
            await Execute(choice.Then);
        }
        else if (choice.Else is { } otherwise)
        {
            await Execute(otherwise);
        }
        else
        {
            State.Status = 0;
        }
    }

    private async Task ExecuteWhile(WhileCommand loop)
    {
        int status = 0;
        _loops++;
        while (true)
        {
            await _libc.SpendTimeOnce();
            await Condition(loop.Condition);
            if (EndsLoop() || (_flow == Flow.None && State.Status == 0 == loop.IsUntil))
            {
                break;
            }

            if (_flow == Flow.None)
            {
                await Execute(loop.Body);
                status = State.Status;
            }

            if (EndsLoop())
            {
                break;
            }
        }

        _loops--;
        State.Status = _flow == Flow.None ? status : State.Status;
    }

    private async Task ExecuteFor(ForCommand loop)
    {
        IReadOnlyList<string> values = loop.Words is null ? State.Positional : await _expander.Fields(loop.Words);
        State.Status = 0;
        _loops++;
        foreach (string value in values)
        {
            await _libc.SpendTimeOnce();
            State.Set(loop.Variable, value);
            await Execute(loop.Body);
            if (EndsLoop())
            {
                break;
            }
        }

        _loops--;
    }

    /// <summary>Whether a break, continue, return or exit ends the loop; takes what was meant for it.</summary>
    private bool EndsLoop()
    {
        if (_flow is Flow.Break or Flow.Continue)
        {
            if (--_flowLevels > 0)
            {
                return true;
            }

            bool isBreak = _flow == Flow.Break;
            _flow = Flow.None;
            return isBreak;
        }

        return _flow != Flow.None;
    }

    private async Task ExecuteCase(CaseCommand choice)
    {
        string subject = await _expander.Text(choice.Subject);
        State.Status = 0;
        foreach (CaseArm arm in choice.Arms)
        {
            foreach (Word pattern in arm.Patterns)
            {
                if (ShellPattern.Matches(await _expander.Pattern(pattern), subject))
                {
                    await Execute(arm.Body);
                    return;
                }
            }
        }
    }

    private async Task<string> Substitute(CommandList commands)
    {
        if (commands.Items.Count == 0)
        {
            return "";
        }

        (long result, int reader, int writer) = await _libc.Pipe();
        if (result < 0)
        {
            throw new ShellException($"can't create pipe: {ErrnoText.Of(result)}", 2);
        }

        long child = await ForkWriter(executor => executor.RunAsChild(commands), reader, writer);
        await _libc.Close(writer);
        var output = new List<byte>();
        while (output.Count <= Expander.MaximumLength)
        {
            (long count, byte[] data) = await _libc.Read(reader, 64 << 10);
            if (count <= 0)
            {
                break;
            }

            output.AddRange(data);
        }

        await _libc.Close(reader);
        State.Status = await WaitFor(child);
        _substituted = true;
        if (output.Count > Expander.MaximumLength)
        {
            throw new ShellException("out of memory: the output of a command substitution is too long", 2);
        }

        output.RemoveAll(value => value == 0);
        return Encoding.UTF8.GetString([.. output]).TrimEnd('\n');
    }
}
