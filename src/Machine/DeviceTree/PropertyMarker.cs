namespace Emulator.Machine.DeviceTrees;

/// <summary>What a <see cref="PropertyMarker"/> remembers about a value's source text.</summary>
public enum PropertyMarkerKind
{
    /// <summary>A label inside a value: <c>&lt;1 here: 2&gt;</c>.</summary>
    Label,

    /// <summary>A reference in a cell list, which became a phandle: <c>&lt;&amp;gic&gt;</c>.</summary>
    PhandleReference,

    /// <summary>A reference outside a cell list, which became a path: <c>&amp;uart0</c>.</summary>
    PathReference,

    /// <summary>Bytes start here: <c>[</c>, or <c>/bits/ 8 &lt;</c>.</summary>
    UInt8,

    /// <summary>16-bit elements start here.</summary>
    UInt16,

    /// <summary>32-bit cells start here.</summary>
    UInt32,

    /// <summary>64-bit elements start here.</summary>
    UInt64,

    /// <summary>A string starts here.</summary>
    String,
}

/// <summary>
/// A remark on the byte <paramref name="Offset"/> of a property's value: where a type begins, or which label or reference stood there.
/// <paramref name="Text"/> is the label's or the reference's name and null for types.
/// </summary>
public readonly record struct PropertyMarker(PropertyMarkerKind Kind, int Offset, string? Text = null)
{
    internal bool IsType => Kind >= PropertyMarkerKind.UInt8;
}
