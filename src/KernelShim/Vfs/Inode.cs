using System.Diagnostics;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The kinds of inodes (S_IFMT).</summary>
public enum InodeKind
{
    /// <summary>S_IFREG.</summary>
    Regular = 0x8000,

    /// <summary>S_IFDIR.</summary>
    Directory = 0x4000,

    /// <summary>S_IFLNK.</summary>
    SymbolicLink = 0xA000,

    /// <summary>S_IFCHR.</summary>
    CharacterDevice = 0x2000,

    /// <summary>S_IFIFO.</summary>
    Pipe = 0x1000,
}

/// <summary>Something that has a name in the file tree (struct inode).</summary>
[DebuggerDisplay("{Kind} {Name,nq}")]
public abstract class Inode(InodeKind kind, int permissions)
{
    /// <summary>What it is.</summary>
    public InodeKind Kind { get; } = kind;

    /// <summary>The permission bits, 0644 for one.</summary>
    public int Permissions { get; set; } = permissions;

    /// <summary>Its owner.</summary>
    public int UserId { get; set; }

    /// <summary>Its group.</summary>
    public int GroupId { get; set; }

    /// <summary>The name under which its directory holds it.</summary>
    public string Name { get; internal set; } = "";

    /// <summary>The directory that holds it; null for the root and for what was removed.</summary>
    public DirectoryInode? Parent { get; internal set; }

    /// <summary>st_size.</summary>
    public virtual long Size => 0;

    /// <summary>Whether its name is gone (IS_DEADDIR, i_nlink 0): it lives on as long as somebody has it open.</summary>
    public bool IsRemoved { get; internal set; }

    /// <summary>The path from the root of the file tree; of something removed, from where it was cut off.</summary>
    public string Path
    {
        get
        {
            // A tree can be deeper than a stack: no recursion.
            var names = new List<string>();
            for (Inode at = this; at.Parent is not null; at = at.Parent)
            {
                names.Add(at.Name);
            }

            names.Reverse();
            return "/" + string.Join('/', names);
        }
    }

    /// <summary>
    /// Opens it. Permissions were checked before. A negative errno instead of a file when it refuses.
    /// </summary>
    public abstract OpenResult Open(Process process, OpenFlags flags);
}

/// <summary>A file, or why there is none.</summary>
/// <param name="File">The file.</param>
/// <param name="Error">The negative errno when there is none.</param>
public readonly record struct OpenResult(OpenFile? File, long Error)
{
    /// <summary>A file.</summary>
    public static implicit operator OpenResult(OpenFile file) => FromOpenFile(file);

    /// <summary>A file.</summary>
    public static OpenResult FromOpenFile(OpenFile file) => new(file, 0);

    /// <summary>A refusal.</summary>
    public static OpenResult Refused(long error) => new(null, error);
}

/// <summary>The file system a directory belongs to: what may be created in it.</summary>
public enum FileSystemKind
{
    /// <summary>Files and directories may be made by anybody who may write.</summary>
    Tmpfs,

    /// <summary>The kernel alone makes names; creating one is EACCES.</summary>
    Sysfs,

    /// <summary>The kernel alone makes names; creating one is ENOENT.</summary>
    Procfs,
}

/// <summary>A directory.</summary>
public sealed class DirectoryInode : Inode
{
    private readonly SortedDictionary<string, Inode> _children = new(StringComparer.Ordinal);

    /// <summary>Creates an empty directory.</summary>
    public DirectoryInode(FileSystemKind fileSystem, int permissions = 0x1ED)
        : base(InodeKind.Directory, permissions) => FileSystem = fileSystem;

    /// <summary>Which file system it belongs to.</summary>
    public FileSystemKind FileSystem { get; }

    /// <summary>Whether a file system of its own is mounted here: it cannot be moved or removed (EBUSY).</summary>
    public bool IsMountPoint { get; internal set; }

    /// <summary>Its entries in ordinal order of their names.</summary>
    public IEnumerable<Inode> Children => _children.Values;

    /// <summary>An entry, or null.</summary>
    public Inode? Find(string name) => _children.GetValueOrDefault(name);

    /// <summary>Adds an entry.</summary>
    /// <exception cref="InvalidOperationException">The name is taken.</exception>
    public T Add<T>(string name, T inode)
        where T : Inode
    {
        ArgumentNullException.ThrowIfNull(inode);
        if (!_children.TryAdd(name, inode))
        {
            throw new InvalidOperationException($"{Path} holds '{name}' already.");
        }

        inode.Name = name;
        inode.Parent = this;
        inode.IsRemoved = false;
        return inode;
    }

    /// <summary>Adds a directory of the same file system.</summary>
    public DirectoryInode AddDirectory(string name, int permissions = 0x1ED) =>
        Add(name, new DirectoryInode(FileSystem, permissions));

    /// <summary>The directory of this name, made if it is not there.</summary>
    public DirectoryInode GetOrAddDirectory(string name) => Find(name) as DirectoryInode ?? AddDirectory(name);

    /// <summary>Adds a file whose text the kernel makes when it is opened, and whose writes the kernel takes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="permissions">0444, 0644, 0200 as the attribute has them.</param>
    /// <param name="show">Its text; null for a write-only file.</param>
    /// <param name="store">Takes one write (at most a page) and returns a count or a negative errno; null if read-only.</param>
    public AttributeInode AddAttribute(
        string name,
        int permissions,
        Func<string>? show,
        Func<Process, string, long>? store = null
    ) => Add(name, new AttributeInode(permissions, show is null ? null : () => Encoding.UTF8.GetBytes(show()), store));

    /// <summary>Adds a write-only file whose writes may have to wait: a store that blocks is attempted again after the wake.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="permissions">0200 as the attribute has them.</param>
    /// <param name="store">Takes one write (at most a page).</param>
    /// <param name="show">Its text; null for a write-only file.</param>
    public AttributeInode AddBlockingAttribute(
        string name,
        int permissions,
        Func<Process, string, Attempt> store,
        Func<string>? show = null
    ) =>
        Add(
            name,
            new AttributeInode(permissions, show is null ? null : () => Encoding.UTF8.GetBytes(show()), null)
            {
                BlockingStore = store,
            }
        );

    /// <summary>Adds a file of bytes that the kernel makes when it is opened (a device tree property).</summary>
    public AttributeInode AddBinary(string name, int permissions, Func<byte[]> show) =>
        Add(name, new AttributeInode(permissions, show, null));

    /// <summary>Adds a symbolic link.</summary>
    public LinkInode AddLink(string name, string target) => Add(name, new LinkInode(target));

    /// <summary>Removes an entry. False when there was none.</summary>
    public bool Remove(string name)
    {
        if (!_children.Remove(name, out Inode? inode))
        {
            return false;
        }

        inode.Parent = null;
        inode.IsRemoved = true;
        return true;
    }

    /// <inheritdoc/>
    public override OpenResult Open(Process process, OpenFlags flags) =>
        new OpenDirectory(this) { Flags = flags, Inode = this };
}

/// <summary>A symbolic link.</summary>
public sealed class LinkInode(string target) : Inode(InodeKind.SymbolicLink, 0x1FF)
{
    /// <summary>Where it points.</summary>
    public string Target { get; } = target;

    /// <inheritdoc/>
    public override long Size =>
        // kernfs does not set the size of its links.
        Parent is { FileSystem: FileSystemKind.Sysfs }
            ? 0
            : Encoding.UTF8.GetByteCount(Target);

    /// <inheritdoc/>
    public override OpenResult Open(Process process, OpenFlags flags)
    {
        ArgumentNullException.ThrowIfNull(process);
        return OpenResult.Refused(
            process.Refuse(Errno.ELOOP, "do_last", $"{Path} is a symbolic link, and those are not followed")
        );
    }
}

/// <summary>A file of sysfs, procfs or debugfs: text made at open, writes taken whole (fs/kernfs/file.c).</summary>
public sealed class AttributeInode(int permissions, Func<byte[]>? show, Func<Process, string, long>? store)
    : Inode(InodeKind.Regular, permissions)
{
    /// <summary>sysfs reports a page for every attribute.</summary>
    public override long Size => 4096;

    private readonly List<OpenAttribute> _open = [];

    internal Func<byte[]>? Show { get; } = show;

    /// <summary>How often its value was said to have changed.</summary>
    internal int Changes { get; private set; }

    /// <summary>
    /// sysfs_notify: the value has changed, and whoever polls an open file of it since before wakes up with POLLPRI and POLLERR.
    /// </summary>
    internal void Notify()
    {
        Changes++;
        foreach (OpenAttribute file in _open)
        {
            file.Waiters.WakeAll();
        }
    }

    internal void Forget(OpenAttribute file) => _open.Remove(file);

    internal Func<Process, string, long>? Store { get; } = store;

    /// <summary>The store of an attribute whose writer may have to wait; wins over <see cref="Store"/>.</summary>
    internal Func<Process, string, Attempt>? BlockingStore { get; init; }

    /// <inheritdoc/>
    public override OpenResult Open(Process process, OpenFlags flags)
    {
        ArgumentNullException.ThrowIfNull(process);
        OpenFlags mode = flags & OpenFlags.AccessMode;
        if (mode != OpenFlags.WriteOnly && Show is null)
        {
            return OpenResult.Refused(
                process.Refuse(Errno.EACCES, "kernfs_fop_open", $"{Path} cannot be read: it has no show method")
            );
        }

        if (mode != OpenFlags.ReadOnly && Store is null && BlockingStore is null)
        {
            return OpenResult.Refused(
                process.Refuse(Errno.EACCES, "kernfs_fop_open", $"{Path} cannot be written: it has no store method")
            );
        }

        var file = new OpenAttribute(this) { Flags = flags, Inode = this };
        _open.Add(file);
        return file;
    }
}

/// <summary>A character device node.</summary>
/// <param name="permissions">Its permission bits.</param>
/// <param name="major">Its major number.</param>
/// <param name="minor">Its minor number.</param>
/// <param name="open">The driver's open operation.</param>
public sealed class DeviceInode(int permissions, int major, int minor, Func<Process, OpenFlags, OpenResult> open)
    : Inode(InodeKind.CharacterDevice, permissions)
{
    /// <summary>The major number.</summary>
    public int Major { get; } = major;

    /// <summary>The minor number.</summary>
    public int Minor { get; } = minor;

    /// <inheritdoc/>
    public override OpenResult Open(Process process, OpenFlags flags) => open(process, flags);
}

/// <summary>A file of tmpfs.</summary>
public sealed class RegularInode(int permissions) : Inode(InodeKind.Regular, permissions)
{
    /// <summary>No file of the simulated world is larger.</summary>
    public const int MaximumBytes = 16 << 20;

    /// <summary>Its content.</summary>
    public List<byte> Content { get; } = [];

    /// <summary>The program that executing it runs, by name; null for a file that is none.</summary>
    public string? Program { get; init; }

    /// <inheritdoc/>
    public override long Size => Content.Count;

    /// <summary>What programs have written into it counts against <see cref="TmpfsUsage"/>.</summary>
    internal long ChargedBytes { get; set; }

    /// <summary>How many open files there are of it.</summary>
    internal int OpenCount { get; set; }

    /// <inheritdoc/>
    public override OpenResult Open(Process process, OpenFlags flags)
    {
        ArgumentNullException.ThrowIfNull(process);
        if (flags.HasFlag(OpenFlags.Truncate))
        {
            Content.Clear();
            process.Kernel.Files.Usage.ReleaseBytes(this);
        }

        OpenCount++;
        return new OpenRegular(this) { Flags = flags, Inode = this };
    }
}
