using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>Half of a thread's microcode buffer: a program, and whose it is (struct _pl330_req).</summary>
internal sealed class Pl330Slot(ulong address)
{
    /// <summary>Where the program is in RAM.</summary>
    public ulong Address { get; } = address;

    public Pl330Descriptor? Descriptor { get; set; }
}

/// <summary>A hardware channel (struct pl330_thread) with room for two programs.</summary>
[DebuggerDisplay("thread {Id}, event {Event}, free {IsFree}, running {Running}")]
internal sealed class Pl330Thread(int id, ulong code)
{
    /// <summary>The longest program (MCODE_BUFF_PER_REQ).</summary>
    public const int BytesPerProgram = 256;

    /// <summary>What a thread takes of the microcode buffer.</summary>
    public const int CodeBytes = 2 * BytesPerProgram;

    public int Id { get; } = id;

    public Pl330Slot[] Slots { get; } = [new(code), new(code + BytesPerProgram)];

    public int Event { get; set; } = -1;

    public bool IsFree { get; set; } = true;

    /// <summary>The slot filled last (lstenq).</summary>
    public int LastFilled { get; set; } = 1;

    /// <summary>The slot that runs, or -1 (req_running).</summary>
    public int Running { get; set; } = -1;

    /// <summary>How often a start has found it still stopping.</summary>
    public int StartsPutOff { get; set; }
}

/// <content>Threads: programs into RAM, starting and killing by the debug registers.</content>
internal sealed partial class Pl330Controller : IEventTarget
{
    private const byte Kill = 0x01;
    private const byte Go = 0xA0;

    /// <summary>How soon a start looks again at a thread that is still stopping; the real driver spins.</summary>
    private const long StartRetryTime = VirtualTime.Microsecond;

    /// <summary>After so many looks a start is given up, where the real driver spins for ever.</summary>
    private const int MaximumStartRetries = 1000;

    private Pl330Thread[] _threads = [];
    private Pl330Channel[] _channels = [];
    private Pl330Thread?[] _events = [];
    private bool _isStarted;
    private bool _isDying;

    string IEventTarget.Name => "dma-pl330 " + Device.Name;

    /// <summary>Gives out a free thread with an event of its own (pl330_request_channel); null when there is none.</summary>
    public Pl330Thread? RequestThread()
    {
        if (!_isStarted || _isDying)
        {
            return null;
        }

        foreach (Pl330Thread thread in _threads)
        {
            bool isAllowed =
                !Configuration.ManagerIsNonSecure || (Configuration.NonSecureInterrupts & (1U << thread.Id)) != 0;
            int free = Array.IndexOf(_events, null);
            if (!thread.IsFree || !isAllowed || free < 0)
            {
                continue;
            }

            _events[free] = thread;
            thread.Event = free;
            thread.IsFree = false;
            thread.LastFilled = 1;
            Empty(thread);
            return thread;
        }

        return null;
    }

    /// <summary>pl330_release_channel.</summary>
    public void ReleaseThread(Pl330Thread thread)
    {
        if (thread.IsFree)
        {
            return;
        }

        Stop(thread);
        Empty(thread);
        _events[thread.Event] = null;
        thread.IsFree = true;
    }

    /// <summary>Stops a thread and forgets its programs (PL330_OP_FLUSH).</summary>
    public void Flush(Pl330Thread thread)
    {
        Stop(thread);
        Empty(thread);
    }

    /// <summary>PL330_OP_START.</summary>
    public void StartIfIdle(Pl330Thread thread)
    {
        if (!thread.IsFree && !_isDying && thread.Running == -1)
        {
            StartThread(thread);
        }
    }

    /// <summary>Writes a descriptor's program into a free slot (pl330_submit_req).</summary>
    public long Submit(Pl330Thread thread, Pl330Descriptor descriptor)
    {
        if (_isDying || (_resetChannels & (1U << thread.Id)) != 0)
        {
            return -(long)Errno.EAGAIN;
        }

        int index = IsFree(thread.Slots[0]) ? 0 : 1;
        if (!IsFree(thread.Slots[index]))
        {
            return -(long)Errno.EAGAIN;
        }

        byte[]? program = BuildProgram(thread, descriptor);
        if (program is null)
        {
            return -(long)Errno.EINVAL;
        }

        if (program.Length > Pl330Thread.BytesPerProgram)
        {
            Print(LogLevel.Info, Text($"pl330_submit_req:{BufferTooSmallLine} Trying increasing mcbufsz"));
            return -(long)Errno.ENOMEM;
        }

        thread.LastFilled = index;
        thread.Slots[index].Descriptor = descriptor;
        _cpu.Store(thread.Slots[index].Address, program);
        return 0;
    }

    /// <summary>The program of a descriptor; null when its length is no multiple of its bursts.</summary>
    private byte[]? BuildProgram(Pl330Thread thread, Pl330Descriptor descriptor)
    {
        // A manager that is secure has its channels run secure, too.
        uint control = Pl330Program.Control(
            descriptor.BeatShift,
            descriptor.BurstBeats,
            Configuration.ManagerIsNonSecure
        );
        return Pl330Program.Build(
            control,
            descriptor.Source,
            descriptor.Destination,
            descriptor.LengthBytes,
            thread.Event,
            Configuration.NeedsBarriers
        );
    }

    /// <summary>A start that was put off.</summary>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        if (_isStarted)
        {
            StartIfIdle(_threads[code]);
        }
    }

    private Pl330State StateOf(Pl330Thread thread) => (Pl330State)(Read(Pl330Register.ChannelStatus(thread.Id)) & 0xF);

    /// <summary>
    /// _start: a thread that has not stopped yet is looked at again later. The real driver spins where it knows that the thread
    /// will stop; DBGCMD takes effect after a cycle, and no time passes while the kernel runs.
    /// </summary>
    private void StartThread(Pl330Thread thread)
    {
        switch (StateOf(thread))
        {
            case Pl330State.Stopped:
                thread.StartsPutOff = 0;
                Trigger(thread);
                return;
            case Pl330State.Faulting or Pl330State.FaultingCompleting:
                Stop(thread);
                break;
        }

        PutOffStart(thread);
    }

    private void PutOffStart(Pl330Thread thread)
    {
        if (thread.StartsPutOff++ < MaximumStartRetries)
        {
            _kernel.Simulation.ScheduleAfter(StartRetryTime, this, thread.Id);
        }
    }

    /// <summary>Has the manager start the program that waits longest (_trigger).</summary>
    private void Trigger(Pl330Thread thread)
    {
        int index = IsFree(thread.Slots[1 - thread.LastFilled]) ? thread.LastFilled : 1 - thread.LastFilled;
        Pl330Slot slot = thread.Slots[index];
        if (IsFree(slot) || slot.Descriptor is null)
        {
            return;
        }

        // What a killed program has sent would complete this one. The real driver takes that interrupt, or the event stays.
        uint bit = 1U << thread.Event;
        Write(Pl330Register.InterruptEnable, Read(Pl330Register.InterruptEnable) | bit);
        if ((Read(Pl330Register.EventStatus) & bit) != 0)
        {
            Write(Pl330Register.InterruptClear, bit);
        }

        byte go = (byte)(Go | (Configuration.ManagerIsNonSecure ? 2 : 0));
        Execute(go, (byte)thread.Id, (uint)slot.Address, channel: null);
        thread.Running = index;
    }

    /// <summary>Kills a thread unless it has stopped or is about to (_stop). Its event raises no interrupt any more.</summary>
    private void Stop(Pl330Thread thread)
    {
        if (StateOf(thread) is Pl330State.Completing or Pl330State.Killing or Pl330State.Stopped)
        {
            return;
        }

        Write(Pl330Register.InterruptEnable, Read(Pl330Register.InterruptEnable) & ~(1U << thread.Event));
        Execute(Kill, 0, 0, thread.Id);
    }

    private void StopManager()
    {
        if ((Read(Pl330Register.ManagerStatus) & 0xF) != 0)
        {
            Write(Pl330Register.InterruptEnable, Read(Pl330Register.InterruptEnable) & ~1U);
            Execute(Kill, 0, 0, channel: null);
        }
    }

    /// <summary>Has an instruction executed by the debug interface (_execute_DBGINSN).</summary>
    /// <param name="first">Its first byte.</param>
    /// <param name="second">Its second byte.</param>
    /// <param name="rest">Its last four bytes.</param>
    /// <param name="channel">The thread that executes it; null for the manager.</param>
    private void Execute(byte first, byte second, uint rest, int? channel)
    {
        uint word = ((uint)first << 16) | ((uint)second << 24);
        Write(Pl330Register.DebugInstruction0, channel is { } id ? word | 1 | ((uint)id << 8) : word);
        Write(Pl330Register.DebugInstruction1, rest);
        if ((Read(Pl330Register.DebugStatus) & 1) != 0)
        {
            Print(LogLevel.Error, "DMAC halted!");
            return;
        }

        Write(Pl330Register.DebugCommand, 0);
    }

    /// <summary>A slot is free while its program begins with DMAEND (IS_FREE).</summary>
    private bool IsFree(Pl330Slot slot) => _cpu.Load(slot.Address, 1, out ulong first) == BusStatus.Okay && first == 0;

    private void MarkFree(Pl330Slot slot, Pl330Thread thread)
    {
        _cpu.Store(slot.Address, 1, 0);
        slot.Descriptor = null;
        thread.Running = -1;
    }

    private void Empty(Pl330Thread thread)
    {
        MarkFree(thread.Slots[0], thread);
        MarkFree(thread.Slots[1], thread);
    }
}
