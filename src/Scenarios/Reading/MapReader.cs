using System.Globalization;
using Emulator.Machine;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// Reads a YAML mapping key by key and remembers which keys were asked for, so that what is left over is an unknown key
/// and the list of valid ones needs no second table.
/// </summary>
internal sealed class MapReader
{
    private readonly ReadingContext _context;
    private readonly YamlMappingNode? _node;
    private readonly string _what;
    private readonly List<string> _asked = [];
    private readonly Dictionary<string, (YamlScalarNode Key, YamlNode Value)> _entries = new(StringComparer.Ordinal);

    public MapReader(ReadingContext context, YamlNode node, string what)
    {
        _context = context;
        _what = what;
        _node = node as YamlMappingNode;
        Place = ReadingContext.PlaceOf(node);
        if (_node is null)
        {
            context.Fail(
                node,
                $"{what} takes keys and values, {{ key: value, ... }}, not {ReadingContext.Describe(node)}"
            );
            return;
        }

        foreach ((YamlNode key, YamlNode value) in _node.Children)
        {
            if (key is YamlScalarNode { Value: { } name } scalar)
            {
                _entries[name] = (scalar, value);
            }
            else
            {
                context.Fail(key, $"a key of {what} must be a word");
            }
        }
    }

    public Place Place { get; }

    public bool Has(string key) => Find(key) is not null;

    public YamlNode? Node(string key) => Find(key)?.Value;

    public Place PlaceOf(string key) => Find(key) is { } entry ? ReadingContext.PlaceOf(entry.Value) : Place;

    public NumberValue? Number(string key) => Find(key) is { } entry ? _context.Number(entry.Value) : null;

    public NumberValue RequiredNumber(string key) => Number(key) ?? Missing(key, NumberValue.Zero);

    public TextValue? Text(string key) => Find(key) is { } entry ? _context.Text(entry.Value) : null;

    public TextValue RequiredText(string key) => Text(key) ?? Missing(key, TextValue.Empty);

    /// <summary>Words that are taken as they stand; a <c>$</c> in them means nothing.</summary>
    public string RequiredWords(string key)
    {
        if (Find(key) is not { } entry)
        {
            return Missing(key, "");
        }

        if (entry.Value is YamlScalarNode { Value: { Length: > 0 } text })
        {
            return text;
        }

        _context.Fail(entry.Value, $"'{key}:' takes a text, not {ReadingContext.Describe(entry.Value)}");
        return "";
    }

    /// <summary>A name that the step gives to something; it must be a plain word.</summary>
    public string? NewName(string key)
    {
        if (Find(key) is not { } entry)
        {
            return null;
        }

        string? name = (entry.Value as YamlScalarNode)?.Value;
        if (name is { Length: > 0 } && (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(IsNameCharacter))
        {
            return name;
        }

        _context.Fail(
            entry.Value,
            $"'{key}:' takes a name of letters, digits and _, not {ReadingContext.Describe(entry.Value)}"
        );
        return null;
    }

    public bool Flag(string key, bool otherwise)
    {
        if (Find(key) is not { } entry)
        {
            return otherwise;
        }

        switch ((entry.Value as YamlScalarNode)?.Value)
        {
            case "true":
                return true;
            case "false":
                return false;
            default:
                _context.Fail(entry.Value, $"'{key}:' is true or false, not {ReadingContext.Describe(entry.Value)}");
                return otherwise;
        }
    }

    /// <summary>One of a few words.</summary>
    public string Choice(string key, string otherwise, params ReadOnlySpan<string> words)
    {
        if (Find(key) is not { } entry)
        {
            return otherwise;
        }

        string? text = (entry.Value as YamlScalarNode)?.Value;
        if (text is not null && words.Contains(text))
        {
            return text;
        }

        string[] valid = words.ToArray();
        _context.Fail(
            entry.Value,
            $"'{key}:' cannot be {ReadingContext.Describe(entry.Value)}{Words.DidYouMean(text ?? "", "Valid words", valid)}"
        );
        return otherwise;
    }

    /// <summary>A duration such as 1ms, in picoseconds.</summary>
    public long? Duration(string key)
    {
        if (Find(key) is not { } entry)
        {
            return null;
        }

        if (entry.Value is YamlScalarNode { Value: { } text } && VirtualTime.TryParse(text, out long time))
        {
            return time;
        }

        _context.Fail(
            entry.Value,
            $"'{key}:' takes a duration such as 250ns, 1.5us, 10ms or 2s, not {ReadingContext.Describe(entry.Value)}"
        );
        return 0;
    }

    public long RequiredDuration(string key) => Duration(key) ?? Missing(key, 0L);

    public MapReader? Map(string key, string what) =>
        Find(key) is { } entry ? new MapReader(_context, entry.Value, what) : null;

    public IReadOnlyList<YamlNode> List(string key)
    {
        if (Find(key) is not { } entry)
        {
            return [];
        }

        if (entry.Value is YamlSequenceNode sequence)
        {
            return [.. sequence.Children];
        }

        _context.Fail(entry.Value, $"'{key}:' takes a list, not {ReadingContext.Describe(entry.Value)}");
        return [];
    }

    /// <summary>The entries of a mapping whose keys are not words of the language but the user's own.</summary>
    public IEnumerable<(YamlScalarNode Key, YamlNode Value)> FreeEntries(string key)
    {
        if (Find(key) is not { } entry)
        {
            yield break;
        }

        if (entry.Value is not YamlMappingNode { Children.Count: > 0 } mapping)
        {
            _context.Fail(
                entry.Value,
                $"'{key}:' takes {{ name: value, ... }}, not {ReadingContext.Describe(entry.Value)}"
            );
            yield break;
        }

        foreach ((YamlNode name, YamlNode value) in mapping.Children)
        {
            if (name is YamlScalarNode scalar)
            {
                yield return (scalar, value);
            }
            else
            {
                _context.Fail(name, $"a key of '{key}:' must be a word");
            }
        }
    }

    /// <summary>Exactly one of these keys must be there.</summary>
    public string? OneOf(params ReadOnlySpan<string> keys)
    {
        string? found = null;
        foreach (string key in keys)
        {
            if (!Has(key))
            {
                continue;
            }

            if (found is not null)
            {
                _context.Fail(Find(key)!.Value.Key, $"{_what} takes '{found}:' or '{key}:', not both");
            }

            found ??= key;
        }

        if (found is null && _node is not null)
        {
            _context.Fail(_node, $"{_what} needs one of: {string.Join(", ", keys.ToArray().Select(key => key + ":"))}");
        }

        return found;
    }

    /// <summary>Reports the keys that nobody asked for.</summary>
    public void Finish()
    {
        foreach ((string name, (YamlScalarNode key, _)) in _entries)
        {
            if (!_asked.Contains(name, StringComparer.Ordinal))
            {
                _context.Fail(
                    key,
                    $"unknown key '{Words.Shorten(name)}' in {_what}{Words.DidYouMean(name, "Valid keys", _asked)}"
                );
            }
        }
    }

    private static bool IsNameCharacter(char character) => char.IsAsciiLetterOrDigit(character) || character == '_';

    private (YamlScalarNode Key, YamlNode Value)? Find(string key)
    {
        if (!_asked.Contains(key, StringComparer.Ordinal))
        {
            _asked.Add(key);
        }

        return _entries.TryGetValue(key, out (YamlScalarNode, YamlNode) entry) ? entry : null;
    }

    private T Missing<T>(string key, T placeholder)
    {
        if (_node is not null)
        {
            _context.Fail(_node, $"{_what} needs '{key}:'");
        }

        return placeholder;
    }
}
