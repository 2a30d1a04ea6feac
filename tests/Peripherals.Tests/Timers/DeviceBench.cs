using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>One device on a bus, whose registers are written and read by name.</summary>
internal sealed class DeviceBench<TDevice>
    where TDevice : class, IDevice
{
    public DeviceBench(Func<DeviceContext, TDevice> create, params (string Property, uint[] Cells)[] properties)
    {
        Context = new StandaloneContext("device");
        foreach ((string property, uint[] cells) in properties)
        {
            Context.With(property, cells);
        }

        Device = create(Context);
        Context.Bus.Map("device", 0, Device.Windows[0].SizeBytes, Context.Registers[0]);
    }

    public StandaloneContext Context { get; }

    public TDevice Device { get; }

    public Simulation Simulation => Context.Simulation;

    public IEnumerable<string> Problems => Simulation.Trace.Problems.Select(problem => problem.Kind.Name);

    public bool Line(string pin) => Context.Lines[pin].Level;

    public uint this[string register]
    {
        get
        {
            Context.Bus.ReadWord(AddressOf(register), 4, out ulong value, default).Should().Be(BusStatus.Okay);
            return (uint)value;
        }
        set => Context.Bus.WriteWord(AddressOf(register), 4, value, default).Should().Be(BusStatus.Okay);
    }

    private ulong AddressOf(string register)
    {
        Device.Windows[0].TryFind(register, out ulong offset, out _).Should().BeTrue($"{register} is a register");
        return offset;
    }
}
