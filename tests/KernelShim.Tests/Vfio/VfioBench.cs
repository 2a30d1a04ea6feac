using System.Buffers.Binary;
using System.Text;
using Emulator.Boards;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// A booted kernel with VFIO, an IOMMU and interrupts of the test's own, and three devices: <c>a.dma</c> (two regions on RAM, a
/// level and an edge interrupt), <c>b.dma</c> behind the same IOMMU, <c>c.other</c> behind another one.
/// </summary>
internal sealed class VfioBench
{
    public const int Level = 40;
    public const int Edge = 140;

    /// <summary>Mainline as from 6.9 on, with what the test's platform has.</summary>
    public static readonly KernelProfile Modern = new()
    {
        Name = "modern",
        Title = "mainline",
        Release = "6.12.0",
        Machine = "aarch64",
        VfioPlatformResetRequired = false,
        GroupsAreJoinedAtProbe = false,
        Modules = ["vfio", "vfio_iommu_type1", "vfio_platform", "vfio_amba"],
    };

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public VfioBench(KernelProfile? profile = null)
    {
        Board board = Services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, new Simulation());
        Kernel = new Kernel(board, profile ?? KernelProfiles.VosysV6);
        Kernel.InitCalls.Add(new InitCall("irq", InitLevel.Interrupts, kernel => kernel.Interrupts = Interrupts));
        Kernel.InitCalls.Add(new InitCall("iommu", InitLevel.Core, kernel => IommuCore.Start(kernel)));
        Kernel.InitCalls.Add(ModuleLoader.InitCall);
        Kernel.Boot();
        Kernel.Iommus.Register(Iommu);
        Kernel.Iommus.Register(OtherIommu);
        Kernel.Pages.TryAllocate(2, out ulong registers);
        Registers = registers;
        Interrupts.Add(Level);
        Interrupts.Add(Edge);
        foreach (string name in new[] { "a.dma", "b.dma", "c.other" })
        {
            bool isFirst = name is "a.dma";
            var device = new Device
            {
                Name = name,
                Bus = Kernel.Drivers.Buses["platform"],
                Node = Kernel.Tree.FindByPath("/dma@2c0a0000"),
                Resources = isFirst
                    ? [new DeviceResource(registers, 4096), new DeviceResource(registers + 4096, 0x106)]
                    : [],
                Interrupts = isFirst ? [Level, Edge] : [],
            };
            Kernel.Drivers.Add(device);
            device.DriverOverride = "vfio-platform";
        }

        Root = new TestProcess(Kernel);
        User = new TestProcess(Kernel);
    }

    public Kernel Kernel { get; }

    public TestInterrupts Interrupts { get; } = new();

    public TestIommu Iommu { get; } = new(".dma");

    public TestIommu OtherIommu { get; } = new(".other");

    /// <summary>Where the registers of <c>a.dma</c> are: RAM, so that tests see what arrives.</summary>
    public ulong Registers { get; }

    /// <summary>The process that binds.</summary>
    public TestProcess Root { get; }

    /// <summary>The process that drives devices.</summary>
    public TestProcess User { get; set; }

    public IEnumerable<string> Log => Kernel.Log.Lines.Select(line => line.Text);

    public Device Find(string name) => Kernel.Drivers.Buses["platform"].FindDevice(name)!;

    public int Group(string name = "a.dma") => Find(name).Group!.Id;

    public int OpenCountOf(string name) => ((VfioDevice)Find(name).DriverData!).OpenCount;

    public long Bind(string name) => Root.Echo(name, "/sys/bus/platform/drivers_probe");

    public long Unbind(string name) => Root.Echo(name, "/sys/bus/platform/drivers/vfio-platform/unbind");

    public long OpenGroup(string name = "a.dma") => User.Open($"/dev/vfio/{Group(name)}", OpenFlags.ReadWrite);

    public long OpenContainer() => User.Open("/dev/vfio/vfio", OpenFlags.ReadWrite);

    public long Ioctl(long file, uint command, ulong argument = 0) =>
        User.Do(_ => User.Calls.Ioctl(User.Process, (int)file, command, argument));

    /// <summary>An ioctl with an argument made of words of 32 bits (a ulong is two).</summary>
    public long Ioctl(long file, uint command, params object[] words)
    {
        User.Poke(Pack(words));
        return Ioctl(file, command, User.Buffer);
    }

    public static byte[] Pack(params object[] words)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        foreach (object word in words)
        {
            switch (word)
            {
                case int value:
                    writer.Write(value);
                    break;
                case uint value:
                    writer.Write(value);
                    break;
                case long value:
                    writer.Write((int)value);
                    break;
                case ulong value:
                    writer.Write(value);
                    break;
                case byte value:
                    writer.Write(value);
                    break;
                default:
                    throw new ArgumentException($"{word.GetType()} is no word.");
            }
        }

        return bytes.ToArray();
    }

    public uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(User.Peek(4, offset));

    public ulong Long(int offset) => User.PeekWord(offset);

    public long SetContainer(long group, long container) => Ioctl(group, VfioIoctl.GroupSetContainer, (int)container);

    public long SetIommu(long container, ulong type = 1) => Ioctl(container, VfioIoctl.SetIommu, type);

    public long GetDevice(long group, string name = "a.dma")
    {
        User.Poke([.. Encoding.UTF8.GetBytes(name), 0]);
        return Ioctl(group, VfioIoctl.GroupGetDeviceFd, User.Buffer);
    }

    public long Map(long container, ulong vaddr, ulong iova, ulong size, uint flags = 3) =>
        Ioctl(container, VfioIoctl.IommuMapDma, 32, flags, vaddr, iova, size);

    public long Unmap(long container, ulong iova, ulong size, uint flags = 0) =>
        Ioctl(container, VfioIoctl.IommuUnmapDma, 24, flags, iova, size);

    public long SetIrqs(long device, uint flags, int index, int start, int count, params object[] data)
    {
        byte[] bytes = Pack(data);
        User.Poke([.. Pack(20 + bytes.Length, flags, index, start, count), .. bytes]);
        return Ioctl(device, VfioIoctl.DeviceSetIrqs, User.Buffer);
    }

    public long EventFd() => User.Do(_ => User.Calls.EventFd(User.Process, 0, (int)OpenFlags.NonBlocking));

    public EventFile Events(long descriptor) => (EventFile)User.Process.FindFile((int)descriptor)!;

    /// <summary>Binds, opens and connects: what nearly every test begins with.</summary>
    public (long Container, long Group, long Device) Connect(ulong type = 1)
    {
        Bind("a.dma").Should().BePositive();
        long container = OpenContainer();
        long group = OpenGroup();
        SetContainer(group, container).Should().Be(0);
        SetIommu(container, type).Should().Be(0);
        long device = GetDevice(group);
        device.Should().BePositive();
        return (container, group, device);
    }
}
