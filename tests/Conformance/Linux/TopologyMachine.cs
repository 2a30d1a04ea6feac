using System.Text;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Conformance.Linux;

/// <summary>
/// The machine of a recorded topology: the board that the recording's command line describes, its kernel booted on it, and a
/// process that makes system calls.
/// </summary>
internal sealed class TopologyMachine
{
    private const int MostBytes = 64 << 10;
    private const string ModulesKey = "oracle.mods=";

    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    private readonly OpsProcess _process;

    private TopologyMachine(Kernel kernel, OpsMachine shell)
    {
        Kernel = kernel;
        Shell = shell;
        _process = new OpsProcess(kernel);
    }

    public Kernel Kernel { get; }

    /// <summary>What runs lines of shell.</summary>
    public OpsMachine Shell { get; }

    /// <summary>Whether the kernel drives the board's interrupt controller, without which there is no IOMMU.</summary>
    public static bool HasInterrupts =>
        Boot("k61", "qemu-system-aarch64 -machine virt").Kernel.Interrupts.Descriptors.Count > 0;

    /// <summary>Assembles the board and boots the kernel.</summary>
    /// <param name="kernel">The recording's name of the kernel: k61, k612.</param>
    /// <param name="commandLine">QEMU's command line.</param>
    public static TopologyMachine Boot(string kernel, string commandLine)
    {
        QemuCommandLine line = QemuCommandLine.Parse(commandLine);
        IBoardLibrary library = Services.Value.GetRequiredService<IBoardLibrary>();
        DeviceTree hardware = library.Tree(
            "virt",
            new Dictionary<string, ulong>(StringComparer.Ordinal) { ["smp"] = (ulong)line.Cpus, ["m"] = line.MemoryMiB }
        );
        library.Plug(hardware, line.Devices);
        Board board = library.Create("virt", hardware, new Simulation());
        DeviceTree told = HardwareFacts.KernelTree(board.HardwareTree);
        told.Root.FindChild("chosen")!.SetStrings("bootargs", line.KernelArguments);

        // The recorded kernels drive an SMMUv3, whose driver lets one device alone have a stream.
        KernelProfile profile = (kernel is "k61" ? KernelProfiles.Linux61 : KernelProfiles.Linux612) with
        {
            SmmuRefusesSharedStreams = true,
        };
        Kernel booted = BuiltInDrivers.Boot(board, profile, told, line.HasFirmware);
        var shell = new OpsMachine(booted);
        foreach (string module in ModulesOf(line.KernelArguments).Prepend("pci-stub"))
        {
            shell.Shell(booted.Init, $"modprobe {module}", []);
        }

        return new TopologyMachine(booted, shell);
    }

    /// <summary>Runs a recorded command; null when the result is the recorded one.</summary>
    public string? Run(string command, long? result)
    {
        string[] words = command.Split(' ');
        switch (words[0])
        {
            case "wr":
                long written = Write(words[1], Encoding.UTF8.GetBytes(string.Join(' ', words[2..])));
                return result is null || written == result
                    ? null
                    : $"'{command}' recorded {result}, ours {written} ({Kernel.Refusals.LastOrDefault()})";
            case "setpci":
                SetAcsControl(words[2], Convert.ToUInt16(words[3][(words[3].IndexOf('=') + 1)..], 16));
                return null;
            case "rd" or "exit":
                return null;
            default:
                return words is [{ Length: 4 }] ? null : $"unknown command '{command}'";
        }
    }

    public string ReadText(string path) => Encoding.Latin1.GetString(ReadBytes(path)).TrimEnd('\n');

    public byte[] ReadBytes(string path)
    {
        long file = _process.Open(path, OpenFlags.ReadOnly);
        if (file < 0)
        {
            throw new IOException($"{path}: {(Errno)(-file)}");
        }

        List<byte> bytes = [];
        for (long read = 1; read > 0 && bytes.Count < MostBytes; )
        {
            read = _process.Call(_ => _process.Calls.Read(_process.Process, (int)file, _process.Scratch, 4096));
            bytes.AddRange(read > 0 ? _process.Peek((int)read) : []);
        }

        _process.Close(file);
        return [.. bytes];
    }

    /// <summary>The last name of a link's target, or null where there is no link.</summary>
    public string? LinkName(string path)
    {
        _process.Poke(path);
        long length = _process.Call(_ =>
            _process.Calls.ReadLink(_process.Process, _process.Scratch, _process.Scratch + 4096, 4096)
        );
        return length < 0 ? null : Encoding.UTF8.GetString(_process.Peek((int)length, 4096)).Split('/')[^1];
    }

    /// <summary>The names in a directory.</summary>
    public IReadOnlyList<string> List(string path) =>
        Kernel.Files.Walk(Kernel.Init, path).Inode is DirectoryInode directory
            ? [.. directory.Children.Select(child => child.Name)]
            : [];

    private static string[] ModulesOf(string arguments) =>
        arguments
            .Split(' ')
            .FirstOrDefault(word => word.StartsWith(ModulesKey, StringComparison.Ordinal))
            ?[ModulesKey.Length..].Split(',')
        ?? [];

    private long Write(string path, byte[] bytes, long position = 0)
    {
        long file = _process.Open(path, OpenFlags.WriteOnly);
        if (file < 0)
        {
            return file;
        }

        _process.Poke(bytes);
        long written = _process.Call(_ =>
            _process.Calls.PWrite(_process.Process, (int)file, _process.Scratch, bytes.Length, position)
        );
        _process.Close(file);
        return written;
    }

    /// <summary>setpci -s BDF ECAP_ACS+6.w=VALUE.</summary>
    private void SetAcsControl(string function, ushort value)
    {
        string path = $"/sys/bus/pci/devices/{function}/config";
        int at = TopologyState.FindExtended(ReadBytes(path), 0x0D);
        Write(path, [(byte)value, (byte)(value >> 8)], at + 6);
    }
}
