using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A window whose 4 KiB pages are 64 KiB apart and repeat in between, as systems with 64 KiB pages wire GIC-400 (its address
/// lines 14:12 are driven by 18:16; Arm DEN 0029, "GIC-400 and 64KB translation granule"): <c>reg</c> of the CPU interface is then 128 KiB.
/// </summary>
internal sealed class PagesOf64K : IBusTarget
{
    private readonly IBusTarget _window;

    private PagesOf64K(IBusTarget window) => _window = window;

    /// <summary>The window itself, or spread out where the board gives it 128 KiB.</summary>
    public static IBusTarget Around(IBusTarget window, ulong size) =>
        size == 0x2_0000 ? new PagesOf64K(window) : window;

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) =>
        _window.Read(Fold(address), data, transaction);

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        _window.Write(Fold(address), data, transaction);

    /// <inheritdoc/>
    public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction) =>
        _window.ReadWord(Fold(address), sizeBytes, out value, transaction);

    /// <inheritdoc/>
    public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction) =>
        _window.WriteWord(Fold(address), sizeBytes, value, transaction);

    private static ulong Fold(ulong address) => ((address >> 16) << 12) | (address & 0xFFF);
}
