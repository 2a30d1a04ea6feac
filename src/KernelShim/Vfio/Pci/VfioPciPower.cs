namespace Emulator.KernelShim;

/// <summary>
/// The power state of a function in the hands of programs (vfio_pci_set_power_state of drivers/vfio/pci/vfio_pci_core.c, over
/// pci_set_power_state).
/// </summary>
internal sealed class VfioPciPower(PciCore core, PciDevice device)
{
    public const int D0 = 0;
    public const int D3Hot = 3;

    private const ushort NoSoftReset = 8;
    private const ushort SupportsD1 = 0x200;
    private const ushort SupportsD2 = 0x400;

    private PciSavedState? _saved;

    /// <summary>PCI_D0 to PCI_D3hot, as the function's register says; D0 without the capability.</summary>
    public int State =>
        Capability is var at and not 0
            ? device.ReadWord(at + ConfigTables.PowerControl) & ConfigTables.PowerStateBits
            : D0;

    private int Capability => device.FindCapability(PciCapabilityId.PowerManagement);

    /// <summary>
    /// Changes the state where it can be changed so. A function that forgets its registers on the way back from D3hot has them
    /// restored.
    /// </summary>
    public bool TrySet(int state)
    {
        int at = Capability;
        int present = State;
        if (state > D0 && device.Sriov is { Functions.Count: > 0 })
        {
            return false;
        }

        bool forgets = at != 0 && (device.ReadWord(at + ConfigTables.PowerControl) & NoSoftReset) == 0;
        if (state == present || !CanChange(present, state))
        {
            return state == present;
        }

        PciSavedState? before = forgets && state == D3Hot ? PciSavedState.Save(core, device) : null;
        device.UpdateWord(at + ConfigTables.PowerControl, ConfigTables.PowerStateBits, (ushort)state);
        if (before is not null)
        {
            _saved = before;
        }
        else if (forgets && present == D3Hot && state == D0)
        {
            _saved?.Restore();
            _saved = null;
        }

        return State == state;
    }

    /// <summary>pci_set_low_power_state: downwards only, and only to what the function has.</summary>
    private bool CanChange(int present, int state)
    {
        int at = Capability;
        if (at == 0 || (state != D0 && state < present))
        {
            return false;
        }

        ushort capabilities = device.ReadWord(at + ConfigTables.PowerCapabilities);
        return state switch
        {
            1 => (capabilities & SupportsD1) != 0,
            2 => (capabilities & SupportsD2) != 0,
            _ => true,
        };
    }
}
