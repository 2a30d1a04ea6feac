using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>Single-root I/O virtualization of a physical function (drivers/pci/iov.c, struct pci_sriov).</summary>
public sealed class PciSriov
{
    private const int BaseAddresses = 6;
    private const int Control = 0x08;
    private const int InitialVfs = 0x0C;
    private const int TotalVfsWord = 0x0E;
    private const int NumberOfVfs = 0x10;
    private const int Offset = 0x14;
    private const int Stride = 0x16;
    private const int VfDevice = 0x1A;
    private const int SupportedPageSizes = 0x1C;
    private const int SystemPageSize = 0x20;
    private const int FirstBaseAddress = 0x24;
    private const ushort VfEnable = 0x01;
    private const ushort VfMemory = 0x08;
    private const ushort AriHierarchy = 0x10;

    private readonly PciCore _core;
    private readonly PciDevice _device;
    private readonly int _at;
    private readonly ulong[] _sizes = new ulong[BaseAddresses];
    private readonly List<PciDevice> _functions = [];

    private PciSriov(PciCore core, PciDevice device, int at)
    {
        _core = core;
        _device = device;
        _at = at;
        TotalVfs = device.ReadWord(at + TotalVfsWord);
    }

    /// <summary>How many virtual functions the function can have.</summary>
    public int TotalVfs { get; }

    /// <summary>Its virtual functions.</summary>
    public IReadOnlyList<PciDevice> Functions => _functions;

    /// <summary>sriov_drivers_autoprobe: whether drivers are offered the virtual functions.</summary>
    public bool DriversAutoProbe { get; set; } = true;

    /// <summary>First virtual function's distance, and the distance of one to the next.</summary>
    internal int FirstOffset => _device.ReadWord(_at + Offset);

    internal int FunctionStride => _device.ReadWord(_at + Stride);

    internal ushort FunctionDeviceId => _device.ReadWord(_at + VfDevice);

    /// <summary>pci_iov_init: looks for the capability and sizes what the virtual functions need.</summary>
    internal static PciSriov? Find(PciCore core, PciDevice device)
    {
        if (!device.IsExpress || device.PhysicalFunction is not null)
        {
            return null;
        }

        int at = device.FindExtendedCapability(PciExtendedCapabilityId.SingleRootIov);
        if (at == 0)
        {
            return null;
        }

        var sriov = new PciSriov(core, device, at);
        if (sriov.TotalVfs == 0)
        {
            return null;
        }

        sriov.Initialize();
        return sriov;
    }

    /// <summary>pci_iov_bus_range: how many further bus numbers the virtual functions of a bus reach into.</summary>
    internal static int BusRange(PciBus bus)
    {
        int highest = 0;
        foreach (PciDevice device in bus.Devices)
        {
            if (device.Sriov is { } sriov)
            {
                int last = device.RequesterId + sriov.FirstOffset + sriov.FunctionStride * (sriov.TotalVfs - 1);
                highest = Math.Max(highest, last >> 8);
            }
        }

        return Math.Max(0, highest - bus.Number);
    }

    /// <summary>How the BARs of all functions together are aligned: as one of them (pci_sriov_resource_alignment).</summary>
    internal ulong AlignmentOf(PciResource resource) => _sizes[resource.Index - PciDevice.IovResources];

    /// <summary>Writes an assigned address to the capability (pci_iov_update_resource).</summary>
    internal void UpdateBaseAddress(PciResource resource)
    {
        int register = _at + FirstBaseAddress + 4 * (resource.Index - PciDevice.IovResources);
        _device.WriteDword(register, (uint)resource.Start | (uint)(resource.Flags & 0xF));
        if (resource.Is64Bit)
        {
            _device.WriteDword(register + 4, (uint)(resource.Start >> 32));
        }
    }

    /// <summary>sriov_enable: 0 or a negative errno.</summary>
    internal long Enable(int count)
    {
        int initial = _device.ReadWord(_at + InitialVfs);
        if (initial > TotalVfs || count > initial)
        {
            return -(long)Errno.EINVAL;
        }

        for (int n = 0; n < BaseAddresses; n++)
        {
            PciResource resource = _device.Regions[PciDevice.IovResources + n];
            if (resource.Flags != 0 && resource.Parent is null)
            {
                _core.Info(_device, $"not enough MMIO resources for SR-IOV");
                return -(long)Errno.ENOMEM;
            }
        }

        // pci_enable_resources for the BARs of the virtual functions: their memory is decoded as the physical one's is.
        _core.EnableDecoding(_device, PciRegisters.CommandMemory);
        _device.WriteWord(_at + NumberOfVfs, (ushort)count);
        ushort control = _device.ReadWord(_at + Control);
        _device.WriteWord(_at + Control, (ushort)(control | VfEnable | VfMemory));
        for (int n = 0; n < count; n++)
        {
            AddFunction(n);
        }

        return 0;
    }

    /// <summary>sriov_disable.</summary>
    internal void Disable()
    {
        foreach (PciDevice function in _functions.ToArray())
        {
            _core.StopAndRemove(function);
            _device.Directory?.Remove(
                string.Create(CultureInfo.InvariantCulture, $"virtfn{_functions.IndexOf(function)}")
            );
        }

        _functions.Clear();
        ushort control = _device.ReadWord(_at + Control);
        _device.WriteWord(_at + Control, (ushort)(control & ~(VfEnable | VfMemory)));
        _device.WriteWord(_at + NumberOfVfs, 0);
    }

    /// <summary>The physical function goes away (sriov_release).</summary>
    internal void Release()
    {
        if (_functions.Count > 0)
        {
            Disable();
        }
    }

    /// <summary>sriov_init.</summary>
    private void Initialize()
    {
        _device.WriteWord(_at + Control, (ushort)(_device.ReadWord(_at + Control) & ~VfEnable));
        if (_device.OnBus.Bridge is { AriEnabled: true })
        {
            _device.UpdateWord(_at + Control, 0, AriHierarchy);
        }

        _device.WriteWord(_at + NumberOfVfs, 0);
        uint pages = _device.ReadDword(_at + SupportedPageSizes) & ~((1u << 0) - 1);
        _device.WriteDword(_at + SystemPageSize, pages & (~pages + 1));
        for (int n = 0; n < BaseAddresses; n++)
        {
            PciResource resource = _device.Regions[PciDevice.IovResources + n];
            int number = n;
            if (PciDeviceSetup.ReadBase(_device, resource, _at + FirstBaseAddress + 4 * n, isRom: false))
            {
                n++;
            }

            Multiply(resource, number);
        }
    }

    private void Multiply(PciResource resource, int number)
    {
        if (resource.Flags == 0)
        {
            return;
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"VF BAR {number}");
        _core.Info(_device, $"{name} {resource.Text}");
        _sizes[number] = resource.Size;
        resource.End = resource.Start + resource.Size * (ulong)TotalVfs - 1;
        _core.Info(
            _device,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name} {resource.Text}: contains BAR {number} for {TotalVfs} VFs"
            )
        );
    }

    /// <summary>pci_iov_add_virtfn.</summary>
    private void AddFunction(int number)
    {
        int id = _device.RequesterId + FirstOffset + FunctionStride * number;
        PciBus bus = _device.OnBus;
        if (id >> 8 != bus.Number)
        {
            bus = _core.FindBus(bus.Host.Domain, id >> 8) ?? _core.AddBus(bus, null, id >> 8, id >> 8);
        }

        PciDevice function = _core.CreateDevice(bus, id & 0xFF, _device);
        function.VendorId = _device.VendorId;
        function.DeviceId = FunctionDeviceId;
        new PciDeviceSetup(_core).SetUp(function);
        function.IsMultifunction = false;
        for (int n = 0; n < BaseAddresses; n++)
        {
            TakeShare(function.Regions[n], _device.Regions[PciDevice.IovResources + n], n, number);
        }

        _core.Add(function);
        _functions.Add(function);
        (_device.Driver as PciDriver)?.Capture(_device, function);
        _core.AddDevice(function);
        string name = string.Create(CultureInfo.InvariantCulture, $"virtfn{number}");
        _device.Directory?.AddRelativeLink(name, function.Directory!);
        function.Directory?.AddRelativeLink("physfn", _device.Directory!);
    }

    private void TakeShare(PciResource resource, PciResource all, int bar, int number)
    {
        if (all.Parent is null)
        {
            return;
        }

        resource.Flags = all.Flags;
        resource.Start = all.Start + _sizes[bar] * (ulong)number;
        resource.End = resource.Start + _sizes[bar] - 1;
        all.TryInsert(resource);
    }
}
