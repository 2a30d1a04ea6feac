using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>
/// A process of the simulated Linux that a scenario's steps drive: what a step asks for runs in it as a program's code would,
/// through system calls, and can be killed in the middle.
/// </summary>
internal sealed class UserProcess : IProgram
{
    private readonly WaitQueue _requests = new("the next step of the scenario");
    private Func<Libc, Task>? _next;
    private Exception? _failure;

    /// <summary>Starts the process as a child of init.</summary>
    /// <param name="kernel">Where.</param>
    /// <param name="name">Its name in the scenario, and its command name in the kernel.</param>
    public UserProcess(Kernel kernel, string name)
    {
        Name = name;
        Process = ProgramRunner.Start(
            kernel.Init,
            this,
            [name],
            new SortedDictionary<string, string>(StringComparer.Ordinal),
            new SortedDictionary<int, OpenFile>()
        );
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The process in the kernel.</summary>
    public Process Process { get; }

    private bool IsBusy => _next is not null;

    /// <summary>Runs a piece of program in the process, and the world with it, until the piece has ended.</summary>
    /// <param name="world">The world.</param>
    /// <param name="request">The piece.</param>
    /// <param name="patience">How long it may take, in picoseconds.</param>
    /// <param name="place">The step that asks.</param>
    public void Run(World world, Func<Libc, Task> request, long patience, Place place)
    {
        if (Process.HasExited)
        {
            throw StepFailedException.At(place, $"process '{Name}' has ended: {Ending(Process.ExitStatus)}");
        }

        _next = request;
        _requests.WakeAll();
        bool ended = world.RunPrograms(() => !IsBusy || Process.HasExited, patience, place);
        if (_failure is { } failure)
        {
            _failure = null;
            throw failure;
        }

        if (!ended)
        {
            throw StepFailedException.At(
                place,
                $"process '{Name}' is still in {Process.CurrentCall} after {VirtualTime.Format(patience)}",
                "an end",
                Process.Thread.Condition
            );
        }

        if (IsBusy)
        {
            throw StepFailedException.At(place, $"process '{Name}' ended meanwhile: {Ending(Process.ExitStatus)}");
        }
    }

    /// <inheritdoc/>
    async Task<int> IProgram.Main(Libc libc, IReadOnlyList<string> arguments)
    {
        while (true)
        {
            await libc.Call(_ => IsBusy ? 0 : Attempt.Block(_requests));
            try
            {
                await _next!(libc);
            }
            catch (StepFailedException failure)
            {
                _failure = failure;
            }

            _next = null;
        }
    }

    private static string Ending(int status) =>
        (status & 0x7F) is var signal and not 0 ? $"killed by signal {signal}" : $"exit status {status >> 8}";
}
