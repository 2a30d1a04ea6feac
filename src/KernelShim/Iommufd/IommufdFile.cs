using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>An open /dev/iommu: its ioctls (drivers/iommu/iommufd/main.c), each a struct that begins with its size.</summary>
internal sealed class IommufdFile(Kernel kernel) : OpenFile
{
    private const uint First = 0x3B80;
    private const uint MapFixed = 1;
    private const uint MapWrite = 2;
    private const uint MapRead = 4;

    // The least size of each struct, by number from 0x3b80 on; 0 is no ioctl of this kernel.
    private static readonly int[] LeastSizes = [8, 12, 0, 0, 32, 40, 24, 24, 12];

    /// <summary>What it holds.</summary>
    public IommufdContext Context { get; } = new(kernel);

    /// <inheritdoc/>
    public override string Description => "/dev/iommu";

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override void Release(Process? process) => Context.Close();

    /// <summary>iommufd_fops_ioctl; numbers that are not its own are those of a container.</summary>
    public override Attempt Ioctl(Process process, uint command, ulong argument)
    {
        const string Function = "iommufd_fops_ioctl";
        uint number = command - First;
        if (number >= LeastSizes.Length)
        {
            return IommufdVfioCompat.Ioctl(process, Context, command, argument);
        }

        if (LeastSizes[number] == 0)
        {
            return process.Refuse(Errno.ENOTTY, Function, $"0x{command:x} is no ioctl of this iommufd");
        }

        Span<byte> head = stackalloc byte[4];
        if (!process.Memory.TryRead(argument, head))
        {
            return UserStruct.CannotRead(process, Function);
        }

        uint size = BinaryPrimitives.ReadUInt32LittleEndian(head);
        int known = LeastSizes[number];
        if (size < known)
        {
            return process.Refuse(Errno.EINVAL, Function, $"size is {size}; at least {known} is required");
        }

        byte[] bytes = new byte[Math.Min(size, 4096)];
        if (size > bytes.Length || bytes.Length < known)
        {
            return process.Refuse(Errno.E2BIG, "copy_struct_from_user", $"no struct has {size} bytes");
        }

        if (!process.Memory.TryRead(argument, bytes))
        {
            return UserStruct.CannotRead(process, Function);
        }

        if (bytes.AsSpan(known).ContainsAnyExcept((byte)0))
        {
            return process.Refuse(
                Errno.E2BIG,
                "copy_struct_from_user",
                "bytes that this kernel does not know are not 0"
            );
        }

        return Run(process, (int)number, argument, bytes);
    }

    private long Run(Process process, int number, ulong argument, byte[] bytes) =>
        number switch
        {
            0 => Context.Destroy(process, Word(bytes, 4)),
            1 => Allocate(process, argument, bytes),
            4 => Ranges(process, argument, bytes),
            5 => Map(process, argument, bytes),
            6 => Unmap(process, argument, bytes),
            7 => process.Refuse(Errno.EOPNOTSUPP, "iommufd_option", $"option {Word(bytes, 4)} is not there"),
            _ => VfioAddressSpace(process, argument, bytes),
        };

    private static uint Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static ulong Wide(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));

    /// <summary>iommufd_ucmd_respond.</summary>
    private static long Respond(Process process, ulong argument, byte[] bytes) =>
        process.Memory.TryWrite(argument, bytes) ? 0 : UserStruct.CannotWrite(process, "iommufd_ucmd_respond");

    private long Allocate(Process process, ulong argument, byte[] bytes)
    {
        if (Word(bytes, 4) != 0)
        {
            return process.Refuse(Errno.EOPNOTSUPP, "iommufd_ioas_alloc_ioctl", "no flags are known");
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Context.Add(new Ioas()).Id);
        return Respond(process, argument, bytes);
    }

    private Ioas? Find(Process process, uint id, out long error)
    {
        var found = Context.Find(id) as Ioas;
        error = found is null
            ? process.Refuse(Errno.ENOENT, "iommufd_get_object", $"there is no address space {id}")
            : 0;
        return found;
    }

    /// <summary>iommufd_ioas_iova_ranges: EMSGSIZE when there are more than the caller has room for.</summary>
    private long Ranges(Process process, ulong argument, byte[] bytes)
    {
        const string Function = "iommufd_ioas_iova_ranges";
        if (Word(bytes, 12) != 0)
        {
            return process.Refuse(Errno.EOPNOTSUPP, Function, "the reserved field is not 0");
        }

        if (Find(process, Word(bytes, 4), out long error) is not { } ioas)
        {
            return error;
        }

        uint room = Word(bytes, 8);
        ulong array = Wide(bytes, 16);
        IReadOnlyList<(ulong Start, ulong End)> ranges = ioas.Space.Ranges;
        byte[] range = new byte[16];
        for (int n = 0; n < Math.Min(room, ranges.Count); n++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(range, ranges[n].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(range.AsSpan(8), ranges[n].End);
            if (!process.Memory.TryWrite(array + 16 * (ulong)n, range))
            {
                return UserStruct.CannotWrite(process, Function);
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), (uint)ranges.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), ioas.Space.Alignment);
        long result = Respond(process, argument, bytes);
        return result == 0 && room < ranges.Count
            ? process.Refuse(Errno.EMSGSIZE, Function, $"there are {ranges.Count} ranges")
            : result;
    }

    /// <summary>iommufd_ioas_map.</summary>
    private long Map(Process process, ulong argument, byte[] bytes)
    {
        const string Function = "iommufd_ioas_map";
        uint flags = Word(bytes, 4);
        ulong length = Wide(bytes, 24);
        ulong iova = Wide(bytes, 32);
        if ((flags & ~(MapFixed | MapWrite | MapRead)) != 0 || Word(bytes, 12) != 0)
        {
            return process.Refuse(Errno.EOPNOTSUPP, Function, $"flags 0x{flags:x} or the reserved field are not known");
        }

        if (iova == ulong.MaxValue || length == ulong.MaxValue)
        {
            return process.Refuse(Errno.EOVERFLOW, Function, "the address or the length is the largest there is");
        }

        if ((flags & (MapWrite | MapRead)) == 0)
        {
            return process.Refuse(Errno.EINVAL, Function, "neither READABLE nor WRITEABLE is given");
        }

        if (Find(process, Word(bytes, 8), out long error) is not { } ioas)
        {
            return error;
        }

        IommuProtection protection =
            ((flags & MapRead) != 0 ? IommuProtection.Read : IommuProtection.None)
            | ((flags & MapWrite) != 0 ? IommuProtection.Write : IommuProtection.None);
        error = ioas.Space.Map(process, ref iova, Wide(bytes, 16), length, protection, (flags & MapFixed) != 0);
        if (error != 0)
        {
            return error;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), iova);
        return Respond(process, argument, bytes);
    }

    /// <summary>iommufd_ioas_unmap: from 0 the largest length means everything.</summary>
    private long Unmap(Process process, ulong argument, byte[] bytes)
    {
        const string Function = "iommufd_ioas_unmap";
        if (Find(process, Word(bytes, 4), out long error) is not { } ioas)
        {
            return error;
        }

        ulong iova = Wide(bytes, 8);
        ulong length = Wide(bytes, 16);
        ulong unmapped;
        if (iova == 0 && length == ulong.MaxValue)
        {
            unmapped = ioas.Space.UnmapAll();
        }
        else if (iova == ulong.MaxValue || length == ulong.MaxValue)
        {
            return process.Refuse(Errno.EOVERFLOW, Function, "the address or the length is the largest there is");
        }
        else
        {
            error = ioas.Space.Unmap(process, iova, length, out unmapped);
        }

        if (error != 0)
        {
            return error;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), unmapped);
        return Respond(process, argument, bytes);
    }

    /// <summary>iommufd_vfio_ioas: 0 gets, 1 sets, 2 clears.</summary>
    private long VfioAddressSpace(Process process, ulong argument, byte[] bytes)
    {
        const string Function = "iommufd_vfio_ioas";
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(10)) != 0)
        {
            return process.Refuse(Errno.EOPNOTSUPP, Function, "the reserved field is not 0");
        }

        switch (BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8)))
        {
            case 0 when Context.VfioIoas is { } present:
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), present.Id);
                return Respond(process, argument, bytes);
            case 0:
                return process.Refuse(Errno.ENODEV, Function, "there is no address space for VFIO");
            case 1:
                Ioas? wanted = Find(process, Word(bytes, 4), out long error);
                Context.VfioIoas = wanted ?? Context.VfioIoas;
                return error;
            case 2:
                Context.VfioIoas = null;
                return 0;
            default:
                return process.Refuse(Errno.EOPNOTSUPP, Function, "there is no such operation");
        }
    }
}
