using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The guide's second program in short: a page copied by the DMA-330 behind its SMMU, for a process.</summary>
internal static class DmaCopy
{
    public const string DeviceName = "2c0a0000.dma";
    private const ulong Page = 4096;

    /// <summary>DMAMOV CCR, SAR, DAR; DMALP n of DMALD, DMARMB, DMAST, DMAWMB; DMASEV 0; DMAEND.</summary>
    public static byte[] Program(uint source, uint destination, int bursts) =>
        [
            .. new byte[] { 0xBC, 0x01, 0xF9, 0x42, 0xBE, 0x00, 0xBC, 0x00 },
            .. BitConverter.GetBytes(source),
            .. new byte[] { 0xBC, 0x02 },
            .. BitConverter.GetBytes(destination),
            .. new byte[] { 0x20, (byte)(bursts - 1), 0x04, 0x12, 0x08, 0x13, 0x38, 0x04, 0x34, 0x00, 0x00 },
        ];

    public static byte[] Pattern() => [.. Enumerable.Range(0, (int)Page).Select(n => (byte)(n * 7 + 1))];

    /// <summary>Opens everything, copies, and says whether the page arrived. The process keeps all open.</summary>
    public static bool Run(TestProcess user)
    {
        Open(user, [0, Page, 2 * Page], out ulong memory, out ulong registers);
        user.Process.Memory.TryWrite(memory, Pattern());
        user.Process.Memory.TryWrite(memory + 2 * Page, Program(0, (uint)Page, 16));
        Kill(user, registers);
        Start(user, registers, 2 * (uint)Page);
        user.Kernel.Simulation.RunFor(VirtualTime.Millisecond);
        byte[] copy = new byte[Page];
        user.Process.Memory.TryRead(memory + Page, copy).Should().BeTrue();
        return copy.SequenceEqual(Pattern());
    }

    /// <summary>Opens container, group and device, and maps a page of new memory at each IOVA.</summary>
    public static long Open(TestProcess user, IReadOnlyList<ulong> iovas, out ulong memory, out ulong registers)
    {
        int group = user.Kernel.Drivers.Buses["platform"].FindDevice(DeviceName)!.Group!.Id;
        long container = user.Open("/dev/vfio/vfio", OpenFlags.ReadWrite);
        long groupFile = user.Open($"/dev/vfio/{group}", OpenFlags.ReadWrite);
        container.Should().BeGreaterThanOrEqualTo(0, "{0}", user.Process.LastRefusal);
        groupFile.Should().BeGreaterThanOrEqualTo(0, "{0}", user.Process.LastRefusal);
        Ioctl(user, groupFile, VfioIoctl.GroupSetContainer, (int)container).Should().Be(0);
        user.Do(_ => user.Calls.Ioctl(user.Process, (int)container, VfioIoctl.SetIommu, 1)).Should().Be(0);
        memory = (ulong)user.Mmap(Page * (ulong)iovas.Count);
        for (int n = 0; n < iovas.Count; n++)
        {
            Ioctl(user, container, VfioIoctl.IommuMapDma, 32, 3, memory + Page * (ulong)n, iovas[n], Page)
                .Should()
                .Be(0);
        }

        ulong name = user.Put(DeviceName);
        long device = user.Do(_ => user.Calls.Ioctl(user.Process, (int)groupFile, VfioIoctl.GroupGetDeviceFd, name));
        device.Should().BePositive();
        registers = (ulong)
            user.Do(_ =>
                user.Calls.Mmap(
                    user.Process,
                    0,
                    Page,
                    Protection.Read | Protection.Write,
                    MapFlags.Shared,
                    (int)device,
                    0
                )
            );
        return device;
    }

    /// <summary>
    /// DMAKILL of channel 0 and of the manager: no kernel of the time resets a device between two programs, so a careful one
    /// begins with that.
    /// </summary>
    public static void Kill(TestProcess user, ulong registers)
    {
        foreach (ulong thread in new ulong[] { 0x0001_0001, 0x0001_0000 })
        {
            user.Process.Memory.TryStore(registers + 0xD08, 4, thread, out _).Should().BeTrue();
            user.Process.Memory.TryStore(registers + 0xD04, 4, 0, out _).Should().BeTrue();
            user.Kernel.Simulation.RunFor(VirtualTime.Microsecond);
        }
    }

    /// <summary>DMAGO of channel 0, non-secure, through the debug registers.</summary>
    public static void Start(TestProcess user, ulong registers, uint program)
    {
        (ulong, ulong)[] stores = [(0x020, 1), (0xD08, 0x00A2_0000), (0xD0C, program), (0xD04, 0)];
        foreach ((ulong offset, ulong value) in stores)
        {
            user.Process.Memory.TryStore(registers + offset, 4, value, out _).Should().BeTrue();
        }
    }

    public static long Ioctl(TestProcess user, long file, uint command, params object[] words)
    {
        user.Poke(VfioBench.Pack(words));
        return user.Do(_ => user.Calls.Ioctl(user.Process, (int)file, command, user.Buffer));
    }
}
