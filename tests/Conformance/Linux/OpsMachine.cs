using System.Globalization;
using System.Text;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Userland;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Conformance.Linux;

/// <summary>
/// The machine of a recording: the board that QEMU's command line describes, the kernel of the recording booted on it, its
/// modules loaded as the recorder's first process did, and a shell.
/// </summary>
internal sealed class OpsMachine
{
    private const long ShellLimit = 60 * VirtualTime.Second;

    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    private readonly SortedDictionary<string, string> _environment = new(StringComparer.Ordinal)
    {
        ["HOME"] = "/root",
        ["PATH"] = "/bin:/sbin",
    };

    private int _captures;

    internal OpsMachine(Kernel kernel)
    {
        Kernel = kernel;
        var programs = new ProgramRunner(UserlandPrograms.All);
        programs.Install(kernel);
        programs.Install(kernel, "/bin/wr", new WriteProgram());
        kernel.Files.Make("/run");

        // The recorder's file system had no names of users.
        kernel.Files.Make("/etc").Remove("passwd");
        kernel.Files.Make("/etc").Remove("group");
    }

    public Kernel Kernel { get; }

    /// <summary>Whether the board that the recordings were made on is there.</summary>
    public static bool IsModelled =>
        Services.Value.GetRequiredService<IBoardLibrary>().Boards.Any(board => board.Name is "virt");

    public static OpsMachine Create(OpsRecording recording)
    {
        var line = new OpsCommandLine(recording.CommandLine);
        var simulation = new Simulation();
        IBoardLibrary library = Services.Value.GetRequiredService<IBoardLibrary>();
        DeviceTree hardware = library.Tree("virt", line.BoardOptions);
        line.Extend(hardware);
        Board board = library.Create("virt", hardware, simulation);
        DeviceTree told = HardwareFacts.KernelTree(board.HardwareTree);
        line.ExtendTold(told);
        told.Root.FindChild("chosen")!.SetStrings("bootargs", line.KernelArguments);
        var machine = new OpsMachine(BuiltInDrivers.Boot(board, ProfileOf(recording.Kernel), told, line.ByAcpi));
        foreach (string module in line.Modules)
        {
            machine.Shell(machine.Kernel.Init, $"modprobe {module}", []);
        }

        simulation.RunUntil(simulation.Now + VirtualTime.Second);
        return machine;
    }

    /// <summary>Runs a line of shell: its exit status, and the lines of its standard output.</summary>
    public long Shell(Process parent, string script, List<string> output)
    {
        RegularInode captured = Capture();
        var descriptors = new SortedDictionary<int, OpenFile>
        {
            [0] = Kernel.Files.Walk(Kernel.Init, "/dev/null").Inode!.Open(Kernel.Init, OpenFlags.ReadOnly).File!,
            [1] = captured.Open(Kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
            [2] = Capture().Open(Kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
        };
        Process shell = ProgramRunner.Start(parent, new Shell("sh"), ["sh", "-c", script], _environment, descriptors);
        Simulation simulation = Kernel.Simulation;
        simulation.RunUntil(() => shell.HasExited, simulation.Now + ShellLimit);
        output.AddRange(Encoding.UTF8.GetString([.. captured.Content]).TrimEnd('\n').Split('\n'));
        if (output is [""])
        {
            output.Clear();
        }

        return !shell.HasExited ? 124
            : (shell.ExitStatus & 0x7F) != 0 ? 128 + (shell.ExitStatus & 0x7F)
            : shell.ExitStatus >> 8;
    }

    private RegularInode Capture() =>
        Kernel
            .Files.Make("/var/capture")
            .Add((_captures++).ToString(CultureInfo.InvariantCulture), new RegularInode(0x1A4));

    private static KernelProfile ProfileOf(string kernel) =>
        kernel switch
        {
            "k61" => KernelProfiles.Linux61,
            "k612" => KernelProfiles.Linux612,
            "k612o" => KernelProfiles.Linux612Oracle,
            _ => throw new NotSupportedException($"no kernel '{kernel}'"),
        };

    /// <summary>The recorder's own command in shell lines: one write, and what it returned.</summary>
    private sealed class WriteProgram : IProgram
    {
        public string Name => "wr";

        public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
        {
            long file = await libc.Open(arguments[1], OpenFlags.WriteOnly);
            if (file < 0)
            {
                await libc.Print(1, "open failed\n");
                return 1;
            }

            long result = await libc.Write(file, OpsWords.Unescape(string.Join(' ', arguments.Skip(2))));
            await libc.Print(1, string.Create(CultureInfo.InvariantCulture, $"= {result}\n"));
            await libc.Close(file);
            return 0;
        }
    }
}
