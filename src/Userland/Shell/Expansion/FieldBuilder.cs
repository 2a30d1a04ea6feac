using System.Text;

namespace Emulator.Userland;

/// <summary>Puts expanded pieces together into fields, kept as patterns whose quoted characters are escaped.</summary>
internal sealed class FieldBuilder(string separators)
{
    private readonly StringBuilder _field = new();
    private bool _exists;

    /// <summary>The finished fields.</summary>
    public List<string> Fields { get; } = [];

    /// <summary>How many characters there are.</summary>
    public int Length { get; private set; }

    /// <summary>Adds characters that stand for themselves.</summary>
    public void AddQuoted(string text)
    {
        _field.Append(ShellPattern.Quote(text));
        Length += text.Length;
        _exists = true;
    }

    /// <summary>Adds unquoted characters of the script itself: they are patterns, and never separate fields.</summary>
    public void AddPattern(string text)
    {
        _field.Append(text);
        Length += text.Length;
        _exists |= text.Length > 0;
    }

    /// <summary>Adds the value of an unquoted expansion: it separates fields at the characters of IFS (XCU 2.6.5).</summary>
    public void AddSplit(string value)
    {
        Length += value.Length;
        foreach (char c in value)
        {
            if (!separators.Contains(c, StringComparison.Ordinal))
            {
                if (c == '\\')
                {
                    _field.Append('\\');
                }

                _field.Append(c);
                _exists = true;
                continue;
            }

            bool isBlank = c is ' ' or '\t' or '\n';
            if (isBlank)
            {
                EndIfAny();
            }
            else if (_exists || !_lastEndWasBlank)
            {
                End();
            }
            else
            {
                _lastEndWasBlank = false;
            }
        }
    }

    private bool _lastEndWasBlank;

    /// <summary>Ends the field; an empty one counts.</summary>
    public void End()
    {
        Fields.Add(_field.ToString());
        _field.Clear();
        _exists = false;
        _lastEndWasBlank = false;
    }

    /// <summary>Ends the field if there is one.</summary>
    public void EndIfAny()
    {
        if (_exists)
        {
            End();
            _lastEndWasBlank = true;
        }
    }
}
