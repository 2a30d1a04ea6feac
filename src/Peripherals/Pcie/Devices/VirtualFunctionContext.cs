using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>What a virtual function is given: the place that SR-IOV puts it in, and nothing else.</summary>
internal sealed class VirtualFunctionContext(DeviceContext context, Nvme physical, int index) : DeviceContext
{
    public IPciModel Physical => physical;

    public override string Name => $"{physical.Name}.vf{index}";

    public override Simulation Simulation => context.Simulation;

    public override AddressMapEpoch Epoch => context.Epoch;

    public override IBusTarget SystemBus => context.SystemBus;

    public override IDevice? Owner => context.Owner;

    public override uint[]? Cells(string property) =>
        property is "reg" ? [(uint)(physical.Function.Devfn + 1 + index) << 8] : null;

    public override IReadOnlyList<string>? Strings(string property) => null;

    public override void MapRegisters(int registers, IBusTarget target) =>
        throw new InvalidOperationException("A virtual function has no registers on the system bus.");

    public override ulong RegisterSize(int registers) => 0;

    public override InterruptLine Interrupt(int line, string pin) => new(Simulation.Trace, Name, pin);

    public override MasterPort MasterPort() =>
        throw new InvalidOperationException("A virtual function has no port of its own.");

    public override CpuPort? Cpu(int number) => null;
}
