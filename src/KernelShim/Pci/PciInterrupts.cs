using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>INTx of functions (drivers/pci/setup-irq.c, drivers/pci/of.c).</summary>
internal static class PciInterrupts
{
    /// <summary>
    /// pci_assign_irq: the pin is carried through the bridges to the host bridge and through its interrupt-map to the
    /// controller; the number goes to the function's interrupt line register. Where firmware described the interrupts nothing
    /// is written.
    /// </summary>
    public static void Assign(PciCore core, PciDevice device)
    {
        if (device.OnBus.Host.Device?.Node is not { } node)
        {
            return;
        }

        int pin = device.ReadByte(PciRegisters.InterruptPin);
        int number = pin is >= 1 and <= 4 ? Map(core, device, node, pin) ?? 0 : 0;
        device.Interrupt = number;
        device.WriteByte(PciRegisters.InterruptLine, (byte)number);
    }

    private static int? Map(PciCore core, PciDevice device, DeviceTreeNode node, int pin)
    {
        PciDevice at = device;
        while (at.OnBus.Bridge is { } bridge)
        {
            pin = InterruptBindings.SwizzlePciPin(pin, at.OnBus.IsRoot ? 0 : at.Slot);
            at = bridge;
        }

        try
        {
            InterruptSpecifier specifier = core.Kernel.Tree.ResolveInterrupt(
                node,
                [PciAddress.ConfigurationHigh(at.RequesterId), 0, 0],
                [(uint)pin]
            );
            return core.Kernel.Interrupts?.Map(specifier);
        }
        catch (DeviceTreeException wrong)
        {
            core.Warn(device, "of_irq_parse_pci: " + wrong.Message);
            return null;
        }
    }
}
