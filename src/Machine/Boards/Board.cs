using System.Diagnostics;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine;

/// <summary>One node of a board's device tree, and what stands for it.</summary>
/// <param name="Name">The label of the node, else its name.</param>
/// <param name="Path">The node's path.</param>
/// <param name="Compatible">The <c>compatible</c> strings, most specific first.</param>
/// <param name="Title">The model's title; null for a stub.</param>
/// <param name="Device">The model, or null for a stub.</param>
/// <param name="Regions">Where it is on the bus.</param>
/// <param name="Interrupts">Its interrupt outputs.</param>
/// <param name="Ports">Its DMA master ports.</param>
[DebuggerDisplay("{Name,nq} {Title ?? \"stub\",nq}")]
public sealed record BoardDevice(
    string Name,
    string Path,
    IReadOnlyList<string> Compatible,
    string? Title,
    IDevice? Device,
    IReadOnlyList<BusRegion> Regions,
    IReadOnlyList<InterruptLine> Interrupts,
    IReadOnlyList<MasterPort> Ports
)
{
    /// <summary>Whether nothing is modelled: accesses are logged, reads give 0.</summary>
    public bool IsStub => Device is null;

    /// <summary>Finds a register of this device by the manual's name, array members included.</summary>
    public BoardRegister? FindRegister(string register)
    {
        foreach (BusRegion region in Regions)
        {
            if (
                region.Target is IRegisterWindow window
                && window.TryFind(register, out ulong offset, out RegisterDescription description)
            )
            {
                int index = description.Count == 1 ? 0 : (int)((offset - description.Offset) / description.StrideBytes);
                return new BoardRegister(
                    this,
                    region.Start + offset,
                    $"{Name}.{description.NameOf(index)}",
                    description
                );
            }
        }

        return null;
    }
}

/// <summary>A register found by name on a board.</summary>
/// <param name="Device">Whose it is.</param>
/// <param name="Address">Its address on the system bus.</param>
/// <param name="Name">Its full name: <c>smmu.CB0_FSR</c>.</param>
/// <param name="Register">Its row in the register map.</param>
public readonly record struct BoardRegister(
    BoardDevice Device,
    ulong Address,
    string Name,
    RegisterDescription Register
);

/// <summary>An assembled machine: a bus, CPUs' ports and devices, all of one simulation.</summary>
[DebuggerDisplay("{Name,nq}: {Devices.Count} devices")]
public sealed class Board
{
    /// <summary>Puts a board together from parts; use a board factory unless you wire by hand.</summary>
    public Board(string name, Simulation simulation, DeviceTree? hardwareTree = null)
    {
        Name = name;
        Simulation = simulation;
        HardwareTree = hardwareTree ?? new DeviceTree();
        Bus = new Bus("bus", simulation.Trace);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The simulation it lives in.</summary>
    public Simulation Simulation { get; }

    /// <summary>The device tree of the hardware, facts included that the kernel is not told. Not to be changed.</summary>
    public DeviceTree HardwareTree { get; }

    /// <summary>The system bus.</summary>
    public Bus Bus { get; }

    /// <summary>The CPUs' ports; the first is the boot CPU.</summary>
    public IList<CpuPort> Cpus { get; } = [];

    /// <summary>The boot CPU's port.</summary>
    public CpuPort Cpu => Cpus[0];

    /// <summary>The devices in the order of the device tree, stubs included.</summary>
    public IList<BoardDevice> Devices { get; } = [];

    /// <summary>The RAM regions.</summary>
    public IList<BusRegion> Memory { get; } = [];

    /// <summary>What a person should know about this assembly: contradictions in the wiring, odd options.</summary>
    public IList<string> Warnings { get; } = [];

    /// <summary>Finds a device by label, node name or path.</summary>
    public BoardDevice? Find(string name) =>
        Devices.FirstOrDefault(device => string.Equals(device.Name, name, StringComparison.Ordinal))
        ?? Devices.FirstOrDefault(device => string.Equals(device.Path, name, StringComparison.Ordinal))
        ?? Devices.FirstOrDefault(device =>
            string.Equals(device.Path[(device.Path.LastIndexOf('/') + 1)..], name, StringComparison.Ordinal)
        );

    /// <summary>The register at an address of the system bus, or null.</summary>
    public BoardRegister? FindRegister(ulong address)
    {
        if (Bus.Find(address) is not { Target: IRegisterWindow window } region)
        {
            return null;
        }

        ulong offset = address - region.Start;
        foreach (RegisterDescription register in window.Registers)
        {
            ulong delta = offset - register.Offset;
            bool hit = register.Count == 1 ? delta == 0 : IsMember(register, delta);
            if (hit && Devices.FirstOrDefault(device => device.Regions.Contains(region)) is { } device)
            {
                return new BoardRegister(device, address, $"{device.Name}.{NameIn(register, offset)}", register);
            }
        }

        return null;
    }

    /// <summary>Resets every device, as the board's reset button does. RAM keeps its content.</summary>
    public void Reset()
    {
        foreach (BoardDevice device in Devices)
        {
            device.Device?.Reset();
        }
    }

    private static bool IsMember(RegisterDescription register, ulong delta) =>
        delta % register.StrideBytes == 0 && delta / register.StrideBytes < (ulong)register.Count;

    private static string NameIn(RegisterDescription register, ulong offset) =>
        register.NameOf(register.Count == 1 ? 0 : (int)((offset - register.Offset) / register.StrideBytes));
}
