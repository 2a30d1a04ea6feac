namespace Emulator.Userland;

/// <summary>
/// make, of which only this is there: a target that exists is up to date. Nothing can be built in the simulated world, and
/// what does not exist is refused in so many words.
/// </summary>
internal static class MakeCommand
{
    public static IProgram Program { get; } = new ToolProgram("make", "C:f:ks", 0, Run) { UsageStatus = 2 };

    private static async Task Run(Tool tool, Options options)
    {
        string directory = options.Value("C") is { } given ? given.TrimEnd('/') + "/" : "";
        List<string> targets = [.. options.Operands];
        if (targets.Count == 0)
        {
            if (await FirstTarget(tool, directory, options.Value("f")) is not { } first)
            {
                await tool.Error("*** No targets specified and no makefile found.  Stop.", 2);
                return;
            }

            targets = [first];
        }

        foreach (string target in targets)
        {
            if (await tool.Libc.Exists(directory + target))
            {
                await tool.Print($"make: '{target}' is up to date.\n");
                continue;
            }

            await tool.Error(
                $"*** '{target}' is not there, and building it is not supported by this system.  Stop.",
                2
            );
            return;
        }
    }

    /// <summary>The first rule's target that is no pattern; null when there is no makefile with one.</summary>
    private static async Task<string?> FirstTarget(Tool tool, string directory, string? name)
    {
        string[] names = name is null ? ["GNUmakefile", "makefile", "Makefile"] : [name];
        foreach (string file in names)
        {
            if (!await tool.Libc.Exists(directory + file))
            {
                continue;
            }

            foreach (string line in await tool.AllLines([directory + file]))
            {
                int colon = line.IndexOf(':', StringComparison.Ordinal);
                bool isRule =
                    colon > 0 && line[0] is not ('\t' or '#' or '.') && !line.Contains(":=", StringComparison.Ordinal);
                string target = isRule ? line[..colon].Split(' ', 2)[0] : "";
                if (target.Length > 0 && !target.Contains('%', StringComparison.Ordinal))
                {
                    return target;
                }
            }
        }

        return null;
    }
}
