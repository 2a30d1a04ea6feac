using System.Globalization;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>
/// The user-space driver of the DMA-330 in the suite (src_test/pl330/pl330_vfio_driver): the same register accesses in the
/// same order, the same words. It prints on behalf of whichever thread calls.
/// </summary>
/// <param name="output">stdout.</param>
/// <param name="registers">Where the registers are mapped.</param>
internal sealed class Pl330UserDriver(StandardOutput output, ulong registers)
{
    private const int Dsr = 0x000;
    private const int IntEn = 0x020;
    private const int IntClr = 0x02C;
    private const int Csr0 = 0x100;
    private const int DbgStatus = 0xD00;
    private const int DbgCmd = 0xD04;
    private const int DbgInst0 = 0xD08;
    private const int DbgInst1 = 0xD0C;
    private const int Cr0 = 0xE00;
    private const int Crd = 0xE14;

    private const int Manager = 8;
    private const int Stopped = 0;
    private const int Killing = 8;
    private const int Completing = 9;

    private readonly SortedDictionary<int, int> _interrupts = [];
    private int[] _events = [];
    private Action? _done;

    /// <summary>Reads what the controller has.</summary>
    public async Task Init(Libc libc)
    {
        await Load(libc, Crd);
        uint configuration = await Load(libc, Cr0);
        _events = new int[(configuration >> 4 & 7) + 1];
        Array.Fill(_events, -1);
        await output.Print(libc, Text($"device init, num channel: {_events.Length}\n"));
    }

    /// <summary>Has an eventfd stand for an interrupt.</summary>
    public void AddInterrupt(long eventFd, uint index) => _interrupts[(int)eventFd] = (int)index;

    /// <summary>pthread_create(3) of the thread that waits for interrupts.</summary>
    public Task<long> StartInterruptThread(Libc libc) => libc.CreateThread(HandleInterrupts);

    /// <summary>The first free channel, with the event of its own number; -1 when there is none.</summary>
    public async Task<int> RequestChannel(Libc libc)
    {
        int channel = Array.IndexOf(_events, -1);
        if (channel >= 0)
        {
            _events[channel] = channel;
        }

        await output.Print(libc, Text($"allocated thread {channel}\n"));
        return channel;
    }

    /// <summary>Gives a channel back.</summary>
    public void ReleaseChannel(int channel) => _events[channel] = -1;

    /// <summary>Starts a program by DMAGO through the debug registers; nothing happens while these are busy.</summary>
    /// <param name="libc">Who calls.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="iova">Where the DMAC finds the program.</param>
    /// <param name="done">Called by the interrupt thread when it has ended.</param>
    public async Task Submit(Libc libc, int channel, uint iova, Action done)
    {
        if ((await Load(libc, DbgStatus) & 1) != 0)
        {
            return;
        }

        uint enabled = await Load(libc, IntEn) | 1U << channel;
        await Store(libc, IntEn, await Load(libc, IntEn) | enabled);
        _done = done;
        await Debug(libc, Manager, 0xA2, (byte)(channel & 7), iova);
    }

    /// <summary>Stops the manager and all channels that run.</summary>
    public async Task Reset(Libc libc)
    {
        await Stop(libc, Manager);
        for (int channel = 0; channel < _events.Length; channel++)
        {
            await Stop(libc, channel);
        }
    }

    private async Task HandleInterrupts(Libc libc)
    {
        while (true)
        {
            (long result, IReadOnlyList<int> ready) = await libc.Select(_interrupts.Keys);
            await output.Print(libc, "TRIGGER!\n");
            // A failed select leaves the set as it was.
            foreach (int eventFd in result < 0 ? [.. _interrupts.Keys] : ready)
            {
                await Acknowledge(libc, _interrupts[eventFd]);
                (long error, _) = await libc.Read(eventFd, 8);
                if (error < 0)
                {
                    await output.Flush(libc);
                    await libc.Print(
                        2,
                        $"{libc.Process.Command}: error while reading from eventfd: {ErrnoText.Of(error)}\n"
                    );
                    throw new ExitException(255);
                }

                _done?.Invoke();
            }
        }
    }

    private static async Task<uint> Load(Libc libc, ulong address) => (uint)await libc.Load(address & 0xFFFF_FFFF);

    private Task<uint> Load(Libc libc, int offset) => Load(libc, registers + (ulong)offset);

    private Task Store(Libc libc, int offset, uint value) => libc.Store(registers + (ulong)offset & 0xFFFF_FFFF, value);

    private async Task Acknowledge(Libc libc, int interrupt)
    {
        if ((await Load(libc, IntEn) & 1U << interrupt) != 0)
        {
            await Store(libc, IntClr, 1U << interrupt);
        }
    }

    private async Task Stop(Libc libc, int thread)
    {
        uint state = await Load(libc, thread == Manager ? Dsr : Csr0 + 8 * thread) & 0xF;
        if (state is Stopped or Killing or Completing)
        {
            return;
        }

        // The program looks the manager's event up behind the end of its table; that is an unused channel's here.
        int number = thread < _events.Length ? _events[thread] : -1;
        uint keep = number < 0 ? uint.MaxValue : ~(1U << number);
        await Store(libc, IntEn, await Load(libc, IntEn) & keep);
        await output.Print(libc, Text($"closing event {number} for thread {thread}"));
        await Debug(libc, thread, 0x01, 0, 0);
    }

    /// <summary>Has the debug registers run an instruction of up to six bytes.</summary>
    private async Task Debug(Libc libc, int thread, byte opcode, byte second, uint rest)
    {
        uint word = (uint)(opcode << 16) | (uint)second << 24;
        word |= thread < Manager ? 1 | (uint)thread << 8 : 0;
        await Store(libc, DbgInst0, word);
        await Store(libc, DbgInst1, rest);
        await Store(libc, DbgCmd, 0);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
