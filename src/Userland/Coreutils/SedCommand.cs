using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Emulator.Userland;

/// <summary>sed with s, p, d and q, and addresses of lines, $, expressions and ranges of them.</summary>
internal static class SedCommand
{
    public static IProgram Program { get; } = new ToolProgram("sed", "nrEe:i", 0, Run);

    private sealed record Address(long Line, bool IsLast, Regex? Expression);

    private sealed class Command
    {
        public Address? From { get; init; }

        public Address? To { get; init; }

        public bool IsNegated { get; init; }

        public char Name { get; init; }

        public Regex? Expression { get; init; }

        public string Replacement { get; init; } = "";

        public bool IsGlobal { get; init; }

        public bool Prints { get; init; }

        public bool IsInRange { get; set; }
    }

    private static async Task Run(Tool tool, Options options)
    {
        List<string> files = [.. options.Operands];
        IReadOnlyList<string> scripts = options.Values("e");
        if (scripts.Count == 0 && files.Count > 0)
        {
            scripts = [files[0]];
            files.RemoveAt(0);
        }

        if (scripts.Count == 0 || options["i"])
        {
            await tool.Error(options["i"] ? "-i is not supported" : "no script", 2);
            return;
        }

        List<Command> commands;
        try
        {
            commands = new Reader(string.Join('\n', scripts), options["r"] || options["E"]).Read();
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or NotSupportedException)
        {
            await tool.Error(exception.Message);
            return;
        }

        List<string> lines = await tool.AllLines(files);
        for (int n = 0; n < lines.Count; n++)
        {
            string line = lines[n];
            bool isDeleted = false;
            bool quits = false;
            foreach (Command command in commands)
            {
                if (Applies(command, line, n + 1, n == lines.Count - 1) == command.IsNegated)
                {
                    continue;
                }

                if (command.Name == 's')
                {
                    bool found = command.Expression!.IsMatch(line);
                    line = command.Expression.Replace(
                        line,
                        match => Replace(command, match),
                        command.IsGlobal ? -1 : 1
                    );
                    if (line.Length > Tool.MaximumLineBytes)
                    {
                        await tool.Error("out of memory");
                        return;
                    }

                    await tool.Print(found && command.Prints ? line + "\n" : "");
                }
                else if (command.Name == 'p')
                {
                    await tool.Print(line + "\n");
                }
                else
                {
                    isDeleted = command.Name == 'd';
                    quits = command.Name == 'q';
                    break;
                }
            }

            await tool.Print(isDeleted || options["n"] ? "" : line + "\n");
            if (quits)
            {
                break;
            }
        }
    }

    private static bool Applies(Command command, string line, long number, bool isLast)
    {
        if (command.From is null)
        {
            return true;
        }

        if (command.To is null)
        {
            return Is(command.From, line, number, isLast);
        }

        if (!command.IsInRange)
        {
            bool begins = Is(command.From, line, number, isLast);
            command.IsInRange = begins && !(command.To.Line > 0 && command.To.Line <= number);
            return begins;
        }

        command.IsInRange =
            !Is(command.To, line, number, isLast) && !(command.To.Line > 0 && number >= command.To.Line);
        return true;
    }

    private static bool Is(Address address, string line, long number, bool isLast) =>
        address.Expression is { } expression ? expression.IsMatch(line)
        : address.IsLast ? isLast
        : address.Line == number;

    private static string Replace(Command command, Match match)
    {
        var text = new StringBuilder();
        string replacement = command.Replacement;
        for (int at = 0; at < replacement.Length; at++)
        {
            char c = replacement[at];
            if (c == '&')
            {
                text.Append(match.Value);
            }
            else if (c == '\\' && at + 1 < replacement.Length)
            {
                c = replacement[++at];
                text.Append(
                    char.IsAsciiDigit(c) ? match.Groups[c - '0'].Value
                    : c == 'n' ? "\n"
                    : c == 't' ? "\t"
                    : c.ToString()
                );
            }
            else
            {
                text.Append(c);
            }
        }

        return text.ToString();
    }

    private sealed class Reader(string text, bool isExtended)
    {
        private int _at;

        private char Peek => _at < text.Length ? text[_at] : '\0';

        public List<Command> Read()
        {
            var commands = new List<Command>();
            while (true)
            {
                while (Peek is ' ' or '\t' or ';' or '\n')
                {
                    _at++;
                }

                if (_at >= text.Length)
                {
                    return commands;
                }

                commands.Add(One());
            }
        }

        private Command One()
        {
            Address? from = ReadAddress();
            Address? to = null;
            if (Peek == ',' && from is not null)
            {
                _at++;
                to = ReadAddress() ?? throw new FormatException("unexpected ','");
            }

            while (Peek == ' ')
            {
                _at++;
            }

            bool isNegated = Peek == '!';
            _at += isNegated ? 1 : 0;
            char name = Peek;
            _at++;
            if (name is 'p' or 'd' or 'q')
            {
                return new Command
                {
                    From = from,
                    To = to,
                    IsNegated = isNegated,
                    Name = name,
                };
            }

            if (name != 's')
            {
                throw new FormatException(name == 0 ? "missing command" : $"unsupported command {name}");
            }

            char separator = Peek;
            _at++;
            string pattern = Until(separator);
            string replacement = Until(separator);
            bool isGlobal = false;
            bool prints = false;
            bool ignoreCase = false;
            for (; Peek is 'g' or 'p' or 'i' or 'I'; _at++)
            {
                isGlobal |= Peek == 'g';
                prints |= Peek == 'p';
                ignoreCase |= Peek is 'i' or 'I';
            }

            if (Peek is not ('\0' or ';' or '\n' or ' ' or '}'))
            {
                throw new FormatException("bad option in substitution expression");
            }

            return new Command
            {
                From = from,
                To = to,
                IsNegated = isNegated,
                Name = 's',
                Expression = BasicRegex.Compile(pattern, isExtended, ignoreCase),
                Replacement = replacement,
                IsGlobal = isGlobal,
                Prints = prints,
            };
        }

        private Address? ReadAddress()
        {
            if (Peek == '$')
            {
                _at++;
                return new Address(0, true, null);
            }

            if (Peek == '/')
            {
                _at++;
                return new Address(0, false, BasicRegex.Compile(Until('/'), isExtended, ignoreCase: false));
            }

            int start = _at;
            while (char.IsAsciiDigit(Peek))
            {
                _at++;
            }

            return start == _at ? null
                : long.TryParse(
                    text.AsSpan(start, _at - start),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out long line
                )
                    ? new Address(line, false, null)
                : throw new FormatException("a line number is too large");
        }

        private string Until(char end)
        {
            var piece = new StringBuilder();
            for (; _at < text.Length && text[_at] != end; _at++)
            {
                if (text[_at] == '\\' && _at + 1 < text.Length)
                {
                    if (text[_at + 1] != end)
                    {
                        piece.Append('\\');
                    }

                    _at++;
                }

                piece.Append(text[_at]);
            }

            if (_at >= text.Length)
            {
                throw new FormatException("unmatched '" + end + "'");
            }

            _at++;
            return piece.ToString();
        }
    }
}
