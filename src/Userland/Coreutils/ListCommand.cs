using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>ls, with the columns of busybox.</summary>
internal static class ListCommand
{
    private const int TerminalWidth = 80;
    private const int MaximumDepth = 32;

    public static IProgram Program { get; } = new ToolProgram("ls", "1aAdlRFhnpsrtC", 0, Run);

    private static async Task Run(Tool tool, Options options)
    {
        List<string> paths = options.Operands.Count == 0 ? ["."] : options.Operands;
        var files = new List<(string Name, FileStatus Status)>();
        var directories = new List<string>();
        foreach (string path in paths)
        {
            bool follow = !options["l"] && !options["d"];
            (long result, FileStatus status) = await tool.Libc.Status(path, follow);
            if (result < 0 && follow)
            {
                (result, status) = await tool.Libc.Status(path, follow: false);
            }

            if (result < 0)
            {
                await tool.Error(path, result);
            }
            else if (status.IsDirectory && !options["d"])
            {
                directories.Add(path);
            }
            else
            {
                files.Add((path, status));
            }
        }

        if (files.Count > 0)
        {
            await Show(tool, options, "", [.. files.OrderBy(file => file.Name, StringComparer.Ordinal)]);
        }

        bool isTitled = paths.Count > 1 || options["R"];
        bool isFirst = files.Count == 0;
        foreach (string directory in directories.Order(StringComparer.Ordinal))
        {
            isFirst = await ShowDirectory(tool, options, directory, isTitled, isFirst, 0);
        }
    }

    private static async Task<bool> ShowDirectory(
        Tool tool,
        Options options,
        string path,
        bool isTitled,
        bool isFirst,
        int depth
    )
    {
        (long result, IReadOnlyList<string> names) = await tool.Libc.List(path);
        if (isTitled)
        {
            await tool.Print((isFirst ? "" : "\n") + path + ":\n");
        }

        if (result < 0)
        {
            await tool.Error($"can't open '{path}'", result);
            return false;
        }

        string prefix = path.EndsWith('/') ? path : path + "/";
        var entries = new List<(string Name, FileStatus Status)>();
        foreach (string name in names.Order(StringComparer.Ordinal))
        {
            bool isShown = options["a"] || name[0] != '.' || (options["A"] && name is not ("." or ".."));
            if (isShown)
            {
                entries.Add((name, (await tool.Libc.Status(prefix + name, follow: false)).Status));
            }
        }

        if (options["r"])
        {
            entries.Reverse();
        }

        if (options["l"])
        {
            long blocks = entries.Sum(entry => entry.Status.Blocks);
            await tool.Print(string.Create(CultureInfo.InvariantCulture, $"total {blocks / 2}\n"));
        }

        await Show(tool, options, prefix, entries);
        if (options["R"] && depth < MaximumDepth)
        {
            foreach ((string name, FileStatus status) in entries)
            {
                if (status.IsDirectory && name is not ("." or ".."))
                {
                    await ShowDirectory(tool, options, prefix + name, isTitled: true, isFirst: false, depth + 1);
                }
            }
        }

        return false;
    }

    private static async Task Show(
        Tool tool,
        Options options,
        string prefix,
        IReadOnlyList<(string Name, FileStatus Status)> entries
    )
    {
        if (options["l"])
        {
            (long now, _) = await tool.Libc.Clock();
            IReadOnlyDictionary<uint, string> users = await Users.Read(tool.Libc, "/etc/passwd", options["n"]);
            IReadOnlyDictionary<uint, string> groups = await Users.Read(tool.Libc, "/etc/group", options["n"]);
            foreach ((string name, FileStatus status) in entries)
            {
                string target = "";
                if (status.Kind == InodeKind.SymbolicLink)
                {
                    target = " -> " + (await tool.Libc.ReadLink(prefix + name)).Target;
                }

                await tool.Print(Long(status, now, users, groups) + name + Mark(options, status) + target + "\n");
            }

            return;
        }

        string[] names = [.. entries.Select(entry => entry.Name + Mark(options, entry.Status))];
        bool inColumns = !options["1"] && names.Length > 0 && (options["C"] || await tool.Libc.IsTerminal(1));
        int width = inColumns ? names.Max(name => name.Length) + 2 : TerminalWidth;
        int columns = Math.Max(1, TerminalWidth / width);
        int rows = (names.Length + columns - 1) / columns;
        for (int row = 0; row < rows; row++)
        {
            var line = new StringBuilder();
            for (int at = row; at < names.Length; at += rows)
            {
                line.Append(at + rows < names.Length ? names[at].PadRight(width) : names[at]);
            }

            await tool.Print(line.Append('\n').ToString());
        }
    }

    private static string Mark(Options options, FileStatus status) =>
        status.IsDirectory && (options["F"] || options["p"]) ? "/"
        : !options["F"] ? ""
        : status.Kind switch
        {
            InodeKind.SymbolicLink => "@",
            InodeKind.Pipe => "|",
            InodeKind.Regular when (status.Mode & 0x49) != 0 => "*",
            _ => "",
        };

    private static string Long(
        FileStatus status,
        long now,
        IReadOnlyDictionary<uint, string> users,
        IReadOnlyDictionary<uint, string> groups
    )
    {
        string size =
            status.Kind == InodeKind.CharacterDevice
                ? string.Create(CultureInfo.InvariantCulture, $"{status.Device >> 8, 4},{status.Device & 0xFF, 4}")
                : string.Create(CultureInfo.InvariantCulture, $"{status.Size, 9}");
        string user = users.GetValueOrDefault(status.UserId) ?? Number(status.UserId);
        string group = groups.GetValueOrDefault(status.GroupId) ?? Number(status.GroupId);
        DateTime time = DateTime.UnixEpoch.AddSeconds(status.ModifiedSeconds);
        bool isRecent = now - status.ModifiedSeconds is >= -900 and < 15_552_000;
        string date = time.ToString(isRecent ? "MMM d HH:mm" : "MMM d  yyyy", CultureInfo.InvariantCulture);
        date = date[..4] + (time.Day < 10 ? " " : "") + date[4..];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{ModeText.Of(status.Mode)} {status.Links, 4} {user, -8} {group, -8} {size} {date} "
        );
    }

    private static string Number(uint id) => id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Names of users and groups.</summary>
internal static class Users
{
    /// <summary>The names in /etc/passwd or /etc/group by number; none where there is no file, or numbers are asked for.</summary>
    public static async Task<IReadOnlyDictionary<uint, string>> Read(Libc libc, string path, bool isNumeric)
    {
        var names = new SortedDictionary<uint, string>();
        long file = isNumeric ? -1 : await libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return names;
        }

        (_, byte[] text) = await WholeFile.Read(libc, file);
        await libc.Close(file);
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n'))
        {
            string[] fields = line.Split(':');
            if (
                fields.Length > 2
                && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint id)
            )
            {
                names.TryAdd(id, fields[0]);
            }
        }

        return names;
    }

    /// <summary>The name of a user, without looking at files.</summary>
    public static string NameOf(uint id) => id == 0 ? "root" : id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>File modes as ls -l writes them.</summary>
internal static class ModeText
{
    public static string Of(uint mode)
    {
        char kind = (InodeKind)(mode & 0xF000) switch
        {
            InodeKind.Directory => 'd',
            InodeKind.SymbolicLink => 'l',
            InodeKind.CharacterDevice => 'c',
            InodeKind.Pipe => 'p',
            _ => '-',
        };
        char[] text = [kind, .. "rwxrwxrwx"];
        for (int bit = 0; bit < 9; bit++)
        {
            if ((mode & (0x100u >> bit)) == 0)
            {
                text[bit + 1] = '-';
            }
        }

        Special(text, 3, (mode & 0x800) != 0, 's');
        Special(text, 6, (mode & 0x400) != 0, 's');
        Special(text, 9, (mode & 0x200) != 0, 't');
        return new string(text);
    }

    private static void Special(char[] text, int at, bool isSet, char letter)
    {
        if (isSet)
        {
            text[at] = text[at] == 'x' ? letter : char.ToUpperInvariant(letter);
        }
    }
}
