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

        Lookup found = Files.Walk(process, text, followLast: false);
        return found.Error != 0 ? found.Error
            : found.Inode is not null ? process.Refuse(Errno.EEXIST, "filename_create", $"{text} exists")
            : Create(process, found, () => new LinkInode(target), out _);
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

        if (from.Parent is null || to.Parent is null || from.Name is "." or ".." || to.Name is "." or "..")
        {
            return process.Refuse(Errno.EBUSY, "do_renameat2", "the root, '.' and '..' cannot be renamed");
        }

        if (from.Parent.FileSystem != to.Parent.FileSystem)
        {
            return process.Refuse(Errno.EXDEV, "do_renameat2", "the names are on two file systems");
        }

        if (from.Parent.FileSystem != FileSystemKind.Tmpfs)
        {
            return process.Refuse(Errno.EPERM, "vfs_rename", $"{oldPath} is not in a file system that can be changed");
        }

        if (!May(process, from.Parent, 3) || !May(process, to.Parent, 3))
        {
            return process.Refuse(Errno.EACCES, "may_delete", "the mode of a directory does not allow it");
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

        if (to.Inode is { } old)
        {
            long refusal = MayReplace(process, inode, old);
            if (refusal != 0)
            {
                return refusal;
            }

            to.Parent.Remove(to.Name);
        }

        from.Parent.Remove(from.Name);
        to.Parent.Add(to.Name, inode);
        return 0;
    }

    private Attempt GetCwdCore(Process process, ulong buffer, long size)
    {
        Enter(process, "getcwd");
        byte[] path = Encoding.UTF8.GetBytes(process.WorkingDirectory.Path + "\0");
        return path.Length > size ? process.Refuse(Errno.ERANGE, "sys_getcwd", "the buffer is too small")
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

    private static long MayReplace(Process process, Inode inode, Inode old) =>
        old switch
        {
            DirectoryInode when inode is not DirectoryInode => process.Refuse(
                Errno.EISDIR,
                "may_delete",
                $"{old.Path} is a directory"
            ),
            not DirectoryInode when inode is DirectoryInode => process.Refuse(
                Errno.ENOTDIR,
                "may_delete",
                $"{old.Path} is no directory"
            ),
            DirectoryInode full when full.Children.Any() => process.Refuse(
                Errno.ENOTEMPTY,
                "simple_rename",
                $"{old.Path} is not empty"
            ),
            _ => 0,
        };
}
