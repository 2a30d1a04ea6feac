using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Conformance;

/// <summary>The virt board with the cards of a recording's command line, reached as its CPU reaches it.</summary>
internal sealed class PciMachine
{
    private const ulong Ecam = 0x40_1000_0000;

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    public PciMachine(IReadOnlyList<string> devices)
    {
        IBoardLibrary library = Services.GetRequiredService<IBoardLibrary>();
        DeviceTree tree = library.Tree("virt");
        library.Plug(tree, devices);
        Board = library.Create("virt", tree, Simulation);
    }

    public Simulation Simulation { get; } = new();

    public Board Board { get; }

    public uint ReadConfiguration(int requesterId, int offset, int sizeBytes)
    {
        Board.Bus.ReadWord(Ecam + ((ulong)requesterId << 12) + (ulong)offset, sizeBytes, out ulong value, default);
        return (uint)value;
    }

    public void WriteConfiguration(int requesterId, int offset, int sizeBytes, uint value) =>
        Board.Bus.WriteWord(Ecam + ((ulong)requesterId << 12) + (ulong)offset, sizeBytes, value, default);
}
