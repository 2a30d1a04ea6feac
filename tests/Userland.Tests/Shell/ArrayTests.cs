namespace Emulator.Userland.Tests.ShellTests;

/// <summary>Arrays and [[ ]], which scripts for bash use.</summary>
public sealed class ArrayTests
{
    private readonly SimulatedSystem _system = new();

    [Theory]
    [InlineData("a=(1 2 3); echo ${a[1]} ${#a[@]} $a", "2 3 1\n")]
    [InlineData("a=( \"x y\" z ); for e in \"${a[@]}\"; do echo \"<$e>\"; done", "<x y>\n<z>\n")]
    [InlineData("a=( \"x y\" z ); for e in ${a[@]}; do echo \"<$e>\"; done", "<x>\n<y>\n<z>\n")]
    [InlineData("a=( \"x y\" z ); for e in \"${a[*]}\"; do echo \"<$e>\"; done", "<x y z>\n")]
    [InlineData("i=2; a[$i]=b; a[$((i+1))]=c; a[i-2]=a; echo ${a[@]} ${a[$(($i*1+1))]} ${#a[*]}", "a b c c 3\n")]
    [InlineData("a=(); echo ${#a[@]}; a+=(1 2); a+=(3); echo ${a[@]}", "0\n1 2 3\n")]
    [InlineData("a=(\n  one\n  two\n)\necho ${a[1]}", "two\n")]
    [InlineData("d=/x; a=( $d\"/y.c\" ); echo ${a[0]} ${a[0]##*/} ${#a[0]}", "/x/y.c y.c 6\n")]
    [InlineData("a=(1 2); unset a; echo \"<${a[@]}>\" ${#a[@]}", "<> 0\n")]
    [InlineData("a=(1 2); (a[0]=9; echo ${a[0]}); echo ${a[0]}", "9\n1\n")]
    [InlineData("v=s; echo ${v[0]} ${#v[@]} \"<${v[1]}>\"", "s 1 <>\n")]
    [InlineData("a=(1 2); a=x; echo ${a[@]}", "x 2\n")]
    [InlineData("a[5]=f; a[1]=b; echo ${a[@]}", "b f\n")]
    [InlineData("mkdir -p /tmp/g; cd /tmp/g; touch a1 a2; echo a[12]; l=(a*); echo ${#l[@]}", "a1 a2\n2\n")]
    [InlineData("a=(1 2); echo \"${a[9]:-none}\"", "none\n")]
    public void Arrays_are_those_of_bash(string script, string output) =>
        _system.Run(script).Should().Be(new Outcome(0, output, ""));

    [Theory]
    [InlineData("a[-1]=x", "sh: -1: bad array subscript\n")]
    [InlineData("a[99999]=x", "sh: 99999: bad array subscript\n")]
    [InlineData("readonly a=1; a[2]=x", "sh: a: is read only\n")]
    [InlineData("a=(1 2) echo x", "sh: a: an array cannot be passed to a command\n")]
    [InlineData("a=(1 2); a=3 true", "sh: a: an array cannot be passed to a command\n")]
    [InlineData("a=(1 2); f() { local a=1; }; f", "sh: local: a: hiding an array is not supported by this shell\n")]
    public void Mistakes_are_told(string script, string errors)
    {
        Outcome outcome = _system.Run(script);

        outcome.Status.Should().NotBe(0);
        outcome.Errors.Should().Be(errors);
    }

    [Theory]
    [InlineData("r='^[0-9]+$'; v=12; [[ $v =~ $r ]]", 0)]
    [InlineData("r='^[0-9]+$'; v=; [[ $v =~ $r ]]", 1)]
    [InlineData("r='^[0-9]+$'; v='1 2'; [[ $v =~ $r ]]", 1)]
    [InlineData("r='^[0-9]+$'; v=x; ! [[ $v =~ $r ]]", 0)]
    [InlineData("[[ dma0 == dma* ]]", 0)]
    [InlineData("[[ dma0 == \"dma*\" ]]", 1)]
    [InlineData("[[ dma0 != dma* ]]", 1)]
    [InlineData("v='a b'; [[ -n $v ]]", 0)]
    [InlineData("[[ -z $nothing ]]", 0)]
    [InlineData("cd /bin; [[ * == l ]]", 1)]
    [InlineData("[[ a =~ ( ]]", 2)]
    public void Double_brackets_split_nothing_and_match_patterns(string script, int status) =>
        _system.Run(script).Status.Should().Be(status);

    [Theory]
    [InlineData("a=(1 2", ShellInputState.Incomplete)]
    [InlineData("a=(1\n2", ShellInputState.Incomplete)]
    [InlineData("echo ${a[1", ShellInputState.Incomplete)]
    [InlineData("a=(1 ; 2)", ShellInputState.Wrong)]
    public void An_array_may_go_on_in_the_next_line(string text, ShellInputState expected) =>
        Shell.Check(text).State.Should().Be(expected);
}
