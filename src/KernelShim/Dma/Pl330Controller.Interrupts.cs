using System.Numerics;

namespace Emulator.KernelShim;

/// <content>What the controller tells: events of finished programs, and faults (pl330_update, pl330_dotask).</content>
internal sealed partial class Pl330Controller
{
    private bool _resetsController;
    private bool _resetsManager;
    private uint _resetChannels;

    private uint ChannelMask => (1U << Configuration.Channels) - 1;

    /// <summary>pl330_update, the handler of all interrupt lines.</summary>
    private bool HandleInterrupt()
    {
        if (!_isStarted)
        {
            return false;
        }

        _resetsManager = (Read(Pl330Register.ManagerFaults) & 1) != 0;
        NoteFaults(Read(Pl330Register.ChannelFaults) & ChannelMask);
        uint events = Read(Pl330Register.EventStatus);
        bool isHandled = events != 0;
        if (Configuration.Events < 32 && events >> Configuration.Events != 0)
        {
            _resetsController = true;
            Print(LogLevel.Error, Text($"pl330_update:{UnexpectedEventLine} Unexpected!"));
        }
        else
        {
            foreach (Pl330Descriptor descriptor in TakeEvents(events))
            {
                descriptor.Channel.Finish(descriptor);
            }
        }

        if (_resetsController || _resetsManager || _resetChannels != 0)
        {
            _resetTasklet.Schedule();
            return true;
        }

        return isHandled;
    }

    private void NoteFaults(uint faulting)
    {
        _resetChannels |= faulting;
        for (uint bits = faulting; bits != 0; bits &= bits - 1)
        {
            int channel = BitOperations.TrailingZeroCount(bits);
            uint status = Read(Pl330Register.ChannelStatus(channel));
            uint fault = Read(Pl330Register.FaultType(channel));
            Print(LogLevel.Info, Text($"Reset Channel-{channel}\t CS-{status:x} FTC-{fault:x}"));
            Stop(_threads[channel]);
        }
    }

    /// <summary>Clears the interrupts, frees the slots of what is done and has the threads go on at once.</summary>
    private List<Pl330Descriptor> TakeEvents(uint events)
    {
        List<Pl330Descriptor> done = [];
        for (uint bits = events; bits != 0; bits &= bits - 1)
        {
            int number = BitOperations.TrailingZeroCount(bits);
            uint bit = 1U << number;
            if ((Read(Pl330Register.InterruptEnable) & bit) != 0)
            {
                Write(Pl330Register.InterruptClear, bit);
            }

            // An event of nobody is one that a killed thread had sent; of a thread that runs nothing, likewise.
            if (_events[number] is not { Running: not -1 } thread)
            {
                continue;
            }

            Pl330Slot slot = thread.Slots[thread.Running];
            if (slot.Descriptor is { } descriptor)
            {
                done.Add(descriptor);
            }

            MarkFree(slot, thread);
            StartThread(thread);
        }

        return done;
    }

    /// <summary>
    /// pl330_dotask: kills what has faulted and gives its descriptors back, as if they were done: the driver of the time
    /// tells clients nothing of errors.
    /// </summary>
    private void ResetThreads()
    {
        if (_resetsController)
        {
            _isDying = true;
            _resetsManager = true;
            _resetsController = false;
        }

        if (_resetsManager)
        {
            StopManager();
            _resetChannels = ChannelMask;
            _resetsManager = false;
        }

        for (; _resetChannels != 0; _resetChannels &= _resetChannels - 1)
        {
            Pl330Thread thread = _threads[BitOperations.TrailingZeroCount(_resetChannels)];
            Stop(thread);
            Pl330Descriptor?[] lost =
            [
                thread.Slots[1 - thread.LastFilled].Descriptor,
                thread.Slots[thread.LastFilled].Descriptor,
            ];
            Empty(thread);
            foreach (Pl330Descriptor? descriptor in lost)
            {
                descriptor?.Channel.Finish(descriptor);
            }
        }
    }
}
