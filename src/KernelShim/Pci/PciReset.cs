namespace Emulator.KernelShim;

/// <summary>
/// The ways to reset a function, by their names in <c>reset_method</c> (drivers/pci/pci.c, pci_reset_fn_methods).
/// </summary>
internal static class PciReset
{
    private const ushort InitiateFlr = 0x8000;
    private const int D3Hot = 3;

    /// <summary>The methods a function has, in the order in which they are tried (pci_init_reset_methods).</summary>
    public static IReadOnlyList<string> MethodsOf(PciDevice device)
    {
        List<string> methods = [];
        if (HasFunctionLevelReset(device))
        {
            methods.Add("flr");
        }

        if (HasAdvancedFeaturesReset(device))
        {
            methods.Add("af_flr");
        }

        if (HasPowerReset(device))
        {
            methods.Add("pm");
        }

        if (IsAloneOnBus(device))
        {
            methods.Add("bus");
        }

        return methods;
    }

    /// <summary>Resets a function; its header and BARs are saved and restored (pci_reset_function).</summary>
    public static bool TryReset(PciDevice device)
    {
        if (MethodsOf(device) is not [var method, ..])
        {
            return false;
        }

        uint[] saved = [.. Enumerable.Range(0, 16).Select(n => device.ReadDword(4 * n))];
        Reset(device, method);
        for (int n = 15; n >= 0; n--)
        {
            if (device.ReadDword(4 * n) != saved[n])
            {
                device.WriteDword(4 * n, saved[n]);
            }
        }

        return true;
    }

    /// <summary>Resets everything behind a bridge (pci_reset_secondary_bus).</summary>
    public static void ResetSecondaryBus(PciDevice bridge)
    {
        ushort control = bridge.ReadWord(PciRegisters.BridgeControl);
        bridge.WriteWord(PciRegisters.BridgeControl, (ushort)(control | PciRegisters.BridgeReset));
        bridge.WriteWord(PciRegisters.BridgeControl, (ushort)(control & ~PciRegisters.BridgeReset));
    }

    public static bool HasFunctionLevelReset(PciDevice device) =>
        device.IsExpress
        && (device.ReadDword(device.ExpressCapability + PciExpress.DeviceCapabilities) & PciExpress.FunctionLevelReset)
            != 0;

    private static void Reset(PciDevice device, string method)
    {
        switch (method)
        {
            case "flr":
                device.UpdateWord(device.ExpressCapability + PciExpress.DeviceControl, 0, InitiateFlr);
                break;
            case "af_flr":
                device.WriteByte(device.FindCapability(PciCapabilityId.AdvancedFeatures) + 4, 1);
                break;
            case "pm":
                int control = device.FindCapability(PciCapabilityId.PowerManagement) + 4;
                device.UpdateWord(control, 3, D3Hot);
                device.UpdateWord(control, 3, 0);
                break;
            default:
                ResetSecondaryBus(device.OnBus.Bridge!);
                break;
        }
    }

    private static bool HasAdvancedFeaturesReset(PciDevice device) =>
        device.FindCapability(PciCapabilityId.AdvancedFeatures) is var at and not 0
        && (device.ReadByte(at + 3) & 3) == 3;

    /// <summary>A function that forgets itself on the way from D3hot to D0 (pci_pm_reset).</summary>
    private static bool HasPowerReset(PciDevice device) =>
        device.FindCapability(PciCapabilityId.PowerManagement) is var at and not 0
        && (device.ReadWord(at + 4) & 8) == 0;

    /// <summary>pci_parent_bus_reset: nobody else may be behind the bridge, and nothing behind the function.</summary>
    private static bool IsAloneOnBus(PciDevice device) =>
        device.OnBus is { Bridge: not null, Devices.Count: 1 } && device.Subordinate is null;
}
