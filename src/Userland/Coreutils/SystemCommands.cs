using System.Globalization;
using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <summary>Commands on the system and its processes: sleep, uname, dmesg, date, id, whoami, ps, which, env, xargs, pwd, od, expr.</summary>
internal static class SystemCommands
{
    public static IEnumerable<IProgram> Programs =>
        [
            new RawProgram("sleep", Sleep),
            new ToolProgram("uname", "asnrvmo", 0, UName),
            new ToolProgram("dmesg", "cCrn:s:Hw", 0, Dmesg),
            new RawProgram("date", Date),
            new ToolProgram("id", "ugn", 0, Id),
            new ToolProgram(
                "whoami",
                "",
                0,
                (tool, _) => tool.Print(Users.NameOf((uint)tool.Libc.Process.UserId) + "\n")
            ),
            new RawProgram("ps", ListProcesses),
            new ToolProgram("which", "a", 1, Which),
            new RawProgram("env", Env),
            new RawProgram("printenv", Env),
            new RawProgram("xargs", Xargs),
            new ToolProgram("pwd", "LP", 0, async (tool, _) => await tool.Print(await tool.Libc.GetCwd() + "\n")),
            new ToolProgram(
                "hostname",
                "",
                0,
                async (tool, _) => await tool.Print((await tool.Libc.UName())[1] + "\n")
            ),
            new ToolProgram("sync", "", 0, (_, _) => Task.CompletedTask),
            new ToolProgram("od", "A:t:N:vxc", 0, Dump),
        ];

    private static async Task<int> Sleep(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "sleep");
        decimal total = 0;
        if (words.Count < 2)
        {
            await tool.Error("missing operand");
            return 1;
        }

        foreach (string word in words.Skip(1))
        {
            decimal unit =
                word.Length == 0
                    ? 1
                    : word[^1] switch
                    {
                        'm' => 60,
                        'h' => 3600,
                        'd' => 86400,
                        _ => 1,
                    };
            string digits = word.TrimEnd('s', 'm', 'h', 'd');
            bool isNumber = decimal.TryParse(
                digits,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out decimal value
            );
            if (!isNumber || word.Length - digits.Length > 1)
            {
                await tool.Error($"invalid number '{word}'");
                return 1;
            }

            total += Math.Min(value, 9_000_000) * unit;
        }

        await libc.Sleep((long)(Math.Min(total, 9_000_000) * VirtualTime.Second));
        return 0;
    }

    private static async Task UName(Tool tool, Options options)
    {
        IReadOnlyList<string> fields = await tool.Libc.UName();
        const string Letters = "snrvm";
        var shown = new List<string>();
        bool none = !options["a"] && !options["o"] && !Letters.Any(letter => options[letter.ToString()]);
        for (int n = 0; n < Letters.Length; n++)
        {
            if (options["a"] || options[Letters[n].ToString()] || (none && n == 0))
            {
                shown.Add(fields[n]);
            }
        }

        if (options["a"] || options["o"])
        {
            shown.Add("GNU/Linux");
        }

        await tool.Print(string.Join(' ', shown) + "\n");
    }

    private static async Task Dmesg(Tool tool, Options options)
    {
        if (options["C"] || options["n"])
        {
            bool isLevel = int.TryParse(
                options.Value("n"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out int level
            );
            (long done, _) = options["C"] ? await tool.Libc.SysLog(5) : await tool.Libc.SysLog(8, isLevel ? level : -1);
            if (done < 0)
            {
                await tool.Error("klogctl", done);
            }

            return;
        }

        (long result, string text) = await tool.Libc.SysLog(options["c"] ? 4 : 3);
        if (result < 0)
        {
            await tool.Error("klogctl", result);
            return;
        }

        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int end = options["r"] || line[0] != '<' ? -1 : line.IndexOf('>', StringComparison.Ordinal);
            await tool.Print(line[(end + 1)..] + "\n");
        }
    }

    private static async Task<int> Date(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "date");
        (long seconds, long nanoseconds) = await libc.Clock();
        string format = "%a %b %e %H:%M:%S UTC %Y";
        for (int at = 1; at < words.Count; at++)
        {
            string word = words[at];
            if (word is "-u")
            {
                continue;
            }

            if (word.StartsWith('+'))
            {
                format = word[1..];
                continue;
            }

            // -d @N: the time to print in place of the present one, in seconds since 1970.
            string? given = word.StartsWith("-d", StringComparison.Ordinal) ? word[2..] : null;
            if (given?.Length == 0 && at + 1 < words.Count)
            {
                given = words[++at];
            }

            if (given is not ['@', ..] || !long.TryParse(given.AsSpan(1), CultureInfo.InvariantCulture, out seconds))
            {
                await tool.Error($"invalid date '{given ?? word}'");
                return 1;
            }

            nanoseconds = 0;
        }

        DateTime time = DateTime.UnixEpoch.AddSeconds(Math.Clamp(seconds, 0, 200_000_000_000));
        var text = new StringBuilder();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                text.Append(format[at]);
                continue;
            }

            string Net(string pattern) => time.ToString(pattern, CultureInfo.InvariantCulture);
            char code = format[++at];
            text.Append(
                code switch
                {
                    'Y' => Net("yyyy"),
                    'm' => Net("MM"),
                    'd' => Net("dd"),
                    'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
                    'H' => Net("HH"),
                    'M' => Net("mm"),
                    'S' => Net("ss"),
                    'a' => Net("ddd"),
                    'A' => Net("dddd"),
                    'b' => Net("MMM"),
                    'B' => Net("MMMM"),
                    'y' => Net("yy"),
                    'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                    's' => seconds.ToString(CultureInfo.InvariantCulture),
                    'N' => nanoseconds.ToString("000000000", CultureInfo.InvariantCulture),
                    'T' => Net("HH:mm:ss"),
                    'F' => Net("yyyy-MM-dd"),
                    'Z' => "UTC",
                    'z' => "+0000",
                    '%' => "%",
                    'n' => "\n",
                    _ => "%" + code,
                }
            );
        }

        await tool.Print(text.Append('\n').ToString());
        return await tool.Finish();
    }

    private static async Task Id(Tool tool, Options options)
    {
        string user = tool.Libc.Process.UserId.ToString(CultureInfo.InvariantCulture);
        string name = Users.NameOf((uint)tool.Libc.Process.UserId);
        string named = name is "root" ? $"{user}(root)" : user;
        bool isOne = options["u"] || options["g"];
        await tool.Print(isOne ? (options["n"] ? name : user) + "\n" : $"uid={named} gid={named}\n");
    }

    private static async Task<int> ListProcesses(Libc libc, IReadOnlyList<string> words)
    {
        await libc.SpendTimeOnce();
        var text = new StringBuilder("PID   USER     TIME  COMMAND\n");
        foreach (Process process in libc.Process.Kernel.Processes.Values.Where(process => !process.HasExited))
        {
            string user = Users.NameOf((uint)process.UserId);
            text.Append(CultureInfo.InvariantCulture, $"{process.Id, 5} {user, -8}  0:00 {process.Command}\n");
        }

        return await libc.Print(1, text.ToString()) < 0 ? 1 : 0;
    }

    private static async Task Which(Tool tool, Options options)
    {
        var state = Shell.NewState(tool.Libc);
        var executor = new ShellExecutor(tool.Libc, state);
        foreach (string name in options.Operands)
        {
            string? path = (await executor.FindProgram(name)).Path;
            if (path is null || !await tool.Libc.Exists(path))
            {
                tool.Status = 1;
                continue;
            }

            await tool.Print(path + "\n");
        }
    }

    private static async Task<int> Env(Libc libc, IReadOnlyList<string> words)
    {
        int at = 1;
        for (; at < words.Count; at++)
        {
            int equals = words[at].IndexOf('=', StringComparison.Ordinal);
            if (words[at] is "-i" or "-")
            {
                libc.Environment.Clear();
            }
            else if (equals > 0)
            {
                libc.Environment[words[at][..equals]] = words[at][(equals + 1)..];
            }
            else
            {
                break;
            }
        }

        if (at >= words.Count)
        {
            string all = string.Concat(libc.Environment.Select(pair => $"{pair.Key}={pair.Value}\n"));
            return await libc.Print(1, all) < 0 ? 1 : 0;
        }

        return await Run(libc, "env", [.. words.Skip(at)]);
    }

    /// <summary>Becomes another program.</summary>
    private static async Task<int> Run(Libc libc, string who, string[] words)
    {
        (string? path, long error) = await new ShellExecutor(libc, Shell.NewState(libc)).FindProgram(words[0]);
        long result = path is null ? error : await libc.Exec(path, words);
        if (result >= 0)
        {
            return (int)result;
        }

        await libc.Print(2, $"{who}: can't execute '{words[0]}': {ErrnoText.Of(result)}\n");
        return result is -(long)Errno.ENOENT ? 127 : 126;
    }

    private static async Task<int> Xargs(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "xargs");
        Options options = Options.Parse(words, "+n:I:r0t");
        if (options.Mistake is not null)
        {
            await tool.Error(options.Mistake);
            return 1;
        }

        List<string> lines = await tool.AllLines([]);
        string? replaced = options.Value("I");
        string[] items =
            replaced is not null ? [.. lines]
            : options["0"] ? string.Join('\n', lines).Split('\0', StringSplitOptions.RemoveEmptyEntries)
            : [.. lines.SelectMany(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))];
        string[] command = options.Operands.Count == 0 ? ["echo"] : [.. options.Operands];
        int size =
            replaced is not null ? 1
            : int.TryParse(options.Value("n"), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n
            : 1000;
        IEnumerable<string[]> groups =
            items.Length == 0 && !options["r"] && replaced is null
                ?
                [
                    [],
                ]
                : items.Chunk(size);
        foreach (string[] group in groups)
        {
            string[] all = replaced is null
                ? [.. command, .. group]
                : [.. command.Select(word => word.Replace(replaced, group[0], StringComparison.Ordinal))];
            long child = await libc.Fork(new RawProgram("xargs", (own, _) => Run(own, "xargs", all)), all);
            long status = child < 0 ? child : await libc.Wait((int)child);
            if (status != 0)
            {
                int code = status < 0 ? 126 : (int)(status >> 8) & 0xFF;
                tool.Status = code is 126 or 127 ? code : 123;
            }
        }

        return await tool.Finish();
    }

    private static async Task Dump(Tool tool, Options options)
    {
        string type = options.Value("t") ?? (options["x"] ? "x2" : "o2");
        int size = type.Length > 1 && type[1] is '1' or '2' or '4' or '8' ? type[1] - '0' : 4;
        if (type[0] is not ('x' or 'o' or 'd' or 'u'))
        {
            await tool.Error($"invalid character '{type[0]}' in type string '{type}'");
            return;
        }

        long file = await tool.Open(options.Operands.FirstOrDefault() ?? "-");
        if (file < 0)
        {
            return;
        }

        (_, byte[] data) = await WholeFile.Read(tool.Libc, file);
        int length = int.TryParse(options.Value("N"), NumberStyles.None, CultureInfo.InvariantCulture, out int limit)
            ? Math.Min(limit, data.Length)
            : data.Length;
        int width = (type[0], size) switch
        {
            ('x', _) => size * 2,
            ('o', 1) => 3,
            ('o', 2) => 6,
            _ => size * 3,
        };
        bool hasAddress = options.Value("A") is not "n";
        for (int at = 0; at < length; at += 16)
        {
            var line = new StringBuilder(hasAddress ? Address(options, at) : "");
            for (int n = at; n < Math.Min(at + 16, length); n += size)
            {
                ulong value = 0;
                for (int part = Math.Min(size, length - n) - 1; part >= 0; part--)
                {
                    value = (value << 8) | data[n + part];
                }

                string text = type[0] switch
                {
                    'x' => value.ToString("x", CultureInfo.InvariantCulture).PadLeft(width, '0'),
                    'o' => Convert.ToString((long)value, 8).PadLeft(width, '0'),
                    _ => value.ToString(CultureInfo.InvariantCulture).PadLeft(width),
                };
                line.Append(' ').Append(text);
            }

            await tool.Print(line.Append('\n').ToString());
        }

        await tool.Print(hasAddress ? Address(options, length) + "\n" : "");
    }

    private static string Address(Options options, int at) =>
        options.Value("A") switch
        {
            "x" => at.ToString("x6", CultureInfo.InvariantCulture),
            "d" => at.ToString("0000000", CultureInfo.InvariantCulture),
            _ => Convert.ToString(at, 8).PadLeft(7, '0'),
        };
}
