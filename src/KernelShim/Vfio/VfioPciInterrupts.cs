using System.Buffers.Binary;
using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// The interrupt indexes of a PCI function in the hands of programs (drivers/vfio/pci/vfio_pci_intrs.c): INTx, MSI or MSI-X, one
/// of them at a time, and the eventfds by which the kernel tells of errors and asks for the device.
/// </summary>
[DebuggerDisplay("{_active}")]
internal sealed class VfioPciInterrupts(Kernel kernel, PciDevice device)
{
    /// <summary>VFIO_PCI_NUM_IRQS.</summary>
    public const int IndexCount = 5;

    private const int Intx = 0;
    private const int Msi = 1;
    private const int MsiX = 2;
    private const int Error = 3;
    private const int Requests = 4;
    private const int None = -1;
    private const int HeadBytes = 20;
    private const uint NoResize = 8;
    private const uint DataMask = VfioFlags.SetDataNone | VfioFlags.SetDataBool | VfioFlags.SetDataEventFd;
    private const uint ActionMask = VfioFlags.SetActionMask | VfioFlags.SetActionUnmask | VfioFlags.SetActionTrigger;

    private readonly VfioPciIntx _intx = new(kernel, device);
    private readonly VfioPciVectors _vectors = new(kernel, device);
    private int _active = None;
    private EventFile? _error;
    private EventFile? _request;
    private int _requests;

    /// <summary>The first file is open.</summary>
    public void Open() => _requests = 0;

    /// <summary>The last file was closed: nothing is left of what programs set up.</summary>
    public void Close()
    {
        DisableActive();
        _error = null;
        _request = null;
    }

    /// <summary>vfio_pci_core_request: the eventfd of index 4, or a line in the log.</summary>
    public void Request()
    {
        int asked = _requests++;
        if (_request is { } file)
        {
            if (asked % 10 == 0)
            {
                Print(LogLevel.Notice, $"Relaying device request to user (#{asked})");
            }

            file.Signal();
        }
        else if (asked == 0)
        {
            Print(LogLevel.Warning, "No device request channel registered, blocked until released by user");
        }
    }

    /// <summary>What GET_IRQ_INFO says; false where there is no such index.</summary>
    public bool TryDescribe(uint index, out uint flags, out uint count)
    {
        flags = 0;
        count = 0;
        if (index >= IndexCount || (index == Error && !device.IsExpress))
        {
            return false;
        }

        flags =
            VfioFlags.IrqEventFd | (index == Intx ? VfioFlags.IrqMaskable | VfioFlags.IrqAutoMasked : NoResize);
        count = (uint)CountOf((int)index);
        return true;
    }

    /// <summary>VFIO_DEVICE_SET_IRQS.</summary>
    public long Set(Process process, ulong argument)
    {
        const string function = "vfio_pci_ioctl_set_irqs";
        if (!UserStruct.TryRead(process, argument, out VfioIrqSet set))
        {
            return UserStruct.CannotRead(process, function);
        }

        if (Check(set, out int dataBytes) is { } reason)
        {
            return process.Refuse(Errno.EINVAL, "vfio_set_irqs_validate_and_prepare", reason);
        }

        byte[] data = new byte[Math.Max(dataBytes, 4)];
        if (!process.Memory.TryRead(argument + HeadBytes, data.AsSpan(0, dataBytes)))
        {
            return UserStruct.CannotRead(process, "memdup_user");
        }

        uint action = set.Flags & ActionMask;
        return ((int)set.Index, action) switch
        {
            (Intx, VfioFlags.SetActionMask) => MaskIntx(process, set, data),
            (Intx, VfioFlags.SetActionUnmask) => UnmaskIntx(process, set, data),
            (Intx, VfioFlags.SetActionTrigger) => TriggerIntx(process, set, data),
            (Msi or MsiX, VfioFlags.SetActionTrigger) => TriggerMessages(process, set, data),
            (Error, VfioFlags.SetActionTrigger) => TriggerSingle(process, set, data, ref _error),
            (Requests, VfioFlags.SetActionTrigger) => TriggerSingle(process, set, data, ref _request),
            _ => process.Refuse(
                Errno.ENOTTY,
                "vfio_pci_set_irqs_ioctl",
                $"index {set.Index} has no such action, or flags 0x{set.Flags:x} do not hold exactly one"
            ),
        };
    }

    /// <summary>vfio_pci_get_irq_count.</summary>
    private int CountOf(int index)
    {
        switch (index)
        {
            case Intx:
                return device.PhysicalFunction is null
                    && device.Interrupt != 0
                    && device.ReadByte(PciRegisters.InterruptPin) != 0
                    ? 1
                    : 0;
            case Msi:
                int msi = device.FindCapability(PciCapabilityId.Msi);
                return msi == 0 ? 0 : 1 << (device.ReadWord(msi + 2) >> 1 & 7);
            case MsiX:
                int msix = device.FindCapability(PciCapabilityId.MsiX);
                return msix == 0 ? 0 : (device.ReadWord(msix + 2) & 0x7FF) + 1;
            case Error:
                return device.IsExpress ? 1 : 0;
            default:
                return 1;
        }
    }

    private string? Check(VfioIrqSet set, out int dataBytes)
    {
        dataBytes = 0;
        if (set.ArgumentBytes < HeadBytes)
        {
            return $"argsz is {set.ArgumentBytes}; at least {HeadBytes} is required";
        }

        if (set.Index >= IndexCount)
        {
            return $"there is no interrupt index {set.Index}";
        }

        if (set.Count >= uint.MaxValue - set.Start || (set.Flags & ~(DataMask | ActionMask)) != 0)
        {
            return $"start and count wrap, or flags 0x{set.Flags:x} hold unknown bits";
        }

        uint most = (uint)CountOf((int)set.Index);
        if (set.Start >= most || set.Start + set.Count > most)
        {
            return $"start {set.Start} and count {set.Count} are beyond {most}";
        }

        switch (set.Flags & DataMask)
        {
            case VfioFlags.SetDataNone:
                return null;
            case VfioFlags.SetDataBool:
                dataBytes = (int)set.Count;
                break;
            case VfioFlags.SetDataEventFd:
                dataBytes = 4 * (int)set.Count;
                break;
            default:
                return $"flags 0x{set.Flags:x} do not hold exactly one DATA";
        }

        return set.ArgumentBytes - HeadBytes < (uint)dataBytes
            ? $"argsz {set.ArgumentBytes} has no room for {dataBytes} bytes of data"
            : null;
    }

    private long MaskIntx(Process process, VfioIrqSet set, byte[] data)
    {
        const string function = "vfio_pci_set_intx_mask";
        if (_active != Intx || set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(Errno.EINVAL, function, "INTx is not set up, or it is not interrupt 0 alone");
        }

        if (Is(set, VfioFlags.SetDataEventFd))
        {
            return process.Refuse(Errno.ENOTTY, function, "no eventfd masks INTx");
        }

        if (Is(set, VfioFlags.SetDataNone) || data[0] != 0)
        {
            _intx.Mask();
        }

        return 0;
    }

    private long UnmaskIntx(Process process, VfioIrqSet set, byte[] data)
    {
        const string function = "vfio_pci_set_intx_unmask";
        if (_active != Intx || set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(Errno.EINVAL, function, "INTx is not set up, or it is not interrupt 0 alone");
        }

        if (Is(set, VfioFlags.SetDataEventFd))
        {
            return _intx.SetUnmaskWatch(process, BinaryPrimitives.ReadInt32LittleEndian(data));
        }

        if (Is(set, VfioFlags.SetDataNone) || data[0] != 0)
        {
            _intx.Unmask();
        }

        return 0;
    }

    /// <summary>vfio_pci_set_intx_trigger.</summary>
    private long TriggerIntx(Process process, VfioIrqSet set, byte[] data)
    {
        const string function = "vfio_pci_set_intx_trigger";
        if (_active == Intx && set.Count == 0 && Is(set, VfioFlags.SetDataNone))
        {
            DisableActive();
            return 0;
        }

        if (_active is not (Intx or None) || set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(Errno.EINVAL, function, "another kind is set up, or it is not interrupt 0 alone");
        }

        if (Is(set, VfioFlags.SetDataEventFd))
        {
            return SetIntx(process, BinaryPrimitives.ReadInt32LittleEndian(data));
        }

        if (_active != Intx)
        {
            return process.Refuse(Errno.EINVAL, function, "INTx is not set up");
        }

        if (Is(set, VfioFlags.SetDataNone) || data[0] != 0)
        {
            _intx.Signal();
        }

        return 0;
    }

    private long SetIntx(Process process, int descriptor)
    {
        bool isNew = _active == None;
        if (isNew)
        {
            _active = Intx;
            _intx.Enable();
        }

        long error = _intx.SetTrigger(process, descriptor);
        if (error != 0 && isNew)
        {
            DisableActive();
        }

        return error;
    }

    /// <summary>vfio_pci_set_msi_trigger.</summary>
    private long TriggerMessages(Process process, VfioIrqSet set, byte[] data)
    {
        const string function = "vfio_pci_set_msi_trigger";
        int index = (int)set.Index;
        if (_active == index && set.Count == 0 && Is(set, VfioFlags.SetDataNone))
        {
            DisableActive();
            return 0;
        }

        if (_active != index && _active != None)
        {
            return process.Refuse(Errno.EINVAL, function, "another kind of interrupt is set up");
        }

        if (Is(set, VfioFlags.SetDataEventFd))
        {
            return SetMessages(process, set, data);
        }

        if (_active != index || set.Start + set.Count > (uint)_vectors.Count)
        {
            return process.Refuse(Errno.EINVAL, function, "these vectors are not set up");
        }

        for (int n = 0; n < set.Count; n++)
        {
            if (Is(set, VfioFlags.SetDataNone) || data[n] != 0)
            {
                _vectors.Signal((int)set.Start + n);
            }
        }

        return 0;
    }

    private long SetMessages(Process process, VfioIrqSet set, byte[] data)
    {
        const string function = "vfio_msi_enable";
        bool isNew = _active == None;
        if (isNew)
        {
            int wanted = (int)(set.Start + set.Count);
            if (wanted == 0 || !_vectors.TryEnable(wanted, set.Index == MsiX))
            {
                return process.Refuse(Errno.EINVAL, function, $"{wanted} messages cannot be had");
            }

            _active = (int)set.Index;
        }

        if (set.Start + set.Count > (uint)_vectors.Count)
        {
            return process.Refuse(Errno.EINVAL, "vfio_msi_set_block", $"{_vectors.Count} vectors were set up");
        }

        for (int n = 0; n < set.Count; n++)
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(data.AsSpan(4 * n));
            long error = _vectors.Set(process, (int)set.Start + n, descriptor);
            if (error == 0)
            {
                continue;
            }

            for (int done = 0; done < n; done++)
            {
                _vectors.Set(process, (int)set.Start + done, -1);
            }

            if (isNew)
            {
                DisableActive();
            }

            return error;
        }

        return 0;
    }

    /// <summary>vfio_pci_set_ctx_trigger_single.</summary>
    private static long TriggerSingle(Process process, VfioIrqSet set, byte[] data, ref EventFile? file)
    {
        const string function = "vfio_pci_set_ctx_trigger_single";
        if (set.Start != 0 || set.Count > 1)
        {
            return process.Refuse(Errno.EINVAL, function, "there is one interrupt");
        }

        if (Is(set, VfioFlags.SetDataNone) && file is not null)
        {
            if (set.Count == 1)
            {
                file.Signal();
            }
            else
            {
                file = null;
            }

            return 0;
        }

        if (set.Count == 0 || Is(set, VfioFlags.SetDataNone))
        {
            return process.Refuse(Errno.EINVAL, function, "no eventfd is set, or none is given");
        }

        if (Is(set, VfioFlags.SetDataBool))
        {
            if (data[0] != 0)
            {
                file?.Signal();
            }

            return 0;
        }

        int descriptor = BinaryPrimitives.ReadInt32LittleEndian(data);
        if (descriptor < 0)
        {
            file = descriptor == -1 ? null : file;
            return 0;
        }

        long error = FindEventFile(process, function, descriptor, out EventFile? found);
        file = error == 0 ? found : file;
        return error;
    }

    internal static long FindEventFile(Process process, string function, int descriptor, out EventFile? file)
    {
        OpenFile? found = process.FindFile(descriptor);
        file = found as EventFile;
        return file is not null ? 0
            : found is null ? process.Refuse(Errno.EBADF, function, $"descriptor {descriptor} is not open")
            : process.Refuse(Errno.EINVAL, function, $"descriptor {descriptor} is no eventfd but {found.Description}");
    }

    private static bool Is(VfioIrqSet set, uint data) => (set.Flags & data) != 0;

    private void DisableActive()
    {
        if (_active == Intx)
        {
            _intx.Disable();
        }
        else if (_active is Msi or MsiX)
        {
            _vectors.Disable();
        }

        _active = None;
    }

    private void Print(LogLevel level, string text) => kernel.Log.Print(level, device.LogPrefix + text);
}
