using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>Memory that a device tree describes as a device: static RAM, video RAM. One <see cref="Ram"/> per <c>reg</c> entry.</summary>
[DebuggerDisplay("{Name,nq}")]
public sealed class MemoryDevice : IDevice
{
    /// <summary>Makes the memory of a node.</summary>
    public MemoryDevice(DeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Name = context.Name;
        for (int index = 0; context.RegisterSize(index) != 0; index++)
        {
            context.MapRegisters(index, new Ram(Name, context.RegisterSize(index)));
        }
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<IRegisterWindow> Windows => [];

    /// <inheritdoc/>
    public void Reset()
    {
        // Memory keeps its content over a reset.
    }
}
