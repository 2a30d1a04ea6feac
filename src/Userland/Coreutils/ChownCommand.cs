using System.Globalization;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>chown (busybox: coreutils/chown.c). Users and groups are numbers, or root.</summary>
internal static class ChownCommand
{
    private const int MaximumDepth = 32;

    public static IProgram Program { get; } = new ToolProgram("chown", "Rh", 2, Run);

    private static async Task Run(Tool tool, Options options)
    {
        string[] parts = options.Operands[0].Split([':', '.'], 2);
        if (Parse(parts[0]) is not { } user)
        {
            await tool.Error($"unknown user {parts[0]}");
            return;
        }

        if (Parse(parts.Length > 1 ? parts[1] : "") is not { } group)
        {
            await tool.Error($"unknown group {parts[1]}");
            return;
        }

        foreach (string path in options.Operands.Skip(1))
        {
            await Change(tool, options, path, user, group, 0);
        }
    }

    private static async Task Change(Tool tool, Options options, string path, int user, int group, int depth)
    {
        bool follow = !options["h"] && !(options["R"] && depth > 0);
        long result = await tool.Libc.ChOwn(path, user, group, follow);
        if (result < 0)
        {
            await tool.Error(path, result);
            return;
        }

        (long found, FileStatus status) = await tool.Libc.Status(path, follow: depth == 0);
        if (!options["R"] || found < 0 || !status.IsDirectory || depth == MaximumDepth)
        {
            return;
        }

        (_, IReadOnlyList<string> names) = await tool.Libc.List(path);
        foreach (string name in names.Where(name => name is not ("." or "..")))
        {
            await Change(tool, options, $"{path.TrimEnd('/')}/{name}", user, group, depth + 1);
        }
    }

    /// <summary>The number of a name, -1 for none; null when there is no such name.</summary>
    private static int? Parse(string name) =>
        name switch
        {
            "" => -1,
            "root" => 0,
            _ => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : null,
        };
}
