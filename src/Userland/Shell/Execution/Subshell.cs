namespace Emulator.Userland;

/// <summary>What a shell's child does: it has a copy of the shell's state, and descriptors and memory of its own.</summary>
internal sealed class Subshell(ShellState state, Func<ShellExecutor, Task> body) : IProgram
{
    /// <inheritdoc/>
    public string Name => "sh";

    /// <inheritdoc/>
    public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
    {
        var executor = new ShellExecutor(libc, state);
        await executor.RunGuarded(body);
        await executor.RunExitTrap();
        return state.Status;
    }
}
