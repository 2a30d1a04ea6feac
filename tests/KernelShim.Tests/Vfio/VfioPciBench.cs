using System.Globalization;
using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>A virt board with cards of <c>-device</c> strings, a kernel of 6.x, and a program that has them through vfio-pci.</summary>
internal sealed class VfioPciBench
{
    public const int RegionShift = 40;
    public const ulong Configuration = 7UL << RegionShift;

    private static readonly string[] Modules = ["vfio_iommu_type1", "vfio_pci"];

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public VfioPciBench(KernelProfile profile, params string[] devices)
        : this(profile, isLoaded: true, devices) { }

    public VfioPciBench(KernelProfile profile, bool isLoaded, params string[] devices)
    {
        IBoardLibrary library = Services.GetRequiredService<IBoardLibrary>();
        DeviceTree tree = library.Tree("virt");
        library.Plug(tree, devices);
        Kernel = BuiltInDrivers.Boot(
            library.Create("virt", tree, new Simulation()),
            profile with
            {
                Modules = isLoaded ? Modules : [],
                LoadableModules = Modules,
            }
        );
        User = new TestProcess(Kernel);
    }

    public Kernel Kernel { get; }

    public TestProcess User { get; }

    public IEnumerable<string> Log => Kernel.Log.Lines.Select(line => line.Text);

    /// <summary>Binds a function to vfio-pci, and opens its group in a container of type1 v2 and the function itself.</summary>
    public long Open(string name)
    {
        Bind(name).Should().BePositive();
        long group = OpenGroup(name);
        long container = User.Open("/dev/vfio/vfio", OpenFlags.ReadWrite);
        Ioctl(group, VfioIoctl.GroupSetContainer, (int)container).Should().Be(0);
        Call(container, VfioIoctl.SetIommu, VfioExtension.Type1V2).Should().Be(0);
        long device = GetDevice(group, name);
        device.Should().BePositive();
        return device;
    }

    public long Bind(string name)
    {
        User.Echo("vfio-pci", $"/sys/bus/pci/devices/{name}/driver_override");
        return User.Echo(name, "/sys/bus/pci/drivers/vfio-pci/bind");
    }

    public long OpenGroup(string name)
    {
        string link = User.ReadLink($"/sys/bus/pci/devices/{name}/iommu_group");
        return User.Open("/dev/vfio/" + link[(link.LastIndexOf('/') + 1)..], OpenFlags.ReadWrite);
    }

    public long GetDevice(long group, string name) => Call(group, VfioIoctl.GroupGetDeviceFd, User.Put(name));

    public long Call(long file, uint command, ulong argument) =>
        User.Do(_ => User.Calls.Ioctl(User.Process, (int)file, command, argument));

    public long Ioctl(long file, uint command, params object[] fields)
    {
        User.Poke(VfioBench.Pack(fields));
        return Call(file, command, User.Buffer);
    }

    public long Read(long file, ulong position, int count) =>
        User.Do(_ => User.Calls.PRead(User.Process, (int)file, User.Buffer, count, (long)position));

    public long Write(long file, ulong position, params byte[] bytes)
    {
        User.Poke(bytes);
        return User.Do(_ => User.Calls.PWrite(User.Process, (int)file, User.Buffer, bytes.Length, (long)position));
    }

    public uint ReadWord(long file, ulong position)
    {
        Read(file, position, 4).Should().Be(4);
        return BitConverter.ToUInt32(User.Peek(4));
    }

    public void Decode(long file, ushort command) =>
        Write(file, Configuration + 4, (byte)command, (byte)(command >> 8)).Should().Be(2);

    /// <summary>Loads a module.</summary>
    public long Load(string module, string parameters = "")
    {
        long file = User.Open($"/lib/modules/{Kernel.Profile.Release}/kernel/{module}.ko");
        return User.Do(_ => User.Calls.FInitModule(User.Process, (int)file, User.Put(parameters)));
    }

    public long EventFd() => User.Do(_ => User.Calls.EventFd(User.Process, 0, 0x800));

    /// <summary>Takes the count of an eventfd; 0 when nothing came.</summary>
    public ulong Take(long eventFd)
    {
        long result = User.Do(_ => User.Calls.Read(User.Process, (int)eventFd, User.Buffer, 8));
        return result == 8 ? User.PeekWord() : 0;
    }

    public long SetIrq(long file, int index, uint flags, int start, int count, params int[] data) =>
        Ioctl(file, VfioIoctl.DeviceSetIrqs, [20 + 4 * data.Length, (int)flags, index, start, count, .. data]);

    /// <summary>Maps a region.</summary>
    public ulong Map(long file, ulong offset, ulong length)
    {
        long address = User.Do(_ =>
            User.Calls.Mmap(
                User.Process,
                0,
                length,
                Protection.Read | Protection.Write,
                MapFlags.Shared,
                (int)file,
                offset
            )
        );
        address.Should().BePositive(string.Create(CultureInfo.InvariantCulture, $"{User.Process.LastRefusal}"));
        return (ulong)address;
    }
}
