using System.Diagnostics;
using System.Globalization;

namespace Emulator.Machine;

/// <summary>The access sizes a register takes.</summary>
[Flags]
public enum AccessSizes : byte
{
    /// <summary>The register's own width, and no other.</summary>
    Natural = 0,

    /// <summary>Bytes.</summary>
    Byte = 1,

    /// <summary>Halfwords.</summary>
    Half = 2,

    /// <summary>Words of 32 bits.</summary>
    Word = 4,

    /// <summary>Doublewords of 64 bits.</summary>
    Double = 8,
}

/// <summary>What software may do with a register.</summary>
public enum RegisterAccess : byte
{
    /// <summary>Read and write.</summary>
    ReadWrite,

    /// <summary>Read; writes are ignored and reported.</summary>
    ReadOnly,

    /// <summary>Write; reads give 0 and are reported.</summary>
    WriteOnly,

    /// <summary>It exists and is not modelled: reads give 0, writes are ignored, both are reported.</summary>
    Unmodelled,
}

/// <summary>A field of a register: <c>[19:16] MemAttr</c>.</summary>
[DebuggerDisplay("{Name,nq}[{High}:{Low}]")]
public readonly record struct RegisterField(string Name, int High, int Low)
{
    /// <summary>The field's value in a register's value.</summary>
    public ulong Of(ulong registerValue) =>
        (registerValue >> Low) & (High - Low == 63 ? ulong.MaxValue : (1UL << (High - Low + 1)) - 1);

    /// <summary>Reads the form used in register tables: <c>"M[0] PLVL[1:0] MemAttr[19:16]"</c>.</summary>
    /// <exception cref="FormatException">The text is not of that form.</exception>
    public static IReadOnlyList<RegisterField> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var fields = new List<RegisterField>();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int open = word.IndexOf('[', StringComparison.Ordinal);
            if (open <= 0 || word[^1] != ']')
            {
                throw new FormatException($"'{word}' is not a register field such as PLVL[1:0].");
            }

            string[] bits = word[(open + 1)..^1].Split(':');
            int high = int.Parse(bits[0], CultureInfo.InvariantCulture);
            int low = bits.Length == 1 ? high : int.Parse(bits[1], CultureInfo.InvariantCulture);
            if (high < low || high > 63 || low < 0)
            {
                throw new FormatException($"'{word}' does not name bits of a register.");
            }

            fields.Add(new RegisterField(word[..open], high, low));
        }

        return fields;
    }
}

/// <summary>One row of a register map, for people: the manual's name, where it is, how it may be accessed.</summary>
[DebuggerDisplay("{Offset,h} {Name,nq} {Access}")]
public sealed record RegisterDescription
{
    /// <summary>The manual's name; <c>{0}</c> stands for the index in an array of registers.</summary>
    public required string Name { get; init; }

    /// <summary>The offset of the first, in bytes from the start of the window.</summary>
    public required ulong Offset { get; init; }

    /// <summary>Width in bits: 8, 16, 32 or 64.</summary>
    public required int WidthBits { get; init; }

    /// <summary>How many there are.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Bytes from one to the next.</summary>
    public ulong StrideBytes { get; init; }

    /// <summary>What software may do.</summary>
    public RegisterAccess Access { get; init; }

    /// <summary>The value after reset, as far as it does not depend on the configuration.</summary>
    public ulong Reset { get; init; }

    /// <summary>The bits that can be written.</summary>
    public ulong WritableMask { get; init; } = ulong.MaxValue;

    /// <summary>Whether reading changes something, so that a debugger must not.</summary>
    public bool ReadHasSideEffect { get; init; }

    /// <summary>The fields, in the form that <see cref="RegisterField.Parse"/> reads; empty when none are named.</summary>
    public string FieldText { get; init; } = "";

    /// <summary>The fields.</summary>
    public IReadOnlyList<RegisterField> Fields => RegisterField.Parse(FieldText);

    /// <summary>The name of one of an array.</summary>
    public string NameOf(int index) => Count == 1 ? Name : string.Format(CultureInfo.InvariantCulture, Name, index);
}

/// <summary>A window of registers as tools see it: names, places, and looking without touching.</summary>
public interface IRegisterWindow : IBusTarget
{
    /// <summary>The manual's name of the block: <c>PL330</c>, <c>GICD</c>.</summary>
    string BlockName { get; }

    /// <summary>Its size in bytes.</summary>
    ulong SizeBytes { get; }

    /// <summary>The rows of the map, in order of offset.</summary>
    IReadOnlyList<RegisterDescription> Registers { get; }

    /// <summary>Finds a register by the manual's name, array members included (<c>CSR3</c>). Case does not matter.</summary>
    bool TryFind(string name, out ulong offset, out RegisterDescription register);

    /// <summary>
    /// Reads without side effects and without a trace; false where there is no register or where reading would change
    /// something.
    /// </summary>
    bool TryPeek(ulong offset, out ulong value);
}
