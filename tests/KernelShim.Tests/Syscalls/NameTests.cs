namespace Emulator.KernelShim.Tests;

/// <summary>Which names may be made, moved and removed, and by which check they are refused (fs/namei.c).</summary>
public sealed class NameTests
{
    private readonly TestProcess _process = new();

    private Syscalls Calls => _process.Calls;

    [Theory]
    [InlineData("/tmp/x/", Errno.EISDIR)]
    [InlineData("/tmp", Errno.EISDIR)]
    [InlineData("/sys/x", Errno.EACCES)]
    [InlineData("/proc/x", Errno.ENOENT)]
    public void A_file_is_not_created_where_there_can_be_none(string path, Errno errno) =>
        _process.Open(path, OpenFlags.Create).Should().Be(-(long)errno);

    [Theory]
    [InlineData("/sys/x", Errno.EPERM)]
    [InlineData("/proc/x", Errno.ENOENT)]
    [InlineData("/tmp/.", Errno.EEXIST)]
    public void A_directory_is_not_made_where_there_can_be_none(string path, Errno errno) =>
        MkDir(path).Should().Be(-(long)errno);

    [Theory]
    [InlineData("/", Errno.EBUSY)]
    [InlineData("/tmp/.", Errno.EINVAL)]
    [InlineData("/tmp/..", Errno.ENOTEMPTY)]
    [InlineData("/sys", Errno.EBUSY)]
    [InlineData("/dev", Errno.EBUSY)]
    [InlineData("/sys/bus", Errno.EPERM)]
    [InlineData("/dev/null", Errno.ENOTDIR)]
    public void What_is_no_empty_directory_is_not_removed(string path, Errno errno) =>
        RmDir(path).Should().Be(-(long)errno);

    [Theory]
    [InlineData("/", Errno.EISDIR)]
    [InlineData("/tmp/..", Errno.EISDIR)]
    [InlineData("/tmp", Errno.EISDIR)]
    [InlineData("/proc/none", Errno.ENOENT)]
    public void What_is_no_file_is_not_unlinked(string path, Errno errno)
    {
        ulong name = _process.Put(path);
        _process.Do(_ => Calls.Unlink(_process.Process, name)).Should().Be(-(long)errno);
    }

    [Theory]
    [InlineData("/sys", "/tmp/sys", Errno.EBUSY)]
    [InlineData("/dev", "/x", Errno.EBUSY)]
    [InlineData("/dev/null", "/tmp/null", Errno.EXDEV)]
    [InlineData("/tmp", "/tmp/x", Errno.EINVAL)]
    [InlineData("/tmp", "/", Errno.EBUSY)]
    [InlineData("/none", "/tmp/x", Errno.ENOENT)]
    public void What_is_mounted_or_holds_the_target_is_not_renamed(string from, string to, Errno errno) =>
        Calls.Rename(_process.Process, from, to).Value.Should().Be(-(long)errno);

    [Fact]
    public void Exclusive_creation_does_not_follow_a_link()
    {
        ulong link = _process.Put("/tmp/link");
        _process.Do(_ => Calls.SymLink(_process.Process, "/tmp/target", link)).Should().Be(0);

        _process.Open("/tmp/link", OpenFlags.Create | OpenFlags.Exclusive).Should().Be(-(long)Errno.EEXIST);
        _process.Open("/tmp/target").Should().Be(-(long)Errno.ENOENT);
    }

    [Fact]
    public void A_removed_directory_takes_no_names_and_has_no_path()
    {
        MkDir("/tmp/gone").Should().Be(0);
        ulong name = _process.Put("/tmp/gone");
        _process.Do(_ => Calls.ChDir(_process.Process, name)).Should().Be(0);
        long open = _process.Open("/tmp/gone");
        RmDir("/tmp/gone").Should().Be(0);

        MkDir("x").Should().Be(-(long)Errno.ENOENT);
        _process.Do(_ => Calls.GetCwd(_process.Process, _process.Buffer, 100)).Should().Be(-(long)Errno.ENOENT);
        _process
            .Do(_ => Calls.GetDents(_process.Process, (int)open, _process.Buffer, 100))
            .Should()
            .Be(-(long)Errno.ENOENT);
    }

    [Fact]
    public void A_file_in_a_sticky_directory_is_removed_by_its_owner_alone()
    {
        _process.Close(_process.Open("/tmp/mine", OpenFlags.Create, 0x1FF));
        _process.Process.UserId = 7;
        _process.Process.Capabilities = Capabilities.None;
        ulong name = _process.Put("/tmp/mine");

        _process.Do(_ => Calls.Unlink(_process.Process, name)).Should().Be(-(long)Errno.EPERM);
        _process.RefusedBy.Should().Be("check_sticky");
    }

    [Fact]
    public void Who_creates_a_file_may_open_it_whatever_its_mode()
    {
        _process.Process.UserId = 7;
        _process.Process.Capabilities = Capabilities.None;

        _process.Open("/tmp/f", OpenFlags.Create | OpenFlags.ReadWrite, 0).Should().Be(0);
        _process.Open("/tmp/f", OpenFlags.ReadWrite).Should().Be(-(long)Errno.EACCES);
    }

    [Fact]
    public void Truncation_needs_the_right_to_write()
    {
        _process.Close(_process.Open("/tmp/f", OpenFlags.Create, 0x124));
        _process.Process.UserId = 7;
        _process.Process.Capabilities = Capabilities.None;

        _process.Open("/tmp/f", OpenFlags.Truncate).Should().Be(-(long)Errno.EACCES);
    }

    [Fact]
    public void A_file_opened_with_access_mode_3_is_neither_read_nor_written()
    {
        long file = _process.Open("/tmp/f", OpenFlags.Create | OpenFlags.AccessMode);

        _process.Read(file).Result.Should().Be(-(long)Errno.EBADF);
        _process.Write(file, "x").Should().Be(-(long)Errno.EBADF);
    }

    private long MkDir(string path)
    {
        ulong name = _process.Put(path);
        return _process.Do(_ => Calls.MkDir(_process.Process, name, 0x1ED));
    }

    private long RmDir(string path)
    {
        ulong name = _process.Put(path);
        return _process.Do(_ => Calls.RmDir(_process.Process, name));
    }
}
