using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <content>GET_INFO with its capabilities, permitted ranges, and dirty page tracking.</content>
internal sealed partial class VfioType1
{
    private const int InfoBytes = 24;
    private const int InfoRequiredBytes = 16;
    private const int InfoWithCapabilityBytes = 20;
    private const ulong MaximumBitmapBytes = 256UL << 20;
    private const ushort CapabilityIovaRange = 1;
    private const ushort CapabilityMigration = 2;
    private const ushort CapabilityDmaAvailable = 3;

    private bool _tracksDirtyPages;

    private long GetInfo(Process process, ulong argument)
    {
        const string Function = "vfio_iommu_type1_get_info";
        if (!UserStruct.TryRead(process, argument, out VfioIommuInfo info, InfoRequiredBytes))
        {
            return UserStruct.CannotRead(process, Function);
        }

        if (info.ArgumentBytes < InfoRequiredBytes)
        {
            return UserStruct.TooSmall(process, Function, info.ArgumentBytes, InfoRequiredBytes);
        }

        List<byte> capabilities = BuildCapabilities();
        bool takesCapabilities = Profile.Type1ChecksIovaRanges && info.ArgumentBytes >= InfoWithCapabilityBytes;
        info.Flags = VfioFlags.InfoPageSizes;
        info.PageSizes = PageSizes;
        if (capabilities.Count > 0)
        {
            info.Flags |= VfioFlags.InfoCapabilities;
            int needed = InfoBytes + capabilities.Count;
            if (info.ArgumentBytes < needed)
            {
                info.ArgumentBytes = (uint)needed;
            }
            else
            {
                if (!process.Memory.TryWrite(argument + InfoBytes, capabilities.ToArray()))
                {
                    return UserStruct.CannotWrite(process, Function);
                }

                info.CapabilityOffset = InfoBytes;
            }
        }

        int length = takesCapabilities ? InfoWithCapabilityBytes : InfoRequiredBytes;
        return UserStruct.TryWrite(process, argument, info, length) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    /// <summary>The chain of capabilities, as it stands behind the struct: migration, free entries, ranges (facts 3.6).</summary>
    private List<byte> BuildCapabilities()
    {
        var bytes = new List<byte>();
        int previous = -1;
        if (Profile.Type1HasDirtyTracking)
        {
            byte[] migration = new byte[32];
            BinaryPrimitives.WriteUInt64LittleEndian(migration.AsSpan(16), SmallestPage);
            BinaryPrimitives.WriteUInt64LittleEndian(migration.AsSpan(24), MaximumBitmapBytes);
            Add(CapabilityMigration, migration);
        }

        if (Profile.Type1ReportsAvailableEntries && _mappingLimit is { } limit)
        {
            byte[] available = new byte[12];
            BinaryPrimitives.WriteInt32LittleEndian(available.AsSpan(8), limit - _mappings.Count);
            Add(CapabilityDmaAvailable, available);
        }

        if (Profile.Type1ChecksIovaRanges)
        {
            List<(ulong Start, ulong End)> ranges = PermittedRanges();
            byte[] range = new byte[16 + 16 * ranges.Count];
            BinaryPrimitives.WriteInt32LittleEndian(range.AsSpan(8), ranges.Count);
            for (int n = 0; n < ranges.Count; n++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(range.AsSpan(16 + 16 * n), ranges[n].Start);
                BinaryPrimitives.WriteUInt64LittleEndian(range.AsSpan(24 + 16 * n), ranges[n].End);
            }

            Add(CapabilityIovaRange, range);
        }

        return bytes;

        void Add(ushort id, byte[] capability)
        {
            while (Profile.VfioCapabilitiesAreAligned && bytes.Count % 8 != 0)
            {
                bytes.Add(0);
            }

            if (previous >= 0)
            {
                Span<byte> next = stackalloc byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(next, InfoBytes + bytes.Count);
                for (int n = 0; n < 4; n++)
                {
                    bytes[previous + 4 + n] = next[n];
                }
            }

            previous = bytes.Count;
            BinaryPrimitives.WriteUInt16LittleEndian(capability, id);
            BinaryPrimitives.WriteUInt16LittleEndian(capability.AsSpan(2), 1);
            bytes.AddRange(capability);
        }
    }

    /// <summary>What every domain can map, without what is reserved (vfio_iommu_aper_resize, vfio_iommu_resv_exclude).</summary>
    private List<(ulong Start, ulong End)> PermittedRanges()
    {
        ulong apertureEnd = _domains.Aggregate(
            ulong.MaxValue,
            (end, domain) => Math.Min(end, domain.Iommu.ApertureEnd)
        );
        var ranges = new List<(ulong Start, ulong End)> { (0, apertureEnd) };
        foreach ((ulong start, ulong end, string kind) in _domains.SelectMany(domain => domain.Driver.ReservedRegions))
        {
            for (int index = ranges.Count - 1; index >= 0; index--)
            {
                (ulong from, ulong to) = ranges[index];
                if (start > to || end < from || kind is "direct-relaxable")
                {
                    continue;
                }

                ranges.RemoveAt(index);
                if (end < to)
                {
                    ranges.Insert(index, (end + 1, to));
                }

                if (start > from)
                {
                    ranges.Insert(index, (from, start - 1));
                }
            }
        }

        return ranges;
    }

    private bool IsPermitted(ulong first, ulong last) =>
        PermittedRanges().Exists(range => first >= range.Start && last <= range.End);

    /// <summary>vfio_iommu_type1_dirty_pages.</summary>
    private long DirtyPages(Process process, ulong argument)
    {
        const string Function = "vfio_iommu_type1_dirty_pages";
        const uint Start = 1;
        const uint Stop = 2;
        const uint Get = 4;
        if (!_isV2)
        {
            return process.Refuse(Errno.EACCES, Function, "the container is of type1 v1");
        }

        if (!UserStruct.TryRead(process, argument, out VfioDirtyBitmap dirty))
        {
            return UserStruct.CannotRead(process, Function);
        }

        if (dirty.ArgumentBytes < 8 || dirty.Flags is not (Start or Stop or Get))
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                $"argsz {dirty.ArgumentBytes} is below 8, or flags 0x{dirty.Flags:x} are not exactly one that is known"
            );
        }

        if (dirty.Flags != Get)
        {
            _tracksDirtyPages = dirty.Flags == Start;
            return 0;
        }

        if (dirty.ArgumentBytes < 48)
        {
            return UserStruct.TooSmall(process, Function, dirty.ArgumentBytes, 48);
        }

        if (!UserStruct.TryRead(process, argument + 8, out VfioDirtyBitmapGet range))
        {
            return UserStruct.CannotRead(process, Function);
        }

        ulong last = range.Iova + range.Size - 1;
        long error = CheckBitmap(process, range.Size, range.Bitmap);
        if (error != 0)
        {
            return error;
        }

        bool isRefused =
            range.Size == 0
            || last < range.Iova
            || range.Bitmap.PageBytes != SmallestPage
            || ((range.Iova | range.Size) & (SmallestPage - 1)) != 0
            || !_tracksDirtyPages
            || Bisects(range.Iova, last);
        return isRefused
            ? process.Refuse(
                Errno.EINVAL,
                Function,
                "the range is empty, unaligned, wraps or cuts a mapping, pgsize is not the smallest page, or tracking is off"
            )
            : WriteDirty(process, range.Iova, last, range.Bitmap);
    }

    /// <summary>verify_bitmap_size.</summary>
    private static long CheckBitmap(Process process, ulong size, VfioBitmap bitmap)
    {
        bool isPower = System.Numerics.BitOperations.IsPow2(bitmap.PageBytes);
        ulong pages = isPower ? size / bitmap.PageBytes : 0;
        bool isRefused =
            pages == 0
            || bitmap.Size == 0
            || bitmap.Size > MaximumBitmapBytes
            || bitmap.Size < ((pages / 64) + (pages % 64 == 0 ? 0UL : 1)) * 8;
        return isRefused
            ? process.Refuse(
                Errno.EINVAL,
                "verify_bitmap_size",
                "pgsize is no power of two, the range has no page, or the bitmap is too small or too large for it"
            )
            : 0;
    }

    /// <summary>Without help of the device every mapped page counts as dirty (update_user_bitmap).</summary>
    private long WriteDirty(Process process, ulong iova, ulong last, VfioBitmap bitmap)
    {
        foreach (DmaMapping mapping in _mappings.Within(iova, last))
        {
            ulong firstBit = (mapping.Iova - iova) / bitmap.PageBytes;
            ulong lastBit = (mapping.Last - iova) / bitmap.PageBytes;
            byte[] bytes = new byte[lastBit / 8 - firstBit / 8 + 1];
            ulong at = bitmap.Data + firstBit / 8;
            if (!process.Memory.TryRead(at, bytes))
            {
                return UserStruct.CannotRead(process, "update_user_bitmap");
            }

            for (ulong bit = firstBit; bit <= lastBit; bit++)
            {
                bytes[bit / 8 - firstBit / 8] |= (byte)(1 << (int)(bit % 8));
            }

            if (!process.Memory.TryWrite(at, bytes))
            {
                return UserStruct.CannotWrite(process, "update_user_bitmap");
            }
        }

        return 0;
    }
}
