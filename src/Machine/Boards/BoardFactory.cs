using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Machine;

/// <summary>A device that the caller puts at a node instead of a registered model: a window to a host's device in a guest.</summary>
/// <param name="NodePath">The node.</param>
/// <param name="Create">Makes the device.</param>
public sealed record Attachment(string NodePath, Func<DeviceContext, IDevice> Create);

/// <summary>Assembles boards from device trees.</summary>
public interface IBoardFactory
{
    /// <summary>Assembles a board: RAM, CPUs' ports, devices by <c>compatible</c> (most specific first), wires and ports.</summary>
    /// <param name="name">The board's name.</param>
    /// <param name="simulation">The simulation it will live in.</param>
    /// <param name="tree">The tree of the hardware, <c>emulator,*</c> facts included. It is not changed.</param>
    /// <param name="attachments">The caller's own devices.</param>
    /// <exception cref="BoardException">The tree contradicts itself or a model refuses its configuration.</exception>
    Board Assemble(string name, Simulation simulation, DeviceTree tree, params ReadOnlySpan<Attachment> attachments);
}

/// <inheritdoc/>
/// <param name="services">Where device models are registered, keyed by <c>compatible</c>.</param>
public sealed class BoardFactory(IServiceProvider services) : IBoardFactory
{
    /// <inheritdoc/>
    public Board Assemble(
        string name,
        Simulation simulation,
        DeviceTree tree,
        params ReadOnlySpan<Attachment> attachments
    )
    {
        ArgumentNullException.ThrowIfNull(simulation);
        ArgumentNullException.ThrowIfNull(tree);
        try
        {
            var assembly = new BoardAssembly(new Board(name, simulation, tree), FindModel);
            return assembly.Run(attachments.ToArray());
        }
        catch (DeviceTreeException exception)
        {
            throw new BoardException($"board {name}: {exception.Message}", exception);
        }
        catch (BusMapException exception)
        {
            throw new BoardException($"board {name}: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is ArgumentException or OverflowException)
        {
            // A number of the tree that no part can have and that its model has not checked for itself.
            throw new BoardException(
                $"board {name}: a number in the tree is out of range: {exception.Message}",
                exception
            );
        }
    }

    private DeviceModel? FindModel(string compatible) => services.GetKeyedService<DeviceModel>(compatible);
}
