using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// The fvp-ve board with as much of a kernel as interrupts and IOMMUs need. DMA-330s are programmed as software does it: by
/// the CPU's loads and stores.
/// </summary>
internal sealed class FvpKernel
{
    public const int FirstDmaInterrupt = 96; // SPI 64
    public const int ContextInterrupt = 92; // SPI 60
    private const ulong DebugStatus = 0xD00;

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public FvpKernel(
        KernelProfile? profile = null,
        bool withIommu = true,
        Dictionary<string, ulong>? options = null,
        Action<DeviceTree>? editHardware = null,
        Action<DeviceTree>? editKernelTree = null
    )
    {
        IBoardLibrary library = Services.GetRequiredService<IBoardLibrary>();
        Simulation = new Simulation();
        DeviceTree hardware = library.Tree("fvp-ve", options);
        editHardware?.Invoke(hardware);
        Board = library.Create("fvp-ve", hardware, Simulation);
        DeviceTree told = HardwareFacts.KernelTree(hardware);
        editKernelTree?.Invoke(told);
        Kernel = new Kernel(Board, profile ?? KernelProfiles.VosysV6, told);
        Interrupts = IrqSubsystem.Start(Kernel);
        Iommus = IommuCore.Start(Kernel);
        if (withIommu)
        {
            Smmu = ArmSmmuDriver.Start(Kernel);
        }
    }

    public Simulation Simulation { get; }

    public Board Board { get; }

    public Kernel Kernel { get; }

    public IrqSubsystem Interrupts { get; }

    public IommuCore Iommus { get; }

    public ArmSmmuDriver? Smmu { get; }

    public IEnumerable<string> Log => Kernel.Log.Lines.Select(line => line.Text);

    public static ulong DmacBase(int dmac) => 0x2C0A_0000 + 0x1000 * (ulong)dmac;

    public int Interrupt(int spi, uint flags = 4)
    {
        DeviceTreeNode gic = Kernel.Tree.FindByPath("/interrupt-controller@2c001000")!;
        return Interrupts.Map(new InterruptSpecifier(gic, [0, (uint)spi, flags]))!.Value;
    }

    public Device AddDmac(int dmac)
    {
        string name = $"2c0a{dmac}000.dma";
        var device = new Device
        {
            Name = name,
            Node = Kernel.Tree.FindByPath($"/dma@2c0a{dmac}000")!,
            Directory = Kernel.Files.Make($"/sys/devices/{name}"),
            Bus = new BusType("platform"),
        };
        Iommus.OnDeviceAdded(device);
        return device;
    }

    public uint Read(string register) => Read(FindRegister(register));

    public uint Read(ulong address)
    {
        Board.Cpu.Load(address, 4, out ulong value).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    public void Write(ulong address, uint value) => Board.Cpu.Store(address, 4, value);

    public ulong FindRegister(string name)
    {
        string[] parts = name.Split('.');
        return Board.Find(parts[0])!.FindRegister(parts[1])!.Value.Address;
    }

    /// <summary>Assembles microcode and puts it into RAM.</summary>
    public void Store(ulong physical, ulong seenAt, string program)
    {
        Services.GetRequiredService<IProgramAssembler>().Assemble(program, seenAt, out byte[] bytes).Should().BeEmpty();
        Board.Cpu.Store(physical, bytes);
    }

    /// <summary>Starts a channel non-secure by DMAGO, with every event signalled as an interrupt.</summary>
    public void StartChannel(int dmac, int channel, uint address)
    {
        ulong registers = DmacBase(dmac);
        Write(registers + 0x20, 0xFF);
        (Read(registers + DebugStatus) & 1).Should().Be(0);
        Write(registers + 0xD08, 0x00A2_0000 | (uint)channel << 24);
        Write(registers + 0xD0C, address);
        Write(registers + 0xD04, 0);
    }

    public void ClearDmacInterrupts(int dmac) => Write(DmacBase(dmac) + 0x2C, 0xFF);

    public uint ChannelStatus(int dmac, int channel) => Read(DmacBase(dmac) + 0x100 + 8 * (ulong)channel) & 0xF;

    public void RunFor(long time) => Simulation.RunFor(time);
}
