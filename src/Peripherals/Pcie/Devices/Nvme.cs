using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// An NVM Express controller, as QEMU's <c>nvme</c> (1b36:0010): configuration space only. <c>emulator,msix-vectors</c> (65) is the size
/// of its table; <c>emulator,virtual-functions</c> adds SR-IOV with so many functions behind it.
/// </summary>
public sealed class Nvme : StandInEndpoint
{
    internal const uint MsixAt = 0x2000;
    internal const uint MsixPending = 0x3000;
    internal const ulong WindowBytes = 0x4000;
    private const int VirtualizationAt = 0x120;
    private const ushort VirtualDeviceId = 0x0010;

    private readonly NvmeVirtualFunction[] _virtual = [];
    private readonly BaseAddress? _virtualBar;

    /// <summary>Makes the controller and its virtual functions.</summary>
    public Nvme(DeviceContext context)
        : base(context, place => Layout(context, place))
    {
        int vectors = Vectors(context);
        AddBar(0, PciBarKind.Memory64, WindowBytes, new MsixTable(this, vectors, MsixAt, MsixPending, Registers()));
        ushort functions = VirtualFunctions(context);
        if (functions != 0)
        {
            _virtual = new NvmeVirtualFunction[functions];
            for (int n = 0; n < functions; n++)
            {
                _virtual[n] = new NvmeVirtualFunction(context, this, n);
            }

            _virtualBar = BaseAddress.OfVirtualFunctions(
                Function.Configuration.Layout,
                VirtualizationAt + ExtendedCapabilities.VirtualizationBars,
                0,
                WindowBytes,
                new VirtualWindows(_virtual)
            );
        }

        Reset();
    }

    internal static ConfigurationLayout Begin(PciIdentity identity, PciPlace place, int vectors) =>
        Headers
            .Endpoint(identity, isExpress: true, interruptPin: 1, place.IsMultiFunction)
            .AddPowerManagement(0x60, capabilities: 0x0003, status: 0x0008)
            .AddExpress(
                0x80,
                new ExpressCapability
                {
                    Type = place.EndpointType,
                    DeviceCapabilities = ExpressCapability.RoleBasedErrors | ExpressCapability.FunctionLevelReset,
                    DeviceControlWritable = ExpressCapability.FunctionLevelResetTrigger,
                }
            )
            .AddMsix(0x40, vectors, bar: 0, MsixAt, MsixPending);

    internal static PciIdentity Identity(ushort vendor, ushort device) =>
        new(vendor, device, 0x010802, 2, QemuSubsystem.Vendor, QemuSubsystem.Device);

    private protected override void ResetOwn()
    {
        base.ResetOwn();
        ShowVirtualFunctions();
    }

    private protected override void ConfigurationWritten(int offset, int sizeBytes) => ShowVirtualFunctions();

    private protected override void ConfigurationWriting(int offset, int sizeBytes, ref uint value)
    {
        // NumVFs is read-only while VF Enable is set (SR-IOV 1.1, 3.3.7).
        const int Count = VirtualizationAt + ExtendedCapabilities.VirtualizationCount;
        if (_virtual.Length != 0 && offset == Count && IsVirtualizationOn)
        {
            value = Function.Configuration.Read(offset, sizeBytes);
        }
    }

    private protected override BaseAddress? FindVirtualBar(bool isIo, ulong address)
    {
        const int MemorySpaceEnable = 1 << 3;
        if (_virtualBar is null || isIo || !IsVirtualizationOn || (Control & MemorySpaceEnable) == 0)
        {
            return null;
        }

        ulong offset = address - _virtualBar.Address(Function.Configuration);
        return offset < WindowBytes * (ulong)Enabled ? _virtualBar : null;
    }

    private ushort Control =>
        Function.Configuration.Get16(VirtualizationAt + ExtendedCapabilities.VirtualizationControl);

    private bool IsVirtualizationOn => (Control & 1) != 0;

    private int Enabled =>
        IsVirtualizationOn
            ? Function.Configuration.Get16(VirtualizationAt + ExtendedCapabilities.VirtualizationCount)
            : 0;

    private void ShowVirtualFunctions()
    {
        for (int n = 0; n < _virtual.Length; n++)
        {
            PciFunction function = _virtual[n].Function;
            bool isPresent = n < Enabled;
            if (isPresent != function.IsPresent)
            {
                function.IsPresent = isPresent;
                _virtual[n].Reset();
            }
        }
    }

    /// <summary>CAP and VS (NVM Express 1.4, 3.1.1 and 3.1.2).</summary>
    private IdentificationRegisters Registers() =>
        new(Unmodelled(0), (0x0, 0x0F01_07FF), (0x4, 0x0040_1820), (0x8, 0x0001_0400));

    private static int Vectors(DeviceContext context) => (int)context.Cell("emulator,msix-vectors", 65);

    private static ushort VirtualFunctions(DeviceContext context) =>
        (ushort)context.Cell("emulator,virtual-functions", 0);

    private static ConfigurationLayout Layout(DeviceContext context, PciPlace place)
    {
        ConfigurationLayout layout = Begin(Identity(0x1B36, VirtualDeviceId), place, Vectors(context));
        ushort functions = VirtualFunctions(context);
        return functions == 0
            ? layout
            : layout
                .AddAlternativeRouting(0x100, nextFunction: 1)
                .AddVirtualization(VirtualizationAt, functions, firstOffset: 1, stride: 1, VirtualDeviceId);
    }

    /// <summary>The windows of all virtual functions, one behind the other.</summary>
    private sealed class VirtualWindows(NvmeVirtualFunction[] functions) : IBusTarget
    {
        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) =>
            functions[address / WindowBytes].Window.Read(address % WindowBytes, data, transaction);

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
            functions[address / WindowBytes].Window.Write(address % WindowBytes, data, transaction);
    }
}

/// <summary>A virtual function of an <see cref="Nvme"/>. Its IDs and windows are those of the physical function's SR-IOV capability.</summary>
internal sealed class NvmeVirtualFunction : StandInEndpoint
{
    public NvmeVirtualFunction(DeviceContext context, Nvme physical, int index)
        : base(new VirtualFunctionContext(context, physical, index), Layout)
    {
        Window = new MsixTable(this, 1, Nvme.MsixAt, Nvme.MsixPending, Unmodelled(0));
        Function.IsPresent = false;
        Reset();
    }

    public IBusTarget Window { get; }

    private static ConfigurationLayout Layout(PciPlace place) =>
        Nvme.Begin(Nvme.Identity(0xFFFF, 0xFFFF), place, vectors: 1).AddAlternativeRouting(0x100, nextFunction: 1);
}
