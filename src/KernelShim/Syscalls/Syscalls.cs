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
    private readonly Kernel _kernel;

    internal Syscalls(Kernel kernel) => _kernel = kernel;

    private FileTree Files => _kernel.Files;

    private Attempt OpenCore(Process process, ulong path, OpenFlags flags, int mode)
    {
        if (ReadPath(process, "open", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text, !flags.HasFlag(OpenFlags.NoFollow));
        if (found.Error != 0)
        {
            return found.Error;
        }

        Inode? inode = found.Inode;
        if (inode is null)
        {
            if (!flags.HasFlag(OpenFlags.Create))
            {
                return process.Refuse(Errno.ENOENT, "do_last", $"{text} does not exist");
            }

            long error = Create(process, found, () => new RegularInode(mode & 0x1FF), out inode);
            if (error != 0)
            {
                return error;
            }
        }
        else if (flags.HasFlag(OpenFlags.Create) && flags.HasFlag(OpenFlags.Exclusive))
        {
            return process.Refuse(Errno.EEXIST, "do_last", $"{text} exists and O_EXCL was given");
        }

        return OpenInode(process, inode!, text, flags);
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

        Attempt result = file.Read(process, buffer, Math.Min(count, int.MaxValue), file.Position);
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

        long position = file.Flags.HasFlag(OpenFlags.Append) ? file.Size : file.Position;
        Attempt result = file.Write(process, buffer, Math.Min(count, int.MaxValue), position);
        if (file.Flags.HasFlag(OpenFlags.Append) && result is { IsBlocked: false, Value: > 0 })
        {
            file.Position = position;
        }

        Advance(file, result);
        return result;
    }

    private Attempt PReadCore(Process process, int descriptor, ulong buffer, long count, long position) =>
        File(process, "pread64", descriptor, out OpenFile file)
        ?? (
            !file.IsSeekable ? process.Refuse(Errno.ESPIPE, "ksys_pread64", "the file has no positions")
            : !file.IsReadable ? process.Refuse(Errno.EBADF, "vfs_read", "not open for reading")
            : position < 0 ? process.Refuse(Errno.EINVAL, "ksys_pread64", "the position is negative")
            : file.Read(process, buffer, Math.Min(count, int.MaxValue), position)
        );

    private Attempt PWriteCore(Process process, int descriptor, ulong buffer, long count, long position) =>
        File(process, "pwrite64", descriptor, out OpenFile file)
        ?? (
            !file.IsSeekable ? process.Refuse(Errno.ESPIPE, "ksys_pwrite64", "the file has no positions")
            : !file.IsWritable ? process.Refuse(Errno.EBADF, "vfs_write", "not open for writing")
            : position < 0 ? process.Refuse(Errno.EINVAL, "ksys_pwrite64", "the position is negative")
            : file.Write(process, buffer, Math.Min(count, int.MaxValue), position)
        );

    private Attempt LSeekCore(Process process, int descriptor, long offset, int whence)
    {
        if (File(process, "lseek", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (!file.IsSeekable)
        {
            return process.Refuse(Errno.ESPIPE, "ksys_lseek", "the file has no positions");
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

    private static Attempt OpenInode(Process process, Inode inode, string path, OpenFlags flags)
    {
        OpenFlags mode = flags & OpenFlags.AccessMode;
        if (inode is DirectoryInode && mode != OpenFlags.ReadOnly)
        {
            return process.Refuse(Errno.EISDIR, "may_open", $"{path} is a directory");
        }

        if (inode is not DirectoryInode && flags.HasFlag(OpenFlags.Directory))
        {
            return process.Refuse(Errno.ENOTDIR, "do_open", $"{path} is no directory");
        }

        int wanted = mode switch
        {
            OpenFlags.ReadOnly => 4,
            OpenFlags.WriteOnly => 2,
            _ => 6,
        };
        if (!May(process, inode, wanted))
        {
            return process.Refuse(Errno.EACCES, "inode_permission", $"the mode of {path} does not allow it");
        }

        OpenResult opened = inode.Open(process, flags);
        return opened.File is { } file ? process.Install(file, flags.HasFlag(OpenFlags.CloseOnExec)) : opened.Error;
    }

    private static long Create(Process process, Lookup place, Func<Inode> make, out Inode? made)
    {
        made = null;
        DirectoryInode parent = place.Parent!;
        switch (parent.FileSystem)
        {
            case FileSystemKind.Sysfs:
                return process.Refuse(Errno.EACCES, "may_create", "only the kernel makes names in sysfs");
            case FileSystemKind.Procfs:
                return process.Refuse(Errno.ENOENT, "proc_lookup", "only the kernel makes names in procfs");
        }

        if (!May(process, parent, 3))
        {
            return process.Refuse(Errno.EACCES, "may_create", $"the mode of {parent.Path} does not allow it");
        }

        made = parent.Add(place.Name, make());
        made.UserId = process.UserId;
        return 0;
    }
}
