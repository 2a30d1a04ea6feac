namespace Emulator.KernelShim;

/// <summary>Every module that is simulated, and which of them a kernel's profile has.</summary>
internal static class ModuleCatalogue
{
    /// <summary>The modules of a kernel: those its profile loads, and those it could load.</summary>
    public static IEnumerable<KernelModule> Of(Kernel kernel)
    {
        KernelProfile profile = kernel.Profile;
        SortedSet<string> wanted = new(profile.Modules.Concat(profile.LoadableModules), StringComparer.Ordinal);
        foreach (KernelModule module in All(kernel))
        {
            if (wanted.Contains(module.Name) || IsNeeded(kernel, module, wanted))
            {
                yield return module;
            }
        }
    }

    /// <summary>A profile names what people load; what that needs comes with it.</summary>
    private static bool IsNeeded(Kernel kernel, KernelModule module, SortedSet<string> wanted)
    {
        SortedDictionary<string, KernelModule> all = new(StringComparer.Ordinal);
        foreach (KernelModule known in All(kernel))
        {
            all[known.Name] = known;
        }

        bool Needs(string name) =>
            all.TryGetValue(name, out KernelModule? found)
            && found.DependsOn.Any(needed =>
                string.Equals(needed, module.Name, StringComparison.Ordinal) || Needs(needed)
            );
        return wanted.Any(Needs);
    }

    private static IEnumerable<KernelModule> All(Kernel kernel) =>
        [
            new VfioModule(kernel),
            new VfioType1Module(kernel),
            new IommufdModule(kernel),
            new SimpleModule("vfio_platform_base", () => { }, () => { }, "vfio"),
            new VfioPlatformModule(kernel),
            new VfioAmbaModule(kernel),
            new CalxedaXgmacResetModule(kernel),
            new DriverModule(kernel, "virtio_mmio", known => new VirtioMmioDriver(known)),
            new DriverModule(kernel, "pl330", known => new Pl330Driver(known)),
            new DriverModule(kernel, "gpio_keys", known => new GpioKeysDriver(known)),
            new DriverModule(kernel, "pci_stub", known => new PciStubDriver(known)),
            .. kernel.Profile.VirqfdIsAModule
                ? [new SimpleModule("vfio_virqfd", () => { }, () => { })]
                : Array.Empty<KernelModule>(),
            new SimpleModule(
                "vfio_pci_core",
                () => { },
                () => { },
                kernel.Profile.VirqfdIsAModule ? ["vfio", "vfio_virqfd"] : ["vfio"]
            ),
            new DriverModule(kernel, "nvme", PciClassDriver.Nvme) { PciIds = PciClassDriver.NvmeIds },
            .. kernel.Profile.HasPci ? [new VfioPciModule(kernel)] : Array.Empty<KernelModule>(),
            new DriverModule(kernel, "e1000e", E1000eDriver.Create) { PciIds = E1000eDriver.Table },
            new QemuFwCfgModule(kernel),
            new SimpleModule("vosys_dmatest", () => { }, () => { }),
        ];
}
