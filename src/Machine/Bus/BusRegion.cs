using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>A stretch of a bus's address space and who answers there.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class BusRegion
{
    internal BusRegion(string name, ulong start, ulong lengthBytes, IBusTarget target)
    {
        Name = name;
        Start = start;
        Last = start + (lengthBytes - 1);
        Target = target;
    }

    /// <summary>The name shown in the memory map.</summary>
    public string Name { get; }

    /// <summary>The first address.</summary>
    public ulong Start { get; }

    /// <summary>The last address (inclusive, so that a region may end at the top of the address space).</summary>
    public ulong Last { get; }

    /// <summary>The length. A region of the whole 64-bit space has none that fits, and reports the largest number.</summary>
    public ulong LengthBytes => Last - Start == ulong.MaxValue ? ulong.MaxValue : Last - Start + 1;

    /// <summary>Who answers.</summary>
    public IBusTarget Target { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Hexadecimal.Format(Start)}..{Hexadecimal.Format(Last)} {Name}";
}

/// <summary>A region cannot be put on a bus.</summary>
public sealed class BusMapException : Exception
{
    /// <summary>Creates the exception.</summary>
    public BusMapException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public BusMapException()
        : this("The region does not fit.") { }

    /// <summary>Creates the exception.</summary>
    public BusMapException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>The region that is already there, when two overlap.</summary>
    public BusRegion? Existing { get; init; }
}
