namespace Emulator.Machine.DeviceTrees;

/// <summary>A file that a source includes: the name that error messages use, and its bytes (UTF-8 for source text).</summary>
public sealed record DtsInclude(string FileName, ReadOnlyMemory<byte> Content);

/// <summary>
/// Finds the file of an <c>/include/</c> or <c>/incbin/</c>.
/// </summary>
/// <param name="path">The path as the source gives it.</param>
/// <param name="includedFrom">The name of the including file.</param>
/// <returns>The file, or null when there is none.</returns>
public delegate DtsInclude? DtsIncludeResolver(string path, string includedFrom);

/// <summary>What to generate while reading a source.</summary>
public sealed record DtsReaderOptions
{
    /// <summary>The defaults: nothing beyond what the source says.</summary>
    public static DtsReaderOptions Default { get; } = new();

    /// <summary>Generate <c>/__symbols__</c> with the path of every labelled node, and phandles for them (dtc -@).</summary>
    public bool GenerateSymbols { get; init; }

    /// <summary>Generate <c>/aliases</c> with the path of every labelled node (dtc -A).</summary>
    public bool GenerateAliases { get; init; }
}
