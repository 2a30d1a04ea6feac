using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>Expands words (XCU 2.6): parameters, substitutions, arithmetic, field splitting, path names, quote removal.</summary>
/// <param name="libc">For path names.</param>
/// <param name="state">The shell's variables.</param>
/// <param name="substitute">Runs the commands of $( ) and gives their output.</param>
internal sealed class Expander(Libc libc, ShellState state, Func<CommandList, Task<string>> substitute)
{
    /// <summary>No text grows longer than this.</summary>
    public const int MaximumLength = 1 << 20;

    private const int MaximumFields = 16_384;

    /// <summary>The fields that words become.</summary>
    public async Task<List<string>> Fields(IReadOnlyList<Word> words)
    {
        var fields = new List<string>();
        long length = 0;
        foreach (Word word in words)
        {
            var builder = new FieldBuilder(state.Get("IFS") ?? " \t\n");
            await Add(word, builder, split: true);
            builder.EndIfAny();
            foreach (string pattern in builder.Fields)
            {
                bool mayGlob = !state.Options.Contains('f') && ShellPattern.IsPattern(pattern);
                List<string> paths = mayGlob ? await new PathPattern(libc).Expand(pattern) : [];
                fields.AddRange(paths.Count > 0 ? paths : [ShellPattern.Unquote(pattern)]);
            }

            length += builder.Length;
            if (fields.Count > MaximumFields || length > MaximumLength)
            {
                throw TooLong();
            }
        }

        return fields;
    }

    /// <summary>The one text that a word becomes where nothing is split: an assignment, a redirection's target.</summary>
    public async Task<string> Text(Word word) => ShellPattern.Unquote(await Pattern(word));

    /// <summary>A word as a pattern, its quoted characters escaped.</summary>
    public async Task<string> Pattern(Word word)
    {
        var builder = new FieldBuilder("");
        await Add(word, builder, split: false);
        builder.End();
        return string.Join(' ', builder.Fields);
    }

    private static ShellException TooLong() => new("out of memory: an expansion is too long", 2);

    private async Task Add(Word word, FieldBuilder builder, bool split)
    {
        for (int index = 0; index < word.Parts.Count; index++)
        {
            WordPart part = word.Parts[index];
            switch (part)
            {
                case LiteralPart { IsQuoted: true } literal:
                    builder.AddQuoted(literal.Text);
                    break;
                case LiteralPart literal:
                    builder.AddPattern(await Tilde(literal.Text, index == 0));
                    break;
                case VariablePart variable:
                    await Add(variable, builder, split);
                    break;
                case ArithmeticPart arithmetic:
                    AddValue(
                        (await Arithmetic(arithmetic)).ToString(CultureInfo.InvariantCulture),
                        part.IsQuoted,
                        builder,
                        split
                    );
                    break;
                case SubstitutionPart substitution:
                    AddValue(await substitute(substitution.Commands), part.IsQuoted, builder, split);
                    break;
            }

            if (builder.Length > MaximumLength || builder.Fields.Count > MaximumFields)
            {
                throw TooLong();
            }
        }
    }

    private Task<string> Tilde(string text, bool isFirst)
    {
        bool isHome = isFirst && text.StartsWith('~') && (text.Length == 1 || text[1] == '/');
        return Task.FromResult(isHome ? ShellPattern.Quote(state.Get("HOME") ?? "/") + text[1..] : text);
    }

    private static void AddValue(string value, bool isQuoted, FieldBuilder builder, bool split)
    {
        if (isQuoted)
        {
            builder.AddQuoted(value);
        }
        else if (split)
        {
            builder.AddSplit(value);
        }
        else
        {
            builder.AddPattern(value.Replace("\\", "\\\\", StringComparison.Ordinal));
        }
    }

    private async Task<long> Arithmetic(ArithmeticPart part)
    {
        string text = await Text(part.Expression);
        try
        {
            return new Arithmetic(text, state.Get, state.Set).Evaluate();
        }
        catch (ArithmeticException exception)
        {
            throw new ShellException(exception.Message, 2);
        }
    }

    private async Task Add(VariablePart part, FieldBuilder builder, bool split)
    {
        bool isList = part.List is not null;
        IReadOnlyList<string> items = part.Index is null ? state.Positional : state.Elements(part.Name);
        string? value =
            isList ? List(items)
            : part.Index is null ? state.Get(part.Name)
            : state.GetElement(part.Name, await Index(part.Index));
        bool isEmptyList = isList && items.Count == 0;
        bool isMissing = value is null || isEmptyList;
        bool isNull = isMissing || value!.Length == 0;
        switch (part.Operator)
        {
            case "" when isList && !isEmptyList && (part.List is "@" || !part.IsQuoted) && split:
                AddList(items, part.IsQuoted, builder);
                return;
            case "" when isEmptyList:
                return;
            case "" or "#length" when value is null && state.Options.Contains('u') && !isList:
                throw new ShellException($"{part.Name}: parameter not set", 2);
            case "#length":
                value = (isList ? items.Count : value?.Length ?? 0).ToString(CultureInfo.InvariantCulture);
                break;
            case ":-" when isNull:
            case "-" when isMissing:
            case ":+" when !isNull:
            case "+" when !isMissing:
                await Add(part.Argument!, builder, split);
                return;
            case ":+" or "+":
                return;
            case ":=" when isNull:
            case "=" when isMissing:
                if (!ShellParser.IsName(part.Name) || part.Index is not null)
                {
                    throw new ShellException($"{part.Name}: bad variable name", 2);
                }

                value = await Text(part.Argument!);
                state.Set(part.Name, value);
                break;
            case ":?" when isNull:
            case "?" when isMissing:
                string message = await Text(part.Argument!);
                string standard = part.Operator is "?" ? "parameter not set" : "parameter not set or null";
                throw new ShellException($"{part.Name}: {(message.Length > 0 ? message : standard)}", 2);
            case "#" or "##" or "%" or "%%":
                value = Trim(value ?? "", await Pattern(part.Argument!), part.Operator);
                break;
            case "/" or "//":
                string replacement = part.Replacement is null ? "" : await Text(part.Replacement);
                value = Replace(value ?? "", await Pattern(part.Argument!), replacement, part.Operator is "//");
                break;
            case ":":
                value = await Substring(value ?? "", part);
                break;
        }

        if (value is not null || part.IsQuoted)
        {
            AddValue(value ?? "", part.IsQuoted, builder, split);
        }
    }

    /// <summary>The number that an array's index comes to.</summary>
    /// <exception cref="ShellException">It is none, or out of bounds.</exception>
    public async Task<int> Index(Word index)
    {
        long number = await Arithmetic(new ArithmeticPart(index, true));
        return number is >= 0 and < ShellState.MaximumElements
            ? (int)number
            : throw new ShellException($"{number}: bad array subscript");
    }

    private string List(IReadOnlyList<string> items)
    {
        string separators = state.Get("IFS") ?? " ";
        return string.Join(separators.Length > 0 ? separators[..1] : "", items);
    }

    private static void AddList(IReadOnlyList<string> items, bool isQuoted, FieldBuilder builder)
    {
        for (int n = 0; n < items.Count; n++)
        {
            if (isQuoted)
            {
                if (n > 0)
                {
                    builder.End();
                }

                builder.AddQuoted(items[n]);
            }
            else
            {
                if (n > 0)
                {
                    builder.EndIfAny();
                }

                builder.AddSplit(items[n]);
            }
        }
    }

    private static string Trim(string value, string pattern, string operation)
    {
        bool atStart = operation[0] == '#';
        bool longest = operation.Length == 2;
        if (value.Length > 4096 && ShellPattern.IsPattern(pattern))
        {
            throw new ShellException("out of memory: a text to be trimmed is too long", 2);
        }

        long budget = ShellPattern.Budget;
        for (int n = 0; n <= value.Length; n++)
        {
            int length = longest ? value.Length - n : n;
            ReadOnlySpan<char> piece = atStart ? value.AsSpan(0, length) : value.AsSpan(value.Length - length);
            if (ShellPattern.Matches(pattern, piece, ref budget))
            {
                return atStart ? value[length..] : value[..(value.Length - length)];
            }
        }

        return value;
    }

    private static string Replace(string value, string pattern, string replacement, bool all)
    {
        if (pattern.Length == 0)
        {
            return value;
        }

        if (value.Length > 1024)
        {
            throw new ShellException("out of memory: a text to be replaced in is too long", 2);
        }

        long budget = ShellPattern.Budget;
        var result = new StringBuilder();
        bool isAnchoredAtStart = pattern[0] == '#';
        bool isAnchoredAtEnd = pattern[0] == '%';
        string wanted = isAnchoredAtStart || isAnchoredAtEnd ? pattern[1..] : pattern;
        bool isDone = false;
        for (int at = 0; at < value.Length; )
        {
            int length = isDone || (isAnchoredAtStart && at > 0) ? 0 : value.Length - at;
            while (
                length > 0
                && !(
                    (!isAnchoredAtEnd || at + length == value.Length)
                    && ShellPattern.Matches(wanted, value.AsSpan(at, length), ref budget)
                )
            )
            {
                length--;
            }

            if (length == 0)
            {
                result.Append(value[at++]);
                continue;
            }

            result.Append(replacement);
            at += length;
            isDone = !all;
        }

        return result.ToString();
    }

    private async Task<string> Substring(string value, VariablePart part)
    {
        long start = await Arithmetic(new ArithmeticPart(part.Argument!, true));
        start = start < 0 ? Math.Max(0, value.Length + start) : Math.Min(start, value.Length);
        long length = value.Length - start;
        if (part.Replacement is not null)
        {
            long wanted = await Arithmetic(new ArithmeticPart(part.Replacement, true));
            length = wanted < 0 ? Math.Max(0, length + wanted) : Math.Min(wanted, length);
        }

        return value.Substring((int)start, (int)length);
    }
}
