namespace Emulator.Peripherals;

/// <content>Who on the bus answers a memory or I/O address.</content>
public sealed partial class PciBus
{
    /// <summary>
    /// Carries a request down from this bus: to the base address register that holds the address, through each bridge whose
    /// window does. Where several claim it the lowest function number wins.
    /// </summary>
    internal PciRoute RouteDown(bool isIo, ulong address)
    {
        PciBus bus = this;
        while (true)
        {
            if (bus.IsInReset)
            {
                return PciRoute.Unsupported(bus.Bridge);
            }

            if (!bus.TryClaim(isIo, address, null, out PciFunction? function, out BaseAddress? bar))
            {
                return PciRoute.Unsupported(bus.Bridge);
            }

            if (bar is not null)
            {
                return PciRoute.To(function!, bar, address);
            }

            bus = function!.Secondary!;
        }
    }

    /// <summary>Finds the function that claims an address, and by which register; by a window where that is null.</summary>
    internal bool TryClaim(
        bool isIo,
        ulong address,
        PciFunction? except,
        out PciFunction? claimant,
        out BaseAddress? bar
    )
    {
        PciCommand enable = isIo ? PciCommand.IoSpace : PciCommand.MemorySpace;
        foreach (PciFunction function in _functions)
        {
            if (function == except || !function.IsPresent || !function.IsPoweredUp)
            {
                continue;
            }

            bar = function.Has(enable) ? function.FindBar(isIo, address) : null;
            bar ??= function.Model.FindVirtualBar(isIo, address);
            if (bar is not null || (function.Has(enable) && function.Forwards(isIo, address)))
            {
                claimant = function;
                return true;
            }
        }

        claimant = null;
        bar = null;
        return false;
    }
}
