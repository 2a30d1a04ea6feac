using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards;

/// <summary>A shipped board: its device tree and what its options do to it.</summary>
internal abstract class BoardDefinition
{
    private readonly Lazy<DeviceTree> _tree;

    protected BoardDefinition(BoardType type)
    {
        Type = type;
        _tree = new Lazy<DeviceTree>(() => ReadTree(type.Name + ".dts"));
    }

    public BoardType Type { get; }

    /// <summary>The tree of the hardware with these options.</summary>
    public DeviceTree Tree(IReadOnlyDictionary<string, ulong> options)
    {
        DeviceTree tree = _tree.Value.DeepClone();
        foreach ((string name, ulong value) in options.OrderBy(option => option.Key, StringComparer.Ordinal))
        {
            BoardOption option =
                Type.Options.FirstOrDefault(known => string.Equals(known.Name, name, StringComparison.Ordinal))
                ?? throw new BoardException(
                    $"board {Type.Name} has no option '{name}'; its options: "
                        + string.Join(", ", Type.Options.Select(known => known.Name))
                );
            if (value != option.Default)
            {
                Apply(tree, name, value);
            }
        }

        return tree;
    }

    /// <summary>Changes the tree for an option that is not at its default.</summary>
    protected abstract void Apply(DeviceTree tree, string option, ulong value);

    private static DeviceTree ReadTree(string resource)
    {
        using Stream stream =
            typeof(BoardDefinition).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The resource {resource} is missing.");
        using var reader = new StreamReader(stream);
        return DtsReader.Parse(reader.ReadToEnd(), resource);
    }
}
