using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards;

/// <summary>The shipped boards, and boards from a user's own device tree.</summary>
public sealed class BoardLibrary : IBoardLibrary
{
    private static readonly Dictionary<string, ulong> NoOptions = [];

    private readonly IBoardFactory _factory;
    private readonly BoardDefinition[] _definitions = [new FvpVe(), new Virt()];

    /// <summary>Creates the library.</summary>
    public BoardLibrary(IBoardFactory factory) => _factory = factory;

    /// <inheritdoc/>
    public IReadOnlyList<BoardType> Boards => [.. _definitions.Select(definition => definition.Type)];

    /// <inheritdoc/>
    public Board Create(string name, IReadOnlyDictionary<string, ulong>? options, Simulation simulation) =>
        _factory.Assemble(name, simulation, Tree(name, options));

    /// <inheritdoc/>
    public Board Create(string name, DeviceTree tree, Simulation simulation) =>
        _factory.Assemble(name, simulation, tree);

    /// <inheritdoc/>
    public DeviceTree Tree(string name, IReadOnlyDictionary<string, ulong>? options = null)
    {
        BoardDefinition definition =
            _definitions.FirstOrDefault(known => string.Equals(known.Type.Name, name, StringComparison.Ordinal))
            ?? throw new BoardException(
                $"there is no board '{name}'; boards: {string.Join(", ", Boards.Select(board => board.Name))}"
            );
        return definition.Tree(options ?? NoOptions);
    }

    /// <inheritdoc/>
    public void Plug(DeviceTree tree, IReadOnlyList<string> devices) => QemuDevices.Plug(tree, devices);
}
