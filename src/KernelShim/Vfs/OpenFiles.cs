using System.Runtime.InteropServices;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>An open directory.</summary>
internal sealed class OpenDirectory(DirectoryInode directory) : OpenFile
{
    public override string Description => directory.Path;

    public DirectoryInode Directory => directory;

    public override Attempt Read(Process process, ulong buffer, long count, long position) =>
        process.Refuse(Errno.EISDIR, "generic_read_dir", $"{directory.Path} is a directory");

    public override IReadOnlyList<DirectoryEntry> ReadDirectory() =>
        [
            new DirectoryEntry(".", directory),
            new DirectoryEntry("..", directory.Parent ?? directory),
            .. directory.Children.Select(child => new DirectoryEntry(child.Name, child)),
        ];
}

/// <summary>An open attribute: the text is made at the first read, each write is one store (fs/kernfs/file.c).</summary>
internal sealed class OpenAttribute(AttributeInode attribute) : OpenFile
{
    private byte[]? _text;
    private int _changesSeen = -1;

    public override string Description => attribute.Path;

    /// <summary>kernfs_generic_poll: always readable and writable, and changed until it is read (once even if it never changes).</summary>
    public override PollEvents Poll() =>
        PollEvents.In
        | PollEvents.Out
        | (attribute.Changes != _changesSeen ? PollEvents.Priority | PollEvents.Error : PollEvents.None);

    public override void Release(Process? process) => attribute.Forget(this);

    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        if (position == 0 || _text is null)
        {
            _changesSeen = attribute.Changes;
            _text = attribute.Show!();
        }

        if (position >= _text.Length || count == 0)
        {
            return 0;
        }

        int length = (int)Math.Min(count, _text.Length - position);
        return process.Memory.TryWrite(buffer, _text.AsSpan((int)position, length))
            ? length
            : process.Refuse(Errno.EFAULT, "copy_to_user", "the buffer is not in the process's memory");
    }

    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        if (count == 0)
        {
            return 0;
        }

        byte[] bytes = new byte[Math.Min(count, PageAllocator.PageBytes)];
        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "copy_from_user", "the buffer is not in the process's memory");
        }

        string text = Encoding.Latin1.GetString(bytes);
        return attribute.BlockingStore is { } store ? store(process, text) : attribute.Store!(process, text);
    }
}

/// <summary>An open file of tmpfs.</summary>
internal sealed class OpenRegular(RegularInode inode) : OpenFile
{
    public override string Description => inode.Path;

    public override long Size => inode.Size;

    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        if (position >= inode.Content.Count || count == 0)
        {
            return 0;
        }

        int length = (int)Math.Min(count, inode.Content.Count - position);
        return process.Memory.TryWrite(buffer, CollectionsMarshal.AsSpan(inode.Content).Slice((int)position, length))
            ? length
            : process.Refuse(Errno.EFAULT, "copy_to_user", "the buffer is not in the process's memory");
    }

    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        if (count == 0)
        {
            return 0;
        }

        if (position > RegularInode.MaximumBytes - count)
        {
            return process.Refuse(Errno.EFBIG, "generic_write_checks", "files of the simulated world end at 16 MiB");
        }

        byte[] bytes = new byte[count];
        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "copy_from_user", "the buffer is not in the process's memory");
        }

        int length = (int)(position + count);
        if (length > inode.Content.Count)
        {
            int old = inode.Content.Count;
            if (!process.Kernel.Files.Usage.TryGrow(inode, length - old))
            {
                return process.Refuse(Errno.ENOSPC, "shmem_getpage_gfp", "the files of programs fill tmpfs");
            }

            CollectionsMarshal.SetCount(inode.Content, length);
            CollectionsMarshal.AsSpan(inode.Content)[old..].Clear();
        }

        bytes.CopyTo(CollectionsMarshal.AsSpan(inode.Content)[(int)position..]);
        return count;
    }

    public override void Release(Process? process)
    {
        inode.OpenCount--;
        if (inode is { OpenCount: 0, IsRemoved: true })
        {
            process?.Kernel.Files.Usage.ReleaseBytes(inode);
        }
    }
}
