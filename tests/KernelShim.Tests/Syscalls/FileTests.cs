using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

public sealed class FileTests
{
    private readonly TestProcess _process = new();

    [Fact]
    public void A_file_is_made_written_and_read_back()
    {
        long file = _process.Open("/tmp/a", OpenFlags.ReadWrite | OpenFlags.Create);
        _process.Write(file, "hello ").Should().Be(6);
        _process.Write(file, "world").Should().Be(5);
        _process.Do(_ => _process.Calls.LSeek(_process.Process, (int)file, 6, 0)).Should().Be(6);

        _process.Read(file).Text.Should().Be("world");
        _process.Close(file).Should().Be(0);
        _process.Cat("/tmp/a").Should().Be("hello world");
    }

    [Theory]
    [InlineData("/nothing", OpenFlags.ReadOnly, Errno.ENOENT)]
    [InlineData("/nothing/below", OpenFlags.ReadOnly, Errno.ENOENT)]
    [InlineData("/tmp/file/below", OpenFlags.ReadOnly, Errno.ENOTDIR)]
    [InlineData("/tmp/file/", OpenFlags.ReadOnly, Errno.ENOTDIR)]
    [InlineData("/tmp", OpenFlags.WriteOnly, Errno.EISDIR)]
    [InlineData("/tmp/file", OpenFlags.Directory, Errno.ENOTDIR)]
    [InlineData("/tmp/file", OpenFlags.Create | OpenFlags.Exclusive, Errno.EEXIST)]
    [InlineData("/tmp/loop", OpenFlags.ReadOnly, Errno.ELOOP)]
    [InlineData("/sys/new", OpenFlags.Create | OpenFlags.WriteOnly, Errno.EACCES)]
    [InlineData("/proc/new", OpenFlags.Create | OpenFlags.WriteOnly, Errno.ENOENT)]
    [InlineData("", OpenFlags.ReadOnly, Errno.ENOENT)]
    public void An_open_is_refused_with_the_errno_of_the_real_kernel(string path, OpenFlags flags, Errno errno)
    {
        _process.Close(_process.Open("/tmp/file", OpenFlags.WriteOnly | OpenFlags.Create));
        ((DirectoryInode)_process.Kernel.Files.Root.Find("tmp")!).AddLink("loop", "loop");

        _process.Open(path, flags).Should().Be(-(long)errno);
        _process.Process.LastRefusal!.Errno.Should().Be(errno);
        _process.RefusedBy.Should().NotBeEmpty();
    }

    [Fact]
    public void A_link_is_followed_and_can_be_read()
    {
        DirectoryInode tmp = _process.Kernel.Files.Make("/tmp/deep/down");
        tmp.AddLink("up", "../../target");
        _process.Close(_process.Open("/tmp/target", OpenFlags.WriteOnly | OpenFlags.Create));

        _process.ReadLink("/tmp/deep/down/up").Should().Be("../../target");
        _process.Open("/tmp/deep/down/up").Should().BeGreaterThanOrEqualTo(0);
        _process.ReadLink("/tmp/target").Should().Be("<EINVAL>");
    }

    [Fact]
    public void An_attribute_takes_one_write_whole_and_gives_its_text_in_parts()
    {
        var writes = new List<string>();
        _process.Kernel.Files.Sys.AddAttribute(
            "attribute",
            0x1A4,
            () => "some text\n",
            (_, text) =>
            {
                writes.Add(text);
                return text.Length;
            }
        );

        _process.Echo("value", "/sys/attribute").Should().Be(6);
        long file = _process.Open("/sys/attribute");
        _process.Read(file, 4).Text.Should().Be("some");
        _process.Read(file, 100).Text.Should().Be(" text\n");
        _process.Read(file, 100).Result.Should().Be(0);

        writes.Should().Equal("value\n");
    }

    [Fact]
    public void A_write_of_nothing_reaches_no_attribute()
    {
        int stores = 0;
        _process.Kernel.Files.Sys.AddAttribute("a", 0x80, show: null, (_, text) => ++stores);
        long file = _process.Open("/sys/a", OpenFlags.WriteOnly);

        _process.Write(file, "").Should().Be(0);

        stores.Should().Be(0);
    }

    [Theory]
    [InlineData(0x80, OpenFlags.ReadOnly)]
    [InlineData(0x124, OpenFlags.WriteOnly)]
    public void An_attribute_without_the_method_cannot_be_opened_for_it_even_by_root(int mode, OpenFlags flags)
    {
        bool isReadable = mode == 0x124;
        _process.Kernel.Files.Sys.AddAttribute(
            "a",
            mode,
            isReadable ? () => "" : null,
            isReadable ? null : (_, text) => text.Length
        );

        _process.Open("/sys/a", flags).Should().Be(-(long)Errno.EACCES);
    }

    [Fact]
    public void The_mode_of_a_file_counts_for_who_is_not_root()
    {
        _process.Close(_process.Open("/tmp/secret", OpenFlags.WriteOnly | OpenFlags.Create, 0x180));
        _process.Process.UserId = 1000;
        _process.Process.Capabilities = Capabilities.None;

        _process.Open("/tmp/secret").Should().Be(-(long)Errno.EACCES);
        _process.RefusedBy.Should().Be("inode_permission");
    }

    [Fact]
    public void A_directory_is_listed_in_parts()
    {
        _process.Kernel.Files.Make("/tmp/list/b");
        _process.Kernel.Files.Make("/tmp/list/a");
        long directory = _process.Open("/tmp/list", OpenFlags.Directory);
        var names = new List<string>();
        long length;
        while (
            (length = _process.Do(_ => _process.Calls.GetDents(_process.Process, (int)directory, _process.Buffer, 32)))
            > 0
        )
        {
            byte[] entries = _process.Peek((int)length);
            for (int at = 0; at < entries.Length; at += BitConverter.ToUInt16(entries, at + 16))
            {
                int end = Array.IndexOf(entries, (byte)0, at + 19);
                names.Add(Encoding.UTF8.GetString(entries, at + 19, end - at - 19));
            }
        }

        length.Should().Be(0);
        names.Should().Equal(".", "..", "a", "b");
    }

    [Fact]
    public void Descriptors_are_the_lowest_free_ones_and_copies_share_a_position()
    {
        long first = _process.Open("/tmp/a", OpenFlags.ReadWrite | OpenFlags.Create);
        long copy = _process.Do(_ => _process.Calls.Dup(_process.Process, (int)first));
        _process.Write(first, "xyz");
        _process.Close(first);

        copy.Should().Be(first + 1);
        _process.Do(_ => _process.Calls.LSeek(_process.Process, (int)copy, 0, 1)).Should().Be(3);
        _process.Open("/tmp/a").Should().Be(first);
        _process.Do(_ => _process.Calls.Dup2(_process.Process, (int)copy, 9)).Should().Be(9);
        _process.Close(5).Should().Be(-(long)Errno.EBADF);
    }

    [Fact]
    public void Names_are_made_and_removed_by_the_rules()
    {
        long Call(Func<Process, ulong, Attempt> call, string path)
        {
            ulong address = _process.Put(path);
            return _process.Do(_ => call(_process.Process, address));
        }

        Call((p, a) => _process.Calls.MkDir(p, a, 0x1ED), "/tmp/d").Should().Be(0);
        Call((p, a) => _process.Calls.MkDir(p, a, 0x1ED), "/tmp/d").Should().Be(-(long)Errno.EEXIST);
        _process.Close(_process.Open("/tmp/d/f", OpenFlags.WriteOnly | OpenFlags.Create));
        Call(_process.Calls.RmDir, "/tmp/d").Should().Be(-(long)Errno.ENOTEMPTY);
        Call(_process.Calls.Unlink, "/tmp/d").Should().Be(-(long)Errno.EISDIR);
        Call(_process.Calls.Unlink, "/tmp/d/f").Should().Be(0);
        Call(_process.Calls.RmDir, "/tmp/d").Should().Be(0);
        Call(_process.Calls.Unlink, "/sys/bus").Should().Be(-(long)Errno.EISDIR);
        Call(_process.Calls.ChDir, "/tmp").Should().Be(0);
        _process.Open("x", OpenFlags.WriteOnly | OpenFlags.Create).Should().BeGreaterThanOrEqualTo(0);
        _process.Open("/tmp/x").Should().BeGreaterThanOrEqualTo(0);
    }
}
