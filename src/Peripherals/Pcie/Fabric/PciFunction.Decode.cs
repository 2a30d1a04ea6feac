namespace Emulator.Peripherals;

/// <content>What the function decodes.</content>
public sealed partial class PciFunction
{
    /// <summary>Where its base address registers decode memory now.</summary>
    public IEnumerable<ulong> MemoryAddresses =>
        Has(PciCommand.MemorySpace)
            ? _bars.Where(bar => !bar.IsIo && bar.IsEnabled(Configuration)).Select(bar => bar.Address(Configuration))
            : [];

    /// <summary>The base address register that holds an address.</summary>
    internal BaseAddress? FindBar(bool isIo, ulong address)
    {
        foreach (BaseAddress bar in _bars)
        {
            if (
                bar.IsIo == isIo
                && address - bar.Address(Configuration) < bar.LengthBytes
                && bar.IsEnabled(Configuration)
            )
            {
                return bar;
            }
        }

        return null;
    }

    /// <summary>Whether a bridge's windows hold an address (PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.10, 4).</summary>
    internal bool Forwards(bool isIo, ulong address)
    {
        if (Secondary is null)
        {
            return false;
        }

        if (isIo)
        {
            uint ioBase = (uint)(Configuration.Get8(PciRegister.IoBase) & 0xF0) << 8;
            uint ioLimit = ((uint)(Configuration.Get8(PciRegister.IoLimit) & 0xF0) << 8) | 0xFFF;
            return address >= ioBase && address <= ioLimit;
        }

        ulong memoryBase = (ulong)(Configuration.Get16(PciRegister.MemoryBase) & 0xFFF0) << 16;
        ulong memoryLimit = ((ulong)(Configuration.Get16(PciRegister.MemoryLimit) & 0xFFF0) << 16) | 0xF_FFFF;
        if (address >= memoryBase && address <= memoryLimit)
        {
            return true;
        }

        ulong prefetchableBase =
            ((ulong)Configuration.Get32(PciRegister.PrefetchableBaseUpper) << 32)
            | ((ulong)(Configuration.Get16(PciRegister.PrefetchableBase) & 0xFFF0) << 16);
        ulong prefetchableLimit =
            ((ulong)Configuration.Get32(PciRegister.PrefetchableLimitUpper) << 32)
            | ((ulong)(Configuration.Get16(PciRegister.PrefetchableLimit) & 0xFFF0) << 16)
            | 0xF_FFFF;
        return address >= prefetchableBase && address <= prefetchableLimit;
    }
}
