using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland.Tests;

public sealed class CommandTests
{
    [Theory]
    [InlineData("ls /tmp/d", "a\nb\nlink\nsub\n")]
    [InlineData("ls -a /tmp/d", ".\n..\na\nb\nlink\nsub\n")]
    [InlineData("ls -d /tmp/d", "/tmp/d\n")]
    [InlineData(
        "ls -l /tmp/d/link",
        "lrwxrwxrwx    1 root     root             6 Jan  1 00:00 /tmp/d/link -> ../x/y\n"
    )]
    [InlineData("ls -l /dev/null", "crw-rw-rw-    1 root     root        1,   3 Jan  1 00:00 /dev/null\n")]
    [InlineData("ls /tmp/d | grep -v s", "a\nb\nlink\n")]
    [InlineData("cd /tmp/d; echo *; echo [ab] ?; echo */; echo nosuch*", "a b link sub\na b a b\nsub/\nnosuch*\n")]
    [InlineData("readlink /tmp/d/link; readlink -f /tmp/d/sub/../a; readlink /tmp; echo $?", "../x/y\n/tmp/d/a\n1\n")]
    [InlineData("basename /a/b/; basename a.dts .dts; dirname /a/b; dirname a; dirname /a", "b\na\n/a\n.\n/\n")]
    [InlineData("cat /tmp/d/a /tmp/d/b", "one\ntwo\nthree\nb1\n")]
    [InlineData(
        "grep -n t /tmp/d/a; grep -c o /tmp/d/a; grep -i ONE /tmp/d/a; grep -q zzz /tmp/d/a; echo $?",
        "2:two\n3:three\n2\none\n1\n"
    )]
    [InlineData(
        "grep -E 'one|three' /tmp/d/a; grep 't.o$' /tmp/d/a; grep -w two /tmp/d/a /tmp/d/b",
        "one\nthree\ntwo\n/tmp/d/a:two\n"
    )]
    [InlineData("echo '[   1.0] a+b' | grep '^\\[ .*a+b'", "[   1.0] a+b\n")]
    [InlineData("head -n 1 /tmp/d/a; tail -n 1 /tmp/d/a; head -n1 /tmp/d/b", "one\nthree\nb1\n")]
    [InlineData("wc -l < /tmp/d/a; wc -l /tmp/d/a", "3\n3 /tmp/d/a\n")]
    [InlineData("printf '3\\n10\\n2\\n2\\n' | sort -n | uniq -c", "      2 2\n      1 3\n      1 10\n")]
    [InlineData("printf 'b\\na\\nb\\n' | sort -ru", "b\na\n")]
    [InlineData(
        "echo a:b:c | cut -d: -f2; echo abc | cut -c2-; echo abc | tr a-b A-B; echo a1b2 | tr -d '[:digit:]'",
        "b\nbc\nABc\nab\n"
    )]
    [InlineData(
        "sed -n 2p /tmp/d/a; sed 's/o/0/g;/three/d' /tmp/d/a; echo ab | sed 's/\\(a\\)\\(b\\)/\\2\\1/'",
        "two\n0ne\ntw0\nba\n"
    )]
    [InlineData("find /tmp/d -type f -name '[ab]'; find /tmp/d -maxdepth 0", "/tmp/d/a\n/tmp/d/b\n/tmp/d\n")]
    [InlineData("uname -r; uname -m; uname", "3.16.0-rc1-vosys\narmv7l\nLinux\n")]
    [InlineData("dmesg | grep hello; dmesg -c > /dev/null; dmesg", "[    0.000000] hello world\n")]
    [InlineData(
        "mkdir -p /tmp/p/q; touch /tmp/p/q/f; ls /tmp/p/q; rm -r /tmp/p; ls /tmp/p 2>&1",
        "f\nls: /tmp/p: No such file or directory\n"
    )]
    [InlineData(
        "cp /tmp/d/a /tmp/c; mv /tmp/c /tmp/e; cat /tmp/e; ln -s e /tmp/s; cat /tmp/s | wc -l",
        "one\ntwo\nthree\n3\n"
    )]
    [InlineData(
        "echo x > /tmp/m; chmod 600 /tmp/m; stat -c %a /tmp/m; chmod u+x,o=r /tmp/m; stat -c %a /tmp/m",
        "600\n704\n"
    )]
    [InlineData(
        "touch /tmp/m; chown 7:8 /tmp/m; stat -c %u:%g /tmp/m; chown root /tmp/m; stat -c %u:%g /tmp/m; chown :0 /tmp/m; stat -c %U:%g /tmp/m",
        "7:8\n0:8\nroot:0\n"
    )]
    [InlineData(
        "mkdir -p /tmp/o/p; touch /tmp/o/p/q; ln -s /nowhere /tmp/o/l; chown -R 5 /tmp/o; stat -c %u /tmp/o /tmp/o/p/q; stat -c %u /tmp/o/l",
        "5\n5\n5\n"
    )]
    [InlineData("chown nobody /tmp/d/a; echo $?; chown 1:wheel /tmp/d/a; chown 1 /tmp/none; echo $?", "1\n1\n")]
    [InlineData("head -2 /tmp/d/a; expr 2 + 3 \\* 4; expr 1 / 0; echo $?", "one\ntwo\n14\n2\n")]
    [InlineData("seq 3; seq 2 2 6", "1\n2\n3\n2\n4\n6\n")]
    [InlineData("echo a b | xargs -n1 echo x", "x a\nx b\n")]
    [InlineData("ls /tmp/d | xargs -I{} echo '<{}>' | head -n 1", "<a>\n")]
    [InlineData("echo t | tee /tmp/t; cat /tmp/t", "t\nt\n")]
    [InlineData("id -u; whoami; which ls; env A=1 sh -c 'echo $A'", "0\nroot\n/bin/ls\n1\n")]
    [InlineData("date; date +%Y-%m-%d", "Thu Jan  1 00:00:00 UTC 1970\n1970-01-01\n")]
    [InlineData("printf 'AB\\001' | od -An -tx1", " 41 42 01\n")]
    [InlineData(
        "printf '#!/bin/sh\\necho script $1\\n' > /tmp/x; chmod +x /tmp/x; /tmp/x 7; sh /tmp/x 8",
        "script 7\nscript 8\n"
    )]
    [InlineData("while /bin/true; do echo same; done | head -n 2", "same\nsame\n")]
    [InlineData("sleep 2 & sleep 1; kill $!; wait $!; echo $?", "143\n")]
    [InlineData("printf '/dts-v1/; / { a = <1>; };' | dtc -I dts -O dts -q", "/dts-v1/;\n\n/ {\n\ta = <0x01>;\n};\n")]
    public void A_command_writes(string script, string expected)
    {
        var system = new SimulatedSystem();
        system.Write("/tmp/d/a", "one\ntwo\nthree\n");
        system.Write("/tmp/d/b", "b1\n");
        system.Kernel.Files.Make("/tmp/d/sub");
        system.Kernel.Files.Make("/tmp/d").AddLink("link", "../x/y");
        system.Kernel.Log.Print(LogLevel.Info, "hello world");

        Outcome outcome = system.Run(script);

        outcome.Output.Should().Be(expected, "errors were {0}", outcome.Errors);
    }

    [Fact]
    public void Echo_into_an_attribute_is_one_store_of_the_whole_line()
    {
        var system = new SimulatedSystem();
        var stores = new List<string>();
        DirectoryInode driver = system.Kernel.Files.Make("/sys/bus/test");
        driver.AddAttribute(
            "bind",
            0x80,
            null,
            (process, text) =>
            {
                stores.Add(text);
                return text.Contains("no", StringComparison.Ordinal) ? -(long)Errno.ENODEV : text.Length;
            }
        );

        Outcome outcome = system.Run(
            "cd /sys/bus/test; echo 2c0a0000.dma > bind; echo -n a b > bind; echo none > bind; echo $?; cat bind"
        );

        stores.Should().Equal("2c0a0000.dma\n", "a b", "none\n");
        outcome.Output.Should().Be("1\n");
        outcome.Errors.Should().Be("sh: write error: No such device\ncat: can't open 'bind': Permission denied\n");
    }

    [Fact]
    public void Sleep_takes_virtual_time()
    {
        var system = new SimulatedSystem();

        system.Run("sleep 1.5");

        system.Simulation.Now.Should().BeInRange(1_500 * VirtualTime.Millisecond, 1_510 * VirtualTime.Millisecond);
    }

    [Fact]
    public void Nothing_is_left_of_a_script_that_has_ended()
    {
        var system = new SimulatedSystem();
        system.Run("true");
        ulong free = system.Kernel.Pages.FreePages;
        int processes = system.Kernel.Processes.Count;

        system.Run("for i in 1 2 3; do echo $i | cat | (cat; ls /) > /dev/null; done; (sleep 1 &) ; cat <<E\nx\nE\n");
        system.Simulation.RunFor(2 * VirtualTime.Second);

        system.Kernel.Pages.FreePages.Should().Be(free);
        system.Kernel.Processes.Should().HaveCount(processes + 1, "the script itself waits for init");
    }
}
