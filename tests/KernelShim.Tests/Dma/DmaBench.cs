using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>The fvp-ve board with a booted kernel whose PL330 driver has dma1 to dma3, and a root process.</summary>
internal sealed class DmaBench
{
    public const string Device = "2c0a1000.dma";
    public const string DriverFiles = "/sys/bus/amba/drivers/dma-pl330";
    public const ulong Registers = 0x2C0A_1000;

    /// <summary>SPI 96.</summary>
    public const int FirstInterrupt = 128;

    /// <summary>A kernel whose driver copies any bytes to anywhere.</summary>
    public static readonly KernelProfile Modern = KernelProfiles.VosysV6 with
    {
        Pl330BufferDepthBits = 11,
        Pl330AlignsBeats = true,
    };

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public DmaBench(
        KernelProfile? profile = null,
        Dictionary<string, ulong>? options = null,
        Action<DeviceTree>? editHardware = null
    )
    {
        IBoardLibrary library = Services.GetRequiredService<IBoardLibrary>();
        DeviceTree hardware = library.Tree("fvp-ve", options);
        editHardware?.Invoke(hardware);
        Simulation = new Simulation();
        Board board = library.Create("fvp-ve", hardware, Simulation);
        Kernel = BuiltInDrivers.Boot(board, profile ?? KernelProfiles.VosysV6);
        User = new TestProcess(Kernel);
    }

    public Simulation Simulation { get; }

    public Kernel Kernel { get; }

    public TestProcess User { get; }

    public CpuPort Cpu => Kernel.Board.Cpu;

    public IEnumerable<string> Log => Kernel.Log.Lines.Select(line => line.Text);

    public DmaChannel Request(int dmac = 1) =>
        Kernel.Dma.RequestChannel(
            DmaCapabilities.Memcpy,
            channel => string.Equals(channel.Device.Device.Name, $"2c0a{dmac}000.dma", StringComparison.Ordinal)
        )!;

    public DmaBench Without(params ReadOnlySpan<int> dmacs)
    {
        foreach (int dmac in dmacs)
        {
            User.Echo($"2c0a{dmac}000.dma", DriverFiles + "/unbind").Should().BePositive();
        }

        return this;
    }

    public ulong Pages(int count)
    {
        Kernel.Pages.TryAllocate(count, out ulong first).Should().BeTrue();
        return first;
    }

    public byte[] Load(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Cpu.Load(address, bytes).Should().Be(BusStatus.Okay);
        return bytes;
    }

    public uint Register(ulong offset)
    {
        Cpu.Load(Registers + offset, 4, out ulong value).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    /// <summary>Submits a copy without starting it.</summary>
    public static int Submit(DmaChannel channel, ulong destination, ulong source, int length, Action? then = null)
    {
        DmaDescriptor descriptor = channel.PrepareMemcpy(destination, source, (ulong)length)!;
        descriptor.Callback = then;
        return descriptor.Submit();
    }

    /// <summary>Copies and runs the world until the wait is over.</summary>
    public DmaStatus Copy(DmaChannel channel, ulong destination, ulong source, int length)
    {
        DmaStatus? status = null;
        Kernel.Dma.SyncWait(channel, Submit(channel, destination, source, length), result => status = result);
        Simulation.RunUntil(() => status is not null).Should().Be(RunResult.Reached);
        return status!.Value;
    }

    /// <summary>How often an interrupt has come, as /proc/interrupts shows it.</summary>
    public int Interrupts(int number) =>
        int.Parse(
            User.Cat("/proc/interrupts")
                .Split('\n')
                .First(line => line.StartsWith($"{number}: ", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture
        );

    public void RunFor(long time) => Simulation.RunFor(time);
}
