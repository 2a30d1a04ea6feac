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
        try
        {
            stream.Load(new GuardedParser(text));
        }
        catch (GuardException refused)
        {
            errors.Add(new ScenarioError(file, refused.Start.Line, refused.Start.Column, refused.Message));
            return null;
        }
        catch (YamlException exception)
        {
            string message = exception.InnerException?.Message ?? exception.Message;
            errors.Add(
                new ScenarioError(file, Math.Max(1, exception.Start.Line), Math.Max(1, exception.Start.Column), message)
            );
            return null;
        }

        if (stream.Documents.Count == 1)
        {
            return stream.Documents[0].RootNode;
        }

        string problem =
            stream.Documents.Count == 0
                ? "the file is empty; a scenario begins with 'name:', 'board:' and 'steps:'"
                : "the file holds several YAML documents; write one scenario per file";
        errors.Add(new ScenarioError(file, 1, 1, problem));
        return null;
    }

    private sealed class GuardException(Mark start, string message) : YamlException(start, start, message);

    private sealed class GuardedParser(string text) : IParser
    {
        private readonly Parser _inner = new(new StringReader(text));
        private int _depth;

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
