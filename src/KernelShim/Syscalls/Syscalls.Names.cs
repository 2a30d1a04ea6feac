using System.Buffers.Binary;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Calls on names: stat, readlink, getdents, mkdir, unlink, chmod, chdir.</content>
public sealed partial class Syscalls
{
    /// <summary>The size of the stat structure that <see cref="Stat"/> fills (asm-generic struct stat, 64-bit).</summary>
    public const int StatBytes = 128;

    private const int EntryHeaderBytes = 19;
    private const int StickyBit = 0x200;

    private Attempt StatCore(Process process, ulong path, ulong buffer, bool follow)
    {
        if (ReadPath(process, follow ? "stat" : "lstat", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text, follow);
        return found.Error != 0 ? found.Error
            : found.Inode is null ? process.Refuse(Errno.ENOENT, "filename_lookup", $"{text} does not exist")
            : WriteStat(process, found.Inode, buffer);
    }

    private Attempt FStatCore(Process process, int descriptor, ulong buffer) =>
        File(process, "fstat", descriptor, out OpenFile file) ?? WriteStat(process, file.Inode, buffer);

    private Attempt ReadLinkCore(Process process, ulong path, ulong buffer, long size)
    {
        if (ReadPath(process, "readlink", path, out string text) is { } refused)
        {
            return refused;
        }

        if (size <= 0)
        {
            return process.Refuse(Errno.EINVAL, "sys_readlinkat", "the buffer has no room");
        }

        Lookup found = Files.Walk(process, text, followLast: false);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (found.Inode is not LinkInode link)
        {
            return found.Inode is null
                ? process.Refuse(Errno.ENOENT, "user_path_at", $"{text} does not exist")
                : process.Refuse(Errno.EINVAL, "do_readlinkat", $"{text} is no symbolic link");
        }

        byte[] target = Encoding.UTF8.GetBytes(link.Target);
        int length = (int)Math.Min(size, target.Length);
        return process.Memory.TryWrite(buffer, target.AsSpan(0, length))
            ? length
            : process.Refuse(Errno.EFAULT, "readlink_copy", "the buffer is not in the process's memory");
    }

    private Attempt GetDentsCore(Process process, int descriptor, ulong buffer, long size)
    {
        if (File(process, "getdents64", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (file.ReadDirectory() is not { } entries)
        {
            return process.Refuse(Errno.ENOTDIR, "iterate_dir", "the descriptor is no directory");
        }

        if (file.Inode is { IsRemoved: true })
        {
            return process.Refuse(Errno.ENOENT, "iterate_dir", "the directory was removed");
        }

        var bytes = new List<byte>();
        int index = (int)Math.Min(file.Position, entries.Count);
        while (index < entries.Count)
        {
            byte[] entry = Encode(entries[index], index + 1);
            if (bytes.Count + entry.Length > size)
            {
                break;
            }

            bytes.AddRange(entry);
            index++;
        }

        if (bytes.Count == 0 && index < entries.Count)
        {
            return process.Refuse(Errno.EINVAL, "filldir64", "the buffer has no room for one entry");
        }

        if (!process.Memory.TryWrite(buffer, bytes.ToArray()))
        {
            return process.Refuse(Errno.EFAULT, "filldir64", "the buffer is not in the process's memory");
        }

        file.Position = bytes.Count > 0 ? index : file.Position;
        return bytes.Count;
    }

    private Attempt MkDirCore(Process process, ulong path, int mode)
    {
        if (ReadPath(process, "mkdir", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(
            process,
            text.TrimEnd('/') is { Length: > 0 } trimmed ? trimmed : text,
            followLast: false
        );
        return found.Error != 0 ? found.Error
            : found.Inode is not null ? process.Refuse(Errno.EEXIST, "filename_create", $"{text} exists")
            : Create(process, found, "vfs_mkdir", () => new DirectoryInode(FileSystemKind.Tmpfs, mode & 0x1FF), out _);
    }

    private Attempt UnlinkCore(Process process, ulong path) => Remove(process, "unlink", path, directory: false);

    private Attempt RmDirCore(Process process, ulong path) => Remove(process, "rmdir", path, directory: true);

    private Attempt ChModCore(Process process, ulong path, int mode)
    {
        if (ReadPath(process, "chmod", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (found.Inode is not { } inode)
        {
            return process.Refuse(Errno.ENOENT, "filename_lookup", $"{text} does not exist");
        }

        if (process.UserId != inode.UserId && !process.Has(Capabilities.FileOwner))
        {
            return process.Refuse(Errno.EPERM, "setattr_prepare", "only the owner may change the mode");
        }

        inode.Permissions = mode & 0xFFF;
        return 0;
    }

    private Attempt ChDirCore(Process process, ulong path)
    {
        if (ReadPath(process, "chdir", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (found.Inode is not DirectoryInode directory)
        {
            return found.Inode is null
                ? process.Refuse(Errno.ENOENT, "filename_lookup", $"{text} does not exist")
                : process.Refuse(Errno.ENOTDIR, "user_path_at", $"{text} is no directory");
        }

        if (!May(process, directory, 1))
        {
            return process.Refuse(Errno.EACCES, "path_permission", $"{text} may not be entered");
        }

        process.WorkingDirectory = directory;
        return 0;
    }

    private static byte[] Encode(DirectoryEntry entry, int next)
    {
        byte[] name = Encoding.UTF8.GetBytes(entry.Name);
        byte[] bytes = new byte[(EntryHeaderBytes + name.Length + 1 + 7) & ~7];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)next);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), next);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(16), (ushort)bytes.Length);
        bytes[18] = (byte)((int)entry.Inode.Kind >> 12);
        name.CopyTo(bytes, EntryHeaderBytes);
        return bytes;
    }

    private Attempt WriteStat(Process process, Inode? inode, ulong buffer)
    {
        byte[] bytes = new byte[StatBytes];
        if (inode is not null)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), (uint)inode.Kind | (uint)inode.Permissions);
            uint links = inode is DirectoryInode directory
                ? 2 + (uint)directory.Children.Count(child => child is DirectoryInode)
                : 1;
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), links);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), (uint)inode.UserId);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(28), (uint)inode.GroupId);
            if (inode is DeviceInode device)
            {
                ulong number = ((ulong)device.Major << 8) | (uint)device.Minor;
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), number);
            }

            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(48), inode.Size);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(56), PageAllocator.PageBytes);
            if (inode is RegularInode)
            {
                const int Page = PageAllocator.PageBytes;
                BinaryPrimitives.WriteInt64LittleEndian(
                    bytes.AsSpan(64),
                    (inode.Size + Page - 1) / Page * (Page / 512)
                );
            }

            foreach (int time in (ReadOnlySpan<int>)[72, 88, 104])
            {
                BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(time), _kernel.EpochSeconds);
            }
        }

        return process.Memory.TryWrite(buffer, bytes)
            ? 0
            : process.Refuse(Errno.EFAULT, "cp_new_stat", "the buffer is not in the process's memory");
    }

    private Attempt Remove(Process process, string call, ulong path, bool directory)
    {
        if (ReadPath(process, call, path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text, followLast: false);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (found.Inode is not { } inode)
        {
            return process.Refuse(Errno.ENOENT, "lookup_one", $"{text} does not exist");
        }

        string last = text.TrimEnd('/') is { Length: > 0 } trimmed ? trimmed[(trimmed.LastIndexOf('/') + 1)..] : "";
        if (last is "" or "." or "..")
        {
            Errno errno =
                !directory ? Errno.EISDIR
                : last is "." ? Errno.EINVAL
                : last is ".." ? Errno.ENOTEMPTY
                : Errno.EBUSY;
            return process.Refuse(errno, "do_" + call, "the root, '.' and '..' cannot be removed");
        }

        long error = MayDelete(process, found.Parent!, inode, isDirectory: directory);
        if (error != 0)
        {
            return error;
        }

        if (inode is DirectoryInode full && full.Children.Any())
        {
            return process.Refuse(Errno.ENOTEMPTY, "simple_rmdir", $"{text} is not empty");
        }

        found.Parent!.Remove(inode.Name);
        Files.Usage.RemoveInode(inode);
        return 0;
    }

    /// <summary>may_delete, and what vfs_unlink, vfs_rmdir and vfs_rename ask of the file system.</summary>
    private static long MayDelete(Process process, DirectoryInode parent, Inode inode, bool isDirectory)
    {
        if (!May(process, parent, 3))
        {
            return process.Refuse(Errno.EACCES, "may_delete", $"the mode of {parent.Path} does not allow it");
        }

        bool isOwner = process.UserId == inode.UserId || process.UserId == parent.UserId;
        if ((parent.Permissions & StickyBit) != 0 && !isOwner && !process.Has(Capabilities.FileOwner))
        {
            return process.Refuse(
                Errno.EPERM,
                "check_sticky",
                $"{inode.Path} is another user's, in a sticky directory"
            );
        }

        if (isDirectory != inode is DirectoryInode)
        {
            return isDirectory
                ? process.Refuse(Errno.ENOTDIR, "may_delete", $"{inode.Path} is no directory")
                : process.Refuse(Errno.EISDIR, "may_delete", $"{inode.Path} is a directory");
        }

        if (parent.FileSystem != FileSystemKind.Tmpfs)
        {
            return process.Refuse(
                Errno.EPERM,
                "vfs_unlink",
                $"{inode.Path} is not in a file system that can be changed"
            );
        }

        return inode is DirectoryInode { IsMountPoint: true }
            ? process.Refuse(Errno.EBUSY, "d_mountpoint", $"a file system is mounted on {inode.Path}")
            : 0;
    }
}
