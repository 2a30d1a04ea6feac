using System.Text;

namespace Emulator.Userland;

/// <summary>A capability of a function, while its text is written.</summary>
/// <param name="Function">The function.</param>
/// <param name="Where">Where the capability begins.</param>
/// <param name="PortType">The device or port type of the function's PCI Express capability; -1 before that was seen.</param>
/// <param name="Show">How it is to be shown.</param>
/// <param name="Output">Where the text goes.</param>
internal sealed record CapabilityView(
    PciFunction Function,
    int Where,
    int PortType,
    LspciOptions Show,
    StringBuilder Output
)
{
    /// <summary>The register behind the header of an ordinary capability.</summary>
    public uint Flags => Word(2);

    /// <summary>Whether registers are to be shown, and not only what the capability is.</summary>
    public bool IsDetailed => Show.Verbose > 1;

    /// <summary>Makes sure that some bytes of the capability are there.</summary>
    public Task<bool> Fetch(int at, int count) => Function.Config.Fetch(Where + at, count);

    public uint Byte(int at) => (uint)Function.Config.Byte(Where + at);

    public uint Word(int at) => (uint)Function.Config.Word(Where + at);

    public uint Long(int at) => Function.Config.Long(Where + at);

    /// <summary>Eight bytes as one number.</summary>
    public ulong Quad(int at) => Long(at) | ((ulong)Long(at + 4) << 32);

    public uint Value(int at, int bytes) => Function.Config.Value(Where + at, bytes);

    public void Print(string text) => Output.Append(text);

    /// <summary>Writes a register by a template.</summary>
    public void Print(string template, uint value) => Output.Append(RegisterText.Render(template, value));
}
