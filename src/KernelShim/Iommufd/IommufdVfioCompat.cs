using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>
/// The ioctls of a VFIO container on an iommufd (drivers/iommu/iommufd/vfio_compat.c): they mean the address space that
/// IOMMU_VFIO_IOAS names.
/// </summary>
internal static class IommufdVfioCompat
{
    private const int InfoBytes = 24;
    private const uint PageSizesValid = 1;
    private const uint CapabilitiesValid = 2;

    public static long Ioctl(Process process, IommufdContext context, uint command, ulong argument) =>
        command switch
        {
            VfioIoctl.GetApiVersion => 0,
            VfioIoctl.CheckExtension => CheckExtension(argument),
            VfioIoctl.SetIommu => SetIommu(process, context, argument),
            VfioIoctl.IommuGetInfo => GetInfo(process, context, argument),
            VfioIoctl.IommuMapDma => Map(process, context, argument),
            VfioIoctl.IommuUnmapDma => Unmap(process, context, argument),
            _ => process.Refuse(Errno.ENOTTY, "iommufd_vfio_ioctl", $"0x{command:x} is no ioctl of an iommufd"),
        };

    /// <summary>
    /// iommufd_vfio_check_extension. No-IOMMU groups may be put in as well (iommufd_vfio_compat_set_no_iommu), hence number 8.
    /// </summary>
    private static long CheckExtension(ulong extension) =>
        extension is VfioExtension.Type1 or VfioExtension.Type1V2 or VfioExtension.UnmapAll or VfioExtension.NoIommu
            ? 1
            : 0;

    private static Ioas? Find(Process process, IommufdContext context, out long error)
    {
        error = context.VfioIoas is null
            ? process.Refuse(Errno.ENODEV, "get_compat_ioas", "there is no address space for VFIO")
            : 0;
        return context.VfioIoas;
    }

    private static long SetIommu(Process process, IommufdContext context, ulong type)
    {
        if (type is not (VfioExtension.Type1 or VfioExtension.Type1V2))
        {
            return process.Refuse(Errno.EINVAL, "iommufd_vfio_set_iommu", $"{type} is not type1 or type1v2");
        }

        Find(process, context, out long error);
        return error;
    }

    private static long Map(Process process, IommufdContext context, ulong argument)
    {
        const string Function = "iommufd_vfio_map_dma";
        if (UserStruct.Take(process, argument, Function, 32, out VfioDmaMap map) is { } refused)
        {
            return refused;
        }

        if ((map.Flags & ~(VfioFlags.MapRead | VfioFlags.MapWrite)) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"flags 0x{map.Flags:x} hold unknown bits");
        }

        if (Find(process, context, out long error) is not { } ioas)
        {
            return error;
        }

        ulong iova = map.Iova;
        IommuProtection protection =
            ((map.Flags & VfioFlags.MapRead) != 0 ? IommuProtection.Read : IommuProtection.None)
            | ((map.Flags & VfioFlags.MapWrite) != 0 ? IommuProtection.Write : IommuProtection.None);
        return ioas.Space.Map(process, ref iova, map.Vaddr, map.Size, protection, isFixed: true);
    }

    /// <summary>A range that is empty is no mistake here, unlike with IOMMU_IOAS_UNMAP.</summary>
    private static long Unmap(Process process, IommufdContext context, ulong argument)
    {
        const string Function = "iommufd_vfio_unmap_dma";
        if (UserStruct.Take(process, argument, Function, 24, out VfioDmaUnmap unmap) is { } refused)
        {
            return refused;
        }

        if ((unmap.Flags & ~VfioFlags.UnmapAll) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"flags 0x{unmap.Flags:x} hold unknown bits");
        }

        if (Find(process, context, out long error) is not { } ioas)
        {
            return error;
        }

        ulong unmapped;
        if (unmap.Flags != 0)
        {
            if (unmap.Iova != 0 || unmap.Size != 0)
            {
                return process.Refuse(Errno.EINVAL, Function, "ALL goes with address 0 and size 0");
            }

            unmapped = ioas.Space.UnmapAll();
        }
        else
        {
            error = ioas.Space.Unmap(process, unmap.Iova, unmap.Size, out unmapped);
            error = error == -(long)Errno.ENOENT && unmapped == 0 && IsEmpty(ioas, unmap) ? 0 : error;
        }

        unmap.Size = unmapped;
        return !UserStruct.TryWrite(process, argument, unmap) ? UserStruct.CannotWrite(process, Function) : error;
    }

    private static bool IsEmpty(Ioas ioas, VfioDmaUnmap unmap) =>
        !ioas.Space.HasMapping(unmap.Iova, unmap.Iova + (unmap.Size - 1));

    /// <summary>iommufd_vfio_iommu_get_info: mappings are not counted, so there are always more; then the ranges.</summary>
    private static long GetInfo(Process process, IommufdContext context, ulong argument)
    {
        const string Function = "iommufd_vfio_iommu_get_info";
        if (UserStruct.Take(process, argument, Function, 16, out VfioIommuInfo info) is { } refused)
        {
            return refused;
        }

        if (Find(process, context, out long error) is not { } ioas)
        {
            return error;
        }

        byte[] capabilities = Capabilities(ioas);
        uint total = InfoBytes + (uint)capabilities.Length;
        bool fits = info.ArgumentBytes >= total;
        int length = (int)Math.Min(info.ArgumentBytes, InfoBytes);
        info.Flags = PageSizesValid | CapabilitiesValid;
        info.PageSizes = ioas.Space.PageSizes;
        info.CapabilityOffset = fits ? InfoBytes : 0u;
        info.ArgumentBytes = total;
        if (fits && !process.Memory.TryWrite(argument + InfoBytes, capabilities))
        {
            return UserStruct.CannotWrite(process, Function);
        }

        return UserStruct.TryWrite(process, argument, info, length) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private static byte[] Capabilities(Ioas ioas)
    {
        const int AvailableBytes = 16;
        IReadOnlyList<(ulong Start, ulong End)> ranges = ioas.Space.Ranges;
        byte[] bytes = new byte[AvailableBytes + 16 + 16 * ranges.Count];
        Span<byte> at = bytes;
        BinaryPrimitives.WriteUInt32LittleEndian(at, 0x0001_0003);
        BinaryPrimitives.WriteUInt32LittleEndian(at[4..], InfoBytes + AvailableBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(at[8..], uint.MaxValue);
        at = at[AvailableBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(at, 0x0001_0001);
        BinaryPrimitives.WriteUInt32LittleEndian(at[8..], (uint)ranges.Count);
        for (int n = 0; n < ranges.Count; n++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at[(16 + 16 * n)..], ranges[n].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(at[(24 + 16 * n)..], ranges[n].End);
        }

        return bytes;
    }
}
