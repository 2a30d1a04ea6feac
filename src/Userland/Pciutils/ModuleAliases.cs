using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>Which modules modprobe would load for a function: <c>modules.alias</c> of the running kernel.</summary>
internal sealed class ModuleAliases(Libc libc)
{
    private List<(string Pattern, string Module)>? _aliases;

    /// <summary>The modules, in the order of the file, none twice in a row.</summary>
    public async Task<IReadOnlyList<string>> Of(PciFunction function)
    {
        if (function.ModuleAlias is not { } alias)
        {
            return [];
        }

        _aliases ??= await Read();
        var names = new List<string>();
        foreach ((string pattern, string module) in _aliases)
        {
            if (
                !(names.Count > 0 && string.Equals(names[^1], module, StringComparison.Ordinal))
                && ShellPattern.Matches(pattern, alias.TrimEnd('\n'))
            )
            {
                names.Add(module);
            }
        }

        return names;
    }

    private async Task<List<(string Pattern, string Module)>> Read()
    {
        var aliases = new List<(string, string)>();
        long file = await libc.Open(
            $"/lib/modules/{(await libc.UName())[2]}/modules.alias",
            OpenFlags.ReadOnly | OpenFlags.CloseOnExec
        );
        if (file < 0)
        {
            return aliases;
        }

        (_, byte[] data) = await WholeFile.Read(libc, file);
        await libc.Close(file);
        foreach (string line in Encoding.UTF8.GetString(data).Split('\n'))
        {
            if (
                line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["alias", var pattern, var module]
                && pattern.StartsWith("pci:", StringComparison.Ordinal)
            )
            {
                aliases.Add((pattern, module.Replace('-', '_')));
            }
        }

        return aliases;
    }
}
