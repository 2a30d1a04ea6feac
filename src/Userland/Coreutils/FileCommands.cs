using System.Globalization;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>Commands that change the file tree: mkdir, rmdir, rm, touch, chmod, cp, mv, ln; and stat and find, which look at it.</summary>
internal static class FileCommands
{
    private const int MaximumDepth = 32;
    private const int MaximumPattern = 4096;

    public static IEnumerable<IProgram> Programs =>
        [
            new ToolProgram("mkdir", "pm:", 1, MakeDirectories),
            new ToolProgram("rmdir", "p", 1, RemoveDirectories),
            new ToolProgram("rm", "rRf", 0, Remove),
            new ToolProgram("touch", "c", 1, Touch),
            new RawProgram("chmod", ChangeMode),
            new ToolProgram("cp", "rRaf", 2, Copy),
            new ToolProgram("mv", "f", 2, Move),
            new ToolProgram("ln", "sfn", 1, Link),
            new ToolProgram("stat", "c:L", 1, Stat),
            new RawProgram("find", Find),
        ];

    private static async Task MakeDirectories(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            string[] parts = path.Split('/');
            for (int n = options["p"] ? 1 : parts.Length; n <= parts.Length; n++)
            {
                string part = string.Join('/', parts.Take(n));
                if (part.Length == 0)
                {
                    continue;
                }

                long result = await tool.Libc.MkDir(part);
                bool isThere =
                    result is -(long)Errno.EEXIST && options["p"] && (await tool.Libc.Status(part)).Status.IsDirectory;
                if (result < 0 && !isThere)
                {
                    await tool.Error($"can't create directory '{path}'", result);
                    break;
                }
            }
        }
    }

    private static async Task RemoveDirectories(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            long result = await tool.Libc.RmDir(path);
            if (result < 0)
            {
                await tool.Error($"'{path}'", result);
            }
        }
    }

    private static async Task Remove(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            await RemoveOne(tool, path, options["r"] || options["R"], options["f"], 0);
        }
    }

    private static async Task RemoveOne(Tool tool, string path, bool recursive, bool force, int depth)
    {
        (long result, FileStatus status) = await tool.Libc.Status(path, follow: false);
        if (result == 0 && status.IsDirectory && !recursive)
        {
            await tool.Error($"'{path}' is a directory");
            return;
        }

        if (result == 0 && status.IsDirectory && depth < MaximumDepth)
        {
            (_, IReadOnlyList<string> names) = await tool.Libc.List(path);
            foreach (string name in names.Where(name => name is not ("." or "..")))
            {
                await RemoveOne(tool, path.TrimEnd('/') + "/" + name, recursive, force, depth + 1);
            }
        }

        result =
            result < 0 ? result
            : status.IsDirectory ? await tool.Libc.RmDir(path)
            : await tool.Libc.Unlink(path);
        if (result < 0 && !(force && result is -(long)Errno.ENOENT))
        {
            await tool.Error($"can't remove '{path}'", result);
        }
    }

    private static async Task Touch(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            if (options["c"] || await tool.Libc.Exists(path))
            {
                continue;
            }

            long file = await tool.Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create, 0x1A4);
            if (file < 0)
            {
                await tool.Error(path, file);
                continue;
            }

            await tool.Libc.Close(file);
        }
    }

    private static async Task<int> ChangeMode(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "chmod");
        if (words.Count < 3)
        {
            await tool.Error("missing operand");
            return 1;
        }

        foreach (string path in words.Skip(2))
        {
            (long result, FileStatus status) = await libc.Status(path);
            if (result == 0)
            {
                if (NewMode(words[1], (int)status.Mode & 0xFFF, status.IsDirectory) is not { } mode)
                {
                    await tool.Error($"invalid mode '{words[1]}'");
                    return 1;
                }

                result = await libc.ChMod(path, mode);
            }

            if (result < 0)
            {
                await tool.Error(path, result);
            }
        }

        return await tool.Finish();
    }

    private static int? NewMode(string text, int mode, bool isDirectory)
    {
        if (text.Length is > 0 and <= 5 && text.All(c => c is >= '0' and <= '7'))
        {
            return Convert.ToInt32(text, 8) & 0xFFF;
        }

        foreach (string clause in text.Split(','))
        {
            int at = clause.IndexOfAny(['+', '-', '=']);
            if (at < 0 || clause[..at].Any(c => !"ugoa".Contains(c, StringComparison.Ordinal)))
            {
                return null;
            }

            int who = clause[..at]
                .Aggregate(
                    0,
                    (mask, c) =>
                        mask
                        | (
                            c is 'u' ? 0x1C0
                            : c is 'g' ? 0x38
                            : c is 'o' ? 7
                            : 0x1FF
                        )
                );
            who = at == 0 ? 0x1FF : who;
            int bits = 0;
            foreach (char c in clause[(at + 1)..])
            {
                switch (c)
                {
                    case 'r':
                        bits |= 0x124;
                        break;
                    case 'w':
                        bits |= 0x92;
                        break;
                    case 'x':
                    case 'X' when isDirectory || (mode & 0x49) != 0:
                        bits |= 0x49;
                        break;
                    case 'X':
                        break;
                    default:
                        return null;
                }
            }

            bits &= who;
            mode = clause[at] switch
            {
                '+' => mode | bits,
                '-' => mode & ~bits,
                _ => (mode & ~who) | bits,
            };
        }

        return mode;
    }

    private static async Task<string> Target(Tool tool, string source, string target, bool isMany)
    {
        bool isInto = isMany || (await tool.Libc.Status(target)).Status.IsDirectory;
        string trimmed = source.TrimEnd('/');
        return isInto ? target.TrimEnd('/') + "/" + trimmed[(trimmed.LastIndexOf('/') + 1)..] : target;
    }

    private static async Task Copy(Tool tool, Options options)
    {
        string target = options.Operands[^1];
        foreach (string source in options.Operands.SkipLast(1))
        {
            string place = await Target(tool, source, target, options.Operands.Count > 2);
            await CopyOne(tool, source, place, options["r"] || options["R"] || options["a"], 0);
        }
    }

    private static async Task CopyOne(Tool tool, string source, string target, bool recursive, int depth)
    {
        (long result, FileStatus status) = await tool.Libc.Status(source);
        if (result < 0)
        {
            await tool.Error($"can't stat '{source}'", result);
            return;
        }

        if (status.IsDirectory)
        {
            if (!recursive || depth >= MaximumDepth)
            {
                await tool.Error($"omitting directory '{source}'");
                return;
            }

            (_, IReadOnlyList<string> names) = await tool.Libc.List(source);
            await tool.Libc.MkDir(target, (int)status.Mode & 0x1FF);
            foreach (string name in names.Where(name => name is not ("." or "..")))
            {
                await CopyOne(tool, source + "/" + name, target + "/" + name, recursive, depth + 1);
            }

            return;
        }

        long from = await tool.Open(source, "can't open '{0}'");
        if (from < 0)
        {
            return;
        }

        long to = await tool.Libc.Open(
            target,
            OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate,
            (int)status.Mode & 0x1FF
        );
        if (to < 0)
        {
            await tool.Error($"can't create '{target}'", to);
        }
        else
        {
            await CopyBytes(tool, from, to);
            await tool.Libc.Close(to);
        }

        await tool.Libc.Close(from);
    }

    private static async Task CopyBytes(Tool tool, long from, long to)
    {
        (long result, byte[] data) = await tool.Libc.Read(from, 64 << 10);
        for (; result > 0; (result, data) = await tool.Libc.Read(from, 64 << 10))
        {
            for (int done = 0; done < data.Length; )
            {
                long written = await tool.Libc.Write(to, data.AsSpan(done));
                if (written <= 0)
                {
                    await tool.Error("write error", written);
                    return;
                }

                done += (int)written;
            }
        }

        if (result < 0)
        {
            await tool.Error("read error", result);
        }
    }

    private static async Task Move(Tool tool, Options options)
    {
        foreach (string source in options.Operands.SkipLast(1))
        {
            string place = await Target(tool, source, options.Operands[^1], options.Operands.Count > 2);
            long result = await tool.Libc.Rename(source, place);
            if (result < 0)
            {
                await tool.Error($"can't rename '{source}'", result);
            }
        }
    }

    private static async Task Link(Tool tool, Options options)
    {
        if (!options["s"])
        {
            await tool.Error("hard links are not supported, only -s", 2);
            return;
        }

        string source = options.Operands[0];
        string place = await Target(
            tool,
            source,
            options.Operands.Count > 1 ? options.Operands[^1] : ".",
            isMany: false
        );
        if (options["f"])
        {
            await tool.Libc.Unlink(place);
        }

        long result = await tool.Libc.SymLink(source, place);
        if (result < 0)
        {
            await tool.Error(place, result);
        }
    }

    private static async Task Stat(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            (long result, FileStatus status) = await tool.Libc.Status(path, options["L"]);
            if (result < 0)
            {
                await tool.Error($"can't stat '{path}'", result);
                continue;
            }

            string format =
                options.Value("c") ?? "  File: %n\n  Size: %s\tBlocks: %b\nAccess: (%04a/%A)  Uid: %u  Gid: %g";
            string mode = Convert.ToString((int)status.Mode & 0xFFF, 8);
            await tool.Print(
                format
                    .Replace("%04a", mode.PadLeft(4, '0'), StringComparison.Ordinal)
                    .Replace("%n", path, StringComparison.Ordinal)
                    .Replace("%s", status.Size.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                    .Replace("%b", status.Blocks.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                    .Replace("%a", mode, StringComparison.Ordinal)
                    .Replace("%A", ModeText.Of(status.Mode), StringComparison.Ordinal)
                    .Replace("%u", status.UserId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                    .Replace("%g", status.GroupId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                    .Replace("%U", Users.NameOf(status.UserId), StringComparison.Ordinal)
                    .Replace(
                        "%t",
                        (status.Device >> 8).ToString("x", CultureInfo.InvariantCulture),
                        StringComparison.Ordinal
                    )
                    .Replace(
                        "%T",
                        (status.Device & 0xFF).ToString("x", CultureInfo.InvariantCulture),
                        StringComparison.Ordinal
                    ) + "\n"
            );
        }
    }

    private static async Task<int> Find(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "find");
        List<string> roots = [.. words.Skip(1).TakeWhile(word => !word.StartsWith('-') && word is not "!")];
        string[] tests = [.. words.Skip(1 + roots.Count)];
        int maximum = MaximumDepth;
        int minimum = 0;
        var filters = new List<Func<string, FileStatus, bool>>();
        bool follow = false;
        for (int n = 0; n < tests.Length; n++)
        {
            string test = tests[n];
            string value = n + 1 < tests.Length ? tests[n + 1] : "";
            if (test is "-print")
            {
                continue;
            }

            if (test is "-name" or "-iname" or "-path" or "-type" or "-maxdepth" or "-mindepth")
            {
                if (n + 1 >= tests.Length)
                {
                    await tool.Error($"{test} requires an argument");
                    return 1;
                }

                n++;
            }

            if (value.Length > MaximumPattern)
            {
                await tool.Error($"{test}: the pattern is too long");
                return 1;
            }

            switch (test)
            {
                case "-name":
                    filters.Add((path, _) => ShellPattern.Matches(value, path[(path.LastIndexOf('/') + 1)..]));
                    break;
                case "-iname":
                    filters.Add(
                        (path, _) =>
                            ShellPattern.Matches(
                                value.ToUpperInvariant(),
                                path[(path.LastIndexOf('/') + 1)..].ToUpperInvariant()
                            )
                    );
                    break;
                case "-path":
                    filters.Add((path, _) => ShellPattern.Matches(value, path));
                    break;
                case "-type":
                    filters.Add(
                        (_, status) => ModeText.Of(status.Mode)[0] == (value is "f" ? '-' : value.FirstOrDefault())
                    );
                    break;
                case "-maxdepth":
                    maximum = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int most)
                        ? Math.Min(most, MaximumDepth)
                        : maximum;
                    break;
                case "-mindepth":
                    minimum = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int least)
                        ? least
                        : minimum;
                    break;
                case "-follow" or "-L":
                    follow = true;
                    break;
                default:
                    await tool.Error($"unrecognized: {test}");
                    return 1;
            }
        }

        var pending = new Stack<(string Path, int Depth)>();
        foreach (string root in roots.Count == 0 ? ["."] : Enumerable.Reverse(roots))
        {
            pending.Push((root, 0));
        }

        while (pending.TryPop(out (string Path, int Depth) at))
        {
            (long result, FileStatus status) = await libc.Status(at.Path, follow);
            if (result < 0)
            {
                await tool.Error(at.Path, result);
                continue;
            }

            if (at.Depth >= minimum && filters.TrueForAll(filter => filter(at.Path, status)))
            {
                await tool.Print(at.Path + "\n");
            }

            if (!status.IsDirectory || at.Depth >= maximum)
            {
                continue;
            }

            (_, IReadOnlyList<string> names) = await libc.List(at.Path);
            foreach (
                string name in names.Where(name => name is not ("." or "..")).OrderDescending(StringComparer.Ordinal)
            )
            {
                pending.Push((at.Path.TrimEnd('/') + "/" + name, at.Depth + 1));
            }
        }

        return await tool.Finish();
    }
}
