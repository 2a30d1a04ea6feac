using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Reads device tree sources (.dts): the language of Devicetree Specification v0.4, chapter 6, as dtc 1.6.1 reads it.
/// </summary>
/// <remarks>
/// Everything wrong with the text comes as one <see cref="DeviceTreeException"/> with all errors found up to the first
/// that hides the rest. Nothing else is thrown, whatever the text is (an exception of the caller's own include resolver excepted).
/// Bounds that dtc has not: nodes nest at most <see cref="MaximumDepth"/> deep, expressions at most 128.
/// </remarks>
public static class DtsReader
{
    /// <summary>How deep nodes may nest: FDT_MAX_DEPTH of Linux (drivers/of/fdt.c), which ignores what is deeper.</summary>
    public const int MaximumDepth = 64;

    /// <summary>Reads a source text.</summary>
    /// <param name="text">The text, after the C preprocessor if it needs it; cpp's line markers are followed.</param>
    /// <param name="fileName">The name used in error messages.</param>
    /// <param name="resolver">Finds included files; without it, including is an error.</param>
    /// <param name="options">What to generate; nothing by default.</param>
    /// <returns>The tree. A <c>/plugin/</c> comes with <c>__fixups__</c> and <c>__local_fixups__</c>, as dtc makes them.</returns>
    /// <exception cref="DeviceTreeException">The text is no correct source.</exception>
    public static DeviceTree Parse(
        string text,
        string fileName,
        DtsIncludeResolver? resolver = null,
        DtsReaderOptions? options = null
    )
    {
        ArgumentNullException.ThrowIfNull(text);
        DtsTokenStream tokens = new(text, fileName, resolver, startsWithName: false);
        DeviceTree tree = new();
        new DtsParser(tokens, resolver, tree, isPatch: false).ParseAll();
        return Finish(tree, options ?? DtsReaderOptions.Default, useSymbols: false);
    }

    /// <summary>Reads a source from its bytes (UTF-8).</summary>
    /// <inheritdoc cref="Parse(string, string, DtsIncludeResolver?, DtsReaderOptions?)"/>
    public static DeviceTree Parse(
        ReadOnlySpan<byte> text,
        string fileName,
        DtsIncludeResolver? resolver = null,
        DtsReaderOptions? options = null
    ) => Parse(Encoding.UTF8.GetString(text), fileName, resolver, options);

    /// <summary>
    /// Edits a tree by more source text, as if the text stood at the end of the tree's own source:
    /// <c>&amp;dma1 { compatible = "arm,pl330"; /delete-property/ dma-coherent; };</c>. The header <c>/dts-v1/;</c> may be left out.
    /// Labels are those of the tree's source or of its <c>/__symbols__</c>. Unlike in a whole source, deleting what is not there
    /// is an error, since an edit that misses its object is a mistake.
    /// </summary>
    /// <param name="tree">The tree to edit; it stays as it is.</param>
    /// <param name="text">The text, after the C preprocessor if it needs it.</param>
    /// <param name="fileName">The name used in error messages.</param>
    /// <param name="resolver">Finds included files; without it, including is an error.</param>
    /// <returns>The edited copy.</returns>
    /// <exception cref="DeviceTreeException">The text is no correct source, or does not fit the tree.</exception>
    public static DeviceTree ParseOnto(
        DeviceTree tree,
        string text,
        string fileName,
        DtsIncludeResolver? resolver = null
    )
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(text);
        DeviceTree edited = tree.DeepClone();
        DtsTokenStream tokens = new(text, fileName, resolver, startsWithName: true);
        new DtsParser(tokens, resolver, edited, isPatch: true).ParseAll();
        return Finish(edited, DtsReaderOptions.Default, useSymbols: true);
    }

    private static DeviceTree Finish(DeviceTree tree, DtsReaderOptions options, bool useSymbols)
    {
        StructureChecks.ThrowIfBroken(tree);
        DtsReferences references = new(tree, useSymbols);
        references.Resolve();
        DtsReferences.OmitUnused(tree, keepLabelled: options.GenerateSymbols);
        if (options.GenerateAliases)
        {
            OverlayMetadata.AddLabelTable(tree, "aliases", references: null);
        }
        if (options.GenerateSymbols)
        {
            OverlayMetadata.AddLabelTable(tree, "__symbols__", references);
        }
        if (tree.IsPlugin)
        {
            OverlayMetadata.AddFixups(tree);
            OverlayMetadata.AddLocalFixups(tree);
        }
        return tree;
    }
}
