using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A function on a PCI bus, as the fabric sees it: its address, its configuration space, what it decodes, and what it sends.
/// The device that it belongs to is an <see cref="IPciModel"/>.
/// </summary>
[DebuggerDisplay("{Name,nq} at {Address,nq}")]
public sealed partial class PciFunction : IBusInitiator
{
    private readonly List<BaseAddress> _bars = [];

    internal PciFunction(string name, IPciModel model, PciBus bus, int devfn, ConfigurationLayout layout)
    {
        Name = name;
        Model = model;
        Bus = bus;
        Devfn = devfn;
        Configuration = new ConfigurationSpace(layout, model);
    }

    /// <summary>Its name on the board.</summary>
    public string Name { get; }

    /// <summary>The bus that it is on.</summary>
    public PciBus Bus { get; }

    /// <summary>Device number times 8 plus function number.</summary>
    public int Devfn { get; }

    /// <summary>Its configuration space.</summary>
    public ConfigurationSpace Configuration { get; }

    /// <summary>The base address registers, the expansion ROM included.</summary>
    public IReadOnlyList<BaseAddress> Bars => _bars;

    /// <summary>The bus behind it, where it is a bridge.</summary>
    public PciBus? Secondary
    {
        get;
        internal set
        {
            field = value;
            Bus.AddBridge(this);
        }
    }

    /// <summary>
    /// Bus number, device and function as on the wire. A function knows its bus number from the last configuration write
    /// that reached it (PCI Express Base 2.2.6.2); one that is integrated in the root complex knows it anyhow.
    /// </summary>
    public ushort RequesterId => (ushort)(((Bus.Bridge is null ? Bus.Number : (int)Captured) << 8) | Devfn);

    private ulong Captured => Model.VirtualizedBy?.CapturedBus ?? Model.CapturedBus;

    /// <summary>bb:dd.f</summary>
    public string Address => $"{Bus.Number:x2}:{Devfn >> 3:x2}.{Devfn & 7}";

    /// <summary>What kind of express function it is; null for a conventional one.</summary>
    public ExpressPortType? PortType =>
        Configuration.Layout.ExpressAt is var at and not 0
            ? (ExpressPortType)((Configuration.Get16(at + 2) >> 4) & 0xF)
            : null;

    internal IPciModel Model { get; }

    /// <summary>Whether it is there: a virtual function only while its physical function says so.</summary>
    internal bool IsPresent { get; set; } = true;

    internal bool IsBusMaster => Has(PciCommand.BusMaster);

    bool IBusInitiator.CanBeHeld => false;

    void IBusInitiator.OnHeldTransaction(ulong tag, HeldOutcome outcome) { }

    internal bool Has(PciCommand bit) => (Configuration.Get16(PciRegister.Command) & (int)bit) != 0;

    /// <summary>What an ACS control says; nothing is on where there is no such capability.</summary>
    internal AccessControl AccessControl =>
        Configuration.Layout.AccessControlAt is var at and not 0
            ? (AccessControl)Configuration.Get16(at + 6)
            : AccessControl.None;

    internal bool ForwardsAri =>
        Configuration.Layout.ExpressAt is var at and not 0
        && Secondary is not null
        && (Configuration.Get16(at + ExpressCapabilityLayout.DeviceControl2) & 0x20) != 0;

    /// <summary>Power state D0: any other answers configuration cycles only.</summary>
    internal bool IsPoweredUp =>
        Configuration.Layout.PowerManagementAt is var at && (at == 0 || (Configuration.Get16(at + 4) & 3) == 0);

    internal void Add(BaseAddress bar) => _bars.Add(bar);

    /// <summary>A configuration write that reached this function.</summary>
    internal void WriteConfiguration(int offset, int sizeBytes, uint value)
    {
        Model.CapturedBus = (ulong)Bus.Number;
        Model.ConfigurationWriting(offset, sizeBytes, ref value);
        if (!Configuration.Write(offset, sizeBytes, value))
        {
            return;
        }

        Bus.Fabric.Changed();
        Model.ConfigurationWritten(offset, sizeBytes, value);
        DriveInterrupt();
    }
}
