using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Further threads: the same memory, descriptors and credentials (CLONE_VM, CLONE_FILES, CLONE_THREAD).</content>
public sealed partial class Process
{
    private readonly List<SimulatedProcess> _clones = [];

    /// <summary>Its threads, the first one first; they all end when it exits.</summary>
    public IEnumerable<SimulatedProcess> Threads => [Thread, .. _clones];

    /// <summary>Starts a thread, which begins when the simulation next runs.</summary>
    internal void StartThread(Func<SimulatedProcess, Task> body)
    {
        SimulatedProcess? thread = null;
        thread = Kernel.Simulation.Scheduler.Start(
            Command,
            async self =>
            {
                await body(self);
                _clones.Remove(thread!);
            }
        );
        _clones.Add(thread);
    }
}
