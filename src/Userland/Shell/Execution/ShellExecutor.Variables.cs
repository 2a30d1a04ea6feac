namespace Emulator.Userland;

/// <content>The builtins on variables and options.</content>
internal sealed partial class ShellExecutor
{
    private async Task<int> Declare(IReadOnlyList<string> words)
    {
        if (words[0] is "local" && _locals.Count == 0)
        {
            await Report("not in a function", "local");
            return 2;
        }

        if (words.Count == 1 || (words.Count == 2 && words[1] is "-p"))
        {
            IEnumerable<string> names = words[0] is "readonly" ? State.ReadOnly : State.Exported;
            return await Print(
                string.Concat(
                    names
                        .Order(StringComparer.Ordinal)
                        .Select(name => $"{words[0]} {name}='{State.Variables.GetValueOrDefault(name)}'\n")
                )
            );
        }

        bool isOff = words[1] is "-n";
        foreach (string word in words.Skip(isOff ? 2 : 1))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? word : word[..equals];
            if (!ShellParser.IsName(name))
            {
                throw new ShellException($"{words[0]}: {word}: bad variable name", 2);
            }

            if (words[0] is "local")
            {
                if (State.IsArray(name))
                {
                    throw new ShellException($"local: {name}: hiding an array is not supported by this shell", 2);
                }

                _locals.Peek().TryAdd(name, State.Variables.GetValueOrDefault(name));
            }

            if (equals >= 0)
            {
                State.Set(name, word[(equals + 1)..]);
            }

            if (words[0] is "export")
            {
                State.Export(name, !isOff);
            }
            else if (words[0] is "readonly")
            {
                State.Protect(name);
            }
        }

        return 0;
    }

    private Task<int> UnsetAll(IReadOnlyList<string> words)
    {
        bool functions = words.Count > 1 && words[1] is "-f";
        foreach (string name in words.Skip(1).Where(word => word is not ("-f" or "-v")))
        {
            if (functions)
            {
                State.Functions.Remove(name);
            }
            else
            {
                State.Unset(name);
            }
        }

        return Task.FromResult(0);
    }

    private async Task<int> SetOptions(IReadOnlyList<string> words)
    {
        if (words.Count == 1)
        {
            return await Print(string.Concat(State.Variables.Select(pair => $"{pair.Key}='{pair.Value}'\n")));
        }

        for (int n = 1; n < words.Count; n++)
        {
            string word = words[n];
            if (word is "--" || word.Length < 2 || word[0] is not ('-' or '+'))
            {
                State.Positional = [.. words.Skip(word is "--" ? n + 1 : n)];
                return 0;
            }

            string letters = word[1..];
            if (letters is "o")
            {
                string name = n + 1 < words.Count ? words[++n] : "";
                letters = name switch
                {
                    "errexit" => "e",
                    "nounset" => "u",
                    "xtrace" => "x",
                    "noglob" => "f",
                    _ => "",
                };
                if (letters.Length == 0)
                {
                    throw new ShellException($"set: -o {name} is not supported by this shell", 2);
                }
            }

            foreach (char letter in letters)
            {
                if (!"euxf".Contains(letter, StringComparison.Ordinal))
                {
                    throw new ShellException($"set: illegal option {word[0]}{letter}", 2);
                }

                _ = word[0] == '-' ? State.Options.Add(letter) : State.Options.Remove(letter);
            }
        }

        return 0;
    }
}
