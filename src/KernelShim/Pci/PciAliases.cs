namespace Emulator.KernelShim;

/// <summary>Why a function's transactions carry a requester ID.</summary>
public enum AliasCause
{
    /// <summary>It is the function's own.</summary>
    Own,

    /// <summary>The device is known to use another function's number (dma_alias_mask).</summary>
    Quirk,

    /// <summary>A bridge to conventional PCI takes ownership with its secondary bus and device 0.</summary>
    BridgeSecondary,

    /// <summary>A bridge on a conventional bus sends under its own address.</summary>
    BridgeItself,
}

/// <summary>A requester ID under which a function's transactions can arrive.</summary>
/// <param name="Device">The function whose ID it is: the function itself or a bridge above.</param>
/// <param name="RequesterId">Bus in bits 15:8, device and function in 7:0.</param>
/// <param name="Cause">Why.</param>
public readonly record struct DmaAlias(PciDevice Device, ushort RequesterId, AliasCause Cause);

/// <summary>The requester IDs of functions (pci_for_each_dma_alias of drivers/pci/search.c).</summary>
public static class PciAliases
{
    /// <summary>All IDs of a function, its own first, then up towards the root.</summary>
    public static IEnumerable<DmaAlias> Of(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        yield return new DmaAlias(device, device.RequesterId, AliasCause.Own);
        foreach (int devfn in device.AliasFunctions ?? [])
        {
            yield return new DmaAlias(device, (ushort)(device.OnBus.Number << 8 | devfn), AliasCause.Quirk);
        }

        for (PciBus bus = device.OnBus; bus.Parent is { } parent; bus = parent)
        {
            if (bus.Bridge is not { } bridge)
            {
                continue;
            }

            switch (bridge)
            {
                case { IsExpress: true, ExpressType: PciExpressType.PciBridge }:
                case { IsExpress: false, AliasesAsPcieBridge: true }:
                    yield return new DmaAlias(bridge, (ushort)(bus.Number << 8), AliasCause.BridgeSecondary);
                    break;
                case { IsExpress: true, ExpressType: PciExpressType.PcieBridge }:
                case { IsExpress: false }:
                    yield return new DmaAlias(bridge, bridge.RequesterId, AliasCause.BridgeItself);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Whether one function uses the other's ID on their common bus (pci_devs_are_dma_aliases).</summary>
    internal static bool Share(PciDevice one, PciDevice other) =>
        one.AliasFunctions?.Contains(other.Devfn) == true || other.AliasFunctions?.Contains(one.Devfn) == true;
}
