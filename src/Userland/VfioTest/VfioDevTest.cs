using System.Globalization;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>
/// src_test/vfio_dev_test of virtualopensystems/vfio-host-test: the general test of a device bound to vfio-platform, with the
/// calls and the words of vfio_device_test.c.
/// </summary>
public sealed class VfioDevTest : IProgram
{
    private const ulong MappedBytes = 1 << 20;

    /// <summary>The identification of PrimeCells, in the last four words of their registers.</summary>
    private const uint AmbaIdentification = 0xB105_F00D;

    /// <inheritdoc/>
    public string Name => "vfio_dev_test";

    /// <inheritdoc/>
    public async Task<int> Main(Libc libc, IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var run = new Run(libc);
        int status = await run.Main(arguments) ? 0 : 1;
        await run.Output.Flush(libc);
        return status;
    }

    private sealed class Run(Libc libc)
    {
        private readonly VfioUser _vfio = new(libc);
        private string _device = "";
        private string _bus = "";
        private int _group;
        private bool _testsInterrupts;

        public StandardOutput Output { get; } = new();

        public async Task<bool> Main(IReadOnlyList<string> arguments)
        {
            if (!await Parse(arguments))
            {
                return false;
            }

            if (!await _vfio.OpenContainer())
            {
                return await Fail("IOMMU Type1 not supported or unknown API\n");
            }

            if (!await _vfio.OpenGroup(string.Create(CultureInfo.InvariantCulture, $"/dev/vfio/{_group}")))
            {
                return await Fail("the group is not viable\n");
            }

            if (!await _vfio.SetUp())
            {
                return await Fail("something went wrong\n");
            }

            await Print("dma-mapping some memory to the device\n");
            (bool isMapped, VfioDmaMap map) = await _vfio.MapMemory(0, MappedBytes);
            await Print(isMapped ? "dma-map successful\n" : "error while dma-mapping\n");
            if (isMapped)
            {
                await _vfio.UnmapMemory(map);
            }

            long device = await _vfio.GetDevice(_device);
            return device < 0 ? await Fail("unable to get device fd\n") : await TestDevice(device);
        }

        private async Task<bool> Parse(IReadOnlyList<string> arguments)
        {
            if (arguments.Count != 5)
            {
                await Print($"Usage: {arguments[0]} device_name iommu_group test_irq bus_name\n");
                await Print($"	example: {arguments[0]} 2c0a0000.dma 0 1 amba\n");
                return false;
            }

            if (ToLong(arguments[2]) is not { } group || group < 0)
            {
                return await Fail("error while parsing iommu group\n");
            }

            // Any number but 0 means yes: the program keeps it in a bool before it compares.
            if (ToLong(arguments[3]) is not { } flag)
            {
                return await Fail($"error while parsing irq test flag: {arguments[3]}\n");
            }

            (_device, _group, _testsInterrupts, _bus) = (arguments[1], group, flag != 0, arguments[4]);
            return true;
        }

        private async Task<bool> TestDevice(long device)
        {
            VfioDeviceInfo info = await _vfio.GetInfo(device);
            IReadOnlyList<VfioRegionInfo> regions = await _vfio.GetRegions(device, info.RegionCount);
            await Print(Text($"\nNum regions: {(int)info.RegionCount}\n"));
            foreach (VfioRegionInfo region in regions)
            {
                await TestRegion(device, region);
            }

            return !_testsInterrupts || await TestInterrupts(device, info.IrqCount);
        }

        private async Task TestRegion(long device, VfioRegionInfo region)
        {
            await Print(Text($"    region #{(int)region.Index}:\n"));
            await Print(Text($"        size: {region.Size}\n"));
            await Print(Text($"        offset: 0x{region.Offset:x}\n"));
            // The program prints the offset under this name too.
            await Print(Text($"        flags: 0x{region.Offset:x}\n"));
            ulong memory = await _vfio.MapRegion(device, region);
            if (memory != Libc.MapFailed)
            {
                await Print(Text($"        Successful MMAP to address 0x{memory:x}\n"));
            }

            if (await IsAmbaDevice(memory, (uint)region.Size) != _bus is "amba")
            {
                await Print(
                    "        *** The device seems to be an AMBA device, but it's not ***\n"
                        + "        ***          attached to an AMBA bus (or viceversa)     ***\n"
                );
            }

            if (await libc.Munmap(memory, region.Size) != 0)
            {
                await Print(Text($"error while unmapping region {(int)region.Index}\n"));
            }
        }

        /// <summary>A region that could not be mapped is read all the same: the program ends by SIGSEGV.</summary>
        private async Task<bool> IsAmbaDevice(ulong memory, uint size)
        {
            uint identification = 0;
            for (int n = 0; n < 4; n++)
            {
                uint word = (size - 0x10 + 4 * (uint)n) / 4;
                ulong value = await libc.Load((uint)memory + 4 * word & 0xFFFF_FFFF);
                identification |= (uint)(value & 0xFF) << (8 * n);
            }

            return identification == AmbaIdentification;
        }

        private async Task<bool> TestInterrupts(long device, uint count)
        {
            IReadOnlyList<VfioIrqInfo> irqs = await _vfio.GetIrqs(device, count);
            await Print(Text($"\nNum irqs: {(int)count}\n"));
            foreach (VfioIrqInfo irq in irqs)
            {
                await Print(Text($"    irq #{(int)irq.Index}:\n"));
                await Print(Text($"        flags: 0x{irq.Flags:x}\n"));
                await Print(Text($"        count: {(int)irq.Count}\n"));
                if (!await TestInterrupt(device, irq))
                {
                    return false;
                }
            }

            return true;
        }

        private async Task<bool> TestInterrupt(long device, VfioIrqInfo irq)
        {
            long eventFd = await _vfio.NewEventFd();
            if (eventFd < 0)
            {
                return await Fail("error while allocating eventfd\n");
            }

            if (!await _vfio.SetTrigger(device, irq.Index, eventFd))
            {
                return await Fail(Text($"error while settion IRQ num.{(int)irq.Index}\n"));
            }

            (long result, _) = await libc.Read(eventFd, 8);
            if (result != -(long)Errno.EAGAIN)
            {
                return await Fail(Text($"IRQ {(int)irq.Index} shouldn't trigger yet.\n"));
            }

            if (!await _vfio.ClearTrigger(device, irq.Index))
            {
                return await Fail(Text($"error while cleaning IRQ num.{(int)irq.Index}\n"));
            }

            await libc.Close(eventFd);
            return true;
        }

        /// <summary>strtol(3) of a whole word, base 10; an empty one is 0.</summary>
        private static int? ToLong(string word)
        {
            if (word.Length == 0)
            {
                return 0;
            }

            const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite;
            return decimal.TryParse(word, Styles, CultureInfo.InvariantCulture, out decimal value)
                ? (int)Math.Clamp(value, int.MinValue, int.MaxValue)
                : null;
        }

        private static string Text(FormattableString text) => FormattableString.Invariant(text);

        private Task Print(string text) => Output.Print(libc, text);

        private async Task<bool> Fail(string text)
        {
            await Print(text);
            return false;
        }
    }
}
