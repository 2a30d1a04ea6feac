using System.Globalization;
using System.Text;

namespace Emulator.KernelShim;

/// <summary>The files of modules: in /sys/module while they are loaded (kernel/module/sysfs.c), in /lib/modules always.</summary>
internal static class ModuleFiles
{
    /// <summary>What a module's code is said to take; ours have no code that could be measured.</summary>
    public const int CoreBytes = 16384;

    private const int ReadOnly = AttributeMode.ReadOnly;

    /// <summary>/sys/module/NAME.</summary>
    public static DirectoryInode Add(Kernel kernel, DirectoryInode modules, LoadedModule loaded, Func<int> references)
    {
        KernelModule module = loaded.Module;
        DirectoryInode directory = modules.GetOrAddDirectory(module.Name);
        DirectoryInode holders = directory.GetOrAddDirectory("holders");
        Show(directory, "coresize", CoreBytes.ToString(CultureInfo.InvariantCulture));
        Show(directory, "initsize", "0");
        Show(directory, "initstate", "live");
        Show(directory, "taint", "");
        directory.AddAttribute("refcnt", ReadOnly, () => references().ToString(CultureInfo.InvariantCulture) + "\n");
        directory.AddAttribute("uevent", AttributeMode.WriteOnly, null, DriverCore.StoreUevent);
        directory.GetOrAddDirectory("notes");
        directory.GetOrAddDirectory("sections");
        if (module.Version is { } version)
        {
            Show(directory, "version", version);
            Show(directory, "srcversion", SourceVersion(module.Name));
        }

        foreach (ModuleParameter parameter in module.Parameters.Where(parameter => parameter.Permissions != 0))
        {
            parameter.AddFile(directory.GetOrAddDirectory("parameters"));
        }

        foreach (string needed in module.DependsOn)
        {
            if (modules.Find(needed) is DirectoryInode used)
            {
                used.GetOrAddDirectory("holders").AddRelativeLink(module.Name, directory);
            }
        }

        _ = holders;
        _ = kernel;
        return directory;
    }

    /// <summary>Puts the modules' files where modprobe looks: a file each, modules.dep and modules.alias.</summary>
    public static void Install(Kernel kernel, IEnumerable<KernelModule> modules, string mark)
    {
        DirectoryInode root = kernel.Files.Make($"/lib/modules/{kernel.Profile.Release}");
        if (root.Find("modules.dep") is not null)
        {
            return;
        }

        SortedDictionary<string, KernelModule> all = new(StringComparer.Ordinal);
        foreach (KernelModule module in modules)
        {
            all[module.Name] = module;
        }

        DirectoryInode files = root.GetOrAddDirectory("kernel");
        var dependencies = new StringBuilder();
        var aliases = new StringBuilder();
        foreach (KernelModule module in all.Values)
        {
            Write(files, module.Name + ".ko", mark + module.Name + "\n");
            string needed = string.Concat(Needed(all, module).Select(name => $" kernel/{name}.ko"));
            dependencies.Append(CultureInfo.InvariantCulture, $"kernel/{module.Name}.ko:{needed}\n");
            foreach (string alias in module.Aliases)
            {
                aliases.Append(CultureInfo.InvariantCulture, $"alias {alias} {module.Name}\n");
            }
        }

        Write(root, "modules.dep", dependencies.ToString());
        Write(root, "modules.alias", aliases.ToString());
    }

    /// <summary>Everything that a module needs, each behind what needs it, as depmod lists them.</summary>
    private static List<string> Needed(SortedDictionary<string, KernelModule> all, KernelModule module)
    {
        List<string> names = [];
        foreach (string needed in module.DependsOn.Where(all.ContainsKey))
        {
            names.Remove(needed);
            names.Add(needed);
            foreach (string further in Needed(all, all[needed]))
            {
                names.Remove(further);
                names.Add(further);
            }
        }

        return names;
    }

    /// <summary>A hash of the sources stands here on a real kernel; a name as 23 digits does for us.</summary>
    private static string SourceVersion(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char letter in name)
        {
            hash = unchecked((hash ^ letter) * 1099511628211);
        }

        return hash.ToString("X16", CultureInfo.InvariantCulture) + "0000000";
    }

    private static void Show(DirectoryInode directory, string name, string text) =>
        directory.AddAttribute(name, ReadOnly, () => text + "\n");

    private static void Write(DirectoryInode directory, string name, string text) =>
        directory.Add(name, new RegularInode(0x1A4)).Content.AddRange(Encoding.UTF8.GetBytes(text));
}
