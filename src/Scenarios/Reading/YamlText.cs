using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// Reads YAML into nodes that know their places. A scenario is untrusted input, so its size and depth are bounded, and
/// what could blow it up or run something (aliases, tags, several documents) is refused.
/// </summary>
internal static class YamlText
{
    public const int MaximumCharacters = 1 << 20;
    public const int MaximumDepth = 32;

    public static YamlNode? Load(string text, string file, List<ScenarioError> errors)
    {
        if (text.Length > MaximumCharacters)
        {
            errors.Add(new ScenarioError(file, 1, 1, $"the file is longer than {MaximumCharacters} characters"));
            return null;
        }

        var stream = new YamlStream();
        var parser = new GuardedParser(text);
        try
        {
            stream.Load(parser);
        }
        catch (GuardException refused)
        {
            errors.Add(new ScenarioError(file, refused.Start.Line, refused.Start.Column, refused.Message));
            return null;
        }
        catch (YamlException exception)
        {
            errors.Add(Explain(exception, text, file));
            return null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            // What the YAML library does with some texts that are no YAML.
            Mark end = parser.Current?.End ?? Mark.Empty;
            errors.Add(
                new ScenarioError(file, Math.Max(1, end.Line), Math.Max(1, end.Column), "no YAML after this place")
            );
            return null;
        }

        if (stream.Documents is [{ RootNode: not YamlScalarNode { Value: null or "" } }])
        {
            return stream.Documents[0].RootNode;
        }

        const string Empty = "the file is empty; a scenario begins with 'name:', 'board:', 'kernel:' and 'steps:'";
        errors.Add(new ScenarioError(file, 1, 1, Empty));
        return null;
    }

    /// <summary>Says what the YAML library says, with the place and the words that help.</summary>
    private static ScenarioError Explain(YamlException exception, string text, string file)
    {
        const string DuplicateKey = "Duplicate key ";
        string message = exception.InnerException?.Message ?? exception.Message;
        (long line, long column) = (Math.Max(1, exception.Start.Line), Math.Max(1, exception.Start.Column));
        if (message.StartsWith(DuplicateKey, StringComparison.Ordinal))
        {
            message = $"the key '{Words.Shorten(message[DuplicateKey.Length..])}' stands here for the second time";
        }

        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        int tab = Array.FindIndex(lines, (int)Math.Min(line, lines.Length) - 1, IsIndentedWithTab);
        if (message.Contains("tab", StringComparison.Ordinal) && tab >= 0)
        {
            (line, column) = (tab + 1, lines[tab].IndexOf('\t', StringComparison.Ordinal) + 1);
            message = "a tab in the indentation; YAML indents with blanks";
        }

        return new ScenarioError(file, line, column, message);
    }

    private static bool IsIndentedWithTab(string line) => line.TrimStart(' ').StartsWith('\t');

    private sealed class GuardException(Mark start, string message) : YamlException(start, start, message);

    private sealed class GuardedParser(string text) : IParser
    {
        private readonly Parser _inner = new(new StringReader(text));
        private int _depth;
        private int _documents;

        public ParsingEvent? Current => _inner.Current;

        public bool MoveNext()
        {
            if (!_inner.MoveNext())
            {
                return false;
            }

            ParsingEvent current = _inner.Current!;
            _depth += current.NestingIncrease;
            if (_depth > MaximumDepth)
            {
                throw new GuardException(current.Start, $"nested deeper than {MaximumDepth} levels");
            }

            if (current is DocumentStart && ++_documents > 1)
            {
                throw new GuardException(
                    current.Start,
                    "the file holds several YAML documents; write one scenario per file"
                );
            }

            if (current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
            {
                throw new GuardException(
                    current.Start,
                    "YAML anchors and aliases are not part of the scenario language; use 'variables:' and 'repeat:'"
                );
            }

            if (current is NodeEvent { Tag.IsEmpty: false, Tag.IsNonSpecific: false })
            {
                throw new GuardException(current.Start, "YAML tags are not part of the scenario language");
            }

            return true;
        }
    }
}
