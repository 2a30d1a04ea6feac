using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Reading, writing and mapping it (drivers/vfio/pci/vfio_pci_rdwr.c, vfio_pci_core_mmap).</content>
internal sealed partial class VfioPciDevice
{
    private const int OffsetShift = 40;
    private const ulong OffsetMask = (1UL << OffsetShift) - 1;

    /// <summary>Whether memory of the function answers a program now (__vfio_pci_memory_enabled).</summary>
    private bool IsMemoryEnabled => Configuration is { DecodesMemory: true } && Power.State < VfioPciPower.D3Hot;

    internal override long Read(Process process, ulong buffer, long count, ulong position) =>
        ReadWrite(process, buffer, count, position, isWrite: false);

    internal override long Write(Process process, ulong buffer, long count, ulong position) =>
        ReadWrite(process, buffer, count, position, isWrite: true);

    /// <summary>vfio_pci_core_mmap: whole pages of memory behind a BAR, shared.</summary>
    internal override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes)
    {
        ulong index = offset >> OffsetShift;
        ulong start = offset & OffsetMask;
        string? reason =
            index >= RegionCount ? $"there is no region {index}"
            : !area.IsShared ? "BARs are mapped MAP_SHARED"
            : index >= PciDevice.RomResource ? $"region {index} is no BAR"
            : !_canMap[index] ? $"BAR {index} is no memory that can be mapped"
            : start + lengthBytes > PciResource.AlignUp(LengthOf((int)index), PageAllocator.PageBytes)
                ? $"it reaches beyond the 0x{LengthOf((int)index):x} bytes of BAR {index}"
            : null;
        if (reason is not null)
        {
            return process.Refuse(Errno.EINVAL, "vfio_pci_core_mmap", reason);
        }

        area.DeviceAddress = Function.Regions[(int)index].Start + start;

        // vfio_pci_mmap_fault: a page is there while memory is decoded, and goes when it no longer is.
        area.IsReachable = () => IsMemoryEnabled && !IsLowPower && !IsGone;
        return 0;
    }

    /// <summary>pci_resource_len.</summary>
    private ulong LengthOf(int index)
    {
        PciResource region = Function.Regions[index];
        return region.Flags == 0 || region.End == 0 || (region.Flags & ResourceFlags.Unset) != 0 ? 0 : region.Size;
    }

    /// <summary>vfio_pci_rw.</summary>
    private long ReadWrite(Process process, ulong buffer, long count, ulong position, bool isWrite)
    {
        const string FunctionName = "vfio_pci_rw";
        ulong index = position >> OffsetShift;
        ulong offset = position & OffsetMask;
        if (count == 0)
        {
            return 0;
        }

        if (index >= VgaRegion)
        {
            return process.Refuse(Errno.EINVAL, FunctionName, $"there is no region {index}");
        }

        return (int)index switch
        {
            ConfigurationRegion => Configuration!.ReadWrite(process, buffer, count, offset, isWrite),
            PciDevice.RomResource when isWrite => process.Refuse(Errno.EINVAL, FunctionName, "a ROM is not written"),
            PciDevice.RomResource => ReadRom(process, buffer, count, offset),
            int bar => ReadWriteBar(process, bar, buffer, count, offset, isWrite),
        };
    }

    /// <summary>vfio_pci_bar_rw.</summary>
    private long ReadWriteBar(Process process, int bar, ulong buffer, long count, ulong offset, bool isWrite)
    {
        const string FunctionName = "vfio_pci_bar_rw";
        ulong length = LengthOf(bar);
        if (length == 0 || offset >= length)
        {
            return process.Refuse(
                Errno.EINVAL,
                FunctionName,
                length == 0 ? $"there is no BAR {bar}" : $"0x{offset:x} is beyond the end of BAR {bar}"
            );
        }

        PciResource region = Function.Regions[bar];
        ulong address = region.Start;
        if (region.IsIo && !Function.OnBus.Host.TryTranslateIo(region.Start, out address))
        {
            return process.Refuse(Errno.ENOMEM, "pci_iomap", "the host bridge has no I/O window");
        }

        count = (long)Math.Min((ulong)count, length - offset);
        bool hasTable = bar == _tableBar;
        var range = new VfioPciRange(address, hasTable ? _tableOffset : 0, hasTable ? _tableOffset + _tableBytes : 0);
        return ReadWriteRange(process, range, region.IsMemory, buffer, count, offset, isWrite);
    }

    /// <summary>The ROM may be shorter than its BAR; what is behind its end reads as ones.</summary>
    private long ReadRom(Process process, ulong buffer, long count, ulong offset)
    {
        const string FunctionName = "vfio_pci_bar_rw";
        ulong length = LengthOf(PciDevice.RomResource);
        if (length == 0 || offset >= length)
        {
            return process.Refuse(Errno.EINVAL, FunctionName, "there is no ROM, or it ends before");
        }

        using var rom = PciRom.Map(Kernel.Pci, Function);
        if (rom is null)
        {
            return process.Refuse(Errno.ENOMEM, "pci_map_rom", "nothing that begins as a ROM is behind the register");
        }

        count = (long)Math.Min((ulong)count, length - offset);
        var range = new VfioPciRange(Function.Regions[PciDevice.RomResource].Start, rom.LengthBytes, length);
        return ReadWriteRange(process, range, isMemory: true, buffer, count, offset, isWrite: false);
    }

    /// <summary>
    /// vfio_pci_core_do_io_rw: the widest access that fits place and rest; the excluded range reads as ones and takes nothing.
    /// </summary>
    private long ReadWriteRange(
        Process process,
        VfioPciRange range,
        bool isMemory,
        ulong buffer,
        long count,
        ulong offset,
        bool isWrite
    )
    {
        Span<byte> bytes = stackalloc byte[8];
        int widest = Kernel.Profile.VfioPciHasQuadAccess ? 8 : 4;
        for (long done = 0; done < count; )
        {
            long left = count - done;
            ulong at = offset + (ulong)done;
            ulong target = buffer + (ulong)done;
            int size = range.IsExcluded(at) ? 1 : range.WidthAt(at, left, widest);
            Span<byte> piece = bytes[..size];
            long error = (range.IsExcluded(at), isWrite) switch
            {
                (true, true) => 0,
                (true, false) => Give(process, target, [0xFF]),
                (false, true) => Store(process, range.Address + at, isMemory, target, piece),
                (false, false) => Load(process, range.Address + at, isMemory, target, piece),
            };
            if (error != 0)
            {
                return error;
            }

            done += size;
        }

        return count;
    }

    private long Load(Process process, ulong address, bool isMemory, ulong target, Span<byte> piece)
    {
        const string FunctionName = "vfio_pci_core_ioread";
        if (isMemory && !IsMemoryEnabled)
        {
            return process.Refuse(Errno.EIO, FunctionName, "the program has switched the decoding of memory off");
        }

        if (Kernel.Board.Cpu.Load(address, piece.Length, out ulong value) != BusStatus.Okay)
        {
            return KernelOops.ExternalAbort(process, FunctionName, address, isWrite: false);
        }

        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Give(process, target, bytes[..piece.Length]);
    }

    private long Store(Process process, ulong address, bool isMemory, ulong source, Span<byte> piece)
    {
        const string FunctionName = "vfio_pci_core_iowrite";
        if (!process.Memory.TryRead(source, piece))
        {
            return UserStruct.CannotRead(process, "vfio_pci_core_do_io_rw");
        }

        if (isMemory && !IsMemoryEnabled)
        {
            return process.Refuse(Errno.EIO, FunctionName, "the program has switched the decoding of memory off");
        }

        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        piece.CopyTo(bytes);
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return Kernel.Board.Cpu.Store(address, piece.Length, value) == BusStatus.Okay
            ? 0
            : KernelOops.ExternalAbort(process, FunctionName, address, isWrite: true);
    }

    private static long Give(Process process, ulong target, ReadOnlySpan<byte> bytes) =>
        process.Memory.TryWrite(target, bytes) ? 0 : UserStruct.CannotWrite(process, "vfio_pci_core_do_io_rw");
}

/// <summary>Registers or memory that a program reads and writes, but for a part (x_start and x_end).</summary>
/// <param name="Address">Where the CPU sees its beginning.</param>
/// <param name="ExcludedStart">Where the part begins that is left out.</param>
/// <param name="ExcludedEnd">Where it ends.</param>
internal readonly record struct VfioPciRange(ulong Address, ulong ExcludedStart, ulong ExcludedEnd)
{
    public bool IsExcluded(ulong offset) => offset >= ExcludedStart && offset < ExcludedEnd;

    /// <summary>The widest access that is aligned, fits, and does not reach into the excluded part.</summary>
    public int WidthAt(ulong offset, long left, int widest)
    {
        long room = offset < ExcludedStart ? (long)Math.Min((ulong)left, ExcludedStart - offset) : left;
        for (int width = widest; width > 1; width /= 2)
        {
            if (room >= width && offset % (ulong)width == 0)
            {
                return width;
            }
        }

        return 1;
    }
}
