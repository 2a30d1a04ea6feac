using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <summary>Starts programs as processes: fork, exec and exit in one, since a C# program cannot be forked.</summary>
public sealed class ProgramRunner(IEnumerable<IProgram> programs) : IBinaryFormat
{
    private readonly SortedDictionary<string, IProgram> _programs = new(
        programs.ToDictionary(program => program.Name, StringComparer.Ordinal),
        StringComparer.Ordinal
    );

    /// <summary>The programs by name.</summary>
    public IReadOnlyDictionary<string, IProgram> Programs => _programs;

    /// <inheritdoc/>
    public bool CanRun(string program) => _programs.ContainsKey(program);

    /// <summary>Puts the programs' files into /bin of a kernel, and runs what is executed there.</summary>
    public void Install(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        kernel.BinaryFormat ??= this;
        DirectoryInode bin = kernel.Files.Make("/bin");
        foreach (string name in _programs.Keys)
        {
            if (bin.Find(name) is null)
            {
                bin.Add(name, new RegularInode(0x1ED) { Program = name });
            }
        }
    }

    /// <summary>Puts the file of a program that is not one of the usual commands where it belongs.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="path">Its path; missing directories are made.</param>
    /// <param name="program">The program.</param>
    public void Install(Kernel kernel, string path, IProgram program)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(program);
        _programs[program.Name] = program;
        int slash = path.LastIndexOf('/');
        kernel.Files.Make(path[..slash]).Add(path[(slash + 1)..], new RegularInode(0x1ED) { Program = program.Name });
    }

    /// <summary>Starts a program in a new process that shares the parent's descriptors as given.</summary>
    /// <param name="parent">The parent.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">argv.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="descriptors">The child's descriptors; each file gets one more reference.</param>
    public static Process Start(
        Process parent,
        IProgram program,
        IReadOnlyList<string> arguments,
        IDictionary<string, string> environment,
        IReadOnlyDictionary<int, OpenFile> descriptors
    )
    {
        ArgumentNullException.ThrowIfNull(parent);
        ArgumentNullException.ThrowIfNull(program);
        Process child = parent.Kernel.CreateProcess(program.Name, parent);
        foreach ((int number, OpenFile file) in descriptors)
        {
            file.Get();
            child.Replace(number, file, closeOnExec: false);
        }

        child.Run(async () =>
        {
            var libc = new Libc(child)
            {
                Environment = new SortedDictionary<string, string>(environment, StringComparer.Ordinal),
            };
            try
            {
                return (await program.Main(libc, arguments) & 0xFF) << 8;
            }
            catch (ExitException exit)
            {
                return (exit.Status & 0xFF) << 8;
            }
            catch (KilledException killed)
            {
                return killed.Signal;
            }
        });
        return child;
    }
}
