using System.Globalization;
using System.Runtime.InteropServices;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <summary>
/// src_test/pl330/test_pl330_vfio_driver of virtualopensystems/vfio-host-test: has a DMA-330 copy a page through VFIO, with
/// the calls and the words of test_pl330_vfio_driver.c.
/// </summary>
public sealed class Pl330VfioTest : IProgram
{
    /// <inheritdoc/>
    public string Name => "test_pl330_vfio_driver";

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
        private const ulong SizeBytes = Libc.PageBytes;

        private readonly VfioUser _vfio = new(libc);
        private bool _isCompleted;

        public StandardOutput Output { get; } = new();

        public async Task<bool> Main(IReadOnlyList<string> arguments)
        {
            if (arguments.Count != 3)
            {
                return await Fail($"Usage: {arguments[0]} /dev/vfio/${{group_id}} device_id\n");
            }

            if (!await _vfio.OpenContainer())
            {
                return await Fail("IOMMU Type1 not supported or unknown API\n");
            }

            if (!await _vfio.OpenGroup(arguments[1]))
            {
                return await Fail("the group is not viable\n");
            }

            if (!await _vfio.SetUp())
            {
                return await Fail("something went wrong\n");
            }

            (bool source, VfioDmaMap from) = await _vfio.MapMemory(0, SizeBytes);
            (bool destination, VfioDmaMap to) = await _vfio.MapMemory(SizeBytes, SizeBytes);
            (bool program, VfioDmaMap code) = await _vfio.MapMemory(2 * SizeBytes, SizeBytes);
            if (!source || !destination || !program)
            {
                return await Fail("Could not map DMA memory\n");
            }

            long device = await _vfio.GetDevice(arguments[2]);
            return device < 0 ? await Fail("Could not get VFIO device\n") : await TestDevice(device, from, to, code);
        }

        private async Task<bool> TestDevice(long device, VfioDmaMap from, VfioDmaMap to, VfioDmaMap code)
        {
            VfioDeviceInfo info = await _vfio.GetInfo(device);
            IReadOnlyList<VfioRegionInfo> regions = await _vfio.GetRegions(device, info.RegionCount);
            ulong registers = await _vfio.MapRegion(device, regions.Count > 0 ? regions[0] : default);
            if (registers != Libc.MapFailed)
            {
                await Print("register area mapped successfully\n");
            }

            IReadOnlyList<VfioIrqInfo> irqs = await _vfio.GetIrqs(device, info.IrqCount);
            uint irq = irqs.Count > 0 ? irqs[0].Index : 0;
            long eventFd = await _vfio.NewEventFd();
            if (eventFd < 0)
            {
                return await Fail("error while allocating eventfd\n");
            }

            if (!await _vfio.SetTrigger(device, irq, eventFd))
            {
                return await Fail(
                    string.Create(CultureInfo.InvariantCulture, $"error while section IRQ num.{(int)irq}\n")
                );
            }

            var driver = new Pl330UserDriver(Output, registers);
            await driver.Init(libc);
            driver.AddInterrupt(eventFd, irq);
            await Fill(from);
            await driver.StartInterruptThread(libc);
            int channel = await StartCopy(driver, from, to, code);
            // "Wait for the copy": three seconds, in which the other thread gets the interrupt.
            await libc.Sleep(3 * VirtualTime.Second);
            return await Compare(from, to) && await Finish(driver, device, irq, eventFd, channel);
        }

        private async Task Fill(VfioDmaMap memory)
        {
            var random = new GlibcRandom((uint)(await libc.Clock()).Seconds);
            int[] words = new int[SizeBytes / sizeof(int)];
            for (int n = 0; n < words.Length; n++)
            {
                words[n] = random.Next();
            }

            await libc.WriteMemory(memory.Vaddr, MemoryMarshal.AsBytes<int>(words).ToArray());
        }

        private async Task<int> StartCopy(Pl330UserDriver driver, VfioDmaMap from, VfioDmaMap to, VfioDmaMap code)
        {
            int channel = await driver.RequestChannel(libc);
            if (channel < 0)
            {
                await Print("fail! No channels available!\n");
                await Output.Flush(libc);
                throw new ExitException(-1);
            }

            await Print(string.Create(CultureInfo.InvariantCulture, $"channel {channel} allocated\n"));
            var program = Pl330Microcode.Copy((uint)from.Iova, (uint)to.Iova, (uint)from.Size, (byte)channel);
            foreach (string line in program.Lines)
            {
                await Print(line);
            }

            await libc.WriteMemory(code.Vaddr, program.Bytes);
            await driver.Submit(libc, channel, (uint)code.Iova, () => _isCompleted = true);
            return channel;
        }

        private async Task<bool> Compare(VfioDmaMap from, VfioDmaMap to)
        {
            if (!_isCompleted)
            {
                return await Fail("Error, the controller hasn't notified yet the completionof the copy.\n");
            }

            byte[] data = await libc.ReadMemory(from.Vaddr, (int)SizeBytes);
            byte[] copy = await libc.ReadMemory(to.Vaddr, (int)SizeBytes);
            return copy.AsSpan().SequenceEqual(data)
                || await Fail("test failed! Source and destination don't match.\n");
        }

        private async Task<bool> Finish(Pl330UserDriver driver, long device, uint irq, long eventFd, int channel)
        {
            await Print("------------------------------\n");
            await Print("| test completed successfully |\n");
            await Print("------------------------------\n");
            await driver.Reset(libc);
            await _vfio.ClearTrigger(device, irq);
            await libc.Close(eventFd);
            driver.ReleaseChannel(channel);
            return true;
        }

        private Task Print(string text) => Output.Print(libc, text);

        private async Task<bool> Fail(string text)
        {
            await Print(text);
            return false;
        }
    }
}
