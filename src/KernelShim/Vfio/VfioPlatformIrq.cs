using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// An interrupt of a device in the hands of programs (drivers/vfio/platform/vfio_platform_irq.c): it adds 1 to an eventfd; a
/// level interrupt is disabled first and stays so until it is unmasked.
/// </summary>
[DebuggerDisplay("irq {Number}, masked {_isMasked}")]
internal sealed class VfioPlatformIrq(Kernel kernel, string deviceName, int number)
{
    private const uint LevelFlags = VfioFlags.IrqEventFd | VfioFlags.IrqMaskable | VfioFlags.IrqAutoMasked;

    private EventFile? _trigger;
    private VirqFd? _maskWatch;
    private VirqFd? _unmaskWatch;
    private bool _isRequested;
    private bool _isMasked;
    private long _requestError;

    /// <summary>The Linux number.</summary>
    public int Number { get; } = number;

    /// <summary>VFIO_IRQ_INFO_*: seven for a level interrupt, one for an edge.</summary>
    public uint Flags => IsLevel ? LevelFlags : VfioFlags.IrqEventFd;

    /// <summary>Whether it can be masked.</summary>
    public bool IsMaskable => IsLevel;

    private bool IsLevel =>
        kernel.Interrupts.Descriptors.FirstOrDefault(descriptor => descriptor.Number == Number) is { IsLevel: true };

    private bool RequestsAtOpen => kernel.Profile.VfioPlatformRequestsInterruptsAtOpen;

    /// <summary>vfio_platform_irq_init.</summary>
    public void Open()
    {
        _isMasked = false;
        if (RequestsAtOpen)
        {
            _requestError = Request();
            if (_requestError == 0)
            {
                kernel.Interrupts.Disable(Number);
            }
        }
    }

    /// <summary>vfio_platform_irq_cleanup.</summary>
    public void Close()
    {
        VirqFd.Disable(ref _maskWatch);
        VirqFd.Disable(ref _unmaskWatch);
        _trigger = null;
        Release();
    }

    /// <summary>
    /// vfio_set_trigger: the eventfd before is forgotten first, even if the new descriptor is refused.
    /// </summary>
    /// <param name="process">Who asks.</param>
    /// <param name="descriptor">An eventfd; negative for none.</param>
    public long SetTrigger(Process process, int descriptor)
    {
        const string Function = "vfio_set_trigger";
        if (RequestsAtOpen && _requestError != 0)
        {
            return process.Refuse((Errno)(-_requestError), Function, "the interrupt could not be requested at open");
        }

        if (_trigger is not null)
        {
            _trigger = null;
            if (RequestsAtOpen)
            {
                kernel.Interrupts.Disable(Number);
            }
            else
            {
                Release();
            }
        }

        if (descriptor < 0)
        {
            return 0;
        }

        long error = VirqFd.FindEventFile(process, Function, descriptor, out EventFile? file);
        if (error != 0)
        {
            return error;
        }

        if (RequestsAtOpen)
        {
            _trigger = file;
            kernel.Interrupts.Enable(Number);
            return 0;
        }

        error = Request();
        if (error != 0)
        {
            return process.Refuse((Errno)(-error), "request_irq", $"interrupt {Number} is taken");
        }

        _trigger = file;
        return 0;
    }

    /// <summary>The interrupt came, or a program asks that it be as if.</summary>
    public bool Fire()
    {
        if (IsLevel)
        {
            if (_isMasked)
            {
                return false;
            }

            Mask();
        }

        _trigger?.Signal();
        return true;
    }

    /// <summary>vfio_platform_mask.</summary>
    public void Mask()
    {
        if (!_isMasked)
        {
            _isMasked = true;
            if (_isRequested)
            {
                kernel.Interrupts.Disable(Number);
            }
        }
    }

    /// <summary>vfio_platform_unmask: an interrupt that is still asserted comes at once.</summary>
    public void Unmask()
    {
        if (_isMasked)
        {
            _isMasked = false;
            if (_isRequested)
            {
                kernel.Interrupts.Enable(Number);
            }
        }
    }

    /// <summary>Masks whenever an eventfd is signalled; a negative descriptor ends that.</summary>
    public long SetMaskWatch(Process process, int descriptor) => SetWatch(process, descriptor, ref _maskWatch, Mask);

    /// <summary>Unmasks whenever an eventfd is signalled; a negative descriptor ends that.</summary>
    public long SetUnmaskWatch(Process process, int descriptor) =>
        SetWatch(process, descriptor, ref _unmaskWatch, Unmask);

    private static long SetWatch(Process process, int descriptor, ref VirqFd? watch, Action action)
    {
        if (descriptor >= 0)
        {
            return VirqFd.Enable(process, descriptor, ref watch, action);
        }

        VirqFd.Disable(ref watch);
        return 0;
    }

    /// <summary>request_irq with the line enabled unless it is masked.</summary>
    private long Request()
    {
        string name = $"vfio-irq[{Number}]({deviceName})";
        long error = kernel.Interrupts.Request(Number, name, Fire, this);
        if (error == 0)
        {
            _isRequested = true;
            if (_isMasked)
            {
                kernel.Interrupts.Disable(Number);
            }
        }

        return error;
    }

    private void Release()
    {
        if (_isRequested)
        {
            _isRequested = false;
            kernel.Interrupts.Free(Number, this);
        }
    }
}
