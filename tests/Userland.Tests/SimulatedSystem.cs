using System.Text;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Userland.Tests;

/// <summary>What a script did.</summary>
/// <param name="Status">Its exit status; -1 when it was still running at the end of its time.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Errors">What it wrote to standard error.</param>
internal readonly record struct Outcome(int Status, string Output, string Errors);

/// <summary>A kernel on an fvp-ve board with all programs, and scripts run on it with their output in its own files.</summary>
internal sealed class SimulatedSystem
{
    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    private readonly Simulation _simulation = new();

    public SimulatedSystem()
    {
        Board board = Services.Value.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, _simulation);
        Kernel = new Kernel(board, KernelProfiles.VosysV6);
        new ProgramRunner(UserlandPrograms.All).Install(Kernel);
    }

    public Kernel Kernel { get; }

    public Simulation Simulation => _simulation;

    public Outcome Run(string script, long limit = 20 * VirtualTime.Second, Action<Process>? prepare = null)
    {
        RegularInode output = Capture("out");
        RegularInode errors = Capture("err");
        var descriptors = new SortedDictionary<int, OpenFile>
        {
            [0] = Open("/dev/null", OpenFlags.ReadOnly),
            [1] = output.Open(Kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
            [2] = errors.Open(Kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
        };
        Process process = ProgramRunner.Start(
            Kernel.Init,
            new Shell("sh"),
            ["sh", "-c", script],
            new SortedDictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = "/root" },
            descriptors
        );
        prepare?.Invoke(process);
        _simulation.RunUntil(() => process.HasExited, _simulation.Now + limit);
        int status =
            !process.HasExited ? -1
            : (process.ExitStatus & 0x7F) != 0 ? 128 + (process.ExitStatus & 0x7F)
            : process.ExitStatus >> 8;
        return new Outcome(status, Text(output), Text(errors));
    }

    public string Read(string path) => Text((RegularInode)Kernel.Files.Walk(Kernel.Init, path).Inode!);

    public void Write(string path, string text)
    {
        int slash = path.LastIndexOf('/');
        DirectoryInode directory = Kernel.Files.Make(path[..slash]);
        directory.Remove(path[(slash + 1)..]);
        directory.Add(path[(slash + 1)..], new RegularInode(0x1A4)).Content.AddRange(Encoding.UTF8.GetBytes(text));
    }

    private OpenFile Open(string path, OpenFlags flags) =>
        Kernel.Files.Walk(Kernel.Init, path).Inode!.Open(Kernel.Init, flags).File!;

    private RegularInode Capture(string name)
    {
        DirectoryInode directory = Kernel.Files.Make("/var/capture");
        directory.Remove(name);
        return directory.Add(name, new RegularInode(0x1A4));
    }

    private static string Text(RegularInode inode) => Encoding.UTF8.GetString([.. inode.Content]);
}
