namespace Emulator.Userland;

/// <summary>The programs that every simulated system has.</summary>
public static class UserlandPrograms
{
    /// <summary>The shell and the small commands, each under its name.</summary>
    public static IReadOnlyList<IProgram> All { get; } =
    [
        new Shell("sh"),
        new Shell("bash"),
        new Shell("ash"),
        new RawProgram("echo", (libc, words) => EchoCommand.Run(libc, words, "echo")),
        new RawProgram("printf", (libc, words) => PrintfCommand.Run(libc, words, "printf")),
        new RawProgram("test", (libc, words) => TestCommand.Run(libc, words, "test")),
        new RawProgram(
            "[",
            (libc, words) => TestCommand.Run(libc, [.. words.Select((word, n) => n == 0 ? "[" : word)], "[")
        ),
        new RawProgram("kill", (libc, words) => KillCommand.Run(libc, words, "kill")),
        new RawProgram("true", (_, _) => Task.FromResult(0)),
        new RawProgram("false", (_, _) => Task.FromResult(1)),
        ListCommand.Program,
        .. NameCommands.Programs,
        .. GrepCommand.Programs,
        .. TextCommands.Programs,
        .. FileCommands.Programs,
        .. SystemCommands.Programs,
        .. ModuleCommands.Programs,
        ChownCommand.Program,
        SedCommand.Program,
        ExprCommand.Program,
        DtcCommand.Program,
        DevMemCommand.Program,
        MakeCommand.Program,
        LspciCommand.Program,
        SetpciCommand.Program,
    ];
}
