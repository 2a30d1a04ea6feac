using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>The subsystem that QEMU's own devices name.</summary>
internal static class QemuSubsystem
{
    public const ushort Vendor = 0x1AF4;
    public const ushort Device = 0x1100;
}

/// <summary>
/// A stand-in for a device that nobody models: its configuration space is right, what is behind its base address registers
/// is not modelled and says so when it is touched.
/// </summary>
public abstract class StandInEndpoint : PciModel<PciMsixState>, IMsixOwner
{
    private protected StandInEndpoint(DeviceContext context, Func<PciPlace, ConfigurationLayout> layout)
        : base(context, layout) { }

    ref PciMsixState IMsixOwner.Msix => ref State.Own;

    private protected override void ResetOwn() => MsixTable.Reset(ref State.Own);

    private protected UnmodelledMemory Unmodelled(int bar) => new(Name, $"BAR {bar}", Trace);
}

/// <summary>The host bridge function of QEMU's generic PCI Express host (1b36:0008).</summary>
public sealed class GenericHostBridge : StandInEndpoint
{
    /// <summary>Makes the function.</summary>
    public GenericHostBridge(DeviceContext context)
        : base(
            context,
            place =>
                Headers.Endpoint(
                    new PciIdentity(0x1B36, 0x0008, 0x060000, 0, QemuSubsystem.Vendor, QemuSubsystem.Device),
                    isExpress: false,
                    interruptPin: 0,
                    place.IsMultiFunction
                )
        ) => Reset();
}

/// <summary>
/// Intel 82574L Gigabit Ethernet (8086:10d3), as QEMU's <c>e1000e</c>: configuration space and what identifies it. <c>emulator,mac</c> is its address,
/// six bytes in two cells, which its serial number shows.
/// </summary>
public sealed class E1000e : StandInEndpoint
{
    private const uint MsixPending = 0x2000;
    private const int Vectors = 5;
    private const byte RomBlocks = 0x93;

    /// <summary>Makes the function.</summary>
    public E1000e(DeviceContext context)
        : base(context, place => Layout(context, place))
    {
        uint[] mac = Address(context);
        AddBar(0, PciBarKind.Memory32, 0x2_0000, new E1000eRegisters(mac[0], mac[1], Unmodelled(0)));
        AddBar(1, PciBarKind.Memory32, 0x2_0000, Unmodelled(1));
        AddBar(2, PciBarKind.Io, 0x20, Unmodelled(2));
        AddBar(3, PciBarKind.Memory32, 0x4000, new MsixTable(this, Vectors, 0, MsixPending, Unmodelled(3)));
        AddRom(0x4_0000, new OptionRom(0x8086, 0x10D3, 0x02_0000, RomBlocks));
        Reset();
    }

    private static ConfigurationLayout Layout(DeviceContext context, PciPlace place)
    {
        uint[] mac = Address(context);
        const int DeviceSpecificInitialization = 0x22;
        const int StateEnableAndSelect = 0x1F03;
        return Headers
            .Endpoint(
                new PciIdentity(0x8086, 0x10D3, 0x020000, 0, 0x8086, 0),
                isExpress: true,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .AddMsix(0xA0, Vectors, bar: 3, tableAt: 0, MsixPending)
            .AddExpress(0xE0, new ExpressCapability { Type = place.EndpointType, Version = 1 })
            .AddMsi(0xD0, vectors: 1, is64Bit: true, isMaskable: false)
            .AddPowerManagement(0xC8, DeviceSpecificInitialization, writable: StateEnableAndSelect)
            .AddErrorReporting(0x100, recordsSeveralHeaders: false)
            .AddSerialNumber(0x140, SerialNumber(mac[0], mac[1]));
    }

    /// <summary>The address in two cells; QEMU's first one where there is none.</summary>
    private static uint[] Address(DeviceContext context) =>
        context.Cells("emulator,mac") is [var high, var low] ? [high, low] : [0x5254, 0x0012_3456];

    /// <summary>EUI-64 of an EUI-48: FF FF in the middle.</summary>
    private static ulong SerialNumber(uint high, uint low) =>
        ((ulong)high << 48) | ((ulong)(low >> 24) << 40) | (0xFFFFUL << 24) | (low & 0xFF_FFFF);
}

/// <summary>Intel 82540EM Gigabit Ethernet (8086:100e), as QEMU's <c>e1000</c>: a conventional function without capabilities.</summary>
public sealed class E1000 : StandInEndpoint
{
    /// <summary>Makes the function.</summary>
    public E1000(DeviceContext context)
        : base(
            context,
            place =>
                Headers.Endpoint(
                    new PciIdentity(0x8086, 0x100E, 0x020000, 3, QemuSubsystem.Vendor, QemuSubsystem.Device),
                    isExpress: false,
                    interruptPin: 1,
                    place.IsMultiFunction
                )
        )
    {
        AddBar(0, PciBarKind.Memory32, 0x2_0000, Unmodelled(0));
        AddBar(1, PciBarKind.Io, 0x40, Unmodelled(1));
        AddRom(0x4_0000);
        Reset();
    }
}

/// <summary>QEMU's <c>pci-testdev</c> (1b36:0005): configuration space only.</summary>
public sealed class PciTestDevice : StandInEndpoint
{
    /// <summary>Makes the function.</summary>
    public PciTestDevice(DeviceContext context)
        : base(
            context,
            place =>
                Headers.Endpoint(
                    new PciIdentity(0x1B36, 0x0005, 0x00FF00, 0, QemuSubsystem.Vendor, QemuSubsystem.Device),
                    isExpress: false,
                    interruptPin: 0,
                    place.IsMultiFunction
                )
        )
    {
        AddBar(0, PciBarKind.Memory32, 0x1000, Unmodelled(0));
        AddBar(1, PciBarKind.Io, 0x100, Unmodelled(1));
        Reset();
    }
}
