using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>Which of its interrupts a function has in use; one kind at a time (VFIO_PCI_*_IRQ_INDEX).</summary>
internal enum VfioPciInterruptKind
{
    Intx = 0,
    Msi = 1,
    MsiX = 2,

    /// <summary>None: VFIO_PCI_NUM_IRQS.</summary>
    None = 5,
}

/// <summary>
/// INTx, MSI and MSI-X of a function in the hands of programs (drivers/vfio/pci/vfio_pci_intrs.c): each interrupt adds 1 to an
/// eventfd; INTx is masked first and stays so until it is unmasked.
/// </summary>
[DebuggerDisplay("{Kind}, masked {_isMasked}")]
internal sealed partial class VfioPciInterrupts(VfioPciDevice owner)
{
    private const ushort InterruptPending = 0x8;

    private readonly List<EventFile?> _triggers = [];
    private IReadOnlyList<PciMessage> _messages = [];
    private VirqFd? _unmask;
    private bool _isMasked;
    private bool _isDisabledByUser;

    /// <summary>What is in use.</summary>
    public VfioPciInterruptKind Kind { get; private set; } = VfioPciInterruptKind.None;

    /// <summary>Whether MSI is in use.</summary>
    public bool IsMsi => Kind == VfioPciInterruptKind.Msi;

    /// <summary>
    /// Whether DisINTx masks the function's interrupt, so that the line can be shared; otherwise the line is disabled.
    /// </summary>
    public bool MasksAtDevice { get; set; }

    private Kernel Kernel => owner.Kernel;

    private PciDevice Device => owner.Function;

    /// <summary>Nothing is in use any more; the function is being closed.</summary>
    public void Close()
    {
        switch (Kind)
        {
            case VfioPciInterruptKind.Intx:
                DisableIntx();
                break;
            case VfioPciInterruptKind.Msi or VfioPciInterruptKind.MsiX:
                DisableMessages();
                break;
            default:
                break;
        }

        _isDisabledByUser = false;
    }

    /// <summary>The program has written DisINTx in its copy of the command register.</summary>
    public void FollowDisableBit(bool isDisabled)
    {
        if (isDisabled == _isDisabledByUser)
        {
            return;
        }

        _isDisabledByUser = isDisabled;
        if (isDisabled)
        {
            Mask();
        }
        else
        {
            Unmask();
        }
    }

    /// <summary>vfio_pci_intx_mask.</summary>
    public void Mask()
    {
        if (Kind != VfioPciInterruptKind.Intx)
        {
            SetDisableBit(isDisabled: true);
        }
        else if (!_isMasked)
        {
            MaskLine();
        }
    }

    /// <summary>vfio_pci_intx_unmask: what is pending is passed on at once, and stays masked.</summary>
    public void Unmask()
    {
        if (Kind != VfioPciInterruptKind.Intx)
        {
            SetDisableBit(isDisabled: false);
            return;
        }

        if (!_isMasked || _isDisabledByUser)
        {
            return;
        }

        if (!MasksAtDevice)
        {
            Kernel.Interrupts.Enable(Device.Interrupt);
            _isMasked = false;
        }
        else if (IsPending)
        {
            Send();
        }
        else
        {
            SetDisableBit(isDisabled: false);
            _isMasked = false;
        }
    }

    /// <summary>Unmasks whenever an eventfd is signalled; a negative descriptor ends that.</summary>
    public long SetUnmaskEvent(Process process, int descriptor)
    {
        if (descriptor >= 0)
        {
            return VirqFd.Enable(process, descriptor, ref _unmask, Unmask);
        }

        VirqFd.Disable(ref _unmask);
        return 0;
    }

    /// <summary>As if INTx had come (vfio_send_intx_eventfd).</summary>
    public void Send()
    {
        if (Kind == VfioPciInterruptKind.Intx && !_isDisabledByUser)
        {
            _triggers[0]?.Signal();
        }
    }

    /// <summary>vfio_intx_set_signal, and before the first time vfio_intx_enable.</summary>
    public long SetIntxTrigger(Process process, int descriptor)
    {
        EventFile? file = null;
        if (descriptor >= 0)
        {
            long error = VirqFd.FindEventFile(process, "eventfd_ctx_fdget", descriptor, out file);
            if (error != 0)
            {
                return error;
            }
        }

        if (Kind == VfioPciInterruptKind.Intx)
        {
            _triggers[0] = file;
            return 0;
        }

        return EnableIntx(process, file);
    }

    /// <summary>vfio_intx_disable.</summary>
    public void DisableIntx()
    {
        VirqFd.Disable(ref _unmask);
        Kernel.Interrupts.Free(Device.Interrupt, this);
        _triggers.Clear();
        Kind = VfioPciInterruptKind.None;
    }

    private bool IsPending => (Device.ReadWord(PciRegisters.Status) & InterruptPending) != 0;

    private long EnableIntx(Process process, EventFile? file)
    {
        const string Function = "vfio_intx_enable";
        if (Device.Interrupt == 0)
        {
            return process.Refuse(Errno.ENODEV, Function, $"{Device.Name} has no interrupt line");
        }

        _triggers.Add(file);
        _isMasked = _isDisabledByUser;
        SetDisableBit(_isMasked);
        Kind = VfioPciInterruptKind.Intx;
        string name = $"vfio-intx({Device.Name})";
        long error = Kernel.Interrupts.Request(Device.Interrupt, name, HandleIntx, this, isShared: MasksAtDevice);
        if (error != 0)
        {
            _triggers.Clear();
            Kind = VfioPciInterruptKind.None;
            return process.Refuse((Errno)(-error), "request_irq", $"interrupt {Device.Interrupt} is taken");
        }

        if (_isMasked && !MasksAtDevice)
        {
            Kernel.Interrupts.Disable(Device.Interrupt);
        }

        return 0;
    }

    /// <summary>vfio_intx_handler.</summary>
    private bool HandleIntx()
    {
        bool isOurs = !MasksAtDevice || (!_isMasked && IsPending);
        if (isOurs)
        {
            MaskLine();
            Send();
        }

        return isOurs;
    }

    private void MaskLine()
    {
        if (MasksAtDevice)
        {
            SetDisableBit(isDisabled: true);
        }
        else
        {
            Kernel.Interrupts.Disable(Device.Interrupt);
        }

        _isMasked = true;
    }

    /// <summary>pci_intx, where the function has the bit.</summary>
    private void SetDisableBit(bool isDisabled)
    {
        if (MasksAtDevice)
        {
            const ushort bit = PciRegisters.CommandInterruptDisable;
            Device.UpdateWord(PciRegisters.Command, isDisabled ? (ushort)0 : bit, isDisabled ? bit : (ushort)0);
        }
    }
}
