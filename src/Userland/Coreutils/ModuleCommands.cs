using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>lsmod, insmod, modprobe and rmmod, with the words of busybox (modutils).</summary>
internal static class ModuleCommands
{
    public static IEnumerable<IProgram> Programs =>
        [
            new ToolProgram("lsmod", "", 0, List),
            new RawProgram("insmod", Insert),
            new RawProgram("modprobe", Probe),
            new ToolProgram("rmmod", "waf", 1, Remove),
        ];

    private static string Underscored(string name) => name.Replace('-', '_');

    /// <summary>What an errno means to who loads a module (moderror).</summary>
    private static string Meaning(long error) =>
        (Errno)(-error) switch
        {
            Errno.ENOEXEC => "invalid module format",
            Errno.ENOENT => "unknown symbol in module, or unknown parameter",
            _ => ErrnoText.Of(error),
        };

    private static async Task List(Tool tool, Options options)
    {
        await tool.Print($"{"Module", -23} Size  Used by");
        (long result, byte[] tainted) = await ReadFile(tool.Libc, "/proc/sys/kernel/tainted");
        bool isTainted = result >= 0 && Encoding.UTF8.GetString(tainted).Trim() is not "0";
        await tool.Print(result < 0 ? "\n" : $"    {(isTainted ? "Tainted: G" : "Not tainted")}\n");
        foreach (string[] fields in await Loaded(tool.Libc))
        {
            string users = fields[3] is "-" ? "" : fields[3].TrimEnd(',');
            await tool.Print(
                string.Create(CultureInfo.InvariantCulture, $"{fields[0], -19} {fields[1], 8} {fields[2], 2} {users}\n")
            );
        }
    }

    private static async Task<int> Insert(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "insmod");
        if (words.Count < 2)
        {
            await tool.Error("usage: insmod FILE [SYMBOL=VALUE]...");
            return 1;
        }

        long error = await LoadFile(libc, words[1], string.Join(' ', words.Skip(2)));
        if (error < 0)
        {
            await tool.Error($"can't insert '{words[1]}': {Meaning(error)}");
        }

        return tool.Status;
    }

    private static async Task Remove(Tool tool, Options options)
    {
        foreach (string operand in options.Operands)
        {
            string name = operand[(operand.LastIndexOf('/') + 1)..];
            name = name.EndsWith(".ko", StringComparison.Ordinal) ? name[..^3] : name;
            long result = await tool.Libc.DeleteModule(Underscored(name));
            if (result < 0)
            {
                await tool.Error($"can't unload module '{operand}'", result);
            }
        }
    }

    private static async Task<int> Probe(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "modprobe");
        string[] switches = [.. words.Skip(1).Where(word => word.StartsWith('-'))];
        string[] operands = [.. words.Skip(1).Where(word => !word.StartsWith('-'))];
        bool removes = switches.Any(word => word.Contains('r', StringComparison.Ordinal));
        bool isQuiet = switches.Any(word => word.Contains('q', StringComparison.Ordinal));
        bool takesAll = removes || switches.Any(word => word.Contains('a', StringComparison.Ordinal));
        if (operands.Length == 0)
        {
            await tool.Error("usage: modprobe [-alrqvsDb] MODULE [SYMBOL=VALUE]...");
            return 1;
        }

        var known = new ModuleIndex();
        await known.Read(libc);
        foreach (string name in takesAll ? operands : [operands[0]])
        {
            if (known.Find(Underscored(name)) is not { } chain)
            {
                if (!isQuiet)
                {
                    await tool.Error($"module {name} not found in modules.dep");
                }

                tool.Status = 1;
                continue;
            }

            await (
                removes
                    ? Unload(tool, chain)
                    : Load(tool, known, chain, takesAll ? "" : string.Join(' ', operands[1..]))
            );
        }

        return tool.Status;
    }

    /// <summary>What is needed first, then the module itself with its parameters; what is loaded is passed over.</summary>
    private static async Task Load(Tool tool, ModuleIndex known, string[] chain, string parameters)
    {
        string[] loaded = [.. (await Loaded(tool.Libc)).Select(fields => fields[0])];
        foreach (string file in Enumerable.Reverse(chain))
        {
            string name = ModuleIndex.NameOf(file);
            if (loaded.Contains(name, StringComparer.Ordinal))
            {
                continue;
            }

            bool isLast = ReferenceEquals(file, chain[0]);
            long error = await LoadFile(tool.Libc, $"{known.Folder}/{file}", isLast ? parameters : "");
            if (error is < 0 and not -(long)Errno.EEXIST)
            {
                await tool.Error($"can't load module {name} ({file}): {Meaning(error)}");
                return;
            }
        }
    }

    /// <summary>The module, then what it needed, as far as nobody else uses that.</summary>
    private static async Task Unload(Tool tool, string[] chain)
    {
        for (int n = 0; n < chain.Length; n++)
        {
            string name = ModuleIndex.NameOf(chain[n]);
            string[] loaded = [.. (await Loaded(tool.Libc)).Select(fields => fields[0])];
            if (!loaded.Contains(name, StringComparer.Ordinal))
            {
                continue;
            }

            long error = await tool.Libc.DeleteModule(name);
            if (error < 0 && n == 0)
            {
                await tool.Error($"can't unload module {name}", error);
                return;
            }
        }
    }

    private static async Task<long> LoadFile(Libc libc, string path, string parameters)
    {
        long file = await libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return file;
        }

        long result = await libc.InitModule(file, parameters);
        await libc.Close(file);
        return result;
    }

    /// <summary>The fields of /proc/modules.</summary>
    private static async Task<IReadOnlyList<string[]>> Loaded(Libc libc)
    {
        (_, byte[] text) = await ReadFile(libc, "/proc/modules");
        return
        [
            .. Encoding
                .UTF8.GetString(text)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split(' ')),
        ];
    }

    private static async Task<(long Result, byte[] Data)> ReadFile(Libc libc, string path)
    {
        long file = await libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return (file, []);
        }

        (long result, byte[] data) = await WholeFile.Read(libc, file);
        await libc.Close(file);
        return (result, data);
    }

    /// <summary>modules.dep and modules.alias of the running kernel.</summary>
    private sealed class ModuleIndex
    {
        private readonly SortedDictionary<string, string[]> _chains = new(StringComparer.Ordinal);
        private readonly SortedDictionary<string, string> _aliases = new(StringComparer.Ordinal);

        public string Folder { get; private set; } = "";

        public static string NameOf(string file)
        {
            string name = file[(file.LastIndexOf('/') + 1)..];
            return Underscored(name.EndsWith(".ko", StringComparison.Ordinal) ? name[..^3] : name);
        }

        public async Task Read(Libc libc)
        {
            Folder = $"/lib/modules/{(await libc.UName())[2]}";
            foreach (string line in await Lines(libc, "modules.dep"))
            {
                string[] parts = line.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
                _chains[NameOf(parts[0])] = parts;
            }

            foreach (string line in await Lines(libc, "modules.alias"))
            {
                string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (parts is ["alias", var alias, var name])
                {
                    _aliases[Underscored(alias)] = name;
                }
            }
        }

        /// <summary>The module's file, and behind it those it needs; null when nobody knows the name.</summary>
        public string[]? Find(string name) =>
            _chains.GetValueOrDefault(name)
            ?? (_aliases.TryGetValue(name, out string? real) ? _chains.GetValueOrDefault(real) : null);

        private async Task<string[]> Lines(Libc libc, string name)
        {
            (_, byte[] text) = await ReadFile(libc, $"{Folder}/{name}");
            return Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }
}
