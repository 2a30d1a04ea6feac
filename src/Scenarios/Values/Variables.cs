namespace Emulator.Scenarios;

/// <summary>The variables of a running scenario. All are numbers; a memory region has several: <c>src</c>, <c>src.size</c>...</summary>
public sealed class Variables
{
    private readonly Dictionary<string, ulong> _values = new(StringComparer.Ordinal);

    /// <summary>The names, in order of definition.</summary>
    public IEnumerable<string> Names => _values.Keys;

    /// <summary>Sets a variable.</summary>
    public void Set(string name, ulong value) => _values[name] = value;

    /// <summary>Looks a variable up.</summary>
    public bool TryGet(string name, out ulong value) => _values.TryGetValue(name, out value);
}
