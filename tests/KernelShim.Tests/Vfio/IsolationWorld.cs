using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// Four programs with a DMA controller each, behind one SMMU. They map and unmap pages and run transfers at random; what may
/// be written is kept in sets of pages that know nothing of tables.
/// </summary>
internal sealed class IsolationWorld
{
    private const int Programs = 4;

    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    private readonly Random _random;
    private readonly Kernel _kernel;
    private readonly IsolatedProgram[] _programs;
    private readonly ulong _canaries;
    private readonly byte[] _canary = [.. Enumerable.Repeat((byte)0xA5, 16 * 4096)];

    public IsolationWorld(int seed)
    {
        _random = new Random(seed);
        IBoardLibrary library = Services.Value.GetRequiredService<IBoardLibrary>();
        Board board = library.Create("fvp-ve", options: null, new Simulation());
        _kernel = BuiltInDrivers.Boot(board, KernelProfiles.VosysV6, AllOnThePlatformBus(board));
        var root = new TestProcess(_kernel);
        _programs =
        [
            .. Enumerable.Range(0, Programs).Select(number => new IsolatedProgram(_kernel, root, _random, number)),
        ];
        _kernel.Pages.TryAllocate(16, out _canaries).Should().BeTrue();
        board.Cpu.Store(_canaries, _canary).Should().Be(BusStatus.Okay);
    }

    public long Bursts => _programs.Sum(program => program.Bursts);

    public long Faults { get; private set; }

    public void Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            foreach (IsolatedProgram program in _programs)
            {
                program.BeginInterval();
            }

            for (int act = _random.Next(1, 6); act > 0; act--)
            {
                _programs[_random.Next(Programs)].Act();
                _kernel.Simulation.RunFor(_random.Next(3_000_000));
            }

            if (_random.Next(3) == 0)
            {
                // All transfers end: 100 us are more than the longest takes.
                _kernel.Simulation.RunFor(100 * VirtualTime.Microsecond);
            }

            foreach (IsolatedProgram program in _programs)
            {
                program.CheckInterval();
            }
        }

        byte[] canary = new byte[_canary.Length];
        _kernel.Board.Cpu.Load(_canaries, canary).Should().Be(BusStatus.Okay);
        canary.Should().Equal(_canary, "nobody was given these pages");
        Faults = (long)_kernel.Interrupts.Descriptors.Single(line => line.HardwareNumber == 92).Count;
        foreach (IsolatedProgram program in _programs)
        {
            program.CheckFaults();
        }
    }

    private static DeviceTree AllOnThePlatformBus(Board board)
    {
        DeviceTree tree = HardwareFacts.KernelTree(board.HardwareTree);
        foreach (DeviceTreeNode node in tree.FindCompatible("arm,pl330").ToArray())
        {
            node.SetStrings("compatible", "arm,pl330");
        }

        return tree;
    }
}
