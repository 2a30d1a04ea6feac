using System.Globalization;

namespace Emulator.Userland;

/// <summary>A job in the background.</summary>
internal sealed record Job(int Number, int ProcessId, string Text);

/// <summary>What a shell remembers; a subshell begins with a copy.</summary>
internal sealed partial class ShellState
{
    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _exported = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _readOnly = new(StringComparer.Ordinal);

    /// <summary>$0: what messages begin with.</summary>
    public string Name { get; set; } = "sh";

    /// <summary>Whether a script file runs: then messages tell the line.</summary>
    public bool IsScript { get; set; }

    /// <summary>Whether a person types: then a mistake ends the line, not the shell.</summary>
    public bool IsInteractive { get; set; }

    /// <summary>$$.</summary>
    public int ProcessId { get; set; }

    /// <summary>$1 and so on.</summary>
    public IReadOnlyList<string> Positional { get; set; } = [];

    /// <summary>$?.</summary>
    public int Status { get; set; }

    /// <summary>$!; 0 when nothing was started in the background.</summary>
    public int LastBackground { get; set; }

    /// <summary>The line that runs.</summary>
    public int Line { get; set; }

    /// <summary>set -e, -x, -u, -f, as letters.</summary>
    public SortedSet<char> Options { get; private set; } = [];

    /// <summary>Functions by name.</summary>
    public SortedDictionary<string, Node> Functions { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>Jobs in the background.</summary>
    public List<Job> Jobs { get; } = [];

    /// <summary>What runs when the shell exits.</summary>
    public string? ExitTrap { get; set; }

    /// <summary>The variables by name.</summary>
    public IReadOnlyDictionary<string, string> Variables => _variables;

    /// <summary>The names that are exported.</summary>
    public IReadOnlyCollection<string> Exported => _exported;

    /// <summary>The names that may not be changed.</summary>
    public IReadOnlyCollection<string> ReadOnly => _readOnly;

    /// <summary>A variable or special parameter of one value; null when unset.</summary>
    public string? Get(string name)
    {
        if (name.Length > 0 && char.IsAsciiDigit(name[0]))
        {
            return !int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? null
                : number == 0 ? Name
                : number <= Positional.Count ? Positional[number - 1]
                : null;
        }

        return name switch
        {
            "?" => Status.ToString(CultureInfo.InvariantCulture),
            "#" => Positional.Count.ToString(CultureInfo.InvariantCulture),
            "$" => ProcessId.ToString(CultureInfo.InvariantCulture),
            "!" => LastBackground == 0 ? null : LastBackground.ToString(CultureInfo.InvariantCulture),
            "-" => string.Concat(Options),
            "LINENO" => Line.ToString(CultureInfo.InvariantCulture),
            _ => _arrays.ContainsKey(name) ? GetElement(name, 0) : _variables.GetValueOrDefault(name),
        };
    }

    /// <summary>Sets a variable.</summary>
    /// <exception cref="ShellException">It is read-only.</exception>
    public void Set(string name, string value)
    {
        if (_readOnly.Contains(name))
        {
            throw new ShellException($"{name}: is read only");
        }

        if (_arrays.ContainsKey(name))
        {
            SetElement(name, 0, value);
            return;
        }

        _variables[name] = value;
    }

    /// <summary>Forgets a variable.</summary>
    /// <exception cref="ShellException">It is read-only.</exception>
    public void Unset(string name)
    {
        if (_readOnly.Contains(name))
        {
            throw new ShellException($"{name}: is read only");
        }

        _arrays.Remove(name);
        _variables.Remove(name);
        _exported.Remove(name);
    }

    /// <summary>Marks a variable for the environment, or takes the mark away.</summary>
    public void Export(string name, bool isExported = true) =>
        _ = isExported ? _exported.Add(name) : _exported.Remove(name);

    /// <summary>Makes a variable read-only.</summary>
    public void Protect(string name) => _readOnly.Add(name);

    /// <summary>The environment of a command.</summary>
    public SortedDictionary<string, string> Environment()
    {
        var environment = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in _exported)
        {
            if (_variables.TryGetValue(name, out string? value))
            {
                environment[name] = value;
            }
        }

        return environment;
    }

    /// <summary>A copy for a subshell: it has no jobs and no trap.</summary>
    public ShellState Copy()
    {
        var copy = new ShellState
        {
            Name = Name,
            IsScript = IsScript,
            ProcessId = ProcessId,
            Positional = Positional,
            Status = Status,
            LastBackground = LastBackground,
            Line = Line,
            Options = [.. Options],
            Functions = new SortedDictionary<string, Node>(Functions, StringComparer.Ordinal),
        };
        foreach ((string name, string value) in _variables)
        {
            copy._variables[name] = value;
        }

        CopyArrays(copy);
        copy._exported.UnionWith(_exported);
        copy._readOnly.UnionWith(_readOnly);
        return copy;
    }
}

/// <summary>A mistake that ends the command line: the message goes to standard error.</summary>
internal sealed class ShellException(string message, int status = 1) : Exception(message)
{
    /// <summary>The exit status.</summary>
    public int Status { get; } = status;
}
