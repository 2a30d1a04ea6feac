namespace Emulator.KernelShim;

/// <summary>What a path led to.</summary>
/// <param name="Inode">The inode; null when the last part does not exist.</param>
/// <param name="Parent">The directory of the last part.</param>
/// <param name="Name">The last part.</param>
/// <param name="Error">A negative errno when the way was blocked.</param>
public readonly record struct Lookup(Inode? Inode, DirectoryInode? Parent, string Name, long Error);

/// <summary>The file tree: a small tmpfs with sysfs, procfs, devfs and debugfs in their places (fs/namei.c).</summary>
public sealed class FileTree
{
    private const int MaximumLinks = 40;
    private const int MaximumPath = 4095;
    private const int MaximumName = 255;

    /// <summary>Creates the tree with its usual directories.</summary>
    public FileTree()
    {
        foreach (
            string name in new[]
            {
                "bin",
                "dev",
                "etc",
                "home",
                "lib",
                "proc",
                "root",
                "sbin",
                "sys",
                "tmp",
                "usr",
                "var",
            }
        )
        {
            FileSystemKind kind = name switch
            {
                "sys" => FileSystemKind.Sysfs,
                "proc" => FileSystemKind.Procfs,
                _ => FileSystemKind.Tmpfs,
            };
            Root.Add(
                name,
                new DirectoryInode(
                    kind,
                    name is "tmp" ? 0x3FF
                        : name is "sys" or "proc" ? 0x16D
                        : 0x1ED
                )
            );
        }

        Sys = (DirectoryInode)Root.Find("sys")!;
        Proc = (DirectoryInode)Root.Find("proc")!;
        Dev = (DirectoryInode)Root.Find("dev")!;
        DirectoryInode kernel = Sys.AddDirectory("kernel");
        Debug = kernel.AddDirectory("debug", 0x1C0);
        foreach (DirectoryInode mounted in new[] { Root, Sys, Proc, Dev, Debug })
        {
            mounted.IsMountPoint = true;
        }

        DirectoryInode etc = (DirectoryInode)Root.Find("etc")!;
        etc.Add("passwd", new RegularInode(0x1A4)).Content.AddRange("root:x:0:0:root:/root:/bin/sh\n"u8);
        etc.Add("group", new RegularInode(0x1A4)).Content.AddRange("root:x:0:\n"u8);
        foreach (string name in new[] { "bus", "class", "devices", "firmware", "module" })
        {
            Sys.AddDirectory(name);
        }
    }

    /// <summary>/.</summary>
    public DirectoryInode Root { get; } = new(FileSystemKind.Tmpfs);

    /// <summary>/sys.</summary>
    public DirectoryInode Sys { get; }

    /// <summary>/proc.</summary>
    public DirectoryInode Proc { get; }

    /// <summary>/dev.</summary>
    public DirectoryInode Dev { get; }

    /// <summary>/sys/kernel/debug.</summary>
    public DirectoryInode Debug { get; }

    /// <summary>What programs have put into tmpfs.</summary>
    internal TmpfsUsage Usage { get; } = new();

    /// <summary>
    /// Makes a device's node with the directories that lead to it. Names that programs have put there first stay, and then the
    /// device has no node (handle_create of drivers/base/devtmpfs.c, whose caller does not ask).
    /// </summary>
    /// <param name="path">The path below /dev: <c>vfio/0</c>.</param>
    /// <param name="node">The node.</param>
    internal void AddDevice(string path, DeviceInode node)
    {
        string[] parts = path.Split('/');
        DirectoryInode at = Dev;
        foreach (string part in parts[..^1])
        {
            if (at.Find(part) is not (null or DirectoryInode))
            {
                return;
            }

            at = at.GetOrAddDirectory(part);
        }

        if (at.Find(parts[^1]) is null)
        {
            at.Add(parts[^1], node);
        }
    }

    /// <summary>Removes a device's node, if it is still where it was made (handle_remove).</summary>
    internal void RemoveDevice(string path, DeviceInode node)
    {
        DirectoryInode? at = Dev;
        string[] parts = path.Split('/');
        foreach (string part in parts[..^1])
        {
            at = at?.Find(part) as DirectoryInode;
        }

        if (at?.Find(parts[^1]) == node)
        {
            at.Remove(parts[^1]);
        }
    }

    /// <summary>The directory at a path of the kernel's own making, made with what leads to it.</summary>
    public DirectoryInode Make(string path)
    {
        DirectoryInode at = Root;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = at.GetOrAddDirectory(part);
        }

        return at;
    }

    /// <summary>Walks a path for a process.</summary>
    /// <param name="process">Whose working directory and rights count.</param>
    /// <param name="path">The path.</param>
    /// <param name="followLast">Whether a symbolic link at the end is followed.</param>
    public Lookup Walk(Process process, string path, bool followLast = true)
    {
        ArgumentNullException.ThrowIfNull(process);
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0)
        {
            return Failed(process.Refuse(Errno.ENOENT, "getname", "the path is empty"));
        }

        if (path.Length > MaximumPath)
        {
            return Failed(
                process.Refuse(Errno.ENAMETOOLONG, "getname", $"the path is longer than {MaximumPath} bytes")
            );
        }

        int links = 0;
        return Walk(process, process.WorkingDirectory, path, followLast, ref links);
    }

    private static Lookup Failed(long error) => new(null, null, "", error);

    private Lookup Walk(Process process, DirectoryInode start, string path, bool followLast, ref int links)
    {
        DirectoryInode at = path[0] == '/' ? Root : start;
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        bool mustBeDirectory = path[^1] == '/';
        if (parts.Length == 0)
        {
            return new Lookup(at, at.Parent, "", 0);
        }

        for (int index = 0; ; index++)
        {
            string part = parts[index];
            bool isLast = index == parts.Length - 1;
            if (part.Length > MaximumName)
            {
                return Failed(
                    process.Refuse(Errno.ENAMETOOLONG, "link_path_walk", $"a name is longer than {MaximumName} bytes")
                );
            }

            if (!MaySearch(process, at))
            {
                return Failed(process.Refuse(Errno.EACCES, "may_lookup", $"{at.Path} may not be searched"));
            }

            Inode? next = part switch
            {
                "." => at,
                ".." => at.Parent ?? at,
                _ => at.Find(part),
            };
            if (next is LinkInode link && (!isLast || followLast || mustBeDirectory))
            {
                if (++links > MaximumLinks)
                {
                    return Failed(process.Refuse(Errno.ELOOP, "pick_link", "too many symbolic links on the way"));
                }

                Lookup target = Walk(process, at, link.Target, followLast: true, ref links);
                if (target.Error != 0 || isLast)
                {
                    return target;
                }

                next = target.Inode;
            }

            if (isLast)
            {
                return mustBeDirectory && next is not null and not DirectoryInode
                    ? Failed(process.Refuse(Errno.ENOTDIR, "walk_component", $"{next.Path} is no directory"))
                    : new Lookup(next, part is "." or ".." ? next?.Parent : at, part, 0);
            }

            if (next is null)
            {
                return Failed(process.Refuse(Errno.ENOENT, "link_path_walk", $"{at.Path} holds no '{part}'"));
            }

            if (next is not DirectoryInode directory)
            {
                return Failed(process.Refuse(Errno.ENOTDIR, "link_path_walk", $"{next.Path} is no directory"));
            }

            at = directory;
        }
    }

    private static bool MaySearch(Process process, DirectoryInode directory) =>
        process.Has(Capabilities.DacOverride) || Allows(process, directory, 1);

    /// <summary>Whether the permission bits let a process read (4), write (2) or search (1), capabilities aside.</summary>
    public static bool Allows(Process process, Inode inode, int wanted)
    {
        ArgumentNullException.ThrowIfNull(process);
        ArgumentNullException.ThrowIfNull(inode);
        int shift = process.UserId == inode.UserId ? 6 : 0;
        return ((inode.Permissions >> shift) & wanted) == wanted;
    }
}
