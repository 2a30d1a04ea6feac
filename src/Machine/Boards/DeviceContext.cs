using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine;

/// <summary>
/// What a device model is given when it is made: its name, the simulation, its facts from the device tree, and its
/// connections to the board.
/// </summary>
public abstract class DeviceContext
{
    /// <summary>The device's name on the board: the label of its node, else the node's name.</summary>
    public abstract string Name { get; }

    /// <summary>The simulation.</summary>
    public abstract Simulation Simulation { get; }

    /// <summary>
    /// The epoch of the machine's address map. A device that changes what addresses lead to (an SMMU) bumps it.
    /// </summary>
    public abstract AddressMapEpoch Epoch { get; }

    /// <summary>The bus in front of which an SMMU stands, and on which page tables lie.</summary>
    public abstract IBusTarget SystemBus { get; }

    /// <summary>The values of a property of cells, or null where the node has none of that name.</summary>
    public abstract uint[]? Cells(string property);

    /// <summary>The strings of a property, or null where the node has none of that name.</summary>
    public abstract IReadOnlyList<string>? Strings(string property);

    /// <summary>Puts registers (or other targets) at the node's <c>reg</c> entry of this index.</summary>
    public abstract void MapRegisters(int index, IBusTarget target);

    /// <summary>The length in bytes of a <c>reg</c> entry; 0 where there is none.</summary>
    public abstract ulong RegisterSize(int index);

    /// <summary>
    /// Makes an interrupt output. It is wired as the node's <c>interrupts</c> entry of this index says, or as
    /// <c>emulator,interrupts</c> does where hardware and what the kernel is told differ; -1 makes an unconnected pin.
    /// </summary>
    public abstract InterruptLine Interrupt(int index, string pin);

    /// <summary>Makes the port of a DMA master, wired as the board says.</summary>
    public abstract MasterPort MasterPort();

    /// <summary>Makes a DMA request output, wired as the node's <c>dmas</c> entry of this name says; see <see cref="DmaRequestLine"/>.</summary>
    public virtual DmaRequestLine DmaRequest(IDmaClient client, string name) => new(client, name);

    /// <summary>The CPU whose number this is, for controllers that drive its inputs; null where the board has fewer.</summary>
    public abstract CpuPort? Cpu(int number);

    /// <summary>
    /// The device at the node above, where the part is one of several that belong together and talk over wires of their own (an
    /// ITS and its GIC); null where nothing is modelled there.
    /// </summary>
    public virtual IDevice? Parent => null;

    /// <summary>The device that made this one of what stands below its node: the bus that a card is plugged into.</summary>
    public virtual IDevice? Owner => null;

    /// <summary>The entries of the node's <c>ranges</c>.</summary>
    public virtual IReadOnlyList<RangeEntry> Ranges => [];

    /// <summary>Puts a target where the parent's bus sees the node's <c>ranges</c> entry of this index.</summary>
    public virtual void MapRange(int index, IBusTarget target) { }

    /// <summary>
    /// Makes the devices of the nodes of hardware facts below the node (<c>emulator,...</c>, by <c>compatible</c>): cards, parts inside.
    /// A device calls it once, when it can take them.
    /// </summary>
    /// <param name="owner">The device whose parts they are.</param>
    public virtual IReadOnlyList<IDevice> CreateParts(IDevice owner) => [];

    /// <summary>
    /// Makes an interrupt output of something on this device's bus, wired as the node's <c>interrupt-map</c> says of that address and
    /// interrupt.
    /// </summary>
    public virtual InterruptLine MappedInterrupt(uint[] unitAddress, uint interrupt, string pin) =>
        new(Simulation.Trace, Name, pin);

    /// <summary>The names of the node's children.</summary>
    public virtual IReadOnlyList<string> Children => [];

    /// <summary>
    /// Makes an output of something at a child node, wired to the pin that a property of that node names (<c>gpios</c>); null where it
    /// names none.
    /// </summary>
    /// <param name="child">The child's name.</param>
    /// <param name="property">The property.</param>
    /// <param name="flags">The second cell of the specifier: bit 0 is set for an active-low pin.</param>
    public virtual InterruptLine? PinLine(string child, string property, out uint flags)
    {
        flags = 0;
        return null;
    }

    /// <summary>Whether the node has a property.</summary>
    public bool Has(string property) => Cells(property) is not null;

    /// <summary>The first cell of a property, or a default.</summary>
    public uint Cell(string property, uint otherwise) => Cells(property) is [var first, ..] ? first : otherwise;
}

/// <summary>
/// A context for one device outside a board: an embedder's own bus, or a test. Properties are set on it, lines and the
/// port are connected by hand.
/// </summary>
public sealed class StandaloneContext : DeviceContext
{
    private readonly Dictionary<string, uint[]> _cells = [];
    private readonly Dictionary<string, string[]> _strings = [];
    private readonly Dictionary<int, IBusTarget> _registers = [];
    private readonly Dictionary<int, ulong> _registerSizes = [];
    private readonly Dictionary<string, InterruptLine> _lines = [];
    private readonly Dictionary<string, DmaRequestLine> _dmaRequests = [];
    private readonly List<CpuPort> _cpus = [];
    private IDevice? _parent;

    /// <summary>Creates a context with an empty bus of its own.</summary>
    public StandaloneContext(string name, Simulation? simulation = null, Bus? bus = null)
    {
        Name = name;
        Simulation = simulation ?? new Simulation();
        Bus = bus ?? new Bus("bus", Simulation.Trace);
        Port = new MasterPort(name);
        Port.Connect(Bus, Bus.Name, Bus.Epoch);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override Simulation Simulation { get; }

    /// <inheritdoc/>
    public override AddressMapEpoch Epoch => Bus.Epoch;

    /// <summary>The bus.</summary>
    public Bus Bus { get; }

    /// <inheritdoc/>
    public override IBusTarget SystemBus => Bus;

    /// <summary>The device's master port, connected to <see cref="Bus"/> unless connected elsewhere.</summary>
    public MasterPort Port { get; }

    /// <summary>The register windows that the device has put in place, by index.</summary>
    public IReadOnlyDictionary<int, IBusTarget> Registers => _registers;

    /// <summary>The interrupt outputs that the device has made, by pin name.</summary>
    public IReadOnlyDictionary<string, InterruptLine> Lines => _lines;

    /// <summary>Sets a property of cells.</summary>
    public StandaloneContext With(string property, params uint[] cells)
    {
        _cells[property] = cells;
        return this;
    }

    /// <summary>Sets a property of strings.</summary>
    public StandaloneContext WithStrings(string property, params string[] values)
    {
        _strings[property] = values;
        return this;
    }

    /// <summary>Sets the size of a register window.</summary>
    public StandaloneContext WithRegisterSize(int index, ulong lengthBytes)
    {
        _registerSizes[index] = lengthBytes;
        return this;
    }

    /// <summary>Adds a CPU on the bus.</summary>
    public CpuPort AddCpu(ulong affinity = 0)
    {
        var cpu = new CpuPort($"cpu{_cpus.Count}", Bus, Simulation.Trace, _cpus.Count, affinity);
        _cpus.Add(cpu);
        return cpu;
    }

    /// <inheritdoc/>
    public override uint[]? Cells(string property) =>
        _cells.TryGetValue(property, out uint[]? cells) ? cells
        : _strings.ContainsKey(property) ? []
        : null;

    /// <inheritdoc/>
    public override IReadOnlyList<string>? Strings(string property) => _strings.GetValueOrDefault(property);

    /// <inheritdoc/>
    public override void MapRegisters(int index, IBusTarget target) => _registers[index] = target;

    /// <inheritdoc/>
    public override ulong RegisterSize(int index) => _registerSizes.GetValueOrDefault(index);

    /// <inheritdoc/>
    public override InterruptLine Interrupt(int index, string pin) =>
        _lines[pin] = new InterruptLine(Simulation.Trace, Name, pin);

    /// <inheritdoc/>
    public override MasterPort MasterPort() => Port;

    /// <summary>The DMA request outputs that the device has made, by name.</summary>
    public IReadOnlyDictionary<string, DmaRequestLine> DmaRequests => _dmaRequests;

    /// <inheritdoc/>
    public override DmaRequestLine DmaRequest(IDmaClient client, string name) =>
        _dmaRequests[name] = new DmaRequestLine(client, name);

    /// <inheritdoc/>
    public override CpuPort? Cpu(int number) => number < _cpus.Count ? _cpus[number] : null;

    /// <inheritdoc/>
    public override IDevice? Parent => _parent;

    /// <summary>Says what device it belongs to.</summary>
    public StandaloneContext Under(IDevice parent)
    {
        _parent = parent;
        return this;
    }
}
