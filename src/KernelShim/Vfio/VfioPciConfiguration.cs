namespace Emulator.KernelShim;

/// <summary>
/// The configuration space that programs see (drivers/vfio/pci/vfio_pci_config.c): a copy, with a mask for each byte of what
/// comes from the copy and what may be written; the rest goes to the function.
/// </summary>
internal sealed class VfioPciConfiguration
{
    private const ushort InitiateFlr = 0x8000;
    private const int ExpressBytes = 0x3C;
    private const int PowerControl = 4;

    private readonly PciDevice _device;
    private readonly byte[] _copy;
    private readonly byte[] _virtual;
    private readonly byte[] _writable;
    private readonly uint[] _saved;
    private readonly int _power;
    private readonly int _express;

    public VfioPciConfiguration(PciDevice device)
    {
        _device = device;
        _copy = new byte[device.ConfigurationBytes];
        _virtual = new byte[device.ConfigurationBytes];
        _writable = new byte[device.ConfigurationBytes];
        for (int at = 0; at < _copy.Length; at++)
        {
            _copy[at] = device.ReadByte(at);
        }

        _saved = [.. Enumerable.Range(0, 16).Select(n => device.ReadDword(4 * n))];
        _power = device.FindCapability(PciCapabilityId.PowerManagement);
        _express = device.ExpressCapability;
        SetUpHeader();
        SetUpCapabilities();
    }

    /// <summary>Whether memory is decoded, as the program set it and the function has it.</summary>
    public bool DecodesMemory => (_device.ReadWord(PciRegisters.Command) & PciRegisters.CommandMemory) != 0;

    /// <summary>vfio_pci_config_rw: up to four aligned bytes at a time.</summary>
    public long Transfer(Process process, ulong buffer, long count, ulong offset, bool isWrite)
    {
        const string function = "vfio_config_do_rw";
        if (offset >= (ulong)_copy.Length || offset + (ulong)count > (ulong)_copy.Length)
        {
            return process.Refuse(Errno.EFAULT, function, $"0x{offset:x} to 0x{offset + (ulong)count:x} is not in configuration space");
        }

        byte[] bytes = new byte[count];
        if (!isWrite)
        {
            FixBars();
            for (int n = 0; n < count; n++)
            {
                bytes[n] = Read((int)offset + n);
            }

            return process.Memory.TryWrite(buffer, bytes) ? count : UserStruct.CannotWrite(process, function);
        }

        if (!process.Memory.TryRead(buffer, bytes))
        {
            return UserStruct.CannotRead(process, function);
        }

        for (int n = 0; n < count; n++)
        {
            Write((int)offset + n, bytes[n]);
        }

        return count;
    }

    /// <summary>pci_restore_state: the header is as it was when the function was opened.</summary>
    public void Restore()
    {
        for (int n = 15; n >= 0; n--)
        {
            if (_device.ReadDword(4 * n) != _saved[n])
            {
                _device.WriteDword(4 * n, _saved[n]);
            }
        }
    }

    private byte Read(int at) => (byte)(_copy[at] & _virtual[at] | _device.ReadByte(at) & ~_virtual[at]);

    private void Write(int at, byte value)
    {
        byte writable = _writable[at];
        byte kept = (byte)(writable & _virtual[at]);
        _copy[at] = (byte)(_copy[at] & ~kept | value & kept);
        byte passed = (byte)(writable & ~_virtual[at]);
        if (passed != 0)
        {
            _device.WriteByte(at, (byte)(_device.ReadByte(at) & ~passed | value & passed));
        }

        AfterWrite(at, value);
    }

    /// <summary>What a write starts: a reset of the function.</summary>
    private void AfterWrite(int at, byte value)
    {
        bool isReset =
            _express != 0
            && at == _express + PciExpress.DeviceControl + 1
            && (value & InitiateFlr >> 8) != 0
            && PciReset.HasFunctionLevelReset(_device);
        if (isReset)
        {
            _copy[at] &= 0x7F;
            PciReset.TryReset(_device);
        }
    }

    /// <summary>init_pci_cap_basic_perm.</summary>
    private void SetUpHeader()
    {
        Set(PciRegisters.VendorId, 4, isVirtual: true, isWritable: false);
        Set(PciRegisters.Command, 2, isVirtual: false, isWritable: true);
        _virtual[PciRegisters.Command + 1] = PciRegisters.CommandInterruptDisable >> 8;
        _virtual[PciRegisters.Status] = (byte)PciRegisters.StatusCapabilities;
        Set(0x0C, 2, isVirtual: false, isWritable: true);
        Set(0x0F, 1, isVirtual: false, isWritable: true);
        Set(PciRegisters.BaseAddress0, 24, isVirtual: true, isWritable: true);
        Set(PciRegisters.RomAddress, 4, isVirtual: true, isWritable: true);
        Set(PciRegisters.CapabilityPointer, 1, isVirtual: true, isWritable: false);
        Set(PciRegisters.InterruptLine, 1, isVirtual: true, isWritable: true);
        Set(PciRegisters.InterruptPin, 1, isVirtual: true, isWritable: false);
        if (_device.PhysicalFunction is not null || _device.Interrupt == 0)
        {
            _copy[PciRegisters.InterruptPin] = 0;
        }
    }

    /// <summary>vfio_cap_init: the chain is virtual, and capabilities that programs are not given are left out of it.</summary>
    private void SetUpCapabilities()
    {
        int previous = PciRegisters.CapabilityPointer;
        bool hasAny = false;
        for (int at = _copy[previous] & ~3, left = 48; at >= 0x40 && at < 0x100 && left > 0; left--)
        {
            byte next = (byte)(_copy[at + 1] & ~3);
            if (IsGiven(_copy[at]))
            {
                hasAny = true;
                Set(at, 2, isVirtual: true, isWritable: false);
                SetUpCapability(_copy[at], at);
                previous = at + 1;
            }
            else
            {
                _copy[previous] = next;
            }

            at = next;
        }

        if (!hasAny)
        {
            _copy[PciRegisters.Status] &= unchecked((byte)~PciRegisters.StatusCapabilities);
        }
    }

    /// <summary>pci_cap_length: those of length 0 are hidden.</summary>
    private static bool IsGiven(byte id) =>
        id
            is PciCapabilityId.PowerManagement
                or PciCapabilityId.Vpd
                or PciCapabilityId.Msi
                or 0x07
                or 0x08
                or 0x09
                or PciCapabilityId.Express
                or PciCapabilityId.MsiX
                or PciCapabilityId.AdvancedFeatures;

    private void SetUpCapability(byte id, int at)
    {
        switch (id)
        {
            case PciCapabilityId.PowerManagement:
                // PME is the host's; the state and the data select are passed on.
                Set(at + PowerControl, 2, isVirtual: false, isWritable: true);
                _virtual[at + PowerControl + 1] = 0x81;
                _copy[at + 3] &= 0x07;
                _virtual[at + 3] = 0xF8;
                break;
            case PciCapabilityId.Msi:
                bool is64Bit = (_copy[at + 2] & 0x80) != 0;
                Set(at + 2, 1, isVirtual: true, isWritable: true);
                _writable[at + 2] = 0x71;
                Set(at + 4, is64Bit ? 10 : 6, isVirtual: true, isWritable: true);
                if ((_copy[at + 3] & 1) != 0)
                {
                    Set(at + (is64Bit ? 16 : 12), 4, isVirtual: false, isWritable: true);
                }

                break;
            case PciCapabilityId.Express:
                Set(at + PciExpress.DeviceControl, 2, isVirtual: false, isWritable: true);
                _virtual[at + PciExpress.DeviceControl] = 0xE0;
                _virtual[at + PciExpress.DeviceControl + 1] = 0xF0;
                _writable[at + PciExpress.DeviceControl + 1] = 0xFD;
                if (at + ExpressBytes <= 0x100 && (_copy[at + PciExpress.Flags] & 0xF) >= 2)
                {
                    Set(at + PciExpress.DeviceControl2, 2, isVirtual: false, isWritable: true);
                    _writable[at + PciExpress.DeviceControl2] = 0xDF;
                }

                break;
            default:
                break;
        }
    }

    /// <summary>vfio_bar_fixup: what was written to BARs shows as far as their sizes let it.</summary>
    private void FixBars()
    {
        for (int n = 0; n <= PciDevice.RomResource; n++)
        {
            PciResource region = _device.Regions[n];
            int register = n == PciDevice.RomResource ? PciRegisters.RomAddress : PciRegisters.BaseAddress0 + 4 * n;
            if (region.Flags == 0)
            {
                bool isUpper = n is > 0 and < PciDevice.RomResource && _device.Regions[n - 1] is { Is64Bit: true, Flags: not 0 };
                if (!isUpper)
                {
                    PutDword(register, 0);
                }

                continue;
            }

            ulong mask = ~(region.Size - 1);
            uint flags = n == PciDevice.RomResource ? GetDword(register) & 1 : (uint)(region.Flags & (region.IsIo ? 3u : 0xFu));
            PutDword(register, GetDword(register) & (uint)mask | flags);
            if (region.Is64Bit)
            {
                PutDword(register + 4, GetDword(register + 4) & (uint)(mask >> 32));
            }
        }
    }

    private uint GetDword(int at) => BitConverter.ToUInt32(_copy, at);

    private void PutDword(int at, uint value) => BitConverter.TryWriteBytes(_copy.AsSpan(at), value);

    private void Set(int at, int length, bool isVirtual, bool isWritable)
    {
        _virtual.AsSpan(at, length).Fill(isVirtual ? (byte)0xFF : (byte)0);
        _writable.AsSpan(at, length).Fill(isWritable ? (byte)0xFF : (byte)0);
    }
}
