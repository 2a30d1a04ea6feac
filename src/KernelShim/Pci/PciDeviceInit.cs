namespace Emulator.KernelShim;

/// <summary>
/// What the core switches on and off in a function that it has found (pci_configure_device and pci_init_capabilities of
/// drivers/pci/probe.c).
/// </summary>
internal sealed class PciDeviceInit(PciCore core)
{
    private const ushort MsiEnable = 0x1;
    private const ushort MsiXEnable = 0x8000;
    private const ushort PmeStatus = 0x8000;
    private const ushort PmeEnable = 0x100;

    /// <summary>PCI_EXP_AER_FLAGS: correctable, non-fatal, fatal errors and unsupported requests.</summary>
    private const ushort ErrorReports = 0xF;

    public void Initialize(PciDevice device)
    {
        ForwardSystemErrors(device);
        PciQuirks.ApplyHeader(device);
        DisableMessages(device);
        InitializePowerManagement(device);
        ConfigureAri(device);
        device.Sriov = PciSriov.Find(core, device);
        device.AcsCapability = device.FindExtendedCapability(PciExtendedCapabilityId.AccessControl);
        PciAcs.Enable(core, device);
        InitializeErrorReporting(device);
        device.ResetMethods = PciReset.MethodsOf(device);
    }

    /// <summary>pci_configure_serr: error messages pass a bridge only with SERR# forwarding.</summary>
    private static void ForwardSystemErrors(PciDevice device)
    {
        if (device.HeaderType == 1)
        {
            device.UpdateWord(PciRegisters.BridgeControl, 0, PciRegisters.BridgeSerr);
        }
    }

    /// <summary>pci_msi_init and pci_msix_init: nobody has asked for messages yet.</summary>
    private static void DisableMessages(PciDevice device)
    {
        device.MsiCapability = device.FindCapability(PciCapabilityId.Msi);
        device.MsiXCapability = device.FindCapability(PciCapabilityId.MsiX);
        if (device.MsiCapability is var msi and not 0)
        {
            device.UpdateWord(msi + 2, MsiEnable, 0);
        }

        if (device.MsiXCapability is var msix and not 0)
        {
            device.UpdateWord(msix + 2, MsiXEnable, 0);
        }
    }

    /// <summary>pci_pm_init.</summary>
    private void InitializePowerManagement(PciDevice device)
    {
        if (device.FindCapability(PciCapabilityId.PowerManagement) is not (var at and not 0))
        {
            return;
        }

        ushort capabilities = device.ReadWord(at + 2);
        if ((capabilities & 7) > 3)
        {
            core.Warn(device, $"unsupported PM cap regs version ({capabilities & 7})");
            return;
        }

        string states = ((capabilities & 0x200) != 0 ? " D1" : "") + ((capabilities & 0x400) != 0 ? " D2" : "");
        if (states.Length > 0)
        {
            core.Info(device, "supports" + states);
        }

        if ((capabilities & 0xF800) == 0)
        {
            return;
        }

        string[] names = ["D0", "D1", "D2", "D3hot", "D3cold"];
        core.Info(
            device,
            "PME# supported from"
                + string.Concat(names.Select((name, n) => (capabilities >> (11 + n) & 1) != 0 ? " " + name : ""))
        );
        ushort control = device.ReadWord(at + 4);
        device.WriteWord(at + 4, (ushort)((control | PmeStatus) & ~PmeEnable));
    }

    /// <summary>pci_configure_ari: a port forwards to functions beyond 7 when function 0 below says there are some.</summary>
    private static void ConfigureAri(PciDevice device)
    {
        if (!device.IsExpress || device.Devfn != 0 || device.OnBus.Bridge is not { IsExpress: true } bridge)
        {
            return;
        }

        int capabilities = bridge.ExpressCapability + PciExpress.DeviceCapabilities2;
        if ((bridge.ReadDword(capabilities) & PciExpress.AriForwarding) == 0)
        {
            return;
        }

        int control = bridge.ExpressCapability + PciExpress.DeviceControl2;
        bridge.AriEnabled = device.FindExtendedCapability(PciExtendedCapabilityId.AlternativeRouting) != 0;
        bridge.UpdateWord(
            control,
            bridge.AriEnabled ? (ushort)0 : PciExpress.AriForwarding,
            bridge.AriEnabled ? PciExpress.AriForwarding : (ushort)0
        );
    }

    /// <summary>pci_aer_init: what happened before is forgotten, and errors are reported from now on.</summary>
    private static void InitializeErrorReporting(PciDevice device)
    {
        device.AerCapability = device.FindExtendedCapability(PciExtendedCapabilityId.AdvancedErrors);
        if (device.AerCapability == 0)
        {
            return;
        }

        int status = device.ExpressCapability + PciExpress.DeviceControl + 2;
        if (device.IsExpress)
        {
            device.WriteWord(status, device.ReadWord(status));
            device.UpdateWord(device.ExpressCapability + PciExpress.DeviceControl, 0, ErrorReports);
        }

        if (device is { IsExpress: true, ExpressType: PciExpressType.RootPort or PciExpressType.EventCollector })
        {
            WriteBack(device, device.AerCapability + 0x30);
        }

        WriteBack(device, device.AerCapability + 0x10);
        WriteBack(device, device.AerCapability + 0x04);
    }

    private static void WriteBack(PciDevice device, int register) =>
        device.WriteDword(register, device.ReadDword(register));
}
