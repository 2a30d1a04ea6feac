namespace Emulator.KernelShim;

/// <summary>
/// What the kernel keeps of a function's configuration space over a reset (pci_save_state and pci_restore_state of
/// drivers/pci/pci.c): the header, the control words of PCI Express, and the messages that are set up.
/// </summary>
internal sealed class PciSavedState
{
    private const int HeaderDwords = 16;
    private const int FirstAddress = 4;
    private const int LastAddress = 9;

    /// <summary>PCI_EXP_DEVCTL, LNKCTL, SLTCTL, RTCTL, DEVCTL2, LNKCTL2, SLTCTL2.</summary>
    private static readonly int[] Controls = [0x08, 0x10, 0x18, 0x1C, 0x28, 0x30, 0x38];

    private readonly PciCore _core;
    private readonly PciDevice _device;
    private readonly uint[] _header = new uint[HeaderDwords];
    private readonly List<(int Offset, ushort Value)> _controls = [];

    private PciSavedState(PciCore core, PciDevice device)
    {
        _core = core;
        _device = device;
        for (int n = 0; n < HeaderDwords; n++)
        {
            _header[n] = device.ReadDword(4 * n);
        }

        foreach (int control in device.IsExpress ? ControlsOf(device) : [])
        {
            int offset = device.ExpressCapability + control;
            _controls.Add((offset, device.ReadWord(offset)));
        }
    }

    /// <summary>pci_save_state.</summary>
    public static PciSavedState Save(PciCore core, PciDevice device) => new(core, device);

    /// <summary>pci_restore_state: the upper registers first, the command register with the last.</summary>
    public void Restore()
    {
        foreach ((int offset, ushort value) in _controls)
        {
            WriteIfChanged(offset, value);
        }

        RestoreHeader(LastAddress + 1, HeaderDwords - 1);
        RestoreHeader(FirstAddress, LastAddress);
        RestoreHeader(0, FirstAddress - 1);
        _core.Messages.Restore(_device);
    }

    private static IEnumerable<int> ControlsOf(PciDevice device)
    {
        bool isSecond = (device.ReadWord(device.ExpressCapability + PciExpress.Flags) & 0xF) > 1;
        bool isIntegrated = device.ExpressType == PciExpressType.RootComplexEndpoint;
        bool hasSlot = (device.ReadWord(device.ExpressCapability + PciExpress.Flags) & PciExpress.FlagsSlot) != 0;
        foreach (int control in Controls)
        {
            bool exists = control switch
            {
                0x10 or 0x30 => !isIntegrated,
                0x18 or 0x38 => hasSlot,
                0x1C => device.ExpressType == PciExpressType.RootPort,
                _ => true,
            };
            if (exists && (isSecond || control <= 0x1C))
            {
                yield return control;
            }
        }
    }

    private void WriteIfChanged(int offset, ushort value)
    {
        if (_device.ReadWord(offset) != value)
        {
            _device.WriteWord(offset, value);
        }
    }

    private void RestoreHeader(int first, int last)
    {
        for (int n = last; n >= first; n--)
        {
            if (_device.ReadDword(4 * n) != _header[n])
            {
                _device.WriteDword(4 * n, _header[n]);
            }
        }
    }
}
