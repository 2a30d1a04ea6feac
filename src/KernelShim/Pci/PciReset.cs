using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// The ways to reset a function, by their names in <c>reset_method</c> (drivers/pci/pci.c, pci_reset_fn_methods).
/// </summary>
internal static class PciReset
{
    private const ushort InitiateFlr = 0x8000;
    private const ushort TransactionsPending = 0x20;
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

        if (IsAloneOnBus(device) || HasSlotToItself(device))
        {
            methods.Add("bus");
        }

        return methods;
    }

    /// <summary>Resets a function; its configuration space is saved and restored (pci_reset_function).</summary>
    public static bool TryReset(PciCore core, PciDevice device)
    {
        if (device.ResetMethods.Count == 0)
        {
            return false;
        }

        PciSavedState saved = Prepare(core, device);
        bool isReset = TryResetLocked(core, device);
        saved.Restore();
        return isReset;
    }

    /// <summary>pci_dev_save_and_disable: the state is kept, and decoding, mastering and INTx end.</summary>
    public static PciSavedState Prepare(PciCore core, PciDevice device)
    {
        PciSavedState saved = PciSavedState.Save(core, device);
        device.WriteWord(PciRegisters.Command, PciRegisters.CommandInterruptDisable);
        return saved;
    }

    /// <summary>__pci_reset_function_locked: nothing is saved.</summary>
    public static bool TryResetLocked(PciCore core, PciDevice device) =>
        device.ResetMethods.Any(method => TryReset(core, device, method));

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

    private static bool TryReset(PciCore core, PciDevice device, string method)
    {
        switch (method)
        {
            case "flr":
                int express = device.ExpressCapability;
                if ((device.ReadWord(express + PciExpress.DeviceControl + 2) & TransactionsPending) != 0)
                {
                    core.Error(
                        device,
                        "timed out waiting for pending transaction; performing function level reset anyway"
                    );
                }

                device.UpdateWord(express + PciExpress.DeviceControl, 0, InitiateFlr);
                return Await(core, device, "FLR");
            case "af_flr":
                device.WriteByte(device.FindCapability(PciCapabilityId.AdvancedFeatures) + 4, 1);
                return Await(core, device, "AF_FLR");
            case "pm":
                int control = device.FindCapability(PciCapabilityId.PowerManagement) + 4;
                device.UpdateWord(control, 3, D3Hot);
                device.UpdateWord(control, 3, 0);
                return Await(core, device, "PM D3hot->D0");
            default:
                if (!IsAloneOnBus(device) && !HasSlotToItself(device))
                {
                    return false;
                }

                ResetSecondaryBus(device.OnBus.Bridge!);
                return true;
        }
    }

    /// <summary>
    /// pci_dev_wait: a function that does not answer is asked again and again, each time after twice the time; here the answer
    /// is the same each time, so the time is only told.
    /// </summary>
    private static bool Await(PciCore core, PciDevice device, string what)
    {
        const int longest = 60_000;
        const int told = 1_000;
        if (device.ReadDword(PciRegisters.Command) != uint.MaxValue)
        {
            return true;
        }

        int delay = 1;
        for (; delay <= longest; delay *= 2)
        {
            if (delay > told)
            {
                core.Info(device, Text($"not ready {delay - 1}ms after {what}; waiting"));
            }
        }

        core.Warn(device, Text($"not ready {delay - 1}ms after {what}; giving up"));
        return false;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static bool HasAdvancedFeaturesReset(PciDevice device) =>
        device.FindCapability(PciCapabilityId.AdvancedFeatures) is var at and not 0
        && (device.ReadByte(at + 3) & 3) == 3;

    /// <summary>A function that forgets itself on the way from D3hot to D0 (pci_pm_reset).</summary>
    private static bool HasPowerReset(PciDevice device) =>
        device.FindCapability(PciCapabilityId.PowerManagement) is var at and not 0
        && (device.ReadWord(at + 4) & 8) == 0;

    /// <summary>pci_parent_bus_reset: nobody else may be behind the bridge, and nothing behind the function.</summary>
    private static bool IsAloneOnBus(PciDevice device) =>
        device.OnBus.Bridge is not null
        && device.Subordinate is null
        && device.OnBus.Devices.All(other => ReferenceEquals(other, device));

    /// <summary>
    /// pci_dev_reset_slot_function: a slot that takes cards while the system runs can be reset for a function that is not one of
    /// several. Virtual functions count as such, and their reset takes the physical one with them.
    /// </summary>
    private static bool HasSlotToItself(PciDevice device) =>
        device is { OnBus.Bridge.IsHotplugBridge: true, IsMultifunction: false, Subordinate: null };
}
