using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>How a host bridge makes configuration cycles (struct pci_ops).</summary>
public interface IPciConfiguration
{
    /// <summary>Reads 1, 2 or 4 bytes; all ones where no function answers.</summary>
    /// <param name="bus">The bus number.</param>
    /// <param name="devfn">Device number in bits 7:3, function in bits 2:0.</param>
    /// <param name="register">The offset, a multiple of the size.</param>
    /// <param name="sizeBytes">1, 2 or 4.</param>
    uint Read(int bus, int devfn, int register, int sizeBytes);

    /// <summary>Writes 1, 2 or 4 bytes.</summary>
    void Write(int bus, int devfn, int register, int sizeBytes, uint value);
}

/// <summary>
/// Configuration cycles by loads and stores into a window of 4 KiB for each function (drivers/pci/ecam.c,
/// pci_generic_ecam_ops).
/// </summary>
/// <param name="cpu">The CPU's port.</param>
/// <param name="window">Where the window lies.</param>
/// <param name="firstBus">The number of its first bus.</param>
/// <param name="lastBus">The number of its last bus.</param>
internal sealed class EcamConfiguration(CpuPort cpu, ulong window, int firstBus, int lastBus) : IPciConfiguration
{
    public uint Read(int bus, int devfn, int register, int sizeBytes)
    {
        if (bus < firstBus || bus > lastBus)
        {
            return AllOnes(sizeBytes);
        }

        return cpu.Load(AddressOf(bus, devfn, register), sizeBytes, out ulong value) == BusStatus.Okay
            ? (uint)value
            : AllOnes(sizeBytes);
    }

    public void Write(int bus, int devfn, int register, int sizeBytes, uint value)
    {
        if (bus >= firstBus && bus <= lastBus)
        {
            cpu.Store(AddressOf(bus, devfn, register), sizeBytes, value);
        }
    }

    private static uint AllOnes(int sizeBytes) => uint.MaxValue >> (32 - 8 * sizeBytes);

    private ulong AddressOf(int bus, int devfn, int register) =>
        window + ((ulong)(bus - firstBus) << 20 | (ulong)devfn << 12 | (uint)register);
}
