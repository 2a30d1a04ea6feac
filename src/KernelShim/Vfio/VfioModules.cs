namespace Emulator.KernelShim;

/// <summary>vfio: containers and groups (drivers/vfio/vfio_main.c, group.c, container.c).</summary>
internal sealed class VfioModule(Kernel kernel) : KernelModule("vfio")
{
    private bool _allowsNoIommu;

    public override string? Version => "0.3";

    public override IReadOnlyList<string> DependsOn => kernel.Profile.VfioHasDeviceNodes ? ["iommufd"] : [];

    public override IReadOnlyList<ModuleParameter> Parameters =>
        kernel.Profile.HasVfioNoIommu
            ?
            [
                ModuleParameter.Bool(
                    "enable_unsafe_noiommu_mode",
                    AttributeMode.ReadWrite,
                    () => _allowsNoIommu,
                    SetNoIommu
                ),
            ]
            : [];

    public override long Load()
    {
        kernel.Vfio = VfioCore.Start(kernel);
        SetNoIommu(_allowsNoIommu);
        return 0;
    }

    public override void Unload()
    {
        kernel.Vfio?.Stop();
        kernel.Vfio = null;
        _allowsNoIommu = false;
    }

    private void SetNoIommu(bool isAllowed)
    {
        _allowsNoIommu = isAllowed;
        if (kernel.Vfio is { } vfio)
        {
            vfio.AllowsNoIommu = isAllowed;
        }
    }
}

/// <summary>vfio_iommu_type1: the backend of containers behind an IOMMU.</summary>
internal sealed class VfioType1Module(Kernel kernel) : KernelModule("vfio_iommu_type1")
{
    private bool _allowsUnsafeInterrupts;
    private bool _disablesHugePages;
    private uint _entryLimit = DefaultLimit(kernel);

    public override IReadOnlyList<string> DependsOn => ["vfio"];

    public override string? Version => "0.2";

    /// <summary>The parameters; dma_entry_limit came with 5.1, disable_hugepages with 3.11.</summary>
    public override IReadOnlyList<ModuleParameter> Parameters =>
        kernel.Profile.Type1MappingLimit is null
            ? [Unsafe]
            :
            [
                Unsafe,
                ModuleParameter.Bool(
                    "disable_hugepages",
                    AttributeMode.ReadWrite,
                    () => _disablesHugePages,
                    value => _disablesHugePages = value
                ),
                ModuleParameter.UnsignedInteger(
                    "dma_entry_limit",
                    AttributeMode.ReadWrite,
                    () => _entryLimit,
                    value => _entryLimit = value
                ),
            ];

    /// <summary>Whether groups without isolated interrupts are taken.</summary>
    public bool AllowsUnsafeInterrupts => _allowsUnsafeInterrupts;

    /// <summary>How many mappings a new container takes; null for any number.</summary>
    public int? EntryLimit =>
        kernel.Profile.Type1MappingLimit is null ? null : (int)Math.Min(_entryLimit, int.MaxValue);

    private ModuleParameter Unsafe =>
        ModuleParameter.Bool(
            "allow_unsafe_interrupts",
            AttributeMode.ReadWrite,
            () => _allowsUnsafeInterrupts,
            value => _allowsUnsafeInterrupts = value
        );

    public override long Load()
    {
        kernel.Vfio!.Type1 = this;
        return 0;
    }

    public override void Unload()
    {
        kernel.Vfio!.Type1 = null;
        _allowsUnsafeInterrupts = false;
        _disablesHugePages = false;
        _entryLimit = DefaultLimit(kernel);
    }

    private static uint DefaultLimit(Kernel kernel) => (uint)(kernel.Profile.Type1MappingLimit ?? 0);
}

/// <summary>vfio_platform: devices of the platform bus for programs.</summary>
internal sealed class VfioPlatformModule(Kernel kernel) : KernelModule("vfio_platform")
{
    private bool _resetRequired = kernel.Profile.VfioPlatformResetRequired;
    private VfioPlatformDriver? _driver;

    public override IReadOnlyList<string> DependsOn =>
        kernel.Profile.VfioPlatformHasResets ? ["vfio_platform_base", "vfio"] : ["vfio"];

    public override string? Version => "0.10";

    public override IReadOnlyList<ModuleParameter> Parameters =>
        kernel.Profile.VfioPlatformHasResets
            ?
            [
                ModuleParameter.Bool(
                    "reset_required",
                    AttributeMode.ReadOnly,
                    () => _resetRequired,
                    value => _resetRequired = value
                ),
            ]
            : [];

    public override long Load()
    {
        _driver = new VfioPlatformDriver(kernel.Vfio!, () => _resetRequired);
        kernel.Drivers.Register(_driver);
        return 0;
    }

    public override void Unload()
    {
        kernel.Drivers.Unregister(_driver!);
        _resetRequired = kernel.Profile.VfioPlatformResetRequired;
    }
}

/// <summary>vfio_amba: AMBA devices for programs.</summary>
internal sealed class VfioAmbaModule(Kernel kernel) : KernelModule("vfio_amba")
{
    private VfioAmbaDriver? _driver;

    public override IReadOnlyList<string> DependsOn =>
        kernel.Profile.VfioPlatformHasResets ? ["vfio_platform_base", "vfio"] : ["vfio"];

    public override string? Version => "0.10";

    public override long Load()
    {
        _driver = new VfioAmbaDriver(kernel.Vfio!);
        kernel.Drivers.Register(_driver);
        return 0;
    }

    public override void Unload() => kernel.Drivers.Unregister(_driver!);
}
