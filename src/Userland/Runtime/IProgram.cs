namespace Emulator.Userland;

/// <summary>
/// A program of the simulated world. It does everything through the C library it is given, that is, through system calls;
/// it awaits nothing else.
/// </summary>
public interface IProgram
{
    /// <summary>The name of its file: <c>ls</c>, <c>test_pl330_vfio_driver</c>.</summary>
    string Name { get; }

    /// <summary>main(): the exit status.</summary>
    /// <param name="libc">The C library of its process.</param>
    /// <param name="arguments">argv, the program's own name first.</param>
    Task<int> Main(Libc libc, IReadOnlyList<string> arguments);
}
