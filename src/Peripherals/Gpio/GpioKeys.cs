using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The keys of a board (node <c>gpio-keys</c>): each child node is a key on the pin that its <c>gpios</c> names, which is active
/// while it is pressed. An active-low key (flag 1) pulls its pin down.
/// </summary>
[DebuggerDisplay("{Name,nq}: {Keys.Count} keys")]
public sealed class GpioKeys : Device<GpioKeys.Registers>, IKeys
{
    private readonly SortedDictionary<string, (InterruptLine Line, int Bit, bool IsActiveLow)> _keys = new(
        StringComparer.Ordinal
    );

    /// <summary>Makes the keys.</summary>
    public GpioKeys(DeviceContext context)
        : base(context)
    {
        foreach (string key in context.Children)
        {
            if (context.PinLine(key, "gpios", out uint flags) is { } line && _keys.Count < 32)
            {
                _keys[key] = (line, _keys.Count, (flags & 1) != 0);
            }
        }

        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows => [];

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Keys => _keys.Keys;

    /// <inheritdoc/>
    /// <remarks>Nobody presses keys by a reset: what is pressed stays.</remarks>
    public override void Reset()
    {
        foreach (string key in _keys.Keys)
        {
            Drive(key);
        }
    }

    /// <inheritdoc/>
    public bool Press(string key, bool isPressed)
    {
        if (!_keys.TryGetValue(key, out (InterruptLine Line, int Bit, bool IsActiveLow) found))
        {
            return false;
        }

        State.Pressed = isPressed ? State.Pressed | 1u << found.Bit : State.Pressed & ~(1u << found.Bit);
        Drive(key);
        return true;
    }

    private void Drive(string key)
    {
        (InterruptLine line, int bit, bool isActiveLow) = _keys[key];
        line.Set((State.Pressed >> bit & 1) != 0 != isActiveLow);
    }

    /// <summary>What the keys remember.</summary>
    public struct Registers
    {
        /// <summary>A bit for each key that is held down.</summary>
        public uint Pressed;
    }
}
