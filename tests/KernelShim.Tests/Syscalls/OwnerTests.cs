namespace Emulator.KernelShim.Tests;

/// <summary>chown(2).</summary>
public sealed class OwnerTests
{
    private readonly TestProcess _root = new();

    [Fact]
    public void Root_gives_a_file_away_and_the_owner_may_then_use_it()
    {
        var user = new TestProcess(_root.Kernel) { Process = { UserId = 1000, Capabilities = Capabilities.None } };
        _root.Close(_root.Open("/tmp/f", OpenFlags.WriteOnly | OpenFlags.Create, 0x180));
        user.Open("/tmp/f").Should().Be(-(long)Errno.EACCES);

        ChOwn(_root, "/tmp/f", 1000, -1).Should().Be(0);

        user.Open("/tmp/f").Should().BeGreaterThanOrEqualTo(0);
        ChOwn(user, "/tmp/f", 1000, -1).Should().Be(0, "that is what it is");
        ChOwn(user, "/tmp/f", 0, -1).Should().Be(-(long)Errno.EPERM);
        ChOwn(user, "/tmp/f", -1, 7).Should().Be(-(long)Errno.EPERM);
        user.RefusedBy.Should().Be("inode_change_ok");
        user.Process.Capabilities = Capabilities.Chown;
        ChOwn(user, "/tmp/f", 0, 7).Should().Be(0);
        user.Process.Capabilities = Capabilities.None;
        user.Open("/tmp/f").Should().Be(-(long)Errno.EACCES);
    }

    [Fact]
    public void A_link_is_followed_unless_it_is_meant_itself()
    {
        DirectoryInode tmp = _root.Kernel.Files.Make("/tmp");
        LinkInode link = tmp.AddLink("link", "/nowhere");

        ChOwn(_root, "/tmp/link", 5, 6).Should().Be(-(long)Errno.ENOENT);
        ChOwn(_root, "/tmp/link", 5, 6, follow: false).Should().Be(0);
        (link.UserId, link.GroupId).Should().Be((5, 6));
    }

    private static long ChOwn(TestProcess process, string path, int user, int group, bool follow = true)
    {
        ulong name = process.Put(path);
        return process.Do(_ => process.Calls.ChOwn(process.Process, name, user, group, follow));
    }
}
