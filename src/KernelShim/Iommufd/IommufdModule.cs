namespace Emulator.KernelShim;

/// <summary>iommufd: /dev/iommu.</summary>
internal sealed class IommufdModule(Kernel kernel) : KernelModule("iommufd")
{
    private const int Permissions = 0x1B0;
    private const int MiscMajor = 10;
    private const int Minor = 257;

    private bool _allowsUnsafeInterrupts;
    private DeviceInode? _node;

    /// <summary>Whether devices without isolated interrupts are taken.</summary>
    public bool AllowsUnsafeInterrupts => _allowsUnsafeInterrupts;

    public override IReadOnlyList<ModuleParameter> Parameters =>
        [
            ModuleParameter.Bool(
                "allow_unsafe_interrupts",
                AttributeMode.ReadWrite,
                () => _allowsUnsafeInterrupts,
                value => _allowsUnsafeInterrupts = value
            ),
        ];

    public override long Load()
    {
        _node = new DeviceInode(Permissions, MiscMajor, Minor, (_, flags) => new IommufdFile(kernel) { Flags = flags });
        kernel.Files.AddDevice("iommu", _node);
        return 0;
    }

    public override void Unload()
    {
        kernel.Files.RemoveDevice("iommu", _node!);
        _allowsUnsafeInterrupts = false;
    }
}
