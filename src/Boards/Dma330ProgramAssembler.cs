using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Boards;

/// <summary>Gives the scenario language the DMA-330 assembler, which it may not reference itself.</summary>
internal sealed class Dma330ProgramAssembler : IProgramAssembler
{
    public IReadOnlyList<ProgramError> Assemble(string source, ulong address, out byte[] bytes)
    {
        Dma330Assembly assembly = Dma330Assembler.Assemble(source, (uint)address);
        bytes = assembly.Code.ToArray();
        return [.. assembly.Errors.Select(error => new ProgramError(error.Line, error.Column, error.Message))];
    }
}
