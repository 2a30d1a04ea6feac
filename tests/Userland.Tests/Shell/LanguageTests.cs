namespace Emulator.Userland.Tests.ShellTests;

public sealed class LanguageTests
{
    [Theory]
    [InlineData("echo hello   world", "hello world\n")]
    [InlineData("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n")]
    [InlineData("echo -n x; echo y", "xy\n")]
    [InlineData("echo -e 'a\\tb'", "a\tb\n")]
    [InlineData("v=5; echo $v ${v}x \"$v\" '$v' \\$v", "5 5x 5 $v $v\n")]
    [InlineData("a='1  2'; echo $a; echo \"$a\"", "1 2\n1  2\n")]
    [InlineData("echo a#b # comment", "a#b\n")]
    [InlineData("echo $(echo inner)", "inner\n")]
    [InlineData("echo `echo inner`", "inner\n")]
    [InlineData("echo \"$(echo 'a  b')\"", "a  b\n")]
    [InlineData("echo $((1 + 2 * 3)) $(( (1+2)*3 )) $((0x10)) $((7/2)) $((7%4)) $((1<<4))", "7 9 16 3 3 16\n")]
    [InlineData("i=1; echo $((i++)) $i $((i += 5)) $((i == 7 ? 10 : 20))", "1 2 7 10\n")]
    [InlineData("base=400; for i in 11 12; do echo $(($base + $i)); done", "411\n412\n")]
    [InlineData("x=; echo ${x:-d} ${x-d} ${y-d} ${y:=set} $y ${y:+alt} ${#y}", "d d set set alt 3\n")]
    [InlineData("f=/a/b/c.dts; echo ${f##*/} ${f%.dts} ${f#/} ${f%%/*}", "c.dts /a/b/c a/b/c.dts\n")]
    [InlineData("s=abcabc; echo ${s/b/X} ${s//b/X} ${s:1:3} ${s:4}", "aXcabc aXcaXc bca bc\n")]
    [InlineData("true && echo yes || echo no", "yes\n")]
    [InlineData("false && echo yes || echo no", "no\n")]
    [InlineData("! false; echo $?", "0\n")]
    [InlineData("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n")]
    [InlineData("for i in a b c; do echo $i; done", "a\nb\nc\n")]
    [InlineData("i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done", "0\n1\n2\n")]
    [InlineData("i=0; until [ $i -ge 2 ]; do i=$((i+1)); done; echo $i", "2\n")]
    [InlineData("for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done", "1\n3\n")]
    [InlineData("case abc in x) echo x;; a*|b) echo ab;; *) echo other;; esac", "ab\n")]
    [InlineData("case 'a*' in 'a*') echo literal;; esac", "literal\n")]
    [InlineData("f() { echo $1 $#; return 3; }; f x y; echo $?", "x 2\n3\n")]
    [InlineData("f() { local v=in; echo $v; }; v=out; f; echo $v", "in\nout\n")]
    [InlineData("(v=1; echo $v); echo \"[$v]\"", "1\n[]\n")]
    [InlineData("{ echo a; echo b; } | cat", "a\nb\n")]
    [InlineData(
        "set -- a 'b c' d; for x in \"$@\"; do echo $x; done; echo $#; shift; echo \"$*\"",
        "a\nb c\nd\n3\nb c d\n"
    )]
    [InlineData("cat <<EOF\nx=$((1+1))\n'q'\nEOF\necho after", "x=2\n'q'\nafter\n")]
    [InlineData("cat <<'EOF'\n$v\nEOF", "$v\n")]
    [InlineData("cat <<-EOF\n\ta\n\tEOF", "a\n")]
    [InlineData("echo one | grep one | cat", "one\n")]
    [InlineData("printf '%s-%03d-%x\\n' a 7 255 b 8 16", "a-007-ff\nb-008-10\n")]
    [InlineData("v=1 sh -c 'echo $v'; echo \"[$v]\"", "1\n[]\n")]
    [InlineData("export v=2; sh -c 'echo $v'", "2\n")]
    [InlineData("sh -c 'echo $0 $1' name arg", "name arg\n")]
    [InlineData("eval 'echo $((2+2))'", "4\n")]
    [InlineData("echo x > /tmp/f; . /tmp/g 2>/dev/null || echo none", "")]
    [InlineData("IFS=:; v=a:b::c; for x in $v; do echo \"<$x>\"; done", "<a>\n<b>\n<>\n<c>\n")]
    [InlineData("echo a b | { read x y; echo $y $x; }", "b a\n")]
    [InlineData("echo \\\ncontinued", "continued\n")]
    [InlineData("cd /tmp; pwd; cd -; cd /; echo $PWD", "/tmp\n/\n/\n")]
    [InlineData("echo ~", "/root\n")]
    [InlineData("echo $(( $(echo 3) * 2 ))", "6\n")]
    [InlineData("[ -d /sys ] && [ ! -e /nope ] && [ a = a -a 1 -lt 2 ] && echo ok", "ok\n")]
    [InlineData("echo a >&2 2>/dev/null; echo b 2>&1", "b\n")]
    [InlineData("trap 'echo bye' EXIT; echo hi", "hi\nbye\n")]
    [InlineData("set -e; false; echo never", "")]
    [InlineData("set -e; false || true; if false; then :; fi; echo on", "on\n")]
    [InlineData("sleep() { echo mine; }; sleep 5", "mine\n")]
    [InlineData("basename $(readlink /tmp/l)", "target\n")]
    public void A_script_writes(string script, string expected)
    {
        var system = new SimulatedSystem();
        system.Kernel.Files.Make("/tmp").AddLink("l", "../some/target");

        Outcome outcome = system.Run(script);

        outcome.Output.Should().Be(expected, "errors were {0}", outcome.Errors);
    }

    [Theory]
    [InlineData("nosuch", 127, "sh: nosuch: not found\n")]
    [InlineData("/nosuch/x", 127, "sh: /nosuch/x: not found\n")]
    [InlineData("/tmp", 126, "sh: /tmp: Permission denied\n")]
    [InlineData("echo x > /nosuch/f", 1, "sh: can't create /nosuch/f: nonexistent directory\n")]
    [InlineData("echo x > /sys/x", 1, "sh: can't create /sys/x: Permission denied\n")]
    [InlineData("cat < /nosuch", 1, "sh: can't open /nosuch: no such file\n")]
    [InlineData("cat /nosuch", 1, "cat: can't open '/nosuch': No such file or directory\n")]
    [InlineData("ls /nosuch", 1, "ls: /nosuch: No such file or directory\n")]
    [InlineData("fi", 2, "sh: syntax error: unexpected \"fi\"\n")]
    [InlineData("if true; then echo a", 2, "sh: syntax error: unexpected end of file (expecting \"fi\")\n")]
    [InlineData("echo )", 2, "sh: syntax error: unexpected \")\"\n")]
    [InlineData("echo 'a", 2, "sh: syntax error: unterminated quoted string\n")]
    [InlineData("echo ;;", 2, "sh: syntax error: unexpected \";;\"\n")]
    [InlineData("for x in a; echo; done", 2, "sh: syntax error: unexpected word (expecting \"do\")\n")]
    [InlineData("echo $((1/0))", 2, "sh: divide by zero\n")]
    [InlineData("echo $((1+))", 2, "sh: arithmetic syntax error\n")]
    [InlineData("echo ${x?}", 2, "sh: x: parameter not set\n")]
    [InlineData("echo <(ls)", 2, "sh: syntax error: process substitution '<( )' is not supported by this shell\n")]
    [InlineData("kill 9999", 1, "sh: can't kill pid 9999: No such process\n")]
    [InlineData("exit 7", 7, "")]
    [InlineData("(exit 3)", 3, "")]
    [InlineData("sh -c 'kill -9 $$'", 137, "Killed\n")]
    [InlineData("[ 1 -eq x ]", 2, "sh: x: bad number\n")]
    [InlineData("[ 1 -eq 1", 2, "sh: missing ]\n")]
    [InlineData("cd /nosuch", 2, "sh: cd: line 1: can't cd to /nosuch: No such file or directory\n")]
    public void A_mistake_gives_the_status_and_words_of_ash(string script, int status, string errors)
    {
        Outcome outcome = new SimulatedSystem().Run(script);

        outcome.Errors.Should().Be(errors);
        outcome.Status.Should().Be(status);
    }
}
