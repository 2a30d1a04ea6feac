using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Emulator.KernelShim;

/// <summary>VFIO_DEVICE_SET_IRQS of a PCI function (vfio_pci_ioctl_set_irqs, vfio_pci_set_irqs_ioctl).</summary>
internal sealed class VfioPciSetIrqs(VfioPciDevice owner)
{
    private const uint ActionMask = VfioFlags.SetActionMask | VfioFlags.SetActionUnmask | VfioFlags.SetActionTrigger;

    private VfioPciInterrupts Interrupts => owner.Interrupts;

    /// <summary>The eventfd that a program hears of errors by.</summary>
    public EventFile? Error { get; private set; }

    /// <summary>The eventfd by which a program hears that the device is wanted back.</summary>
    public EventFile? Request { get; private set; }

    /// <summary>Both are forgotten; the function is closed.</summary>
    public void Close() => Error = Request = null;

    public long Run(Process process, ulong argument)
    {
        const string Function = "vfio_pci_ioctl_set_irqs";
        if (!UserStruct.TryRead(process, argument, out VfioIrqSet set))
        {
            return UserStruct.CannotRead(process, Function);
        }

        string? reason = VfioSetIrqs.Check(set, VfioPciDevice.IrqIndexes, owner.CountOf(set.Index), out int dataBytes);
        if (reason is not null)
        {
            return process.Refuse(Errno.EINVAL, "vfio_set_irqs_validate_and_prepare", reason);
        }

        byte[] data = new byte[dataBytes];
        if (!process.Memory.TryRead(argument + VfioSetIrqs.HeadBytes, data))
        {
            return UserStruct.CannotRead(process, "memdup_user");
        }

        uint action = set.Flags & ActionMask;
        return (set.Index, action) switch
        {
            (0, VfioFlags.SetActionMask) => SetIntxMask(process, set, data, isMask: true),
            (0, VfioFlags.SetActionUnmask) => SetIntxMask(process, set, data, isMask: false),
            (0, VfioFlags.SetActionTrigger) => TriggerIntx(process, set, data),
            (1 or 2, VfioFlags.SetActionTrigger) => TriggerMessages(process, set, data),
            (3, VfioFlags.SetActionTrigger) when owner.Function.IsExpress => TriggerSingle(process, set, data),
            (4, VfioFlags.SetActionTrigger) => TriggerSingle(process, set, data),
            _ => process.Refuse(
                Errno.ENOTTY,
                "vfio_pci_set_irqs_ioctl",
                $"flags 0x{set.Flags:x} hold no ACTION that interrupt {set.Index} has"
            ),
        };
    }

    private static bool Has(VfioIrqSet set, uint flag) => (set.Flags & flag) != 0;

    /// <summary>vfio_pci_set_intx_mask and vfio_pci_set_intx_unmask.</summary>
    private long SetIntxMask(Process process, VfioIrqSet set, ReadOnlySpan<byte> data, bool isMask)
    {
        string function = isMask ? "vfio_pci_set_intx_mask" : "vfio_pci_set_intx_unmask";
        if (Interrupts.Kind != VfioPciInterruptKind.Intx || set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(Errno.EINVAL, function, "INTx is not in use, or start is not 0 and count 1");
        }

        if (Has(set, VfioFlags.SetDataEventFd))
        {
            return isMask
                ? process.Refuse(Errno.ENOTTY, function, "no eventfd masks INTx")
                : Interrupts.SetUnmaskEvent(process, BinaryPrimitives.ReadInt32LittleEndian(data));
        }

        if (Has(set, VfioFlags.SetDataNone) || data[0] != 0)
        {
            if (isMask)
            {
                Interrupts.Mask();
            }
            else
            {
                Interrupts.Unmask();
            }
        }

        return 0;
    }

    /// <summary>vfio_pci_set_intx_trigger.</summary>
    private long TriggerIntx(Process process, VfioIrqSet set, ReadOnlySpan<byte> data)
    {
        const string Function = "vfio_pci_set_intx_trigger";
        bool isInUse = Interrupts.Kind == VfioPciInterruptKind.Intx;
        if (isInUse && set.Count == 0 && Has(set, VfioFlags.SetDataNone))
        {
            Interrupts.DisableIntx();
            return 0;
        }

        bool isFree = isInUse || Interrupts.Kind == VfioPciInterruptKind.None;
        if (!isFree || set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                isFree ? "start must be 0 and count 1" : $"{Interrupts.Kind} is in use"
            );
        }

        if (Has(set, VfioFlags.SetDataEventFd))
        {
            return Interrupts.SetIntxTrigger(process, BinaryPrimitives.ReadInt32LittleEndian(data));
        }

        if (!isInUse)
        {
            return process.Refuse(Errno.EINVAL, Function, "INTx is not in use");
        }

        if (Has(set, VfioFlags.SetDataNone) || data[0] != 0)
        {
            Interrupts.Send();
        }

        return 0;
    }

    /// <summary>vfio_pci_set_msi_trigger.</summary>
    private long TriggerMessages(Process process, VfioIrqSet set, byte[] data)
    {
        const string Function = "vfio_pci_set_msi_trigger";
        var kind = (VfioPciInterruptKind)set.Index;
        bool isInUse = Interrupts.Kind == kind;
        if (isInUse && set.Count == 0 && Has(set, VfioFlags.SetDataNone))
        {
            Interrupts.DisableMessages();
            return 0;
        }

        if (!isInUse && Interrupts.Kind != VfioPciInterruptKind.None)
        {
            return process.Refuse(Errno.EINVAL, Function, $"{Interrupts.Kind} is in use");
        }

        if (Has(set, VfioFlags.SetDataEventFd))
        {
            return SetMessageTriggers(process, set, data, isInUse);
        }

        return isInUse
            ? Interrupts.SendMessages(process, (int)set.Start, (int)set.Count, data)
            : process.Refuse(Errno.EINVAL, Function, $"{kind} is not in use");
    }

    private long SetMessageTriggers(Process process, VfioIrqSet set, byte[] data, bool isInUse)
    {
        int start = (int)set.Start;
        if (!isInUse)
        {
            int count = start + (int)set.Count;
            long result = Interrupts.EnableMessages(process, count, isMsiX: set.Index == 2);
            if (result != 0)
            {
                return result;
            }
        }

        long error = Interrupts.SetMessageTriggers(process, start, MemoryMarshal.Cast<byte, int>(data));
        if (error != 0 && !isInUse)
        {
            Interrupts.DisableMessages();
        }

        return error;
    }

    /// <summary>vfio_pci_set_ctx_trigger_single, for errors and requests.</summary>
    private long TriggerSingle(Process process, VfioIrqSet set, ReadOnlySpan<byte> data)
    {
        const string Function = "vfio_pci_set_ctx_trigger_single";
        EventFile? present = set.Index == 3 ? Error : Request;
        if (Has(set, VfioFlags.SetDataNone))
        {
            if (present is null)
            {
                return process.Refuse(Errno.EINVAL, Function, "there is no eventfd");
            }

            if (set.Count == 0)
            {
                Keep(set.Index, null);
            }
            else
            {
                present.Signal();
            }

            return 0;
        }

        if (set.Count == 0)
        {
            return process.Refuse(Errno.EINVAL, Function, "count must be 1");
        }

        if (Has(set, VfioFlags.SetDataBool))
        {
            if (data[0] != 0)
            {
                present?.Signal();
            }

            return 0;
        }

        return SetSingle(process, set.Index, BinaryPrimitives.ReadInt32LittleEndian(data));
    }

    private long SetSingle(Process process, uint index, int descriptor)
    {
        if (descriptor < -1)
        {
            return 0;
        }

        EventFile? file = null;
        if (descriptor >= 0)
        {
            long error = VirqFd.FindEventFile(process, "eventfd_ctx_fdget", descriptor, out file);
            if (error != 0)
            {
                return error;
            }
        }

        Keep(index, file);
        return 0;
    }

    private void Keep(uint index, EventFile? file)
    {
        if (index == 3)
        {
            Error = file;
        }
        else
        {
            Request = file;
        }
    }
}
