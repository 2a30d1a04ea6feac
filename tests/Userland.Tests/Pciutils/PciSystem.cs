using System.Text;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Userland.Tests;

/// <summary>The virt board with cards, Linux 6.1 booted on it, and its shell.</summary>
internal sealed class PciSystem
{
    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    private readonly Simulation _simulation = new();
    private readonly Kernel _kernel;

    public PciSystem(params string[] devices)
    {
        IBoardLibrary library = Services.Value.GetRequiredService<IBoardLibrary>();
        DeviceTree tree = library.Tree("virt");
        library.Plug(tree, devices);
        Board board = library.Create("virt", tree, _simulation);
        _kernel = BuiltInDrivers.Boot(board, KernelProfiles.Linux61);
        new ProgramRunner([.. UserlandPrograms.All, new CopyOut()]).Install(_kernel);
    }

    /// <summary>Runs a script; output and errors together.</summary>
    public string Run(string script) => Run(new Shell("sh"), "sh", "-c", script);

    /// <summary>Copies what pciutils reads of /sys to a folder of the host.</summary>
    public void Materialise(string folder)
    {
        CopyOut copy = new() { Folder = folder };
        Run(copy, "copy-out").Should().BeEmpty();
    }

    private string Run(IProgram program, params string[] words)
    {
        DirectoryInode directory = _kernel.Files.Make("/var/capture");
        directory.Remove("out");
        RegularInode output = directory.Add("out", new RegularInode(0x1A4));
        var descriptors = new SortedDictionary<int, OpenFile>
        {
            [0] = _kernel.Files.Walk(_kernel.Init, "/dev/null").Inode!.Open(_kernel.Init, OpenFlags.ReadOnly).File!,
            [1] = output.Open(_kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
            [2] = output.Open(_kernel.Init, OpenFlags.WriteOnly | OpenFlags.Append).File!,
        };
        Process process = ProgramRunner.Start(
            _kernel.Init,
            program,
            words,
            new SortedDictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = "/root" },
            descriptors
        );
        _simulation.RunUntil(() => process.HasExited, _simulation.Now + 100 * VirtualTime.Second);
        process.HasExited.Should().BeTrue();
        return Encoding.UTF8.GetString([.. output.Content]);
    }

    /// <summary>A program that copies the PCI devices' part of sysfs.</summary>
    private sealed class CopyOut : IProgram
    {
        private static readonly string[] Skipped = ["resource0", "rom", "remove", "rescan", "reset"];

        public string Name => "copy-out";

        public string Folder { get; init; } = "";

        public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
        {
            await Copy(libc, "/sys/devices", 0);
            await Copy(libc, "/sys/bus/pci/devices", 0);
            await Copy(libc, "/sys/bus/pci/slots", 0);
            return 0;
        }

        private async Task Copy(Libc libc, string path, int depth)
        {
            (long result, FileStatus status) = await libc.Status(path, follow: false);
            if (result < 0 || depth > 12)
            {
                return;
            }

            string host = Folder + path;
            if (status.Kind == InodeKind.SymbolicLink)
            {
                Link(host, (await libc.ReadLink(path)).Target);
            }
            else if (status.IsDirectory)
            {
                Directory.CreateDirectory(host);
                foreach (string name in (await libc.List(path)).Names.Where(name => name is not ("." or "..")))
                {
                    await Copy(libc, $"{path}/{name}", depth + 1);
                }
            }
            else if (!Skipped.Any(name => path.EndsWith('/' + name, StringComparison.Ordinal)))
            {
                await CopyFile(libc, path, host);
            }
        }

        private static void Link(string host, string target)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(host)!);
            Directory.CreateDirectory(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(host)!, target)));
            File.CreateSymbolicLink(host, target);
        }

        private static async Task CopyFile(Libc libc, string path, string host)
        {
            long file = await libc.Open(path, OpenFlags.ReadOnly);
            var bytes = new List<byte>();
            long result = file < 0 ? -1 : 1;
            while (result > 0 && bytes.Count < 8192)
            {
                (result, byte[] data) = await libc.Read(file, 4096);
                bytes.AddRange(result > 0 ? data : []);
            }

            if (file >= 0)
            {
                await libc.Close(file);
                Save(host, bytes);
            }
        }

        private static void Save(string host, List<byte> bytes) => File.WriteAllBytes(host, [.. bytes]);
    }
}
