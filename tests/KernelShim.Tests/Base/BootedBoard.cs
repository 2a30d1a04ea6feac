using System.Text;
using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>A kernel booted on fvp-ve, without IRQ and IOMMU subsystems, and a root process to look at it.</summary>
internal sealed class BootedBoard
{
    /// <summary>A kernel as from 5.14 on, where it differs for the driver core.</summary>
    public static readonly KernelProfile Modern = KernelProfiles.VosysV6 with
    {
        Name = "modern",
        BindReturnsProbeError = true,
        AmbaDriverOverride = true,
        DevicesDirectlyUnderSysDevices = false,
        AmbaShowsInterrupts = false,
        DeviceTreeLogPrefix = "OF: ",
        MissingDeviceType = "(null)",
    };

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public BootedBoard(
        KernelProfile? profile = null,
        Action<DeviceTree>? changeTree = null,
        params ReadOnlySpan<IInitCall> calls
    )
    {
        Board board = Services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, new Simulation());
        DeviceTree tree = HardwareFacts.KernelTree(board.HardwareTree);
        changeTree?.Invoke(tree);
        Kernel = new Kernel(board, profile ?? KernelProfiles.VosysV6, tree);
        foreach (IInitCall call in calls)
        {
            Kernel.InitCalls.Add(call);
        }

        Kernel.Boot();
        User = new TestProcess(Kernel);
    }

    public Kernel Kernel { get; }

    public TestProcess User { get; }

    public DriverCore Core => (DriverCore)Kernel.Drivers;

    public BusType Platform => Core.Buses["platform"];

    public IEnumerable<string> LogLines => Kernel.Log.Lines.Select(line => line.Text);

    /// <summary>Registers a driver of the platform bus whose probes have these results in turn, the last for ever.</summary>
    public ScriptedDriver Register(string name, string? compatible = null, params long[] probes)
    {
        var driver = new ScriptedDriver(name, compatible, probes);
        Core.Register(driver);
        return driver;
    }

    public IReadOnlyList<string> List(string path)
    {
        long descriptor = User.Open(path, OpenFlags.Directory);
        descriptor.Should().BeGreaterThanOrEqualTo(0, path);
        long length = User.Do(_ => User.Calls.GetDents(User.Process, (int)descriptor, User.Buffer, 64 << 10));
        byte[] bytes = User.Peek((int)length);
        User.Close(descriptor);
        List<string> names = [];
        for (int at = 0; at < bytes.Length; at += BitConverter.ToUInt16(bytes, at + 16))
        {
            int end = Array.IndexOf(bytes, (byte)0, at + 19);
            names.Add(Encoding.UTF8.GetString(bytes, at + 19, end - at - 19));
        }

        return [.. names.Where(name => name is not ("." or ".."))];
    }
}

/// <summary>A driver whose probes have the results that a test wants.</summary>
internal sealed class ScriptedDriver(string name, string? compatible, long[] probes) : Driver
{
    private int _next;

    public override string Name => name;

    public override string BusName => "platform";

    public override string? Module => ModuleName;

    public string? ModuleName { get; init; }

    /// <summary>Who keeps devices in use; null when nobody does.</summary>
    public WaitQueue? Users { get; set; }

    public List<string> Events { get; } = [];

    public override bool Matches(Device device) =>
        compatible is not null && device.Compatible.Contains(compatible, StringComparer.Ordinal);

    public override long Probe(Device device)
    {
        Events.Add($"probe {device.Name}");
        return probes.Length == 0 ? 0 : probes[Math.Min(_next++, probes.Length - 1)];
    }

    public override void Remove(Device device) => Events.Add($"remove {device.Name}");

    public override WaitQueue? PrepareRemoval(Device device) => Users;
}
