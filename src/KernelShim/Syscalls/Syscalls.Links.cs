using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Calls that move names about: symlink, rename, getcwd; and fcntl's F_DUPFD.</content>
public sealed partial class Syscalls
{
    private Attempt SymLinkCore(Process process, string target, ulong path)
    {
        if (ReadPath(process, "symlink", path, out string text) is { } refused)
        {
            return refused;
        }

        if (target.Length == 0)
        {
            return process.Refuse(Errno.ENOENT, "getname", "the target is empty");
        }

        if (Encoding.UTF8.GetByteCount(target) >= MaximumPathBytes)
        {
            return process.Refuse(Errno.ENAMETOOLONG, "getname", "the target is longer than a path may be");
        }

        Lookup found = Files.Walk(process, text, followLast: false);
        return found.Error != 0 ? found.Error
            : found.Inode is not null ? process.Refuse(Errno.EEXIST, "filename_create", $"{text} exists")
            : text.EndsWith('/') ? process.Refuse(Errno.ENOENT, "filename_create", $"{text} would be a directory")
            : Create(process, found, "vfs_symlink", () => new LinkInode(target), out _);
    }

    private Attempt RenameCore(Process process, string oldPath, string newPath)
    {
        Enter(process, "rename");
        Lookup from = Files.Walk(process, oldPath, followLast: false);
        Lookup to = from.Error != 0 ? default : Files.Walk(process, newPath, followLast: false);
        if (from.Error != 0 || to.Error != 0)
        {
            return from.Error != 0 ? from.Error : to.Error;
        }

        if (from.Inode is not { } inode)
        {
            return process.Refuse(Errno.ENOENT, "do_renameat2", $"{oldPath} does not exist");
        }

        if (from.Parent is null || to.Parent is null || from.Name is "" or "." or ".." || to.Name is "" or "." or "..")
        {
            return process.Refuse(Errno.EBUSY, "sys_renameat", "the root, '.' and '..' cannot be renamed");
        }

        if (MountOf(from.Parent) != MountOf(to.Parent))
        {
            return process.Refuse(Errno.EXDEV, "sys_renameat", "the names are on two file systems");
        }

        if (inode is not DirectoryInode && newPath.EndsWith('/'))
        {
            return process.Refuse(Errno.ENOTDIR, "sys_renameat", $"{oldPath} is no directory");
        }

        if (to.Parent.IsRemoved)
        {
            return process.Refuse(Errno.ENOENT, "may_create", "the directory was removed");
        }

        for (DirectoryInode? above = to.Parent; above is not null; above = above.Parent)
        {
            if (above == inode)
            {
                return process.Refuse(Errno.EINVAL, "lock_rename", $"{newPath} is inside {oldPath}");
            }
        }

        if (to.Inode == inode)
        {
            return 0;
        }

        long error = MayDelete(process, from.Parent, inode, inode is DirectoryInode);
        if (error != 0)
        {
            return error;
        }

        if (!May(process, to.Parent, 3))
        {
            return process.Refuse(Errno.EACCES, "may_create", $"the mode of {to.Parent.Path} does not allow it");
        }

        if (to.Inode is { } old)
        {
            error = MayDelete(process, to.Parent, old, inode is DirectoryInode);
            if (error != 0)
            {
                return error;
            }

            if (old is DirectoryInode full && full.Children.Any())
            {
                return process.Refuse(Errno.ENOTEMPTY, "simple_rename", $"{old.Path} is not empty");
            }

            to.Parent.Remove(to.Name);
            Files.Usage.RemoveInode(old);
        }

        from.Parent.Remove(from.Name);
        to.Parent.Add(to.Name, inode);
        return 0;
    }

    private Attempt GetCwdCore(Process process, ulong buffer, long size)
    {
        Enter(process, "getcwd");
        if (process.WorkingDirectory.IsRemoved)
        {
            return process.Refuse(Errno.ENOENT, "sys_getcwd", "the working directory was removed");
        }

        byte[] path = Encoding.UTF8.GetBytes(process.WorkingDirectory.Path + "\0");
        return path.Length > MaximumPathBytes
                ? process.Refuse(Errno.ENAMETOOLONG, "sys_getcwd", "the path is longer than a page")
            : path.Length > size ? process.Refuse(Errno.ERANGE, "sys_getcwd", "the buffer is too small")
            : process.Memory.TryWrite(buffer, path) ? path.Length
            : process.Refuse(Errno.EFAULT, "sys_getcwd", "the buffer is not in the process's memory");
    }

    private Attempt DupFromCore(Process process, int descriptor, int from)
    {
        if (File(process, "fcntl64", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (from is < 0 or >= Process.MaximumDescriptors)
        {
            return process.Refuse(Errno.EINVAL, "f_dupfd", $"no process has a descriptor {from}");
        }

        long result = process.Install(file, closeOnExec: true, from);
        if (result >= 0)
        {
            file.Get();
        }

        return result;
    }

    /// <summary>The root of the file system that a directory is in.</summary>
    private static DirectoryInode MountOf(DirectoryInode directory)
    {
        DirectoryInode at = directory;
        while (!at.IsMountPoint && at.Parent is { } parent)
        {
            at = parent;
        }

        return at;
    }
}
