using System.Globalization;
using System.Text.RegularExpressions;

namespace Emulator.Userland;

/// <summary>grep, egrep and fgrep.</summary>
internal static class GrepCommand
{
    private const string Letters = "vciqnwxEFGlLhHosre:m:A:B:";

    public static IEnumerable<IProgram> Programs =>
        [
            new ToolProgram("grep", Letters, 0, (tool, options) => Run(tool, options, options["E"], options["F"]))
            {
                UsageStatus = 2,
            },
            new ToolProgram("egrep", Letters, 0, (tool, options) => Run(tool, options, true, false))
            {
                UsageStatus = 2,
            },
            new ToolProgram("fgrep", Letters, 0, (tool, options) => Run(tool, options, false, true))
            {
                UsageStatus = 2,
            },
        ];

    private static async Task Run(Tool tool, Options options, bool isExtended, bool isFixed)
    {
        List<string> files = [.. options.Operands];
        IReadOnlyList<string> patterns = options.Values("e");
        if (patterns.Count == 0)
        {
            if (files.Count == 0)
            {
                await tool.Error("missing pattern", 2);
                return;
            }

            patterns = [files[0]];
            files.RemoveAt(0);
        }

        Regex[] expressions;
        try
        {
            expressions =
            [
                .. patterns
                    .SelectMany(pattern => pattern.Split('\n'))
                    .Select(pattern => Compile(pattern, options, isExtended, isFixed)),
            ];
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or NotSupportedException)
        {
            await tool.Error($"bad regex '{patterns[0]}': {exception.Message}", 2);
            return;
        }

        files = options["r"] ? await Walk(tool, files.Count == 0 ? ["."] : files) : files;
        var search = new Search(
            tool,
            options,
            expressions,
            options["H"] || ((files.Count > 1 || options["r"]) && !options["h"])
        );
        bool failed = false;
        foreach (string path in files.Count == 0 ? ["-"] : files)
        {
            long file =
                options["s"] && path is not "-" && !await tool.Libc.Exists(path) ? -1 : await tool.Open(path, "{0}", 2);
            failed |= file < 0;
            if (file >= 0)
            {
                await search.Run(file, path);
                await tool.Close(file);
            }
        }

        tool.Status =
            search.FoundAny && (options["q"] || !failed) ? 0
            : failed ? 2
            : 1;
    }

    private static Regex Compile(string pattern, Options options, bool isExtended, bool isFixed)
    {
        string text = isFixed ? Quote(pattern) : pattern;
        bool extended = isExtended && !isFixed;
        if (options["x"] || options["w"])
        {
            string open = extended ? "(" : "\\(";
            string close = extended ? ")" : "\\)";
            text = options["x"] ? $"^{open}{text}{close}$" : $"\\b{open}{text}{close}\\b";
        }

        return BasicRegex.Compile(text, extended, options["i"]);
    }

    private static string Quote(string text) =>
        string.Concat(text.Select(c => ".[]*^$\\".Contains(c, StringComparison.Ordinal) ? "\\" + c : c.ToString()));

    private static async Task<List<string>> Walk(Tool tool, IReadOnlyList<string> roots)
    {
        var files = new List<string>();
        var pending = new Stack<string>(roots.Reverse());
        while (pending.TryPop(out string? path) && files.Count < 10_000)
        {
            (long result, FileStatus status) = await tool.Libc.Status(
                path,
                follow: roots.Contains(path, StringComparer.Ordinal)
            );
            if (result == 0 && status.IsDirectory)
            {
                (_, IReadOnlyList<string> names) = await tool.Libc.List(path);
                foreach (
                    string name in names
                        .Where(name => name is not ("." or ".."))
                        .OrderDescending(StringComparer.Ordinal)
                )
                {
                    pending.Push(path.TrimEnd('/') + "/" + name);
                }
            }
            else if (status.Kind is not KernelShim.InodeKind.SymbolicLink)
            {
                files.Add(path);
            }
        }

        return files;
    }

    private sealed class Search(Tool tool, Options options, Regex[] expressions, bool withNames)
    {
        public bool FoundAny { get; private set; }

        public async Task Run(long file, string path)
        {
            string shown = path is "-" ? "(standard input)" : path;
            int number = 0;
            int found = 0;
            int limit = int.TryParse(
                options.Value("m"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out int maximum
            )
                ? maximum
                : int.MaxValue;
            int after = Context("A");
            var before = new Queue<(int Number, string Line)>();
            int follow = 0;
            await tool.ForEachLine(
                file,
                async line =>
                {
                    number++;
                    Match? match = Array
                        .ConvertAll(expressions, expression => expression.Match(line))
                        .FirstOrDefault(one => one.Success);
                    if (match is not null == options["v"])
                    {
                        if (follow-- > 0)
                        {
                            await Show(shown, number, line, '-');
                        }
                        else if (Context("B") > 0)
                        {
                            before.Enqueue((number, line));
                            _ = before.Count > Context("B") ? before.Dequeue() : default;
                        }

                        return true;
                    }

                    FoundAny = true;
                    found++;
                    if (options["q"] || options["l"] || options["L"])
                    {
                        return false;
                    }

                    if (!options["c"])
                    {
                        while (before.TryDequeue(out (int Number, string Line) earlier))
                        {
                            await Show(shown, earlier.Number, earlier.Line, '-');
                        }

                        follow = after;
                        await Matched(shown, number, line);
                    }

                    return found < limit;
                }
            );
            await Summary(shown, found);
        }

        private int Context(string option) =>
            int.TryParse(options.Value(option), NumberStyles.None, CultureInfo.InvariantCulture, out int lines)
                ? lines
                : 0;

        private async Task Matched(string shown, int number, string line)
        {
            if (!options["o"])
            {
                await Show(shown, number, line, ':');
                return;
            }

            foreach (Match match in expressions.SelectMany(expression => expression.Matches(line)))
            {
                if (match.Length > 0)
                {
                    await Show(shown, number, match.Value, ':');
                }
            }
        }

        private Task Show(string shown, int number, string line, char mark)
        {
            string name = withNames ? shown + mark : "";
            string place = options["n"] ? number.ToString(CultureInfo.InvariantCulture) + mark : "";
            return tool.Print(name + place + line + "\n");
        }

        private async Task Summary(string shown, int found)
        {
            if (options["q"])
            {
                return;
            }

            if (options["c"])
            {
                string name = withNames ? shown + ":" : "";
                await tool.Print(string.Create(CultureInfo.InvariantCulture, $"{name}{found}\n"));
            }
            else if ((options["l"] && found > 0) || (options["L"] && found == 0))
            {
                await tool.Print(shown + "\n");
            }
        }
    }
}
