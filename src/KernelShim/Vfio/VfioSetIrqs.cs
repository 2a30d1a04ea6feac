using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>VFIO_DEVICE_SET_IRQS for devices whose indexes have one interrupt each.</summary>
internal static class VfioSetIrqs
{
    /// <summary>The length of the struct without its data.</summary>
    public const int HeadBytes = 20;
    private const uint DataMask = VfioFlags.SetDataNone | VfioFlags.SetDataBool | VfioFlags.SetDataEventFd;
    private const uint ActionMask = VfioFlags.SetActionMask | VfioFlags.SetActionUnmask | VfioFlags.SetActionTrigger;

    public static long Run(Process process, ulong argument, ReadOnlySpan<VfioPlatformIrq> irqs)
    {
        if (!UserStruct.TryRead(process, argument, out VfioIrqSet set))
        {
            return UserStruct.CannotRead(process, "vfio_platform_ioctl");
        }

        // The kernel gives the number of indexes where that of an index's interrupts is meant, so the actions check again.
        if (Check(set, irqs.Length, irqs.Length, out int dataBytes) is { } reason)
        {
            return process.Refuse(Errno.EINVAL, "vfio_set_irqs_validate_and_prepare", reason);
        }

        Span<byte> data = new byte[Math.Max(dataBytes, 4)];
        if (!process.Memory.TryRead(argument + HeadBytes, data[..dataBytes]))
        {
            return UserStruct.CannotRead(process, "memdup_user");
        }

        VfioPlatformIrq irq = irqs[(int)set.Index];
        return (set.Flags & ActionMask) switch
        {
            VfioFlags.SetActionMask => SetMask(process, irq, set, data, isMask: true),
            VfioFlags.SetActionUnmask => SetMask(process, irq, set, data, isMask: false),
            VfioFlags.SetActionTrigger => Trigger(process, irq, set, data),
            _ => process.Refuse(
                Errno.ENOTTY,
                "vfio_platform_set_irqs_ioctl",
                $"flags 0x{set.Flags:x} do not hold exactly one ACTION"
            ),
        };
    }

    /// <summary>
    /// vfio_set_irqs_validate_and_prepare: why it refuses, or null.
    /// </summary>
    /// <param name="set">What is asked.</param>
    /// <param name="indexes">How many indexes there are.</param>
    /// <param name="count">How many interrupts the index has.</param>
    /// <param name="dataBytes">How much data follows.</param>
    public static string? Check(VfioIrqSet set, int indexes, int count, out int dataBytes)
    {
        dataBytes = 0;
        if (set.ArgumentBytes < HeadBytes)
        {
            return $"argsz is {set.ArgumentBytes}; at least {HeadBytes} is required";
        }

        if (set.Index >= (uint)indexes)
        {
            return $"there is no interrupt {set.Index}";
        }

        if (set.Count >= uint.MaxValue - set.Start || (set.Flags & ~(DataMask | ActionMask)) != 0)
        {
            return $"start and count wrap, or flags 0x{set.Flags:x} hold unknown bits";
        }

        if (set.Start >= (uint)count || set.Start + set.Count > (uint)count)
        {
            return $"start {set.Start} and count {set.Count} are beyond {count}";
        }

        int size;
        switch (set.Flags & DataMask)
        {
            case VfioFlags.SetDataNone:
                return null;
            case VfioFlags.SetDataBool:
                size = 1;
                break;
            case VfioFlags.SetDataEventFd:
                size = 4;
                break;
            default:
                return $"flags 0x{set.Flags:x} do not hold exactly one DATA";
        }

        dataBytes = (int)set.Count * size;
        return set.ArgumentBytes - HeadBytes < (uint)dataBytes
            ? $"argsz {set.ArgumentBytes} has no room for {dataBytes} bytes of data"
            : null;
    }

    /// <summary>vfio_platform_set_irq_mask and vfio_platform_set_irq_unmask.</summary>
    private static long SetMask(
        Process process,
        VfioPlatformIrq irq,
        VfioIrqSet set,
        ReadOnlySpan<byte> data,
        bool isMask
    )
    {
        string function = isMask ? "vfio_platform_set_irq_mask" : "vfio_platform_set_irq_unmask";
        if (set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(Errno.EINVAL, function, "start must be 0 and count 1");
        }

        if (!irq.IsMaskable)
        {
            return process.Refuse(Errno.EINVAL, function, "an edge interrupt cannot be masked");
        }

        if ((set.Flags & VfioFlags.SetDataEventFd) != 0)
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(data);
            return isMask ? irq.SetMaskWatch(process, descriptor) : irq.SetUnmaskWatch(process, descriptor);
        }

        if ((set.Flags & VfioFlags.SetDataNone) != 0 || data[0] != 0)
        {
            if (isMask)
            {
                irq.Mask();
            }
            else
            {
                irq.Unmask();
            }
        }

        return 0;
    }

    /// <summary>vfio_platform_set_irq_trigger.</summary>
    private static long Trigger(Process process, VfioPlatformIrq irq, VfioIrqSet set, ReadOnlySpan<byte> data)
    {
        bool isNone = (set.Flags & VfioFlags.SetDataNone) != 0;
        if (isNone && set.Count == 0)
        {
            return irq.SetTrigger(process, -1);
        }

        if (set.Start != 0 || set.Count != 1)
        {
            return process.Refuse(
                Errno.EINVAL,
                "vfio_platform_set_irq_trigger",
                "start must be 0 and count 1 (or 0 with DATA_NONE)"
            );
        }

        if ((set.Flags & VfioFlags.SetDataEventFd) != 0)
        {
            return irq.SetTrigger(process, BinaryPrimitives.ReadInt32LittleEndian(data));
        }

        if (isNone || data[0] != 0)
        {
            irq.Fire();
        }

        return 0;
    }
}
