using System.Text;

namespace Emulator.KernelShim;

/// <summary>Symbolic links of sysfs, whose targets are relative (kernfs_get_target_path).</summary>
public static class SysfsLinks
{
    /// <summary>
    /// The target of a link that lies in <paramref name="from"/> and leads to <paramref name="to"/>: up to the nearest
    /// directory that both are below, then down.
    /// </summary>
    public static string Relative(DirectoryInode from, Inode to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        var target = new StringBuilder();
        DirectoryInode? common = from;
        while (common is not null && !IsAncestor(common, to))
        {
            target.Append("../");
            common = common.Parent;
        }

        int down = target.Length;
        for (Inode? at = to; at is not null && !ReferenceEquals(at, common); at = at.Parent)
        {
            target.Insert(down, at.Name + "/");
        }

        return target.ToString().TrimEnd('/');
    }

    /// <summary>Adds a link to an inode of sysfs.</summary>
    public static LinkInode AddRelativeLink(this DirectoryInode directory, string name, Inode to) =>
        directory.AddLink(name, Relative(directory, to));

    private static bool IsAncestor(DirectoryInode directory, Inode inode)
    {
        for (Inode? at = inode.Parent; at is not null; at = at.Parent)
        {
            if (ReferenceEquals(at, directory))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Modes of sysfs and procfs files.</summary>
internal static class AttributeMode
{
    /// <summary>0200.</summary>
    public const int WriteOnly = 0x80;

    /// <summary>0400.</summary>
    public const int RootReadOnly = 0x100;

    /// <summary>0444.</summary>
    public const int ReadOnly = 0x124;

    /// <summary>0644.</summary>
    public const int ReadWrite = 0x1A4;
}
