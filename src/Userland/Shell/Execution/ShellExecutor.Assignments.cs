namespace Emulator.Userland;

/// <content>What stands before a command, and the words of one.</content>
internal sealed partial class ShellExecutor
{
    /// <summary>The fields of a command; between [[ and ]] nothing is split and no names are expanded.</summary>
    private async Task<List<string>> Words(SimpleCommand simple)
    {
        if (simple.Words is not [{ Plain: "[[" }, ..])
        {
            return await _expander.Fields(simple.Words);
        }

        var words = new List<string>();
        foreach (Word word in simple.Words)
        {
            bool isPattern = words.Count > 0 && words[^1] is ("=" or "==" or "!=");
            words.Add(await (isPattern ? _expander.Pattern(word) : _expander.Text(word)));
        }

        return words;
    }

    /// <summary>Expands an assignment and makes it, unless it is one for the environment of a command.</summary>
    private async Task<(string Name, string Value)> Assign(Assignment assignment, bool sets)
    {
        string name = assignment.Name;
        if (!sets && (State.IsArray(name) || assignment.Elements is not null || assignment.Index is not null))
        {
            throw new ShellException($"{name}: an array cannot be passed to a command", 2);
        }

        if (assignment.Elements is null && assignment.Index is null)
        {
            string value = await _expander.Text(assignment.Value);
            if (sets)
            {
                State.Set(name, value);
            }

            return (name, value);
        }

        if (assignment.Elements is { } words)
        {
            List<string> elements = await _expander.Fields(words);
            State.SetElements(name, elements, assignment.Appends);
            return (name, $"({string.Join(' ', elements)})");
        }

        int index = await _expander.Index(assignment.Index!);
        string text = await _expander.Text(assignment.Value);
        State.SetElement(name, index, text);
        return ($"{name}[{index}]", text);
    }
}
