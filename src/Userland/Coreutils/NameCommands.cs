using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>readlink, realpath, basename, dirname, cat.</summary>
internal static class NameCommands
{
    public static IEnumerable<IProgram> Programs =>
        [
            new ToolProgram("readlink", "fnsqv", 1, ReadLink),
            new ToolProgram("realpath", "", 1, RealPath),
            new ToolProgram("basename", "", 1, BaseName),
            new ToolProgram("dirname", "", 1, DirName),
            new ToolProgram("cat", "unvetA", 0, Cat),
        ];

    /// <summary>The path without links; null when a directory on the way does not exist.</summary>
    public static async Task<string?> Resolve(Libc libc, string path)
    {
        string at = path.StartsWith('/') ? "" : (await libc.GetCwd()).TrimEnd('/');
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            if (part is ".")
            {
                continue;
            }

            if (part is "..")
            {
                at = at[..Math.Max(0, at.LastIndexOf('/'))];
                continue;
            }

            string next = at + "/" + part;
            (long result, string target) = await libc.ReadLink(next);
            if (result > 0)
            {
                if (++links > 40)
                {
                    return null;
                }

                at = target.StartsWith('/') ? "" : at;
                foreach (string piece in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    rest.Push(piece);
                }

                continue;
            }

            if (result is -(long)Errno.ENOTDIR || (result is -(long)Errno.ENOENT && rest.Count > 0))
            {
                return null;
            }

            at = next;
        }

        return at.Length == 0 ? "/" : at;
    }

    private static async Task ReadLink(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            string? target = options["f"] ? await Resolve(tool.Libc, path) : (await tool.Libc.ReadLink(path)).Target;
            if (string.IsNullOrEmpty(target))
            {
                tool.Status = 1;
                continue;
            }

            await tool.Print(target + (options["n"] ? "" : "\n"));
        }
    }

    private static async Task RealPath(Tool tool, Options options)
    {
        foreach (string path in options.Operands)
        {
            if (await Resolve(tool.Libc, path) is { } real && await tool.Libc.Exists(real))
            {
                await tool.Print(real + "\n");
            }
            else
            {
                await tool.Error(path, -(long)Errno.ENOENT);
            }
        }
    }

    private static async Task BaseName(Tool tool, Options options)
    {
        string path = options.Operands[0];
        string trimmed = path.TrimEnd('/');
        string name = trimmed.Length == 0 && path.Length > 0 ? "/" : trimmed[(trimmed.LastIndexOf('/') + 1)..];
        string suffix = options.Operands.Count > 1 ? options.Operands[1] : "";
        bool ends = suffix.Length > 0 && name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal);
        await tool.Print((ends ? name[..^suffix.Length] : name) + "\n");
    }

    private static async Task DirName(Tool tool, Options options)
    {
        string path = options.Operands[0].TrimEnd('/');
        int slash = path.LastIndexOf('/');
        string parent = slash < 0 ? "." : path[..slash].TrimEnd('/');
        await tool.Print((options.Operands[0].StartsWith('/') && parent.Length == 0 ? "/" : parent) + "\n");
    }

    private static async Task Cat(Tool tool, Options options)
    {
        int number = 0;
        foreach (string path in options.Operands.Count == 0 ? ["-"] : options.Operands)
        {
            long file = await tool.Open(path, "can't open '{0}'");
            if (file < 0)
            {
                continue;
            }

            if (options["n"])
            {
                await tool.ForEachLine(
                    file,
                    async line =>
                    {
                        await tool.Print($"{++number, 6}\t{line}\n");
                        return true;
                    }
                );
            }
            else
            {
                await Copy(tool, file);
            }

            await tool.Close(file);
        }
    }

    private static async Task Copy(Tool tool, long file)
    {
        while (true)
        {
            (long result, byte[] data) = await tool.Libc.Read(file, 4096);
            if (result < 0)
            {
                await tool.Error("read error", result);
            }

            if (result <= 0)
            {
                return;
            }

            await tool.Print(data);
            await tool.Flush();
            if (tool.Status != 0)
            {
                return;
            }
        }
    }
}
