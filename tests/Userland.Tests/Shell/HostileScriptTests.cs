using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Userland.Tests.ShellTests;

public sealed class HostileScriptTests
{
    private static readonly string[] Pieces =
    [
        "echo",
        "x",
        "$v",
        "${v",
        "}",
        "$(",
        ")",
        "`",
        "'",
        "\"",
        "\\",
        " ",
        " ",
        " ",
        "\n",
        ";",
        ";;",
        "&",
        "&&",
        "||",
        "|",
        ">",
        ">>",
        "<",
        "<<E",
        "E\n",
        "2>&1",
        "/tmp/f",
        "if",
        "then",
        "else",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "while",
        "true",
        "false",
        "case",
        "esac",
        "*",
        "?",
        "[",
        "]",
        "{",
        "((",
        "$((",
        "))",
        "1",
        "+",
        "=",
        "v=",
        "f()",
        "f",
        "break",
        "return",
        "exit",
        "cat",
        "grep",
        "ls",
        "-l",
        "sed",
        "s/a/b/",
        "read",
        "eval",
        "set",
        "-e",
        "shift",
        "wait",
        "cd",
        "$@",
        "\"$@\"",
        "#",
        "!",
        "%",
        "sort",
        "head",
        "-n",
        "printf",
        "%s",
        "%d",
        "test",
        "-e",
        "-a",
        "(",
        "kill",
        "$$",
        "trap",
        "exec",
        "tr",
        "xargs",
        "find",
        "é",
        "\0",
    ];

    [Fact]
    public void Random_scripts_end_or_go_on_and_never_throw()
    {
        Prop.ForAll(
                Gen.Elements(Pieces).ArrayOf().Resize(40).ToArbitrary(),
                pieces =>
                {
                    string script = string.Concat(pieces);
                    Shell.Check(script);
                    new SimulatedSystem().Run(script, 20 * VirtualTime.Millisecond);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(60).WithReplay(20_260_102UL, 1UL));
    }

    [Fact]
    public void The_same_script_takes_the_same_time_and_writes_the_same()
    {
        const string Script = "for i in 1 2 3; do (echo $i; sleep 0.$i) & done; wait; ls -l / | sort | head -n 5";
        var first = new SimulatedSystem();
        var second = new SimulatedSystem();

        first.Run(Script).Should().Be(second.Run(Script));
        first.Simulation.Now.Should().Be(second.Simulation.Now);
    }

    [Theory]
    [InlineData("f() { f; }; f", 2)]
    [InlineData("f() { f | f; }; f", 2)]
    [InlineData("v=1234567890; while true; do v=$v$v; done", 2)]
    [InlineData("eval \"$(printf '(%.0s' 1 2 3 4 5 6 7 8 9)\"", 2)]
    [InlineData("a='$a'; f() { eval f; }; f", 2)]
    [InlineData("echo $((a=b, b=a, a))", 0)]
    [InlineData("p=$(printf %01000d 0); v=$p; echo ${v/*${p%0}1/x}", 2)]
    [InlineData("p=$(printf %04000d 0); q=$(printf %02000d 0); echo ${p%%*${q}1}", 2)]
    [InlineData("p=$(printf %04000d 0); q=$p; for i in 1 2 3 4 5; do p=$p$p; done; case $p in *${q}1) ;; esac", 2)]
    [InlineData("p='[[:'; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do p=$p$p; done; case [ in $p) echo x ;; esac", 2)]
    [InlineData(
        "t() { echo $1+$1+$1+$1+$1+$1+$1+$1+$1+$1+$1+$1; }; a=$(t b) b=$(t c) c=$(t d) d=$(t e) e=$(t f) f=$(t g) g=1; echo $((a))",
        2
    )]
    [InlineData("cat /dev/zero | sort", 1)]
    [InlineData("cp /dev/zero /tmp/x", 1)]
    [InlineData(". /dev/zero", 2)]
    public void What_grows_without_end_is_ended(string script, int status) =>
        new SimulatedSystem().Run(script, 60 * VirtualTime.Second).Status.Should().Be(status);

    [Theory]
    [InlineData('(')]
    [InlineData('{')]
    public void Deep_nesting_is_refused(char open) =>
        Shell.Check(string.Concat(Enumerable.Repeat(open + " ", 100_000))).State.Should().Be(ShellInputState.Wrong);

    [Theory]
    [InlineData("$(")]
    [InlineData("${a:-")]
    [InlineData("\"$(")]
    [InlineData("$((")]
    public void Deep_words_never_throw(string open) =>
        Shell
            .Check("echo " + string.Concat(Enumerable.Repeat(open, 5_000)))
            .State.Should()
            .NotBe(ShellInputState.Complete);

    [Theory]
    [InlineData("while true; do :; done")]
    [InlineData("while true; do echo x; done > /tmp/f")]
    [InlineData("yes() { echo y; yes2; }; yes2() { :; }; until false; do yes; done | cat > /dev/null")]
    public void An_endless_loop_costs_virtual_time(string script)
    {
        var system = new SimulatedSystem();

        system.Run(script, 10 * VirtualTime.Millisecond).Status.Should().Be(-1);

        system.Simulation.Now.Should().BeLessThanOrEqualTo(11 * VirtualTime.Millisecond);
    }
}
