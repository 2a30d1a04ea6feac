using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Loads and stores of the program itself, and the signals that bad ones bring (arch/arm/mm/fault.c).</content>
public sealed partial class Process
{
    private const int BusError = 7;

    /// <summary>SIGSEGV.</summary>
    internal const int SegmentationFault = 11;

    private static readonly TraceKind Faulted = new("kernel.fault", Severity.Info, "{what}");

    /// <summary>
    /// A load. False where the program gets a signal instead, which ends it: SIGSEGV where nothing that can be read is
    /// mapped, SIGBUS where the bus answers with an error.
    /// </summary>
    public bool TryLoad(ulong address, int sizeBytes, out ulong value)
    {
        bool isMapped = Memory.TryLoad(address, sizeBytes, out value, out BusStatus status);
        return Check(address, isMapped, status, "load from");
    }

    /// <summary>A store. False as for <see cref="TryLoad"/>.</summary>
    public bool TryStore(ulong address, int sizeBytes, ulong value)
    {
        bool isMapped = Memory.TryStore(address, sizeBytes, value, out BusStatus status);
        return Check(address, isMapped, status, "store to");
    }

    /// <summary>Whether an address of the program is a device's, so that an access takes its time.</summary>
    public bool IsDeviceMemory(ulong address) => Memory.Find(address)?.DeviceAddress is not null;

    private bool Check(ulong address, bool isMapped, BusStatus status, string what)
    {
        if (isMapped && status == BusStatus.Okay)
        {
            return true;
        }

        PendingSignal = isMapped ? BusError : SegmentationFault;
        Trace trace = Kernel.Simulation.Trace;
        if (trace.IsOn)
        {
            string text = $"{Command} ({Id}): {(isMapped ? "SIGBUS" : "SIGSEGV")} at a {what} 0x{address:x}";
            trace.Emit(Faulted, "kernel", TraceField.Of("what", text));
        }

        return false;
    }
}
