namespace Emulator.KernelShim;

/// <summary>
/// The power state of a function in the hands of vfio-pci (vfio_pci_set_power_state of drivers/vfio/pci/vfio_pci_core.c over
/// pci_set_power_state, and the runtime power management of drivers/pci/pci-driver.c): what nobody uses is in D3hot, unless
/// disable_idle_d3 keeps it awake.
/// </summary>
internal sealed class VfioPciPower(PciCore core, PciDevice device) : IPciRuntimePower
{
    public const int D0 = 0;
    public const int D3Hot = 3;

    private const int D3Cold = 4;
    private const ushort NoAnswer = 0xFFFF;
    private const ushort NoSoftReset = 8;
    private const ushort SupportsD1 = 0x200;
    private const ushort SupportsD2 = 0x400;

    private static readonly string[] Names = ["D0", "D1", "D2", "D3hot", "D3cold"];

    private readonly int _capability = device.FindCapability(PciCapabilityId.PowerManagement);
    private PciSavedState? _saved;
    private PciSavedState? _idle;
    private bool _idles;
    private int _users;

    /// <summary>What the kernel believes: 0 for D0 to 3 for D3hot, 4 when the function did not answer.</summary>
    public int State { get; private set; }

    /// <summary>The driver has the function: from now on it sleeps while nobody uses it.</summary>
    public void StartIdling(bool mayIdle)
    {
        _idles = mayIdle;
        device.RuntimePower = this;
        _users = 1;
        Suspend();
    }

    /// <summary>The driver gives it up, awake.</summary>
    public void StopIdling()
    {
        Resume();
        device.RuntimePower = null;
    }

    /// <inheritdoc/>
    public void Resume()
    {
        if (_users++ == 0 && _idle is { } idle)
        {
            _idle = null;
            TrySet(D0);
            idle.Restore();
        }
    }

    /// <inheritdoc/>
    public void Suspend()
    {
        if (--_users == 0 && _idles && _capability != 0 && State < D3Hot)
        {
            _idle = PciSavedState.Save(core, device);
            Write(D3Hot);
        }
    }

    /// <summary>
    /// Changes the state where it can be changed so. A function that forgets its registers on the way back from D3hot has them
    /// restored.
    /// </summary>
    public bool TrySet(int state)
    {
        if (state == State || _capability == 0)
        {
            return state == State;
        }

        ushort control = device.ReadWord(_capability + ConfigTables.PowerControl);
        if (control == NoAnswer)
        {
            core.Error(
                device,
                $"Unable to change power state from {Names[State]} to {Names[state]}, device inaccessible"
            );
            State = D3Cold;
            return false;
        }

        bool hasVirtual = device.Sriov is { Functions.Count: > 0 };
        if ((state > D0 && hasVirtual) || !CanChange(state))
        {
            return false;
        }

        bool forgets = (control & NoSoftReset) == 0;
        if (forgets && state == D3Hot)
        {
            _saved = PciSavedState.Save(core, device);
        }

        int before = State;
        Write(state);
        if (forgets && before == D3Hot && state == D0)
        {
            _saved?.Restore();
            _saved = null;
        }

        return true;
    }

    private void Write(int state)
    {
        device.UpdateWord(_capability + ConfigTables.PowerControl, ConfigTables.PowerStateBits, (ushort)state);
        State = state;
    }

    /// <summary>pci_set_low_power_state: downwards only, and only to what the function has.</summary>
    private bool CanChange(int state)
    {
        ushort capabilities = device.ReadWord(_capability + ConfigTables.PowerCapabilities);
        return state switch
        {
            D0 => true,
            _ when state < State => false,
            1 => (capabilities & SupportsD1) != 0,
            2 => (capabilities & SupportsD2) != 0,
            _ => true,
        };
    }
}
