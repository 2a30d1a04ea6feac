using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// A DMA-330 in the hands of the pl330 driver (struct dma_pl330_dmac and struct pl330_dmac, drivers/dma/pl330.c): its
/// interrupts, the page of microcode in RAM, its threads. All it knows of the hardware it loads from registers, and all it
/// does to it are stores.
/// </summary>
[DebuggerDisplay("PL330 {Device.Name,nq}")]
internal sealed partial class Pl330Controller : DmaDevice
{
    /// <summary>AMBA_NR_IRQS: an AMBA device has no more interrupts.</summary>
    private const int MaximumInterrupts = 9;

    /// <summary>Lines of the driver's source that its messages name; unverified.</summary>
    public const int BadDescriptorLine = 2081;
    private const int UnexpectedEventLine = 1640;
    private const int BufferTooSmallLine = 1490;

    private readonly Kernel _kernel;
    private readonly DmaEngine _engine;
    private readonly CpuPort _cpu;
    private readonly ulong _registers;
    private readonly List<int> _requested = [];
    private readonly Tasklet _resetTasklet;
    private ulong _code;
    private int _codePages;

    private Pl330Controller(Kernel kernel, DmaEngine engine, Device device)
        : base(device)
    {
        _kernel = kernel;
        _engine = engine;
        _cpu = kernel.Board.Cpu;
        _registers = device.Resources[0].Start;
        _resetTasklet = new Tasklet(kernel.Simulation, "pl330_dotask", ResetThreads);
    }

    public KernelProfile Profile => _kernel.Profile;

    public Pl330Configuration Configuration { get; private set; } = null!;

    public override IReadOnlyList<DmaChannel> Channels => _channels;

    /// <summary>pl330_probe: takes a device, or gives a negative errno.</summary>
    public static long Probe(Kernel kernel, DmaEngine engine, Device device, out Pl330Controller? controller)
    {
        controller = new Pl330Controller(kernel, engine, device);
        long error = controller.RequestInterrupts();
        if (error == 0)
        {
            error = controller.Start();
        }

        if (error != 0)
        {
            controller.FreeInterrupts();
            controller = null;
        }

        return error;
    }

    /// <summary>pl330_remove.</summary>
    public void Remove()
    {
        _engine.Unregister(this);
        foreach (Pl330Channel channel in _channels)
        {
            channel.TerminateAll();
            channel.FreeResources();
        }

        _isStarted = false;
        _resetTasklet.Kill();
        foreach (Pl330Thread thread in _threads)
        {
            ReleaseThread(thread);
        }

        _kernel.Pages.Free(_code, _codePages);
        FreeInterrupts();
    }

    /// <summary>dev_err, dev_info.</summary>
    public void Print(LogLevel level, string text) => _kernel.Log.Print(level, Device.LogPrefix + text);

    private long RequestInterrupts()
    {
        long error = 0;
        foreach (int number in Device.Interrupts.Take(MaximumInterrupts))
        {
            long result = _kernel.Interrupts.Request(number, Device.Name, HandleInterrupt, this, isShared: true);
            error |= result;
            if (result == 0)
            {
                _requested.Add(number);
            }
        }

        return error;
    }

    private void FreeInterrupts()
    {
        foreach (int number in _requested)
        {
            _kernel.Interrupts.Free(number, this);
        }

        _requested.Clear();
    }

    /// <summary>pl330_add and the rest of the probe.</summary>
    private long Start()
    {
        if (!Pl330Driver.HasId(Device.PeripheralId))
        {
            Print(LogLevel.Error, Text($"PERIPH_ID 0x{Device.PeripheralId:x} !"));
            return -(long)Errno.EINVAL;
        }

        Configuration = Pl330Configuration.Read(
            _cpu,
            _registers,
            Device.PeripheralId,
            _kernel.Profile.Pl330BufferDepthBits
        );
        int channels = Configuration.Channels;
        _codePages = (channels * Pl330Thread.CodeBytes + PageAllocator.PageBytes - 1) / PageAllocator.PageBytes;
        if (!_kernel.Pages.TryAllocate(_codePages, out _code))
        {
            Print(LogLevel.Error, "Unable to create channels for DMAC");
            return -(long)Errno.ENOMEM;
        }

        _threads = [.. Enumerable.Range(0, channels).Select(id => new Pl330Thread(id, CodeOf(id)))];
        _events = new Pl330Thread?[Configuration.Events];
        foreach (Pl330Thread thread in _threads)
        {
            MarkFree(thread.Slots[0], thread);
            MarkFree(thread.Slots[1], thread);
        }

        _channels =
        [
            .. Enumerable
                .Range(0, Math.Max(Configuration.Peripherals, channels))
                .Select(_ => new Pl330Channel(this, _kernel)),
        ];
        Capabilities =
            Configuration.Peripherals == 0
                ? DmaCapabilities.Memcpy
                : DmaCapabilities.Memcpy | DmaCapabilities.Slave | DmaCapabilities.Cyclic | DmaCapabilities.Private;
        _isStarted = true;
        _engine.Register(this);
        LogConfiguration();
        return 0;
    }

    private ulong CodeOf(int channel) => _code + (ulong)(channel * Pl330Thread.CodeBytes);

    private void LogConfiguration()
    {
        Pl330Configuration found = Configuration;
        string id = _kernel.Profile.Pl330LogsHexadecimalId
            ? Text($"{found.PeripheralId:x}")
            : Text($"{found.PeripheralId}");
        Print(LogLevel.Info, $"Loaded driver for PL330 DMAC-{id}");
        Print(
            LogLevel.Info,
            Text(
                $"\tDBUFF-{found.BufferLines}x{found.BusBytes}bytes Num_Chans-{found.Channels} Num_Peri-{found.Peripherals} Num_Events-{found.Events}"
            )
        );
    }

    private uint Read(ulong register)
    {
        _cpu.Load(_registers + register, 4, out ulong value);
        return (uint)value;
    }

    private void Write(ulong register, uint value) => _cpu.Store(_registers + register, 4, value);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
