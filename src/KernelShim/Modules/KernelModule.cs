using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// A module as one kernel has it (struct module): what it needs, its parameters, and what loading and unloading it does. One
/// that is built in is the same code without the files.
/// </summary>
[DebuggerDisplay("{Name,nq}")]
public abstract class KernelModule(string name)
{
    /// <summary>Its name, with underscores: <c>vfio_pci</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The modules whose symbols it uses, in the order in which modules.dep loads them.</summary>
    public virtual IReadOnlyList<string> DependsOn => [];

    /// <summary>Other names that lead to it (MODULE_ALIAS): <c>vfio-reset:calxeda,hb-xgmac</c>.</summary>
    public virtual IReadOnlyList<string> Aliases => [];

    /// <summary>Its parameters.</summary>
    public virtual IReadOnlyList<ModuleParameter> Parameters => [];

    /// <summary>MODULE_VERSION, shown as a file; null for a module that has none.</summary>
    public virtual string? Version => null;

    /// <summary>module_init: 0 or a negative errno. Its parameters are set.</summary>
    public abstract long Load();

    /// <summary>module_exit. Nobody uses it any more.</summary>
    public abstract void Unload();
}

/// <summary>A module made of two methods.</summary>
/// <param name="name">Its name.</param>
/// <param name="load">module_init; its devices are probed by this.</param>
/// <param name="unload">module_exit.</param>
/// <param name="dependsOn">The modules it needs.</param>
internal sealed class SimpleModule(string name, Action load, Action unload, params string[] dependsOn)
    : KernelModule(name)
{
    public override IReadOnlyList<string> DependsOn => dependsOn;

    public override long Load()
    {
        load();
        return 0;
    }

    public override void Unload() => unload();
}
