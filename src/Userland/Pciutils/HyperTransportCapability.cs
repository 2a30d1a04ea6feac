using static Emulator.Userland.CapabilityText;

namespace Emulator.Userland;

/// <summary>HyperTransport capabilities: what they are; the registers of link interfaces are not decoded.</summary>
internal static class HyperTransportCapability
{
    // csharpier-ignore
    private static readonly (uint Type, string Title)[] Types =
    [
        (0x4000, "Switch"),
        (0x8000, "Interrupt Discovery and Configuration"),
        (0x8800, "Revision ID: {5-7}.{0-4:d2}"),
        (0x9000, "UnitID Clumping"),
        (0x9800, "Extended Configuration Space Access"),
        (0xA000, "Address Mapping"),
        (0xA800, "MSI Mapping Enable{0} Fixed{1}"),
        (0xB000, "DirectRoute"),
        (0xB800, "VCSet"),
        (0xC000, "Retry Mode"),
        (0xC800, "X86 (reserved)"),
    ];

    /// <summary>The capability's text.</summary>
    public static CapabilityText Text { get; } =
        new(
            Title,
            new CapabilityStage(4, 8, Computed(view => $"\t\tMapping Address Base: {view.Quad(4) & ~0xF_FFFFUL:x16}\n"))
            {
                When = view => (view.Flags & 0xF802) == 0xA800,
            }
        );

    private static string Title(CapabilityView view)
    {
        string? title = (view.Flags & 0xE000) switch
        {
            0x0000 => "Slave or Primary Interface",
            0x2000 => "Host or Secondary Interface",
            _ => Array.Find(Types, type => type.Type == (view.Flags & 0xF800)).Title,
        };
        return $"HyperTransport: {RegisterText.Render(title ?? "#{11-15:x2}", view.Flags)}\n";
    }
}
