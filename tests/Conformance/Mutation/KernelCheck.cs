using System.Text.RegularExpressions;

namespace Emulator.Conformance.Mutation;

/// <summary>A statement of the simulated kernel that refuses a call.</summary>
/// <param name="File">The source file, from the root of the repository.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Start">Where in the file the statement begins.</param>
/// <param name="Length">How long it is, with its semicolon.</param>
/// <param name="Errno">The errno's name.</param>
/// <param name="Function">The kernel function that it mirrors.</param>
/// <param name="Reason">A pattern of what its reason begins with.</param>
internal sealed partial record KernelCheck(
    string File,
    int Line,
    int Start,
    int Length,
    string Errno,
    string Function,
    string Reason
)
{
    private const string Statement = "return process.Refuse(";

    /// <summary>The name that a report shows.</summary>
    public string Name => $"{File}:{Line} {Function} -{Errno}";

    /// <summary>Every such statement below a folder, in order of file and place.</summary>
    public static IEnumerable<KernelCheck> In(string root, string folder)
    {
        string[] files = Directory.GetFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);
        foreach (string file in files)
        {
            string name = Path.GetRelativePath(root, file).Replace('\\', '/');
            if (name.Contains("/obj/", StringComparison.Ordinal) || name.Contains("/bin/", StringComparison.Ordinal))
            {
                continue;
            }

            string text = System.IO.File.ReadAllText(file);
            for (int at = text.IndexOf(Statement, StringComparison.Ordinal); at >= 0; )
            {
                if (Read(name, text, at) is { } check)
                {
                    yield return check;
                }

                at = text.IndexOf(Statement, at + 1, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>The source without the check: what it refused goes on as if nothing had been looked at.</summary>
    public string RemoveFrom(string text) =>
        $"{text[..Start]}if (process.Id == int.MinValue) {{ {text.Substring(Start, Length)} }}{text[(Start + Length)..]}";

    private static KernelCheck? Read(string file, string text, int at)
    {
        int end = at;
        for (int depth = 0; end < text.Length && (text[end] != ';' || depth > 0); end++)
        {
            depth +=
                text[end] == '(' ? 1
                : text[end] == ')' ? -1
                : 0;
        }

        string statement = text[at..Math.Min(end + 1, text.Length)];
        Match match = Arguments().Match(statement);
        if (!match.Success)
        {
            return null;
        }

        string function = match.Groups["literal"].Value;
        if (function.Length == 0)
        {
            string constant = match.Groups["constant"].Value;
            Match declared = Regex
                .Matches(text[..at], $"string {constant} = \"(?<value>[^\"]+)\"", RegexOptions.ExplicitCapture)
                .LastOrDefault(Match.Empty);
            function = declared.Groups["value"].Value;
        }

        int line = text.AsSpan(0, at).Count('\n') + 1;
        string reason = string.Join(
            ".*",
            Holes().Split(match.Groups["reason"].Value).Select(static text => Regex.Escape(text))
        );
        return function.Length == 0
            ? null
            : new KernelCheck(file, line, at, statement.Length, match.Groups["errno"].Value, function, reason);
    }

    [GeneratedRegex(@"\{[^}]*\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Holes();

    [GeneratedRegex(
        """Refuse\(\s*Errno\.(?<errno>\w+),\s*("(?<literal>\w+)"|(?<constant>\w+)),\s*(\$?"(?<reason>[^"]*))?""",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Arguments();
}
