using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>A device model that is a PCI function.</summary>
internal interface IPciModel : IDevice, IConfigurationBytes
{
    /// <summary>The function.</summary>
    PciFunction Function { get; }

    /// <summary>The bus number that the function has captured.</summary>
    ref ulong CapturedBus { get; }

    /// <summary>Called before a configuration write takes effect; may change what is written.</summary>
    void ConfigurationWriting(int offset, int sizeBytes, ref uint value);

    /// <summary>Called after a configuration write.</summary>
    void ConfigurationWritten(int offset, int sizeBytes, uint value);

    /// <summary>What a reset of this function alone does: FLR, hot reset.</summary>
    void ResetFunction();

    /// <summary>The physical function of a virtual one, with which it shares the bus number; its device number may be any.</summary>
    IPciModel? VirtualizedBy { get; }

    /// <summary>A window of enabled virtual functions that holds an address; null for most devices.</summary>
    BaseAddress? FindVirtualBar(bool isIo, ulong address);
}

/// <summary>A device that has a PCI bus of its own: a host bridge, or a bridge on another bus.</summary>
internal interface IPciBusOwner
{
    /// <summary>The bus.</summary>
    PciBus OwnedBus { get; }
}
