using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.KernelShim;

/// <content>Reading the lists of capabilities for the first user (vfio_config_init, vfio_cap_init, vfio_ecap_init).</content>
internal sealed partial class VfioPciConfiguration
{
    private const int CapabilityBytes = 4;
    private const int VirtualChannelBytes = 16;
    private const int BytesOfVirtualChannel = 12;
    private const byte LastExtendedHidden = 0;

    private bool _hasExtended;

    private static string Hex(int value) => value.ToString("x", CultureInfo.InvariantCulture);

    private void Initialize()
    {
        Array.Fill(_map, NoCapability);
        Array.Clear(_map, 0, ConfigTables.HeaderBytes);
        Fill(0, ConfigTables.HeaderBytes);
        for (int n = 0; n < BaseAddresses; n++)
        {
            _realAddresses[n] = ReadCopy(PciRegisters.BaseAddress0 + 4 * n, 4);
        }

        _realAddresses[BaseAddresses] = ReadCopy(PciRegisters.RomAddress, 4);
        if (_device.PhysicalFunction is not null)
        {
            SetUpVirtualFunction();
        }

        if (_owner.HasNoInterrupt)
        {
            _copy[PciRegisters.InterruptPin] = 0;
        }

        ReadCapabilities();
        ReadExtendedCapabilities();
    }

    /// <summary>A virtual function's registers lack what its physical one knows.</summary>
    private void SetUpVirtualFunction()
    {
        WriteCopy(PciRegisters.VendorId, 2, _device.VendorId);
        WriteCopy(PciRegisters.VendorId + 2, 2, _device.DeviceId);
        byte pin = _copy[PciRegisters.InterruptPin];
        if (pin != 0)
        {
            _owner.Kernel.Pci.Warn(
                _device,
                string.Create(CultureInfo.InvariantCulture, $"Hardware bug: VF reports bogus INTx pin {pin}")
            );
        }

        _copy[PciRegisters.InterruptPin] = 0;
        CopiedCommand |= PciRegisters.CommandMemory;
    }

    private void ReadCapabilities()
    {
        if ((_device.ReadWord(PciRegisters.Status) & PciRegisters.StatusCapabilities) == 0)
        {
            return;
        }

        int position = _device.ReadByte(PciRegisters.CapabilityPointer);
        int previous = PciRegisters.CapabilityPointer;
        int count = 0;
        int most = (StandardBytes - ConfigTables.HeaderBytes) / CapabilityBytes;
        for (int left = most; position != 0 && left > 0; left--)
        {
            byte id = (byte)ReadHardwareByte(position);
            byte next = (byte)ReadHardwareByte(position + 1);
            int length = ConfigTables.LengthOf(id);
            length = length == ConfigTables.Variable ? LengthAt(id, position) : length;
            if (length == 0)
            {
                Hide("vfio_cap_init", $"hiding cap 0x{Hex(id)}@0x{Hex(position)}");
                _copy[previous] = next;
            }
            else
            {
                Claim("vfio_cap_init", "cap", id, position, length, StandardBytes);
                if (id == PciCapabilityId.PowerManagement)
                {
                    HidePowerEvents(position);
                }

                previous = Math.Min(position + 1, StandardBytes - 1);
                count++;
            }

            position = next;
        }

        if (count == 0)
        {
            WriteCopy(
                PciRegisters.Status,
                2,
                ReadCopy(PciRegisters.Status, 2) & ~(uint)PciRegisters.StatusCapabilities
            );
        }
    }

    private void ReadExtendedCapabilities()
    {
        if (!_hasExtended)
        {
            return;
        }

        int position = StandardBytes;
        int previous = -1;
        int count = 0;
        int left = (_copy.Length - StandardBytes) / CapabilityBytes;
        while (left-- > 0 && position >= StandardBytes)
        {
            uint header = ReadHardware(position, 4);
            ushort id = (ushort)header;
            int next = (int)(header >> 20) & 0xFFC;
            int length = ConfigTables.LengthOfExtended(id, Profile.VfioPciKnowsDesignatedVendor);
            length = length == ConfigTables.Variable ? LengthOfExtendedAt(id, position) : length;
            bool isHidden = length == 0;
            if (isHidden)
            {
                Hide("vfio_ecap_init", $"hiding ecap 0x{Hex(id)}@0x{Hex(position)}");
                if (previous >= 0)
                {
                    // All but the first of the list can be skipped.
                    WriteCopy(previous, 4, ReadCopy(previous, 4) & ~(0xFFCu << 20) | (uint)next << 20);
                    position = next;
                    continue;
                }

                length = CapabilityBytes;
            }

            Claim("vfio_ecap_init", "ecap", id, position, length, _copy.Length);
            if (isHidden)
            {
                WriteCopy(position, 4, ReadCopy(position, 4) & 0xFFCu << 20);
            }
            else
            {
                count++;
            }

            previous = position;
            position = next;
        }

        if (count == 0)
        {
            WriteCopy(StandardBytes, 4, LastExtendedHidden);
        }
    }

    private void Hide(string function, string text) =>
        _owner.Kernel.Log.Print(
            Profile.VfioPciTellsHiddenCapabilities ? LogLevel.Info : LogLevel.Debug,
            $"{_device.LogPrefix}{function}: {text}"
        );

    /// <summary>Gives bytes to a capability and copies them; whose they were before is told.</summary>
    private void Claim(string function, string kind, ushort id, int position, int length, int end)
    {
        int last = Math.Min(position + length, end);
        for (int at = position; at < last; at++)
        {
            if (_map[at] != NoCapability)
            {
                _owner.Kernel.Pci.Warn(
                    _device,
                    $"{function}: pci config conflict @0x{Hex(at)}, was {kind} 0x{Hex(_map[at])} now {kind} 0x{Hex(id)}"
                );
            }

            _map[at] = (byte)id;
        }

        Fill(position, last - position);
    }

    /// <summary>vfio_fill_vconfig_bytes.</summary>
    private void Fill(int position, int length)
    {
        for (int end = position + length; position < end; )
        {
            int size =
                end - position >= 4 && position % 4 == 0 ? 4
                : end - position >= 2 && position % 2 == 0 ? 2
                : 1;
            WriteCopy(position, size, ReadHardware(position, size));
            position += size;
        }
    }

    /// <summary>vfio_update_pm_vconfig_bytes: programs get no power management events.</summary>
    private void HidePowerEvents(int position)
    {
        int capabilities = position + ConfigTables.PowerCapabilities;
        int control = position + ConfigTables.PowerControl;
        WriteCopy(capabilities, 2, ReadCopy(capabilities, 2) & ~(uint)ConfigTables.PmeSupport);
        WriteCopy(control, 2, ReadCopy(control, 2) & ~(uint)(ConfigTables.PmeEnable | ConfigTables.PmeStatus));
    }

    private uint ReadHardwareByte(int position) => position < _copy.Length ? ReadHardware(position, 1) : 0xFF;

    /// <summary>vfio_cap_len.</summary>
    private int LengthAt(byte id, int position)
    {
        switch (id)
        {
            case PciCapabilityId.Msi:
                return SetUpMsi(position);
            case ConfigTables.PciX:
                bool isSecond = (ReadHardware(position + 2, 2) >> 12 & 3) != 0;
                _hasExtended |= isSecond && HasExtendedHeader();
                return isSecond ? 24 : 8;
            case ConfigTables.Vendor:
                return (int)ReadHardware(position + 2, 1);
            case PciCapabilityId.Express:
                _hasExtended = HasExtendedHeader();
                bool isFirst = (_device.ReadWord(position + PciExpress.Flags) & 0xF) == 1;
                bool isIntegrated = _device.ExpressType == PciExpressType.RootComplexEndpoint;
                return (isFirst, isIntegrated) switch
                {
                    (true, true) => 0x0C,
                    (true, false) => 0x14,
                    (false, true) => 0x2C,
                    (false, false) => 0x3C,
                };
            case ConfigTables.HyperTransport:
                return (ReadHardware(position + 3, 1) & 0xE0) != 0 ? 8 : 28;
            default:
                return (ReadHardware(position + 4, 1) & 0xF) == 0xF ? 16 : 8;
        }
    }

    private bool HasExtendedHeader() => _copy.Length > StandardBytes && ReadHardware(StandardBytes, 4) != 0;

    /// <summary>vfio_msi_cap_len: what a program may do with MSI depends on its shape.</summary>
    private int SetUpMsi(int position)
    {
        uint flags = ReadHardware(position + ConfigTables.MsiFlags, 2);
        bool is64Bit = (flags & 0x80) != 0;
        bool hasMask = (flags & 0x100) != 0;
        int length = 10 + (is64Bit ? 4 : 0) + (hasMask ? 10 : 0);
        _msi ??= ConfigTables.Msi(length, is64Bit, hasMask);
        return length;
    }

    /// <summary>vfio_ext_cap_len.</summary>
    private int LengthOfExtendedAt(ushort id, int position)
    {
        switch (id)
        {
            case ConfigTables.VendorExtended:
            case ConfigTables.DesignatedVendor:
                return (int)(ReadHardware(position + 4, 4) >> 20);
            case PciExtendedCapabilityId.AccessControl:
                return LengthOfAccessControl(position);
            case ConfigTables.ResizableBar:
                return 4 + 8 * (int)(ReadHardware(position + 8, 1) >> 5 & 7);
            case ConfigTables.DynamicPower:
                return 16 + (int)(ReadHardware(position + 4, 1) & 0x1F) + 1;
            case ConfigTables.Hints:
                uint capability = ReadHardware(position + 4, 4);
                bool hasTable = (capability & 0x600) == 0x200;
                return hasTable ? 12 + 2 * (int)(capability >> 16 & 0x7FF) + 2 : 12;
            default:
                return LengthOfVirtualChannels(position);
        }
    }

    private int LengthOfAccessControl(int position)
    {
        if ((ReadHardware(position + 4, 1) & 0x20) == 0)
        {
            return 8;
        }

        int peers = (int)ReadHardware(position + 5, 1);
        return 8 + (peers == 0 ? 256 : (peers + 31) & ~31) / 8;
    }

    /// <summary>vfio_vc_cap_len.</summary>
    private int LengthOfVirtualChannels(int position)
    {
        int more = (int)ReadHardware(position + 4, 4) & 7;
        uint phases = ReadHardware(position + 8, 4);
        int arbitration =
            (phases & 0x8) != 0 ? 128
            : (phases & 0x4) != 0 ? 64
            : (phases & 0x2) != 0 ? 32
            : 0;
        int length = VirtualChannelBytes + (1 + more) * BytesOfVirtualChannel;
        return arbitration == 0 ? length : ((length + 15) & ~15) + arbitration * 4 / 8;
    }
}
