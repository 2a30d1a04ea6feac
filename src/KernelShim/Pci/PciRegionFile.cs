using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The files <c>resourceN</c> and <c>rom</c>: a region to be mapped, and, where it is I/O, read and written.</summary>
internal sealed class PciRegionInode(Kernel kernel, PciDevice device, PciResource region, int permissions)
    : Inode(InodeKind.Regular, permissions)
{
    public override long Size => (long)region.Size;

    public override OpenResult Open(Process process, OpenFlags flags) =>
        new PciRegionFile(this, kernel, device, region) { Flags = flags, Inode = this };
}

/// <summary>An open <c>resourceN</c> (pci_mmap_resource, pci_resource_io).</summary>
internal sealed class PciRegionFile(PciRegionInode inode, Kernel kernel, PciDevice device, PciResource region)
    : OpenFile
{
    public override string Description => inode.Path;

    public override long Size => (long)region.Size;

    public override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes)
    {
        if (!region.IsMemory)
        {
            return process.Refuse(Errno.ENODEV, "pci_mmap_resource", "I/O ports cannot be mapped");
        }

        if (region.Parent is null || offset + lengthBytes > PciResource.AlignUp(region.Size, PageAllocator.PageBytes))
        {
            return process.Refuse(Errno.EINVAL, "pci_mmap_fits", $"{device.Name} has less behind this region");
        }

        area.DeviceAddress = region.Start + offset;
        return 0;
    }

    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        if (!region.IsIo || count is not (1 or 2 or 4))
        {
            return process.Refuse(Errno.EIO, "pci_resource_io", "only I/O ports are read, in 1, 2 or 4 bytes");
        }

        if (!TryFindPort(position, count, out ulong address))
        {
            return 0;
        }

        byte[] bytes = new byte[count];
        return kernel.Board.Cpu.Load(address, bytes) == BusStatus.Okay && process.Memory.TryWrite(buffer, bytes)
            ? count
            : process.Refuse(Errno.EFAULT, "copy_to_user", "the buffer is not in the process's memory");
    }

    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        if (!region.IsIo || count is not (1 or 2 or 4))
        {
            return process.Refuse(Errno.EIO, "pci_resource_io", "only I/O ports are written, in 1, 2 or 4 bytes");
        }

        byte[] bytes = new byte[count];
        if (!TryFindPort(position, count, out ulong address))
        {
            return 0;
        }

        return process.Memory.TryRead(buffer, bytes) && kernel.Board.Cpu.Store(address, bytes) == BusStatus.Okay
            ? count
            : process.Refuse(Errno.EFAULT, "copy_from_user", "the buffer is not in the process's memory");
    }

    private bool TryFindPort(long position, long count, out ulong address)
    {
        address = 0;
        return position >= 0
            && (ulong)(position + count) <= region.Size
            && device.OnBus.Host.TryTranslateIo(region.Start + (ulong)position, out address);
    }
}
