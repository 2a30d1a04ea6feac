namespace Emulator.KernelShim;

/// <summary>
/// INTx of a function: it adds 1 to an eventfd and masks itself by the command register until the program unmasks it
/// (vfio_intx_handler of drivers/vfio/pci/vfio_pci_intrs.c).
/// </summary>
internal sealed class VfioPciIntx(Kernel kernel, PciDevice device)
{
    private const ushort Pending = 0x8;

    private EventFile? _trigger;
    private EventFile? _unmask;
    private bool _isMasked;
    private bool _isRequested;

    /// <summary>vfio_intx_enable.</summary>
    public void Enable() =>
        _isMasked = (device.ReadWord(PciRegisters.Command) & PciRegisters.CommandInterruptDisable) != 0;

    /// <summary>vfio_intx_disable.</summary>
    public void Disable()
    {
        StopWatching();
        Release();
        _trigger = null;
        _isMasked = false;
    }

    /// <summary>vfio_intx_set_signal: the eventfd before is forgotten first; a negative descriptor leaves none.</summary>
    public long SetTrigger(Process process, int descriptor)
    {
        const string function = "vfio_intx_set_signal";
        Release();
        _trigger = null;
        if (descriptor < 0)
        {
            return 0;
        }

        long error = VfioPciInterrupts.FindEventFile(process, function, descriptor, out EventFile? file);
        if (error != 0)
        {
            return error;
        }

        error = kernel.Interrupts.Request(
            device.Interrupt,
            $"vfio-intx({device.Name})",
            Handle,
            this,
            isShared: true
        );
        if (error != 0)
        {
            return process.Refuse((Errno)(-error), "request_irq", $"interrupt {device.Interrupt} is taken");
        }

        _trigger = file;
        _isRequested = true;
        return 0;
    }

    /// <summary>vfio_pci_intx_mask.</summary>
    public void Mask()
    {
        _isMasked = true;
        SetDisabled(isDisabled: true);
    }

    /// <summary>vfio_pci_intx_unmask_handler: an interrupt that is still asserted is told of again, and stays masked.</summary>
    public void Unmask()
    {
        if (!_isMasked)
        {
            return;
        }

        if ((device.ReadWord(PciRegisters.Status) & Pending) != 0)
        {
            Signal();
            return;
        }

        _isMasked = false;
        SetDisabled(isDisabled: false);
    }

    /// <summary>Tells the program as if the interrupt had come.</summary>
    public void Signal() => _trigger?.Signal();

    /// <summary>Unmasks whenever an eventfd is signalled; a negative descriptor ends that.</summary>
    public long SetUnmaskWatch(Process process, int descriptor)
    {
        const string function = "vfio_virqfd_enable";
        if (descriptor < 0)
        {
            StopWatching();
            return 0;
        }

        long error = VfioPciInterrupts.FindEventFile(process, function, descriptor, out EventFile? file);
        if (error != 0)
        {
            return error;
        }

        if (_unmask is { References: > 0 })
        {
            return process.Refuse(Errno.EBUSY, function, "an eventfd is registered for this already");
        }

        StopWatching();
        _unmask = file;
        file!.Signalled += Unmask;
        return 0;
    }

    private bool Handle()
    {
        if (_isMasked || (device.ReadWord(PciRegisters.Status) & Pending) == 0)
        {
            return false;
        }

        Mask();
        Signal();
        return true;
    }

    private void SetDisabled(bool isDisabled) =>
        device.UpdateWord(
            PciRegisters.Command,
            isDisabled ? (ushort)0 : PciRegisters.CommandInterruptDisable,
            isDisabled ? PciRegisters.CommandInterruptDisable : (ushort)0
        );

    private void StopWatching()
    {
        if (_unmask is { } file)
        {
            file.Signalled -= Unmask;
            _unmask = null;
        }
    }

    private void Release()
    {
        if (_isRequested)
        {
            _isRequested = false;
            kernel.Interrupts.Free(device.Interrupt, this);
        }
    }
}
