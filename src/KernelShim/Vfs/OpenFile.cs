using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>open(2) flags (include/uapi/asm-generic/fcntl.h).</summary>
[Flags]
public enum OpenFlags
{
    /// <summary>O_RDONLY.</summary>
    ReadOnly = 0,

    /// <summary>O_WRONLY.</summary>
    WriteOnly = 1,

    /// <summary>O_RDWR.</summary>
    ReadWrite = 2,

    /// <summary>The two bits that hold the access mode (O_ACCMODE).</summary>
    AccessMode = 3,

    /// <summary>O_CREAT.</summary>
    Create = 0x40,

    /// <summary>O_EXCL.</summary>
    Exclusive = 0x80,

    /// <summary>O_TRUNC.</summary>
    Truncate = 0x200,

    /// <summary>O_APPEND.</summary>
    Append = 0x400,

    /// <summary>O_NONBLOCK.</summary>
    NonBlocking = 0x800,

    /// <summary>O_SYNC: for /dev/mem, that what is mapped is not cached.</summary>
    Synchronous = 0x10_1000,

    /// <summary>O_DIRECTORY.</summary>
    Directory = 0x1_0000,

    /// <summary>O_NOFOLLOW.</summary>
    NoFollow = 0x2_0000,

    /// <summary>O_CLOEXEC.</summary>
    CloseOnExec = 0x8_0000,
}

/// <summary>poll(2) events.</summary>
[Flags]
public enum PollEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>POLLIN.</summary>
    In = 1,

    /// <summary>POLLPRI.</summary>
    Priority = 2,

    /// <summary>POLLOUT.</summary>
    Out = 4,

    /// <summary>POLLERR.</summary>
    Error = 8,

    /// <summary>POLLHUP.</summary>
    HangUp = 16,
}

/// <summary>
/// An open file description (struct file with its operations). Descriptors of several processes may refer to one; when the
/// last is closed and no mapping holds it, <see cref="Release"/> is called.
/// </summary>
/// <remarks>
/// Operations act for <c>process</c> on its memory and return a count or a negative errno; what has to wait returns
/// <see cref="Attempt.Block"/> and is attempted again.
/// </remarks>
[DebuggerDisplay("{Description,nq} x{References}")]
public abstract class OpenFile
{
    /// <summary>What /proc/PID/fd shows: a path, or <c>anon_inode:[vfio-device]</c>.</summary>
    public abstract string Description { get; }

    /// <summary>The flags it was opened with.</summary>
    public OpenFlags Flags { get; set; }

    /// <summary>The file position.</summary>
    public long Position { get; set; }

    /// <summary>The inode, or null for anonymous files.</summary>
    public Inode? Inode { get; init; }

    /// <summary>How many descriptors and mappings refer to it.</summary>
    public int References { get; private set; } = 1;

    /// <summary>Whether its mode lets it be read.</summary>
    public bool IsReadable => (Flags & OpenFlags.AccessMode) is OpenFlags.ReadOnly or OpenFlags.ReadWrite;

    /// <summary>Whether its mode lets it be written. Mode 3 lets neither: it is for ioctl(2) alone (OPEN_FMODE).</summary>
    public bool IsWritable => (Flags & OpenFlags.AccessMode) is OpenFlags.WriteOnly or OpenFlags.ReadWrite;

    /// <summary>Who waits for it to become readable or writable; woken by the file's own code.</summary>
    public WaitQueue Waiters { get; } = new("do_sys_poll");

    /// <summary>One more descriptor or mapping refers to it.</summary>
    public void Get() => References++;

    /// <summary>One fewer does.</summary>
    public void Put(Process? process)
    {
        if (--References == 0)
        {
            Release(process);
        }
    }

    /// <summary>Reads at a position. EINVAL where the file has no read operation.</summary>
    public virtual Attempt Read(Process process, ulong buffer, long count, long position) =>
        Refuse(process, Errno.EINVAL, "vfs_read", "cannot be read");

    /// <summary>Writes at a position. EINVAL where the file has no write operation.</summary>
    public virtual Attempt Write(Process process, ulong buffer, long count, long position) =>
        Refuse(process, Errno.EINVAL, "vfs_write", "cannot be written");

    /// <summary>Whether the file has positions at all (pipes and eventfds have none: ESPIPE).</summary>
    public virtual bool IsSeekable => true;

    /// <summary>Whether lseek(2) may move the position (an llseek operation), which reading and writing do all the same.</summary>
    public virtual bool CanSeek => IsSeekable;

    /// <summary>FMODE_UNSIGNED_OFFSET: positions are addresses, of which the upper half counts too.</summary>
    public virtual bool HasUnsignedOffsets => false;

    /// <summary>The size that SEEK_END counts from.</summary>
    public virtual long Size => 0;

    /// <summary>ioctl(2). ENOTTY where the file knows none.</summary>
    public virtual Attempt Ioctl(Process process, uint command, ulong argument) =>
        Refuse(process, Errno.ENOTTY, "vfs_ioctl", "has no ioctls");

    /// <summary>mmap(2) of the file: may set the area's device address. ENODEV where it cannot be mapped.</summary>
    /// <param name="process">Who maps.</param>
    /// <param name="area">The area, not yet in the address space.</param>
    /// <param name="offset">The file offset.</param>
    /// <param name="lengthBytes">The length.</param>
    public virtual long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes) =>
        Refuse(process, Errno.ENODEV, "do_mmap_pgoff", "cannot be mapped");

    /// <summary>What poll(2) would report now.</summary>
    public virtual PollEvents Poll() => PollEvents.In | PollEvents.Out;

    /// <summary>The entries of a directory, after the position; null for anything else.</summary>
    public virtual IReadOnlyList<DirectoryEntry>? ReadDirectory() => null;

    /// <summary>The last reference is gone.</summary>
    /// <param name="process">Who closed it; null when the kernel did.</param>
    public virtual void Release(Process? process) { }

    private long Refuse(Process process, Errno errno, string function, string reason)
    {
        ArgumentNullException.ThrowIfNull(process);
        return process.Refuse(errno, function, $"{Description} {reason}");
    }
}

/// <summary>An entry of a directory (struct linux_dirent64).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Inode">What it names.</param>
public readonly record struct DirectoryEntry(string Name, Inode Inode);
