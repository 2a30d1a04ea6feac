using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Emulator.Peripherals;

/// <summary>What <see cref="Dma330Assembler"/> made of a source text: a program, or all that is wrong with it.</summary>
public sealed class Dma330Assembly
{
    internal Dma330Assembly(
        uint address,
        byte[] code,
        IReadOnlyList<Dma330ListingLine> listing,
        IReadOnlyDictionary<string, uint> labels,
        IReadOnlyList<Dma330AssemblyError> errors
    )
    {
        Address = address;
        Code = errors.Count == 0 ? code : default(ReadOnlyMemory<byte>);
        Listing = errors.Count == 0 ? listing : [];
        Labels = labels;
        Errors = errors;
    }

    /// <summary>True if there are no errors.</summary>
    public bool Succeeded => Errors.Count == 0;

    /// <summary>The address the program was assembled for.</summary>
    public uint Address { get; }

    /// <summary>The program's bytes; empty if there are errors.</summary>
    public ReadOnlyMemory<byte> Code { get; }

    /// <summary>The source lines that hold a statement or a label, with their bytes; empty if there are errors.</summary>
    public IReadOnlyList<Dma330ListingLine> Listing { get; }

    /// <summary>The labels and their addresses. Names are case-sensitive.</summary>
    public IReadOnlyDictionary<string, uint> Labels { get; }

    /// <summary>All errors, in the order of the source.</summary>
    public IReadOnlyList<Dma330AssemblyError> Errors { get; }
}

/// <summary>A source line and what it became.</summary>
/// <param name="Address">Address of its first byte.</param>
/// <param name="Bytes">Its bytes; none for a label alone, DMALPFE or a directive.</param>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Source">Its text, without white space at the ends.</param>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct Dma330ListingLine(uint Address, ReadOnlyMemory<byte> Bytes, int Line, string Source)
{
    /// <summary>Address, bytes and source side by side: <c>00002000  BC 00 00 10 00 00  DMAMOV SAR, 0x1000</c>.</summary>
    public override string ToString()
    {
        var bytes = new StringBuilder();
        foreach (var value in Bytes.Span)
        {
            bytes.Append(CultureInfo.InvariantCulture, $"{value:X2} ");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Address:X8}  {bytes, -18} {Source}");
    }
}

/// <summary>An error in an assembly text.</summary>
/// <param name="Line">Line, from 1.</param>
/// <param name="Column">Column, from 1, in UTF-16 code units.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct Dma330AssemblyError(int Line, int Column, string Message)
{
    /// <summary>The error as <c>line:column: message</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Line}:{Column}: {Message}");
}
