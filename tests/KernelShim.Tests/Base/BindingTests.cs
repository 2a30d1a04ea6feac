using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.KernelShim.Tests;

/// <summary>bind, unbind, driver_override, drivers_probe and drivers_autoprobe, by open, write, read and readlink.</summary>
public sealed class BindingTests
{
    private const string Dma0 = "2c0a0000.dma";
    private const string Bus = "/sys/bus/platform";
    private const string Device = $"{Bus}/devices/{Dma0}";
    private const string Drv = $"{Bus}/drivers/drv";
    private const string Pl330 = "arm,pl330";
    private const long Accepted = 13;

    [Fact]
    public void Override_and_drivers_probe_bind_a_device_that_no_driver_matches()
    {
        var board = new BootedBoard();
        board.Register("vfio-platform");

        Echo(board, "vfio-platform", Device + "/driver_override").Should().Be(14);
        DriverOf(board).Should().Be("<ENOENT>");
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted);

        DriverOf(board).Should().Be("vfio-platform");
        board.User.ReadLink($"{Bus}/drivers/vfio-platform/{Dma0}").Should().Be($"../../../../devices/{Dma0}");
        board.User.Cat(Device + "/uevent").Should().StartWith("DRIVER=vfio-platform\n");
    }

    [Theory]
    [InlineData(Dma0, true)]
    [InlineData(Dma0 + "\n", true)]
    [InlineData(Dma0 + "\0rest", true)]
    [InlineData(Dma0 + "\n\n", false)]
    [InlineData(" " + Dma0, false)]
    [InlineData(Dma0 + " ", false)]
    [InlineData("2c0a0000", false)]
    [InlineData("\n", false)]
    public void A_device_name_may_end_in_one_newline_and_nothing_else(string text, bool isFound)
    {
        var board = new BootedBoard();
        board.Register("drv", Pl330);
        foreach (string file in new[] { "/drivers_probe", "/drivers/drv/unbind", "/drivers/drv/bind" })
        {
            long descriptor = board.User.Open(Bus + file, OpenFlags.WriteOnly);
            board.User.Write(descriptor, text).Should().Be(isFound ? text.Length : -(long)Errno.ENODEV, file);
        }
    }

    [Fact]
    public void Any_sequence_of_writes_leaves_the_links_of_driver_and_device_in_agreement()
    {
        string[] names = [Dma0, "2c0b0000.smmu", "nosuch"];
        (string Text, string File)[] writes =
        [
            .. names.Select(name => (name, Bus + "/drivers_probe")),
            .. names.Select(name => (name, Drv + "/bind")),
            .. names.Select(name => (name, Drv + "/unbind")),
            .. names.Select(name => (name, Bus + "/drivers/any/bind")),
            .. names.Select(name => (name, Bus + "/drivers/any/unbind")),
            ("drv", Device + "/driver_override"),
            ("any", Device + "/driver_override"),
            ("", Device + "/driver_override"),
        ];
        Gen<List<(string Text, string File)>> sequences = Gen.Elements(writes).ListOf(25).Select(list => list.ToList());
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(15).WithReplay(1, 1),
            Prop.ForAll(sequences.ToArbitrary(), LinksAgreeAfter)
        );
    }

    [Fact]
    public void Unbind_removes_links_and_driver_and_leaves_the_override()
    {
        var board = new BootedBoard();
        ScriptedDriver driver = board.Register("drv");
        Echo(board, "drv", Device + "/driver_override");
        Echo(board, Dma0, Drv + "/bind");

        Echo(board, Dma0, Drv + "/unbind").Should().Be(Accepted);

        DriverOf(board).Should().Be("<ENOENT>");
        board.List(Drv).Should().NotContain(Dma0);
        board.User.Cat(Device + "/driver_override").Should().Be("drv\n");
        driver.Events.Should().Equal($"probe {Dma0}", $"remove {Dma0}");
    }

    [Fact]
    public void Unbind_of_an_unknown_an_unbound_or_anothers_device_is_ENODEV()
    {
        var board = new BootedBoard();
        board.Register("drv");
        board.Register("other", Pl330);
        DriverOf(board).Should().Be("other");

        Echo(board, "nosuch", Drv + "/unbind").Should().Be(-(long)Errno.ENODEV);
        Echo(board, Dma0, Drv + "/unbind").Should().Be(-(long)Errno.ENODEV);
        Echo(board, Dma0, Bus + "/drivers/other/unbind").Should().Be(Accepted);
        Echo(board, Dma0, Bus + "/drivers/other/unbind").Should().Be(-(long)Errno.ENODEV);
        board.User.RefusedBy.Should().Be("unbind_store");
    }

    [Fact]
    public void Unbind_of_a_device_in_use_waits_until_it_is_let_go()
    {
        var board = new BootedBoard();
        ScriptedDriver driver = board.Register("drv", Pl330);
        driver.Users = new WaitQueue("vfio_del_group_dev");
        long descriptor = board.User.Open(Drv + "/unbind", OpenFlags.WriteOnly);
        Attempt Write() =>
            board.Kernel.Calls.Write(board.User.Process, (int)descriptor, board.User.Put(Dma0), Dma0.Length);

        Write().IsBlocked.Should().BeTrue();
        DriverOf(board).Should().Be("<ENOENT>");
        driver.Events.Should().Equal($"probe {Dma0}");
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted, "the device still has its driver");

        driver.Users = null;
        Write().Value.Should().Be(Dma0.Length);
        driver.Events.Should().Equal($"probe {Dma0}", $"remove {Dma0}");
        Echo(board, Dma0, Drv + "/bind").Should().Be(Accepted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Bind_of_what_is_unknown_or_does_not_match_is_ENODEV(bool isModern)
    {
        var board = new BootedBoard(isModern ? BootedBoard.Modern : null);
        board.Register("drv");

        Echo(board, "nosuch", Drv + "/bind").Should().Be(-(long)Errno.ENODEV);
        board.User.RefusedBy.Should().Be("bind_store");
        Echo(board, Dma0, Drv + "/bind").Should().Be(-(long)Errno.ENODEV);
        board.User.RefusedBy.Should().Be("driver_match_device");
        Echo(board, "else", Device + "/driver_override");
        Echo(board, Dma0, Drv + "/bind").Should().Be(-(long)Errno.ENODEV);
        Echo(board, "drv", Device + "/driver_override");
        Echo(board, Dma0, Drv + "/bind").Should().Be(Accepted);
    }

    [Theory]
    [InlineData(false, Errno.ENODEV)]
    [InlineData(true, Errno.EBUSY)]
    public void Bind_of_a_bound_device(bool isModern, Errno ifMatching)
    {
        var board = new BootedBoard(isModern ? BootedBoard.Modern : null);
        board.Register("drv", Pl330);
        board.Register("second", Pl330);
        board.Register("unrelated");

        Echo(board, Dma0, Drv + "/bind").Should().Be(-(long)ifMatching);
        Echo(board, Dma0, Bus + "/drivers/second/bind").Should().Be(-(long)ifMatching);
        Echo(board, Dma0, Bus + "/drivers/unrelated/bind").Should().Be(-(long)Errno.ENODEV);
        DriverOf(board).Should().Be("drv");
    }

    [Theory]
    [InlineData(false, Errno.EINVAL, Errno.ENODEV, 0)]
    [InlineData(true, Errno.EINVAL, Errno.EINVAL, 0)]
    [InlineData(false, Errno.EPROBE_DEFER, Errno.ENODEV, 1)]
    [InlineData(true, Errno.EPROBE_DEFER, Errno.EAGAIN, 0)]
    public void Bind_shows_the_error_of_the_probe_in_newer_kernels_alone(
        bool isModern,
        Errno probe,
        Errno expected,
        int deferred
    )
    {
        var board = new BootedBoard(isModern ? BootedBoard.Modern : null);
        board.Register("drv", null, -(long)probe);
        Echo(board, "drv", Device + "/driver_override");

        Echo(board, Dma0, Drv + "/bind").Should().Be(-(long)expected);

        DriverOf(board).Should().Be("<ENOENT>");
        board.List(Drv).Should().NotContain(Dma0);
        board.Core.Deferred.Should().HaveCount(deferred);
    }

    [Fact]
    public void Bind_of_a_device_whose_group_is_owned_is_EBUSY_and_drivers_probe_makes_EINVAL_of_it()
    {
        var board = new BootedBoard(BootedBoard.Modern);
        ScriptedDriver driver = board.Register("drv");
        Echo(board, "drv", Device + "/driver_override");
        board.Core.ConfigureDma = (_, _) => -(long)Errno.EBUSY;

        Echo(board, Dma0, Drv + "/bind").Should().Be(-(long)Errno.EBUSY);
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(-(long)Errno.EINVAL);
        board.User.RefusedBy.Should().Be("drivers_probe_store");
        driver.Events.Should().BeEmpty();
    }

    [Fact]
    public void A_failed_probe_is_logged_unless_the_device_is_just_not_there()
    {
        var board = new BootedBoard();
        board.Register("one", Pl330, -(long)Errno.EINVAL);
        board.Register("two", Pl330, -(long)Errno.ENODEV);
        board.Register("three", Pl330, -(long)Errno.ENXIO);
        board.Register("four", Pl330, -(long)Errno.EPROBE_DEFER);

        board
            .LogLines.Where(line => line.Contains("probe of", StringComparison.Ordinal))
            .Should()
            .Equal($"one: probe of {Dma0} failed with error -22");
    }

    [Fact]
    public void Drivers_probe_tells_nothing_of_failed_probes_and_tries_the_next_driver()
    {
        var board = new BootedBoard();
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted, "no driver matches");
        Echo(board, "0", Bus + "/drivers_autoprobe");
        ScriptedDriver first = board.Register("first", Pl330, -(long)Errno.EINVAL);
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted);
        DriverOf(board).Should().Be("<ENOENT>");
        board.Register("second", Pl330);

        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted);

        first.Events.Should().HaveCount(2);
        DriverOf(board).Should().Be("second");
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted, "it has a driver already");
        Echo(board, "nosuch", Bus + "/drivers_probe").Should().Be(-(long)Errno.ENODEV);
    }

    [Fact]
    public void Drivers_are_tried_in_the_order_of_their_registration()
    {
        var board = new BootedBoard();
        Echo(board, "0", Bus + "/drivers_autoprobe");
        board.Register("z-first", Pl330);
        board.Register("a-second", Pl330);

        Echo(board, Dma0, Bus + "/drivers_probe");

        DriverOf(board).Should().Be("z-first");
    }

    [Fact]
    public void A_deferred_device_is_tried_again_after_the_next_bind()
    {
        var board = new BootedBoard();
        ScriptedDriver driver = board.Register("drv", Pl330, -(long)Errno.EPROBE_DEFER, 0);
        DriverOf(board).Should().Be("<ENOENT>");

        board.Register("smmu", "arm,smmu-v2");

        driver.Events.Should().HaveCount(2);
        DriverOf(board).Should().Be("drv");
        board.Core.Deferred.Should().BeEmpty();
    }

    [Fact]
    public void Without_autoprobe_new_drivers_take_nothing_and_bind_still_works()
    {
        var board = new BootedBoard();
        board.User.Cat(Bus + "/drivers_autoprobe").Should().Be("1\n");
        Echo(board, "0", Bus + "/drivers_autoprobe").Should().Be(2);
        board.User.Cat(Bus + "/drivers_autoprobe").Should().Be("0\n");

        board.Register("drv", Pl330);

        DriverOf(board).Should().Be("<ENOENT>");
        Echo(board, Dma0, Drv + "/bind").Should().Be(Accepted);
        Echo(board, "yes", Bus + "/drivers_autoprobe").Should().Be(4);
        board.User.Cat(Bus + "/drivers_autoprobe").Should().Be("1\n");
    }

    [Theory]
    [InlineData("vfio-platform", "vfio-platform\n")]
    [InlineData("vfio-platform\n", "vfio-platform\n")]
    [InlineData("one\ntwo\n", "one\n")]
    [InlineData("one two", "one two\n")]
    [InlineData("\n", "(null)\n")]
    [InlineData("\0\0", "(null)\n")]
    public void Driver_override_is_kept_up_to_the_first_newline(string text, string expected)
    {
        var board = new BootedBoard();
        Echo(board, "before", Device + "/driver_override");
        long descriptor = board.User.Open(Device + "/driver_override", OpenFlags.ReadWrite);

        board.User.Write(descriptor, text).Should().Be(text.Length);

        board.User.Cat(Device + "/driver_override").Should().Be(expected);
    }

    [Theory]
    [InlineData(4094, 4094)]
    [InlineData(4095, -22)]
    [InlineData(4096, -22)]
    [InlineData(9000, -22)]
    public void Driver_override_takes_less_than_a_page(int length, long expected)
    {
        var board = new BootedBoard();
        long descriptor = board.User.Open(Device + "/driver_override", OpenFlags.WriteOnly);

        board.User.Write(descriptor, new string('x', length)).Should().Be(expected);
    }

    [Fact]
    public void An_empty_write_changes_nothing()
    {
        var board = new BootedBoard();
        Echo(board, "drv", Device + "/driver_override");
        long descriptor = board.User.Open(Device + "/driver_override", OpenFlags.WriteOnly);

        board.User.Write(descriptor, "").Should().Be(0);

        board.User.Cat(Device + "/driver_override").Should().Be("drv\n");
    }

    [Fact]
    public void An_override_keeps_matching_drivers_away_also_when_they_come_later()
    {
        var board = new BootedBoard();
        Echo(board, "nobody", Device + "/driver_override");
        board.Register("drv", Pl330);

        DriverOf(board).Should().Be("<ENOENT>");
        Echo(board, Dma0, Bus + "/drivers_probe").Should().Be(Accepted);
        DriverOf(board).Should().Be("<ENOENT>");
        Echo(board, "", Device + "/driver_override");
        Echo(board, Dma0, Bus + "/drivers_probe");
        DriverOf(board).Should().Be("drv");
    }

    [Theory]
    [InlineData(Drv + "/bind")]
    [InlineData(Drv + "/unbind")]
    [InlineData(Bus + "/drivers_probe")]
    [InlineData(Bus + "/uevent")]
    public void Write_only_files_cannot_be_read_even_by_root(string path)
    {
        var board = new BootedBoard();
        board.Register("drv");

        board.User.Cat(path).Should().Be("<EACCES>");
    }

    [Fact]
    public void Sysfs_takes_no_new_names_and_read_only_files_take_no_writes()
    {
        TestProcess user = new BootedBoard().User;

        user.Open(Device + "/new", OpenFlags.WriteOnly | OpenFlags.Create).Should().Be(-(long)Errno.EACCES);
        user.Open(Device + "/modalias", OpenFlags.WriteOnly).Should().Be(-(long)Errno.EACCES);
    }

    [Theory]
    [InlineData("add", 4)]
    [InlineData("change SYNTH_UUID=1", 20)]
    [InlineData("nonsense", -22)]
    [InlineData("", -22)]
    public void Uevent_takes_the_names_of_actions(string text, long expected) =>
        Echo(new BootedBoard(), text, Device + "/uevent").Should().Be(expected);

    [Fact]
    public void A_removed_device_leaves_nothing_behind()
    {
        var board = new BootedBoard();
        ScriptedDriver driver = board.Register("drv", Pl330);

        board.Core.Remove(board.Platform.FindDevice(Dma0)!);

        driver.Events.Should().Equal($"probe {Dma0}", $"remove {Dma0}");
        board.List(Bus + "/devices").Should().NotContain(Dma0);
        board.List("/sys/devices").Should().NotContain(Dma0);
        board.List(Drv).Should().NotContain(Dma0);
    }

    [Fact]
    public void An_unregistered_driver_loses_its_devices_and_a_second_of_its_name_is_refused()
    {
        var board = new BootedBoard();
        ScriptedDriver driver = board.Register("drv", Pl330);
        board.Register("drv");
        board.LogLines.Should().Contain("Error: Driver 'drv' is already registered, aborting...");

        board.Core.Unregister(driver);

        DriverOf(board).Should().Be("<ENOENT>");
        board.List(Bus + "/drivers").Should().NotContain("drv");
    }

    private static long Echo(BootedBoard board, string text, string path) => board.User.Echo(text, path);

    private static string DriverOf(BootedBoard board) => board.User.ReadLink(Device + "/driver").Split('/')[^1];

    private static bool LinksAgreeAfter(List<(string Text, string File)> writes)
    {
        var board = new BootedBoard();
        board.Register("drv", Pl330);
        board.Register("any", "arm,smmu-v2");
        foreach ((string text, string file) in writes)
        {
            Echo(board, text, file).Should().BeOneOf(text.Length + 1, -(long)Errno.ENODEV);
        }

        foreach (string name in new[] { Dma0, "2c0b0000.smmu" })
        {
            string link = board.User.ReadLink($"{Bus}/devices/{name}/driver").Split('/')[^1];
            foreach (string driver in new[] { "drv", "any" })
            {
                board
                    .List($"{Bus}/drivers/{driver}")
                    .Contains(name)
                    .Should()
                    .Be(string.Equals(link, driver, StringComparison.Ordinal));
            }

            (board.Platform.FindDevice(name)!.Driver?.Name ?? "<ENOENT>").Should().Be(link);
        }

        return true;
    }
}
