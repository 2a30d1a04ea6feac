namespace Emulator.Machine;

/// <summary>Turns the assembly language of a programmable device into the bytes it executes.</summary>
public interface IProgramAssembler
{
    /// <summary>Assembles a program.</summary>
    /// <param name="source">The text.</param>
    /// <param name="address">Where it will stand, as the device sees it.</param>
    /// <param name="bytes">The program; empty when there are errors.</param>
    /// <returns>The errors, with lines and columns counted from 1; empty when all is well.</returns>
    IReadOnlyList<ProgramError> Assemble(string source, ulong address, out byte[] bytes);
}

/// <summary>An error in a program.</summary>
public readonly record struct ProgramError(int Line, int Column, string Message);
