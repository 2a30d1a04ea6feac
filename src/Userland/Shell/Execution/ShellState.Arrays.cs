namespace Emulator.Userland;

/// <content>Arrays, as bash has them: of any indices, the plain name meaning the element 0.</content>
internal sealed partial class ShellState
{
    /// <summary>Indices are below this.</summary>
    public const int MaximumElements = 16_384;

    private readonly SortedDictionary<string, SortedDictionary<int, string>> _arrays = new(StringComparer.Ordinal);

    /// <summary>Whether a variable is an array.</summary>
    public bool IsArray(string name) => _arrays.ContainsKey(name);

    /// <summary>The elements of an array in order of their indices; a plain variable is an array of one.</summary>
    public IReadOnlyList<string> Elements(string name) =>
        _arrays.TryGetValue(name, out SortedDictionary<int, string>? array) ? [.. array.Values]
        : Get(name) is { } value ? [value]
        : [];

    /// <summary>An element; null when it is not there.</summary>
    public string? GetElement(string name, int index) =>
        _arrays.TryGetValue(name, out SortedDictionary<int, string>? array) ? array.GetValueOrDefault(index)
        : index == 0 ? Get(name)
        : null;

    /// <summary>Sets an element; the variable becomes an array if it is none.</summary>
    /// <exception cref="ShellException">The variable is read-only.</exception>
    public void SetElement(string name, int index, string value) => ArrayOf(name)[index] = value;

    /// <summary>Sets an array whole, or adds elements behind its last.</summary>
    /// <exception cref="ShellException">The variable is read-only, or there are too many elements.</exception>
    public void SetElements(string name, IReadOnlyList<string> values, bool appends)
    {
        SortedDictionary<int, string> array = ArrayOf(name);
        if (!appends)
        {
            array.Clear();
        }

        int next = array.Count == 0 ? 0 : array.Keys.Last() + 1;
        if (next + values.Count > MaximumElements)
        {
            throw new ShellException($"{name}: an array has no more than {MaximumElements} elements");
        }

        foreach (string value in values)
        {
            array[next++] = value;
        }
    }

    private SortedDictionary<int, string> ArrayOf(string name)
    {
        if (_readOnly.Contains(name))
        {
            throw new ShellException($"{name}: is read only");
        }

        if (!_arrays.TryGetValue(name, out SortedDictionary<int, string>? array))
        {
            array = [];
            if (_variables.Remove(name, out string? value))
            {
                array[0] = value;
            }

            _arrays[name] = array;
        }

        return array;
    }

    private void CopyArrays(ShellState copy)
    {
        foreach ((string name, SortedDictionary<int, string> array) in _arrays)
        {
            copy._arrays[name] = new SortedDictionary<int, string>(array);
        }
    }
}
