using System.Diagnostics;
using System.Globalization;
using System.Numerics;

namespace Emulator.KernelShim;

/// <summary>How far a descriptor has come (enum desc_status).</summary>
internal enum Pl330DescriptorStatus
{
    Prepared,

    /// <summary>Its program is in a thread's buffer.</summary>
    Busy,

    Done,
}

/// <summary>A copy (struct dma_pl330_desc).</summary>
[DebuggerDisplay("{LengthBytes} bytes {Source,h} -> {Destination,h}, {Status}")]
internal sealed class Pl330Descriptor(Pl330Channel channel, ulong destination, ulong source, uint lengthBytes)
    : DmaDescriptor
{
    public Pl330Channel Channel { get; } = channel;

    public uint Source { get; } = (uint)source;

    public uint Destination { get; } = (uint)destination;

    public uint LengthBytes { get; } = lengthBytes;

    public required int BeatShift { get; init; }

    public required int BurstBeats { get; init; }

    public Pl330DescriptorStatus Status { get; set; }

    public override int Submit() => Channel.Submit(this);
}

/// <summary>
/// A channel of the DMA engine on a PL330 (struct dma_pl330_chan): its list of work, and the tasklet that completes what
/// is done, feeds the thread and calls back.
/// </summary>
internal sealed class Pl330Channel : DmaChannel
{
    /// <summary>A burst has no more beats.</summary>
    private const int MaximumBeats = 16;

    private readonly Pl330Controller _controller;
    private readonly List<Pl330Descriptor> _work = [];
    private readonly Tasklet _tasklet;
    private Pl330Thread? _thread;

    public Pl330Channel(Pl330Controller controller, Kernel kernel)
        : base(controller)
    {
        _controller = controller;
        _tasklet = new Tasklet(kernel.Simulation, "pl330_tasklet", Serve);
    }

    /// <summary>
    /// The largest beat that divides the length (and the addresses, on kernels that look at them), and the most beats that
    /// do and that the MFIFO holds (pl330_prep_dma_memcpy, get_burst_len).
    /// </summary>
    public override DmaDescriptor? PrepareMemcpy(ulong destination, ulong source, ulong lengthBytes)
    {
        if (lengthBytes is 0 or > uint.MaxValue)
        {
            return null;
        }

        bool aligns = _controller.Profile.Pl330AlignsBeats;
        int bus = _controller.Configuration.BusBytes;
        ulong odd = aligns ? source | destination | lengthBytes : lengthBytes;
        int shift = Math.Min(BitOperations.TrailingZeroCount(odd), BitOperations.Log2((uint)bus));
        int beats = Math.Min(bus * _controller.Configuration.BufferLines >> shift, MaximumBeats);
        while (beats > 1 && lengthBytes % ((ulong)beats << shift) != 0)
        {
            beats--;
        }

        return new Pl330Descriptor(this, destination, source, (uint)lengthBytes)
        {
            BeatShift = shift,
            BurstBeats = aligns && 1 << shift < bus ? 1 : beats,
        };
    }

    /// <summary>pl330_tx_submit.</summary>
    public int Submit(Pl330Descriptor descriptor)
    {
        _work.Add(descriptor);
        return AssignCookie(descriptor);
    }

    public override void IssuePending() => Serve();

    public override void TerminateAll()
    {
        if (_thread is { } thread)
        {
            _controller.Flush(thread);
        }

        foreach (Pl330Descriptor descriptor in _work)
        {
            CompleteCookie(descriptor);
        }

        _work.Clear();
    }

    /// <summary>The thread is done with a descriptor, well or not: the driver keeps no account of errors (dma_pl330_rqcb).</summary>
    public void Finish(Pl330Descriptor descriptor)
    {
        descriptor.Status = Pl330DescriptorStatus.Done;
        _tasklet.Schedule();
    }

    internal override long AllocateResources()
    {
        InitializeCookies();
        _thread = _controller.RequestThread();
        return _thread is null ? -(long)Errno.ENOMEM : 1;
    }

    internal override void FreeResources()
    {
        _tasklet.Kill();
        if (_thread is { } thread)
        {
            _controller.ReleaseThread(thread);
            _thread = null;
        }

        _work.Clear();
    }

    /// <summary>pl330_tasklet.</summary>
    private void Serve()
    {
        Pl330Descriptor[] completed = [.. _work.Where(descriptor => descriptor.Status == Pl330DescriptorStatus.Done)];
        foreach (Pl330Descriptor descriptor in completed)
        {
            CompleteCookie(descriptor);
            _work.Remove(descriptor);
        }

        if (_thread is { } thread)
        {
            Fill(thread);
            _controller.StartIfIdle(thread);
        }

        foreach (Pl330Descriptor descriptor in completed)
        {
            descriptor.Callback?.Invoke();
        }
    }

    /// <summary>Gives the thread as much as it takes (fill_queue).</summary>
    private void Fill(Pl330Thread thread)
    {
        foreach (Pl330Descriptor descriptor in _work)
        {
            if (descriptor.Status == Pl330DescriptorStatus.Busy)
            {
                continue;
            }

            long result = _controller.Submit(thread, descriptor);
            if (result == 0)
            {
                descriptor.Status = Pl330DescriptorStatus.Busy;
            }
            else if (result == -(long)Errno.EAGAIN)
            {
                return;
            }
            else
            {
                descriptor.Status = Pl330DescriptorStatus.Done;
                string cookie = descriptor.Cookie.ToString(CultureInfo.InvariantCulture);
                _controller.Print(LogLevel.Error, $"fill_queue:{Pl330Controller.BadDescriptorLine} Bad Desc({cookie})");
                _tasklet.Schedule();
            }
        }
    }
}
