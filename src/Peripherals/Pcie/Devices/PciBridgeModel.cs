using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>A function with a bus behind it: a port or a conventional bridge.</summary>
/// <typeparam name="TOwn">What the function remembers besides its configuration space.</typeparam>
public abstract class PciBridgeModel<TOwn> : PciModel<TOwn>, IPciBusOwner
    where TOwn : unmanaged
{
    private const int SecondaryBusReset = 1 << 6;

    private protected PciBridgeModel(
        DeviceContext context,
        bool isSecondaryExpress,
        Func<PciPlace, ConfigurationLayout> layout
    )
        : base(context, layout) => Function.Secondary = new PciBus(Function.Bus.Fabric, Function, isSecondaryExpress);

    /// <summary>Plugs in what stands below the node, and resets: the last thing that a constructor does.</summary>
    private protected void PlugIn(DeviceContext context)
    {
        context.CreateParts(this);
        Reset();
    }

    PciBus IPciBusOwner.OwnedBus => Function.Secondary!;

    private protected override void ConfigurationWritten(int offset, int sizeBytes)
    {
        bool resets =
            Covers(offset, sizeBytes, PciRegister.BridgeControl, out _)
            && (Function.Configuration.Get16(PciRegister.BridgeControl) & SecondaryBusReset) != 0;
        if (resets)
        {
            HotReset(Function.Secondary!);
        }
    }

    /// <summary>Everything below loses its configuration (PCI Express Base 6.6.1).</summary>
    private static void HotReset(PciBus bus)
    {
        foreach (PciFunction function in bus.Functions)
        {
            if (function.Secondary is { } below)
            {
                HotReset(below);
            }

            function.Model.ResetFunction();
        }
    }
}
