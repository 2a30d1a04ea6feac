using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// The edge of the kernel: what programs can do, and all they can do. Pointers are addresses in the process's memory; results
/// are what the real calls return, negative errno included. What has to wait returns <see cref="Attempt.Block"/>.
/// </summary>
/// <remarks>Simulated programs, shell commands, scenario steps, tests and later real host programs all enter here.</remarks>
public sealed partial class Syscalls
{
    private const int MaximumPathBytes = 4096;

    /// <summary>No call transfers more (MAX_RW_COUNT).</summary>
    private const long MaximumTransfer = int.MaxValue & ~(PageAllocator.PageBytes - 1);

    private readonly Kernel _kernel;

    internal Syscalls(Kernel kernel) => _kernel = kernel;

    private FileTree Files => _kernel.Files;

    private Attempt OpenCore(Process process, ulong path, OpenFlags flags, int mode)
    {
        if (ReadPath(process, "open", path, out string text) is { } refused)
        {
            return refused;
        }

        long descriptor = process.FindFreeDescriptor();
        if (descriptor < 0)
        {
            return descriptor;
        }

        bool creates = flags.HasFlag(OpenFlags.Create);
        bool isExclusive = creates && flags.HasFlag(OpenFlags.Exclusive);
        Lookup found = Files.Walk(process, text, !flags.HasFlag(OpenFlags.NoFollow) && !isExclusive);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (isExclusive && found.Inode is not null)
        {
            return process.Refuse(Errno.EEXIST, "do_last", $"{text} exists and O_EXCL was given");
        }

        if (creates && (text.EndsWith('/') || found.Inode is DirectoryInode))
        {
            return process.Refuse(Errno.EISDIR, "do_last", $"{text} names a directory, and O_CREAT was given");
        }

        if (found.Inode is null && !creates)
        {
            return process.Refuse(Errno.ENOENT, "do_last", $"{text} does not exist");
        }

        if (found.Inode is { } inode)
        {
            long error = MayOpen(process, inode, text, flags);
            return error != 0 ? error : OpenInode(process, inode, flags);
        }

        // What the caller has just made it may open, whatever mode it gave it.
        long failure = Create(process, found, "vfs_create", () => new RegularInode(mode & 0x1FF), out Inode? made);
        return failure != 0 ? failure : OpenInode(process, made!, flags);
    }

    private Attempt CloseCore(Process process, int descriptor)
    {
        Enter(process, "close");
        return process.Close(descriptor) ? 0 : BadDescriptor(process, descriptor);
    }

    private Attempt ReadCore(Process process, int descriptor, ulong buffer, long count)
    {
        if (File(process, "read", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (!file.IsReadable)
        {
            return process.Refuse(Errno.EBADF, "vfs_read", $"descriptor {descriptor} is not open for reading");
        }

        if (CheckArea(process, file, count, file.Position) is { } impossible)
        {
            return impossible;
        }

        Attempt result = file.Read(process, buffer, Math.Min(count, MaximumTransfer), file.Position);
        Advance(file, result);
        return result;
    }

    private Attempt WriteCore(Process process, int descriptor, ulong buffer, long count)
    {
        if (File(process, "write", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (!file.IsWritable)
        {
            return process.Refuse(Errno.EBADF, "vfs_write", $"descriptor {descriptor} is not open for writing");
        }

        if (CheckArea(process, file, count, file.Position) is { } impossible)
        {
            return impossible;
        }

        long position = file.Flags.HasFlag(OpenFlags.Append) ? file.Size : file.Position;
        Attempt result = file.Write(process, buffer, Math.Min(count, MaximumTransfer), position);
        if (file.Flags.HasFlag(OpenFlags.Append) && result is { IsBlocked: false, Value: > 0 })
        {
            file.Position = position;
        }

        Advance(file, result);
        return result;
    }

    private Attempt PReadCore(Process process, int descriptor, ulong buffer, long count, long position)
    {
        if (AtPosition(process, "pread64", descriptor, position, out OpenFile file) is { } refused)
        {
            return refused;
        }

        return !file.IsReadable
            ? process.Refuse(Errno.EBADF, "vfs_read", "not open for reading")
            : CheckArea(process, file, count, position)
                ?? file.Read(process, buffer, Math.Min(count, MaximumTransfer), position);
    }

    private Attempt PWriteCore(Process process, int descriptor, ulong buffer, long count, long position)
    {
        if (AtPosition(process, "pwrite64", descriptor, position, out OpenFile file) is { } refused)
        {
            return refused;
        }

        return !file.IsWritable
            ? process.Refuse(Errno.EBADF, "vfs_write", "not open for writing")
            : CheckArea(process, file, count, position)
                ?? file.Write(process, buffer, Math.Min(count, MaximumTransfer), position);
    }

    private Attempt LSeekCore(Process process, int descriptor, long offset, int whence)
    {
        if (File(process, "lseek", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (!file.CanSeek)
        {
            return process.Refuse(Errno.ESPIPE, "no_llseek", "the file has no positions");
        }

        long position = whence switch
        {
            0 => offset,
            1 => file.Position + offset,
            2 => file.Size + offset,
            _ => -1,
        };
        if (position < 0)
        {
            return process.Refuse(Errno.EINVAL, "vfs_llseek", "the position would be negative, or whence is unknown");
        }

        file.Position = position;
        return position;
    }

    private Attempt IoctlCore(Process process, int descriptor, uint command, ulong argument) =>
        File(process, "ioctl", descriptor, out OpenFile file) ?? file.Ioctl(process, command, argument);

    private Attempt DupCore(Process process, int descriptor)
    {
        if (File(process, "dup", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        long result = process.Install(file);
        if (result >= 0)
        {
            file.Get();
        }

        return result;
    }

    private Attempt Dup2Core(Process process, int descriptor, int target)
    {
        if (File(process, "dup2", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (target is < 0 or >= Process.MaximumDescriptors)
        {
            return BadDescriptor(process, target);
        }

        if (descriptor != target)
        {
            file.Get();
            process.Replace(target, file, closeOnExec: false);
        }

        return target;
    }

    internal static void Enter(Process process, string call) => process.CurrentCall = call;

    /// <summary>Reads a C string from user memory.</summary>
    internal static Attempt? ReadString(
        Process process,
        ulong address,
        int maximumBytes,
        Errno tooLong,
        out string text
    )
    {
        var bytes = new List<byte>();
        Span<byte> one = stackalloc byte[1];
        text = "";
        while (bytes.Count < maximumBytes)
        {
            if (!process.Memory.TryRead(address + (ulong)bytes.Count, one))
            {
                return process.Refuse(Errno.EFAULT, "strncpy_from_user", "the string is not in the process's memory");
            }

            if (one[0] == 0)
            {
                text = Encoding.UTF8.GetString([.. bytes]);
                return null;
            }

            bytes.Add(one[0]);
        }

        return process.Refuse(tooLong, "strncpy_from_user", $"the string is longer than {maximumBytes - 1} bytes");
    }

    private static void Advance(OpenFile file, in Attempt result)
    {
        if (file.IsSeekable && result is { IsBlocked: false, Value: > 0 })
        {
            file.Position += result.Value;
        }
    }

    /// <summary>The checks of a call at a position, in the order of sys_pread64.</summary>
    private static Attempt? AtPosition(Process process, string call, int descriptor, long position, out OpenFile file)
    {
        file = null!;
        Enter(process, call);
        return position < 0 ? process.Refuse(Errno.EINVAL, "sys_" + call, "the position is negative")
            : File(process, call, descriptor, out file) is { } refused ? refused
            : !file.IsSeekable ? process.Refuse(Errno.ESPIPE, "sys_" + call, "the file has no positions")
            : null;
    }

    /// <summary>rw_verify_area: a count is not negative, and no position behind it either.</summary>
    private static Attempt? CheckArea(Process process, OpenFile file, long count, long position) =>
        count < 0 || (position > long.MaxValue - count && !file.HasUnsignedOffsets)
            ? process.Refuse(Errno.EINVAL, "rw_verify_area", "the count is negative, or goes beyond all positions")
            : null;

    private static long BadDescriptor(Process process, int descriptor) =>
        process.Refuse(Errno.EBADF, "fdget", $"descriptor {descriptor} is not open");

    private static Attempt? File(Process process, string call, int descriptor, out OpenFile file)
    {
        Enter(process, call);
        file = process.FindFile(descriptor)!;
        return file is null ? BadDescriptor(process, descriptor) : null;
    }

    private static Attempt? ReadPath(Process process, string call, ulong path, out string text)
    {
        Enter(process, call);
        return ReadString(process, path, MaximumPathBytes, Errno.ENAMETOOLONG, out text);
    }

    private static bool May(Process process, Inode inode, int wanted) =>
        process.Has(Capabilities.DacOverride) || FileTree.Allows(process, inode, wanted);

    /// <summary>may_open: whether an inode that exists may be opened so.</summary>
    private static long MayOpen(Process process, Inode inode, string path, OpenFlags flags)
    {
        int wanted = (flags & OpenFlags.AccessMode) switch
        {
            OpenFlags.ReadOnly => 4,
            OpenFlags.WriteOnly => 2,
            _ => 6,
        };
        wanted |= flags.HasFlag(OpenFlags.Truncate) ? 2 : 0;
        return inode is DirectoryInode && (wanted & 2) != 0
                ? process.Refuse(Errno.EISDIR, "may_open", $"{path} is a directory")
            : inode is not DirectoryInode && flags.HasFlag(OpenFlags.Directory)
                ? process.Refuse(Errno.ENOTDIR, "do_last", $"{path} is no directory")
            : !May(process, inode, wanted)
                ? process.Refuse(Errno.EACCES, "inode_permission", $"the mode of {path} does not allow it")
            : 0;
    }

    private static Attempt OpenInode(Process process, Inode inode, OpenFlags flags)
    {
        OpenResult opened = inode.Open(process, flags);
        if (opened.File is not { } file)
        {
            return opened.Error;
        }

        long descriptor = process.Install(file, flags.HasFlag(OpenFlags.CloseOnExec));
        if (descriptor < 0)
        {
            file.Put(process);
        }

        return descriptor;
    }

    /// <summary>may_create, and what the file system of the directory makes of it.</summary>
    /// <param name="process">Who.</param>
    /// <param name="place">Where: a name that does not exist.</param>
    /// <param name="function">vfs_create, vfs_mkdir or vfs_symlink.</param>
    /// <param name="make">Makes the inode.</param>
    /// <param name="made">The inode.</param>
    private static long Create(Process process, Lookup place, string function, Func<Inode> make, out Inode? made)
    {
        made = null;
        DirectoryInode parent = place.Parent!;
        if (parent.FileSystem == FileSystemKind.Procfs)
        {
            return process.Refuse(Errno.ENOENT, "proc_lookup", "only the kernel makes names in procfs");
        }

        if (parent.IsRemoved)
        {
            return process.Refuse(Errno.ENOENT, "may_create", "the directory was removed");
        }

        if (!May(process, parent, 3))
        {
            return process.Refuse(Errno.EACCES, "may_create", $"the mode of {parent.Path} does not allow it");
        }

        if (parent.FileSystem == FileSystemKind.Sysfs)
        {
            Errno errno = function is "vfs_create" ? Errno.EACCES : Errno.EPERM;
            return process.Refuse(errno, function, "only the kernel makes names in sysfs");
        }

        if (!process.Kernel.Files.Usage.TryAddInode())
        {
            return process.Refuse(Errno.ENOSPC, "shmem_reserve_inode", "programs have made as many names as they may");
        }

        made = parent.Add(place.Name, make());
        made.UserId = process.UserId;
        return 0;
    }
}
