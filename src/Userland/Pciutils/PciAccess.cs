namespace Emulator.Userland;

/// <summary>A way to the functions of a system: sysfs, or a dump.</summary>
internal abstract class PciAccess
{
    /// <summary>Whether only the bus's own view is wanted (-b): what the configuration space says, not what the kernel made of it.</summary>
    public bool IsBusCentric { get; init; }

    /// <summary>All functions, in no special order, with nothing known but where they are.</summary>
    public abstract Task<IReadOnlyList<PciFunction>> Scan();

    /// <summary>Identification, class and subsystem of a function whose first 64 bytes were fetched where they can be.</summary>
    public virtual Task FillIdentity(PciFunction function) => PciConfigFacts.FillIdentity(function);

    /// <summary>Interrupt and address ranges.</summary>
    public virtual Task FillResources(PciFunction function) => PciConfigFacts.FillResources(function);

    /// <summary>What only a kernel knows: slot, group, driver, node.</summary>
    public virtual Task FillKernelFacts(PciFunction function) => Task.CompletedTask;

    /// <summary>The bridges above functions, where the kernel tells.</summary>
    public virtual Task FillParents(IReadOnlyList<PciFunction> functions) => Task.CompletedTask;

    /// <summary>Reads some bytes of the vital product data whole, or gives null.</summary>
    public virtual Task<byte[]?> ReadProductData(PciFunction function, int at, int count) =>
        Task.FromResult<byte[]?>(null);

    /// <summary>Reads some bytes of a configuration space whole, or gives null.</summary>
    public abstract Task<byte[]?> ReadConfig(PciAddress address, int at, int count);

    /// <summary>Writes some bytes of a configuration space.</summary>
    public abstract Task WriteConfig(PciAddress address, int at, byte[] bytes);

    /// <summary>Closes what is open.</summary>
    public virtual Task Close() => Task.CompletedTask;

    /// <summary>A function with a configuration space that is read this way.</summary>
    protected PciFunction Make(PciAddress address) =>
        new(address, new PciConfig((at, count) => ReadConfig(address, at, count)));
}
