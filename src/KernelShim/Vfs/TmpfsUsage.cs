using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// What programs have put into tmpfs, and how much they may (mm/shmem.c: the mount options <c>size</c> and <c>nr_inodes</c>).
/// What the kernel and scenarios put there does not count.
/// </summary>
[DebuggerDisplay("{Bytes} bytes, {Inodes} inodes")]
internal sealed class TmpfsUsage
{
    /// <summary>All files together hold no more than this.</summary>
    public const long MaximumBytes = 64 << 20;

    /// <summary>No more files, directories and links than these.</summary>
    public const int MaximumInodes = 16_384;

    /// <summary>How much is written.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many names were made.</summary>
    public int Inodes { get; private set; }

    /// <summary>One more name; false when there are too many (shmem_reserve_inode).</summary>
    public bool TryAddInode()
    {
        if (Inodes >= MaximumInodes)
        {
            return false;
        }

        Inodes++;
        return true;
    }

    /// <summary>A file grows; false when there is no room (shmem_acct_block).</summary>
    public bool TryGrow(RegularInode inode, long bytes)
    {
        if (bytes > MaximumBytes - Bytes)
        {
            return false;
        }

        Bytes += bytes;
        inode.ChargedBytes += bytes;
        return true;
    }

    /// <summary>A name is gone; what a file holds stays as long as it is open (shmem_evict_inode).</summary>
    public void RemoveInode(Inode inode)
    {
        Inodes = Math.Max(0, Inodes - 1);
        if (inode is RegularInode { OpenCount: 0 } file)
        {
            ReleaseBytes(file);
        }
    }

    /// <summary>A file has become empty, or nobody can reach it any more.</summary>
    public void ReleaseBytes(RegularInode inode)
    {
        Bytes -= inode.ChargedBytes;
        inode.ChargedBytes = 0;
    }
}
