using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>The edge itself, calls on files and names: each call with how a trace writes it.</content>
public sealed partial class Syscalls
{
    /// <summary>open(2).</summary>
    public Attempt Open(Process process, ulong path, OpenFlags flags, int mode)
    {
        Attempt result = OpenCore(process, path, flags, mode);
        return Done(process, result, $"open({Path(process, path)}, {OpenFlagsText(flags)}{ModeText(flags, mode)})");
    }

    /// <summary>close(2).</summary>
    public Attempt Close(Process process, int descriptor)
    {
        Attempt result = CloseCore(process, descriptor);
        return Done(process, result, $"close({descriptor})");
    }

    /// <summary>read(2).</summary>
    public Attempt Read(Process process, int descriptor, ulong buffer, long count)
    {
        Attempt result = ReadCore(process, descriptor, buffer, count);
        return Done(process, result, $"read({descriptor}, {Bytes(process, buffer, result.Value)}, {count})");
    }

    /// <summary>write(2).</summary>
    public Attempt Write(Process process, int descriptor, ulong buffer, long count)
    {
        Attempt result = WriteCore(process, descriptor, buffer, count);
        return Done(process, result, $"write({descriptor}, {Bytes(process, buffer, count)}, {count})");
    }

    /// <summary>pread64(2).</summary>
    public Attempt PRead(Process process, int descriptor, ulong buffer, long count, long position)
    {
        Attempt result = PReadCore(process, descriptor, buffer, count, position);
        return Done(
            process,
            result,
            $"pread64({descriptor}, {Bytes(process, buffer, result.Value)}, {count}, {position})"
        );
    }

    /// <summary>pwrite64(2).</summary>
    public Attempt PWrite(Process process, int descriptor, ulong buffer, long count, long position)
    {
        Attempt result = PWriteCore(process, descriptor, buffer, count, position);
        return Done(process, result, $"pwrite64({descriptor}, {Bytes(process, buffer, count)}, {count}, {position})");
    }

    /// <summary>lseek(2).</summary>
    /// <param name="process">Who.</param>
    /// <param name="descriptor">Which file.</param>
    /// <param name="offset">How far.</param>
    /// <param name="whence">0 SEEK_SET, 1 SEEK_CUR, 2 SEEK_END.</param>
    public Attempt LSeek(Process process, int descriptor, long offset, int whence)
    {
        Attempt result = LSeekCore(process, descriptor, offset, whence);
        return Done(process, result, $"lseek({descriptor}, {offset}, {WhenceText(whence)})");
    }

    /// <summary>ioctl(2).</summary>
    public Attempt Ioctl(Process process, int descriptor, uint command, ulong argument)
    {
        Attempt result = IoctlCore(process, descriptor, command, argument);
        return Done(process, result, $"ioctl({descriptor}, {IoctlText(process, command, argument)})");
    }

    /// <summary>dup(2).</summary>
    public Attempt Dup(Process process, int descriptor)
    {
        Attempt result = DupCore(process, descriptor);
        return Done(process, result, $"dup({descriptor})");
    }

    /// <summary>dup2(2).</summary>
    public Attempt Dup2(Process process, int descriptor, int target)
    {
        Attempt result = Dup2Core(process, descriptor, target);
        return Done(process, result, $"dup2({descriptor}, {target})");
    }

    /// <summary>
    /// stat(2), or lstat(2) when <paramref name="follow"/> is false: st_mode at 16, st_uid 24, st_rdev 32,
    /// st_size 48, st_blocks 64, st_mtime 88 (that of the boot: the times of files are not kept).
    /// </summary>
    public Attempt Stat(Process process, ulong path, ulong buffer, bool follow = true)
    {
        Attempt result = StatCore(process, path, buffer, follow);
        return Done(process, result, $"{(follow ? "stat64" : "lstat64")}({Path(process, path)}, {Pointer(buffer)})");
    }

    /// <summary>fstat(2).</summary>
    public Attempt FStat(Process process, int descriptor, ulong buffer)
    {
        Attempt result = FStatCore(process, descriptor, buffer);
        return Done(process, result, $"fstat64({descriptor}, {Pointer(buffer)})");
    }

    /// <summary>readlink(2): the target without a terminating zero, cut to the buffer.</summary>
    public Attempt ReadLink(Process process, ulong path, ulong buffer, long size)
    {
        Attempt result = ReadLinkCore(process, path, buffer, size);
        return Done(
            process,
            result,
            $"readlink({Path(process, path)}, {Bytes(process, buffer, result.Value)}, {size})"
        );
    }

    /// <summary>getdents64(2).</summary>
    public Attempt GetDents(Process process, int descriptor, ulong buffer, long size)
    {
        Attempt result = GetDentsCore(process, descriptor, buffer, size);
        return Done(process, result, $"getdents64({descriptor}, {Pointer(buffer)}, {size})");
    }

    /// <summary>mkdir(2).</summary>
    public Attempt MkDir(Process process, ulong path, int mode)
    {
        Attempt result = MkDirCore(process, path, mode);
        return Done(process, result, $"mkdir({Path(process, path)}, {Octal(mode)})");
    }

    /// <summary>unlink(2).</summary>
    public Attempt Unlink(Process process, ulong path)
    {
        Attempt result = UnlinkCore(process, path);
        return Done(process, result, $"unlink({Path(process, path)})");
    }

    /// <summary>rmdir(2).</summary>
    public Attempt RmDir(Process process, ulong path)
    {
        Attempt result = RmDirCore(process, path);
        return Done(process, result, $"rmdir({Path(process, path)})");
    }

    /// <summary>chmod(2).</summary>
    public Attempt ChMod(Process process, ulong path, int mode)
    {
        Attempt result = ChModCore(process, path, mode);
        return Done(process, result, $"chmod({Path(process, path)}, {Octal(mode)})");
    }

    /// <summary>chown(2), or lchown(2) where links are not followed; -1 leaves the owner or the group as it is.</summary>
    public Attempt ChOwn(Process process, ulong path, int userId, int groupId, bool follow = true)
    {
        Attempt result = ChOwnCore(process, path, userId, groupId, follow);
        string call = follow ? "chown" : "lchown";
        return Done(process, result, $"{call}({Path(process, path)}, {userId}, {groupId})");
    }

    /// <summary>chdir(2).</summary>
    public Attempt ChDir(Process process, ulong path)
    {
        Attempt result = ChDirCore(process, path);
        return Done(process, result, $"chdir({Path(process, path)})");
    }

    /// <summary>symlink(2).</summary>
    public Attempt SymLink(Process process, string target, ulong path)
    {
        Attempt result = SymLinkCore(process, target, path);
        return Done(process, result, $"symlink({Quoted(target)}, {Path(process, path)})");
    }

    /// <summary>rename(2) within tmpfs.</summary>
    public Attempt Rename(Process process, string oldPath, string newPath)
    {
        Attempt result = RenameCore(process, oldPath, newPath);
        return Done(process, result, $"rename({Quoted(oldPath)}, {Quoted(newPath)})");
    }

    /// <summary>getcwd(2): the length with the terminating zero.</summary>
    public Attempt GetCwd(Process process, ulong buffer, long size)
    {
        Attempt result = GetCwdCore(process, buffer, size);
        return Done(process, result, $"getcwd({Bytes(process, buffer, result.Value)}, {size})");
    }

    /// <summary>fcntl(2) F_DUPFD_CLOEXEC: the lowest free descriptor from <paramref name="from"/> on.</summary>
    public Attempt DupFrom(Process process, int descriptor, int from)
    {
        Attempt result = DupFromCore(process, descriptor, from);
        return Done(process, result, $"fcntl64({descriptor}, F_DUPFD_CLOEXEC, {from})");
    }
}
