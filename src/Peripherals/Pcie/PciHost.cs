using System.Diagnostics;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Trace = Emulator.Machine.Trace;

namespace Emulator.Peripherals;

/// <summary>
/// A root complex with ECAM, as <c>pci-host-ecam-generic</c> describes one (Linux, bindings/pci/host-generic-pci.yaml; PCI Express
/// Base 7.2.2): configuration space at <c>reg</c>, windows to PCI memory and I/O at <c>ranges</c>, interrupt pins by
/// <c>interrupt-map</c>, requests of functions to the IOMMU by <c>iommu-map</c>.
/// </summary>
/// <remarks>
/// The cards are nodes of hardware facts below the host's node. <c>emulator,routes-peers</c> makes the root complex carry requests
/// between its own ports where access control allows; without it everything goes to the IOMMU.
/// </remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class PciHost : Device<PciHost.HostState>, IPciBusOwner
{
    private const int Pins = 4;

    private readonly HostFabric _fabric;

    /// <summary>Makes a host bridge and everything that is plugged in.</summary>
    public PciHost(DeviceContext context)
        : base(context)
    {
        _fabric = new HostFabric(this, context);
        Root = new PciBus(_fabric, bridge: null, isExpress: true);
        context.MapRegisters(0, new EcamTarget(this, context.RegisterSize(0)));
        for (int n = 0; n < context.Ranges.Count; n++)
        {
            RangeEntry range = context.Ranges[n];
            bool isIo = range.Child.Pci.Space == PciSpace.Io;
            context.MapRange(n, new WindowTarget(Root, isIo, range.Child.Value));
        }

        context.CreateParts(this);
        _fabric.MakeLines(context, Root);
        Reset();
    }

    /// <summary>The root bus.</summary>
    public PciBus Root { get; }

    PciBus IPciBusOwner.OwnedBus => Root;

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows => [];

    /// <inheritdoc/>
    public override void Reset() => State = default;

    /// <summary>The function that configuration cycles to this address reach, or null.</summary>
    public PciFunction? Find(int bus, int devfn) => Root.Route(bus, devfn);

    /// <summary>Nothing: all state is in the functions.</summary>
    public struct HostState
    {
        /// <summary>A struct cannot be empty.</summary>
        public ulong Filler;
    }

    /// <summary>What the buses of this host share.</summary>
    private sealed class HostFabric(PciHost host, DeviceContext context) : PciFabric
    {
        private readonly InterruptLine?[] _lines = new InterruptLine?[256 * Pins];

        public override int FirstBus { get; } = context.Cells("bus-range") is [var first, ..] ? (int)first : 0;

        public override Trace Trace => host.Trace;

        public override MasterPort Upstream { get; } = context.MasterPort();

        public override bool RoutesPeers { get; } = context.Has("emulator,routes-peers");

        public override void Changed() => context.Epoch.Bump();

        public override void DriveInterrupt(int devfn, int pin, bool level) => _lines[devfn * Pins + pin]?.Set(level);

        /// <summary>Each function on the root bus has four wires, which go where the interrupt map says.</summary>
        public void MakeLines(DeviceContext wiring, PciBus root)
        {
            foreach (PciFunction function in root.Functions)
            {
                for (int pin = 0; pin < Pins; pin++)
                {
                    string name = $"{function.Name}.INT{(char)('A' + pin)}";
                    uint address = PciAddress.ConfigurationHigh((ushort)((FirstBus << 8) | function.Devfn));
                    _lines[function.Devfn * Pins + pin] = wiring.MappedInterrupt([address, 0, 0], (uint)pin + 1, name);
                }
            }
        }
    }

    /// <summary>Configuration space of all buses, 4 KiB for each function (7.2.2).</summary>
    private sealed class EcamTarget(PciHost host, ulong lengthBytes) : IBusTarget
    {
        private static readonly TraceKind Accessed = new(
            "pci.config",
            Severity.Debug,
            "{access} {bus}:{devfn} +{offset} ({length} bytes) {value}"
        );

        private static readonly TraceKind Odd = new(
            "pci.config-odd",
            Severity.Error,
            "{who} accesses configuration space at {offset} with {length} bytes; 1, 2 or 4 aligned bytes are possible"
        );

        public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
        {
            value = 0;
            if (sizeBytes == 8 && address % 8 == 0)
            {
                BusStatus low = ReadWord(address, 4, out ulong first, transaction);
                BusStatus high = ReadWord(address + 4, 4, out ulong second, transaction);
                value = first | (second << 32);
                return low == BusStatus.Okay ? high : low;
            }

            if (IsOdd(address, sizeBytes, transaction))
            {
                return BusStatus.SlaveError;
            }

            int offset = (int)(address & 0xFFF);
            PciFunction? function = Find(address);
            value = function?.Configuration.Read(offset, sizeBytes) ?? ConfigurationSpace.Ones(sizeBytes);
            Report("reads", address, sizeBytes, value);
            return BusStatus.Okay;
        }

        public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
        {
            if (sizeBytes == 8 && address % 8 == 0)
            {
                WriteWord(address, 4, (uint)value, transaction);
                return WriteWord(address + 4, 4, value >> 32, transaction);
            }

            if (IsOdd(address, sizeBytes, transaction))
            {
                return BusStatus.SlaveError;
            }

            Report("writes", address, sizeBytes, value);
            Find(address)?.WriteConfiguration((int)(address & 0xFFF), sizeBytes, (uint)value);
            return BusStatus.Okay;
        }

        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            for (int n = 0; n < data.Length; )
            {
                int size = Piece(address + (ulong)n, data.Length - n);
                ReadWord(address + (ulong)n, size, out ulong value, transaction);
                for (int place = 0; place < size; place++)
                {
                    data[n + place] = (byte)(value >> (8 * place));
                }

                n += size;
            }

            return BusStatus.Okay;
        }

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            for (int n = 0; n < data.Length; )
            {
                int size = Piece(address + (ulong)n, data.Length - n);
                uint value = 0;
                for (int place = size - 1; place >= 0; place--)
                {
                    value = (value << 8) | data[n + place];
                }

                WriteWord(address + (ulong)n, size, value, transaction);
                n += size;
            }

            return BusStatus.Okay;
        }

        private static int Piece(ulong address, int room) =>
            address % 4 == 0 && room >= 4 ? 4
            : address % 2 == 0 && room >= 2 ? 2
            : 1;

        private PciFunction? Find(ulong address) =>
            host.Find(host._fabric.FirstBus + (int)(address >> 20), (int)(address >> 12) & 0xFF);

        private bool IsOdd(ulong address, int sizeBytes, in Transaction transaction)
        {
            bool isFine =
                sizeBytes is 1 or 2 or 4
                && address % (ulong)sizeBytes == 0
                && address + (ulong)sizeBytes <= lengthBytes;
            if (!isFine)
            {
                host.Trace.Emit(
                    Odd,
                    host.Name,
                    TraceField.Of("who", transaction.InitiatorName),
                    TraceField.Hex("offset", address),
                    TraceField.Decimal("length", (ulong)sizeBytes)
                );
            }

            return !isFine;
        }

        private void Report(string access, ulong address, int sizeBytes, ulong value)
        {
            if (host.Trace.IsOn)
            {
                int devfn = (int)(address >> 12) & 0xFF;
                host.Trace.Emit(
                    Accessed,
                    host.Name,
                    TraceField.Of("access", access),
                    TraceField.Of("bus", $"{host._fabric.FirstBus + (int)(address >> 20):x2}"),
                    TraceField.Of("devfn", $"{devfn >> 3:x2}.{devfn & 7}"),
                    TraceField.Hex("offset", address & 0xFFF),
                    TraceField.Decimal("length", (ulong)sizeBytes),
                    TraceField.Hex("value", value)
                );
            }
        }
    }

    /// <summary>A window of the system bus to PCI memory or I/O space. What nobody claims is a bus error, as on QEMU's virt.</summary>
    private sealed class WindowTarget(PciBus root, bool isIo, ulong start) : IBusTarget
    {
        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            PciRoute route = root.RouteDown(isIo, start + address);
            return route.End == PciRouteEnd.Function && (ulong)data.Length <= route.RoomBytes
                ? route.Target!.Read(route.Offset, data, transaction)
                : BusStatus.DecodeError;
        }

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            PciRoute route = root.RouteDown(isIo, start + address);
            return route.End == PciRouteEnd.Function && (ulong)data.Length <= route.RoomBytes
                ? route.Target!.Write(route.Offset, data, transaction)
                : BusStatus.DecodeError;
        }

        public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
        {
            value = 0;
            PciRoute route = root.RouteDown(isIo, start + address);
            return route.End == PciRouteEnd.Function && (ulong)sizeBytes <= route.RoomBytes
                ? route.Target!.ReadWord(route.Offset, sizeBytes, out value, transaction)
                : BusStatus.DecodeError;
        }

        public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
        {
            PciRoute route = root.RouteDown(isIo, start + address);
            return route.End == PciRouteEnd.Function && (ulong)sizeBytes <= route.RoomBytes
                ? route.Target!.WriteWord(route.Offset, sizeBytes, value, transaction)
                : BusStatus.DecodeError;
        }
    }
}
