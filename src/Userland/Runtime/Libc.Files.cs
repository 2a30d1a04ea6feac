using System.Buffers.Binary;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>What stat(2) tells of a file.</summary>
/// <param name="Mode">st_mode.</param>
/// <param name="Links">st_nlink.</param>
/// <param name="UserId">st_uid.</param>
/// <param name="GroupId">st_gid.</param>
/// <param name="Device">st_rdev: the major number in bits 8 and up, the minor below.</param>
/// <param name="Size">st_size.</param>
/// <param name="Blocks">st_blocks, of 512 bytes.</param>
/// <param name="ModifiedSeconds">st_mtime.</param>
public readonly record struct FileStatus(
    uint Mode,
    uint Links,
    uint UserId,
    uint GroupId,
    ulong Device,
    long Size,
    long Blocks,
    long ModifiedSeconds
)
{
    /// <summary>The kind of file (S_IFMT).</summary>
    public InodeKind Kind => (InodeKind)(Mode & 0xF000);

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => Kind == InodeKind.Directory;

    internal static FileStatus Decode(ReadOnlySpan<byte> bytes) =>
        new(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[88..])
        );
}

/// <content>Calls on names and descriptors.</content>
public sealed partial class Libc
{
    private const uint GetTerminalAttributes = 0x5401;

    /// <summary>stat(2) or lstat(2).</summary>
    public async Task<(long Result, FileStatus Status)> Status(string path, bool follow = true)
    {
        (long result, byte[] stat) = await Stat(path, follow);
        return (result, result == 0 ? FileStatus.Decode(stat) : default);
    }

    /// <summary>Whether stat(2) finds it.</summary>
    public async Task<bool> Exists(string path) => (await Stat(path)).Result == 0;

    /// <summary>The names in a directory, <c>.</c> and <c>..</c> among them, in the order of getdents64(2).</summary>
    public async Task<(long Result, IReadOnlyList<string> Names)> List(string path)
    {
        var names = new List<string>();
        long directory = await Open(path, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (directory < 0)
        {
            return (directory, names);
        }

        ulong buffer = _scratch + ChunkBytes;
        long result;
        while ((result = await Call(_ => _calls.GetDents(_process, (int)directory, buffer, ChunkBytes))) > 0)
        {
            byte[] bytes = Get(buffer, (int)result);
            for (int at = 0; at < bytes.Length; at += BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at + 16)))
            {
                ReadOnlySpan<byte> name = bytes.AsSpan(at + 19);
                names.Add(Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]));
            }
        }

        await Close(directory);
        return (result, names);
    }

    /// <summary>mkdir(2).</summary>
    public Task<long> MkDir(string path, int mode = 0x1ED)
    {
        ulong address = Put(path);
        return Call(_ => _calls.MkDir(_process, address, mode));
    }

    /// <summary>rmdir(2).</summary>
    public Task<long> RmDir(string path)
    {
        ulong address = Put(path);
        return Call(_ => _calls.RmDir(_process, address));
    }

    /// <summary>unlink(2).</summary>
    public Task<long> Unlink(string path)
    {
        ulong address = Put(path);
        return Call(_ => _calls.Unlink(_process, address));
    }

    /// <summary>chmod(2).</summary>
    public Task<long> ChMod(string path, int mode)
    {
        ulong address = Put(path);
        return Call(_ => _calls.ChMod(_process, address, mode));
    }

    /// <summary>chown(2) or lchown(2); -1 leaves an ID as it is.</summary>
    public Task<long> ChOwn(string path, int userId, int groupId, bool follow = true)
    {
        ulong address = Put(path);
        return Call(_ => _calls.ChOwn(_process, address, userId, groupId, follow));
    }

    /// <summary>chdir(2).</summary>
    public Task<long> ChDir(string path)
    {
        ulong address = Put(path);
        return Call(_ => _calls.ChDir(_process, address));
    }

    /// <summary>symlink(2).</summary>
    public Task<long> SymLink(string target, string path)
    {
        ulong address = Put(path);
        return Call(_ => _calls.SymLink(_process, target, address));
    }

    /// <summary>rename(2).</summary>
    public Task<long> Rename(string from, string to) => Call(_ => _calls.Rename(_process, from, to));

    /// <summary>getcwd(2).</summary>
    public async Task<string> GetCwd()
    {
        ulong buffer = _scratch + ChunkBytes;
        long length = await Call(_ => _calls.GetCwd(_process, buffer, ChunkBytes));
        return length > 0 ? Encoding.UTF8.GetString(Get(buffer, (int)length - 1)) : "/";
    }

    /// <summary>pipe(2): the reading and the writing end.</summary>
    public async Task<(long Result, int Reader, int Writer)> Pipe()
    {
        ulong buffer = _scratch + ChunkBytes;
        long result = await Call(_ => _calls.Pipe(_process, buffer, (int)OpenFlags.CloseOnExec));
        byte[] ends = Get(buffer, 8);
        return (result, BitConverter.ToInt32(ends, 0), BitConverter.ToInt32(ends, 4));
    }

    /// <summary>dup2(2).</summary>
    public Task<long> Dup2(long descriptor, long target) =>
        Call(_ => _calls.Dup2(_process, (int)descriptor, (int)target));

    /// <summary>A second descriptor of the same file, from a number on, closed on exec.</summary>
    public Task<long> DupFrom(long descriptor, int from) => Call(_ => _calls.DupFrom(_process, (int)descriptor, from));

    /// <summary>isatty(3).</summary>
    public async Task<bool> IsTerminal(long descriptor) =>
        await Ioctl(descriptor, GetTerminalAttributes, _scratch + ChunkBytes) == 0;
}
