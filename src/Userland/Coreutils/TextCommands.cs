using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>Commands on lines: head, tail, wc, sort, uniq, cut, tr, tee, seq.</summary>
internal static class TextCommands
{
    private const int MaximumItems = 1 << 20;

    public static IEnumerable<IProgram> Programs =>
        [
            Numbered(new ToolProgram("head", "n:c:q", 0, Head)),
            Numbered(new ToolProgram("tail", "n:c:fq", 0, Tail)),
            new ToolProgram("wc", "lwcm", 0, Count),
            new ToolProgram("sort", "nruk:t:fbs", 0, Sort),
            new ToolProgram("uniq", "cdui", 0, Unique),
            new ToolProgram("cut", "d:f:c:b:s", 0, Cut),
            new ToolProgram("tr", "+dsc", 1, Translate),
            new ToolProgram("tee", "ai", 0, Tee),
            new RawProgram("seq", Sequence),
        ];

    private static long Number(string? text, long standard) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : standard;

    /// <summary>head -5 is head -n 5.</summary>
    private static RawProgram Numbered(ToolProgram program) =>
        new(
            program.Name,
            (libc, words) =>
                program.Main(
                    libc,
                    [
                        .. words.Select(
                            (word, at) =>
                                word.Length > 1
                                && word[0] == '-'
                                && word.Skip(1).All(char.IsAsciiDigit)
                                && words[Math.Max(0, at - 1)] is not ("-n" or "-c")
                                    ? "-n" + word[1..]
                                    : word
                        ),
                    ]
                )
        );

    private static async Task Head(Tool tool, Options options)
    {
        long limit = Number(options.Value("n"), 10);
        foreach (string path in options.Operands.Count == 0 ? ["-"] : options.Operands)
        {
            long file = await tool.Open(path);
            if (file < 0)
            {
                continue;
            }

            if (options.Operands.Count > 1)
            {
                await tool.Print($"==> {path} <==\n");
            }

            if (options["c"])
            {
                (_, byte[] data) = await tool.Libc.Read(file, (int)Math.Clamp(Number(options.Value("c"), 0), 0, 65536));
                await tool.Print(data);
            }
            else if (limit > 0)
            {
                long left = limit;
                await tool.ForEachLine(
                    file,
                    async line =>
                    {
                        await tool.Print(line + "\n");
                        return --left > 0;
                    }
                );
            }

            await tool.Close(file);
        }
    }

    private static async Task Tail(Tool tool, Options options)
    {
        if (options["f"] || options["c"])
        {
            await tool.Error("-f and -c are not supported", 2);
            return;
        }

        string count = options.Value("n") ?? "10";
        List<string> lines = await tool.AllLines(options.Operands, "can't open '{0}'");
        long number = Number(count.TrimStart('+'), 10);
        number = Math.Clamp(number, -MaximumItems, MaximumItems);
        long start = count.StartsWith('+') ? number - 1 : lines.Count - Math.Abs(number);
        foreach (string line in lines.Skip((int)Math.Clamp(start, 0, lines.Count)))
        {
            await tool.Print(line + "\n");
        }
    }

    private static async Task Count(Tool tool, Options options)
    {
        bool all = !options["l"] && !options["w"] && !options["c"] && !options["m"];
        long[] total = [0, 0, 0];
        List<string> paths = options.Operands.Count == 0 ? ["-"] : options.Operands;
        foreach (string path in paths)
        {
            long file = await tool.Open(path);
            if (file < 0)
            {
                continue;
            }

            long[] counts = [0, 0, 0];
            bool inWord = false;
            (long result, byte[] data) = await tool.Libc.Read(file, 65536);
            for (; result > 0; (result, data) = await tool.Libc.Read(file, 65536))
            {
                foreach (byte value in data)
                {
                    bool isSpace = value is (byte)' ' or (>= 9 and <= 13);
                    counts[0] += value == '\n' ? 1 : 0;
                    counts[1] += !isSpace && !inWord ? 1 : 0;
                    inWord = !isSpace;
                }

                counts[2] += data.Length;
            }

            await tool.Close(file);
            await Show(counts, options.Operands.Count == 0 ? "" : path);
            total = [total[0] + counts[0], total[1] + counts[1], total[2] + counts[2]];
        }

        if (paths.Count > 1)
        {
            await Show(total, "total");
        }

        Task Show(long[] counts, string name)
        {
            bool[] shown = [all || options["l"], all || options["w"], all || options["c"] || options["m"]];
            bool isOnly = shown.Count(one => one) == 1;
            string text = string.Join(
                ' ',
                counts
                    .Where((_, n) => shown[n])
                    .Select(value => value.ToString(CultureInfo.InvariantCulture).PadLeft(isOnly ? 0 : 9))
            );
            return tool.Print(name.Length > 0 ? $"{text} {name}\n" : text + "\n");
        }
    }

    private static async Task Sort(Tool tool, Options options)
    {
        List<string> lines = await tool.AllLines(options.Operands, "can't open '{0}'");
        string key = options.Value("k") ?? "";
        bool isNumeric = options["n"] || key.Contains('n', StringComparison.Ordinal);
        int field = (int)Number(key.Split(',', '.')[0].TrimEnd('n', 'r'), 0);
        string? separator = options.Value("t");
        IEnumerable<string> sorted = isNumeric
            ? lines.OrderBy(line => Value(Key(line))).ThenBy(line => line, StringComparer.Ordinal)
            : lines
                .OrderBy(line => options["f"] ? Key(line).ToUpperInvariant() : Key(line), StringComparer.Ordinal)
                .ThenBy(line => line, StringComparer.Ordinal);
        if (options["r"] || key.Contains('r', StringComparison.Ordinal))
        {
            sorted = sorted.Reverse();
        }

        string? last = null;
        foreach (string line in sorted)
        {
            bool isSame =
                last is not null
                && (
                    isNumeric
                        ? Value(Key(last)) == Value(Key(line))
                        : string.Equals(last, line, StringComparison.Ordinal)
                );
            if (!options["u"] || !isSame)
            {
                await tool.Print(line + "\n");
            }

            last = line;
        }

        string Key(string line)
        {
            if (field <= 0)
            {
                return line;
            }

            string[] parts = separator is { Length: > 0 }
                ? line.Split(separator[0])
                : line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            return string.Join(' ', parts.Skip(field - 1));
        }

        static decimal Value(string text)
        {
            string trimmed = text.TrimStart();
            int end = 0;
            while (
                end < trimmed.Length
                && end < 20
                && (char.IsAsciiDigit(trimmed[end]) || trimmed[end] == '.' || (end == 0 && trimmed[end] == '-'))
            )
            {
                end++;
            }

            return decimal.TryParse(
                trimmed.AsSpan(0, end),
                NumberStyles.Number,
                CultureInfo.InvariantCulture,
                out decimal value
            )
                ? value
                : 0;
        }
    }

    private static async Task Unique(Tool tool, Options options)
    {
        long file = await tool.Open(options.Operands.FirstOrDefault() ?? "-", "can't open '{0}'");
        if (file < 0)
        {
            return;
        }

        string? last = null;
        int count = 0;
        StringComparison comparison = options["i"] ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        await tool.ForEachLine(
            file,
            async line =>
            {
                if (!string.Equals(last, line, comparison))
                {
                    await Show();
                    (last, count) = (line, 0);
                }

                count++;
                return true;
            }
        );
        await Show();
        await tool.Close(file);

        Task Show()
        {
            bool isHidden = last is null || (options["d"] && count == 1) || (options["u"] && count > 1);
            return isHidden
                ? Task.CompletedTask
                : tool.Print(
                    (options["c"] ? count.ToString(CultureInfo.InvariantCulture).PadLeft(7) + " " : "") + last + "\n"
                );
        }
    }

    private static async Task Cut(Tool tool, Options options)
    {
        string? list = options.Value("f") ?? options.Value("c") ?? options.Value("b");
        if (list is null)
        {
            await tool.Error("expected a list of bytes, characters, or fields");
            return;
        }

        (long From, long To)[] ranges =
        [
            .. list.Split(',')
                .Select(part =>
                {
                    string[] ends = part.Split('-', 2);
                    long from = Number(ends[0], 1);
                    return (from, ends.Length > 1 ? Number(ends[1], long.MaxValue) : from);
                }),
        ];
        char separator = (options.Value("d") ?? "\t").FirstOrDefault('\t');
        foreach (string line in await tool.AllLines(options.Operands))
        {
            if (!options["f"])
            {
                await tool.Print(string.Concat(line.Where((_, n) => Wanted(n))) + "\n");
            }
            else if (line.Contains(separator, StringComparison.Ordinal))
            {
                await tool.Print(string.Join(separator, line.Split(separator).Where((_, n) => Wanted(n))) + "\n");
            }
            else if (!options["s"])
            {
                await tool.Print(line + "\n");
            }
        }

        bool Wanted(int index) => Array.Exists(ranges, range => index + 1 >= range.From && index + 1 <= range.To);
    }

    private static async Task Translate(Tool tool, Options options)
    {
        string from = Set(options.Operands[0]);
        string to = options.Operands.Count > 1 ? Set(options.Operands[1]) : "";
        byte last = 0;
        bool any = false;
        while (true)
        {
            await tool.Flush();
            (long result, byte[] data) = await tool.Libc.Read(0, 65536);
            if (result <= 0)
            {
                return;
            }

            var output = new List<byte>();
            foreach (byte value in data)
            {
                int at = from.IndexOf((char)value, StringComparison.Ordinal);
                bool isIn = at >= 0 != options["c"];
                if (isIn && options["d"])
                {
                    continue;
                }

                byte mapped =
                    isIn && to.Length > 0 && !options["d"]
                        ? (byte)to[at < 0 ? to.Length - 1 : Math.Min(at, to.Length - 1)]
                        : value;
                bool isSqueezed = options["s"] && any && mapped == last && isIn;
                if (!isSqueezed)
                {
                    output.Add(mapped);
                }

                (last, any) = (mapped, true);
            }

            await tool.Print([.. output]);
        }
    }

    private static string Set(string text)
    {
        string plain = Encoding.Latin1.GetString(Escapes.Bytes(text, out _));
        var set = new StringBuilder();
        for (int at = 0; at < plain.Length && set.Length < 4096; at++)
        {
            int end =
                plain[at] == '[' && at + 1 < plain.Length && plain[at + 1] == ':'
                    ? plain.IndexOf(":]", at, StringComparison.Ordinal)
                    : -1;
            if (end > 0)
            {
                string name = plain[(at + 2)..end];
                set.Append(
                    string.Concat(
                        Enumerable.Range(0, 128).Select(c => (char)c).Where(c => CharacterClass.Contains(name, c))
                    )
                );
                at = end + 1;
            }
            else if (at + 2 < plain.Length && plain[at + 1] == '-')
            {
                for (int c = plain[at]; c <= plain[at + 2]; c++)
                {
                    set.Append((char)c);
                }

                at += 2;
            }
            else
            {
                set.Append(plain[at]);
            }
        }

        return set.ToString();
    }

    private static async Task Tee(Tool tool, Options options)
    {
        var files = new List<(string Path, long File)>();
        KernelShim.OpenFlags flags =
            KernelShim.OpenFlags.WriteOnly
            | KernelShim.OpenFlags.Create
            | (options["a"] ? KernelShim.OpenFlags.Append : KernelShim.OpenFlags.Truncate);
        foreach (string path in options.Operands)
        {
            long file = await tool.Libc.Open(path, flags, 0x1A4);
            if (file < 0)
            {
                await tool.Error(path, file);
            }
            else
            {
                files.Add((path, file));
            }
        }

        while (true)
        {
            (long result, byte[] data) = await tool.Libc.Read(0, 65536);
            if (result <= 0)
            {
                return;
            }

            await tool.Print(data);
            await tool.Flush();
            foreach ((string path, long file) in files)
            {
                long written = await tool.Libc.Write(file, data);
                if (written < 0)
                {
                    await tool.Error(path, written);
                }
            }
        }
    }

    private static async Task<int> Sequence(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "seq");
        string[] operands = [.. words.Skip(1)];
        string separator = "\n";
        if (operands is ["-s", _, ..])
        {
            separator = operands[1];
            operands = operands[2..];
        }

        var numbers = new List<long>();
        foreach (string operand in operands)
        {
            if (!long.TryParse(operand, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            {
                await tool.Error($"invalid number '{operand}'");
                return 1;
            }

            numbers.Add(number);
        }

        if (numbers.Count is 0 or > 3)
        {
            await tool.Error("missing operand");
            return 1;
        }

        long first = numbers.Count > 1 ? numbers[0] : 1;
        long step = numbers.Count > 2 ? numbers[1] : 1;
        long last = numbers[^1];
        int count = 0;
        for (long at = first; step > 0 ? at <= last : step < 0 && at >= last; at += step)
        {
            if (++count > MaximumItems || tool.Status != 0)
            {
                break;
            }

            await tool.Print((count > 1 ? separator : "") + at.ToString(CultureInfo.InvariantCulture));
            if (step > 0 ? at > long.MaxValue - step : at < long.MinValue - step)
            {
                break;
            }
        }

        await tool.Print(count > 0 ? "\n" : "");
        return await tool.Finish();
    }
}
