using System.Globalization;
using System.Text;

namespace Emulator.KernelShim;

/// <summary>A module that is loaded, and who uses it.</summary>
internal sealed class LoadedModule(KernelModule module)
{
    public KernelModule Module { get; } = module;

    /// <summary>How often something of it is in use (try_module_get): open files, bound children, running requests.</summary>
    public int References { get; set; }

    /// <summary>The modules that use its symbols, the one loaded last first (module_use, source_list).</summary>
    public List<LoadedModule> Users { get; } = [];

    public DirectoryInode? Directory { get; set; }
}

/// <summary>
/// Loads and unloads modules (kernel/module/main.c). Which there are to load is the profile's; their files lie in
/// /lib/modules, where modprobe finds them.
/// </summary>
public sealed class ModuleLoader
{
    /// <summary>What a module's file begins with, before its name.</summary>
    private const string FileMark = "module ";

    private readonly Kernel _kernel;
    private readonly SortedDictionary<string, KernelModule> _available = new(StringComparer.Ordinal);
    private readonly List<LoadedModule> _loaded = [];

    private ModuleLoader(Kernel kernel) => _kernel = kernel;

    /// <summary>The step of the boot that loads what the profile has loaded.</summary>
    public static IInitCall InitCall { get; } = new InitCall("load_modules", InitLevel.Device, Start);

    /// <summary>The names of the loaded modules, the one loaded last first.</summary>
    public IEnumerable<string> Loaded => _loaded.Select(loaded => loaded.Module.Name);

    /// <summary>A loaded module by name, or null.</summary>
    internal T? Find<T>(string name)
        where T : KernelModule => Find(name)?.Module as T;

    /// <summary>One more user of a module (try_module_get); nothing where its code is built in.</summary>
    internal void Get(string name)
    {
        if (Find(name) is { } loaded)
        {
            loaded.References++;
        }
    }

    /// <summary>One user fewer (module_put).</summary>
    internal void Put(string name)
    {
        if (Find(name) is { References: > 0 } loaded)
        {
            loaded.References--;
        }
    }

    /// <summary>
    /// request_module: loads what a name or an alias leads to, with what it needs. What modprobe would do in user space is done
    /// at once.
    /// </summary>
    internal void Request(string alias)
    {
        KernelModule? module =
            _available.GetValueOrDefault(alias.Replace('-', '_'))
            ?? _available.Values.FirstOrDefault(known => known.Aliases.Contains(alias, StringComparer.Ordinal));
        if (module is not null)
        {
            LoadWithDependencies(module);
        }
    }

    /// <summary>finit_module: loads the module that a file holds.</summary>
    internal long Load(Process process, RegularInode file, string parameters)
    {
        const string Function = "load_module";
        string text = Encoding.UTF8.GetString([.. file.Content.Take(128)]);
        string name = text.StartsWith(FileMark, StringComparison.Ordinal) ? text[FileMark.Length..].TrimEnd('\n') : "";
        if (!_available.TryGetValue(name, out KernelModule? module))
        {
            return process.Refuse(
                Errno.ENOEXEC,
                "elf_validity_cache_copy",
                $"{file.Path} holds no module of this kernel"
            );
        }

        if (Find(name) is not null)
        {
            return process.Refuse(Errno.EEXIST, "add_unformed_module", $"{name} is loaded already");
        }

        if (module.DependsOn.FirstOrDefault(needed => Find(needed) is null) is { } missing)
        {
            _kernel.Log.Print(LogLevel.Warning, $"{name}: Unknown symbol of {missing} (err -{(int)Errno.ENOENT})");
            return process.Refuse(Errno.ENOENT, "simplify_symbols", $"{name} needs {missing}, which is not loaded");
        }

        long error = SetParameters(module, parameters);
        if (error != 0)
        {
            return process.Refuse((Errno)(-error), "parse_args", $"a parameter of {name} cannot have that value");
        }

        error = Load(module);
        return error == 0 ? 0 : process.Refuse((Errno)(-error), Function, $"the init function of {name} failed");
    }

    /// <summary>delete_module.</summary>
    internal long Unload(Process process, string name)
    {
        const string Function = "delete_module";
        if (Find(name) is not { } loaded)
        {
            return process.Refuse(Errno.ENOENT, Function, $"no module '{name}' is loaded");
        }

        if (loaded.Users.Count > 0)
        {
            return process.Refuse(
                Errno.EAGAIN,
                Function,
                $"{name} is used by {string.Join(", ", loaded.Users.Select(user => user.Module.Name))}"
            );
        }

        if (loaded.References > 0)
        {
            return process.Refuse(Errno.EAGAIN, "try_stop_module", $"{name} is in use {loaded.References} times");
        }

        loaded.Module.Unload();
        _loaded.Remove(loaded);
        Forget(loaded);
        return 0;
    }

    /// <summary>/proc/modules (m_show).</summary>
    internal string Show()
    {
        var text = new StringBuilder();
        foreach (LoadedModule loaded in _loaded)
        {
            string users =
                loaded.Users.Count == 0 ? "-" : string.Concat(loaded.Users.Select(user => user.Module.Name + ","));
            text.Append(
                CultureInfo.InvariantCulture,
                $"{loaded.Module.Name} {ModuleFiles.CoreBytes} {References(loaded)} {users} Live {Address}\n"
            );
        }

        return text.ToString();
    }

    private string Address => _kernel.Profile.PointersAre32Bits ? "0x00000000" : "0x0000000000000000";

    private static int References(LoadedModule loaded) => loaded.References + loaded.Users.Count;

    private static void Start(Kernel kernel)
    {
        var loader = new ModuleLoader(kernel);
        kernel.Modules = loader;
        foreach (KernelModule module in ModuleCatalogue.Of(kernel))
        {
            loader._available[module.Name] = module;
        }

        ModuleFiles.Install(kernel, loader._available.Values, FileMark);
        foreach (string name in kernel.Profile.Modules)
        {
            if (loader._available.TryGetValue(name, out KernelModule? module))
            {
                loader.LoadWithDependencies(module);
            }
        }
    }

    private LoadedModule? Find(string name) =>
        _loaded.Find(loaded => string.Equals(loaded.Module.Name, name, StringComparison.Ordinal));

    private void LoadWithDependencies(KernelModule module)
    {
        if (Find(module.Name) is not null)
        {
            return;
        }

        foreach (string needed in module.DependsOn)
        {
            if (_available.TryGetValue(needed, out KernelModule? other))
            {
                LoadWithDependencies(other);
            }
        }

        Load(module);
    }

    private long Load(KernelModule module)
    {
        var loaded = new LoadedModule(module);
        foreach (string needed in module.DependsOn)
        {
            Find(needed)?.Users.Insert(0, loaded);
        }

        _loaded.Insert(0, loaded);
        loaded.Directory = ModuleFiles.Add(_kernel, Sys(), loaded, () => References(loaded));
        long error = module.Load();
        if (error != 0)
        {
            _loaded.Remove(loaded);
            Forget(loaded);
        }

        return error;
    }

    /// <summary>What a module used, it uses no more, and its files are gone (module_unload_free, mod_sysfs_teardown).</summary>
    private void Forget(LoadedModule loaded)
    {
        foreach (LoadedModule used in _loaded.Where(used => used.Users.Remove(loaded)))
        {
            (used.Directory?.Find("holders") as DirectoryInode)?.Remove(loaded.Module.Name);
        }

        Sys().Remove(loaded.Module.Name);
    }

    /// <summary>parse_args: words <c>name=value</c>; an unknown name is logged and left, a bad value is the end.</summary>
    private long SetParameters(KernelModule module, string text)
    {
        foreach (string word in text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = (equals < 0 ? word : word[..equals]).Replace('-', '_');
            string value = equals < 0 ? "" : word[(equals + 1)..];
            ModuleParameter? parameter = module.Parameters.FirstOrDefault(known =>
                string.Equals(known.Name, name, StringComparison.Ordinal)
            );
            if (parameter is null)
            {
                _kernel.Log.Print(LogLevel.Warning, $"{module.Name}: unknown parameter '{name}' ignored");
                continue;
            }

            long error = parameter.Set(value);
            if (error != 0)
            {
                _kernel.Log.Print(LogLevel.Error, $"{module.Name}: `{value}' invalid for parameter `{name}'");
                return error;
            }
        }

        return 0;
    }

    private DirectoryInode Sys() => _kernel.Files.Sys.GetOrAddDirectory("module");
}

/// <content>Modules.</content>
public sealed partial class Kernel
{
    /// <summary>Modules; null where the boot did not come to them.</summary>
    public ModuleLoader? Modules { get; internal set; }
}
