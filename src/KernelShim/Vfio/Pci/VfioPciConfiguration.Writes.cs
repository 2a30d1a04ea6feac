namespace Emulator.KernelShim;

/// <content>What programs write (the writefn functions of drivers/vfio/pci/vfio_pci_config.c).</content>
internal sealed partial class VfioPciConfiguration
{
    private const ushort DecodeBits = PciRegisters.CommandMemory | PciRegisters.CommandIo;
    private const ushort VpdFlag = 0x8000;
    private const ushort MsiEnable = 0x1;
    private const ushort MsiQueueSize = 0x70;
    private const byte AdvancedFunctionReset = 1;

    private void Write(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        switch (permissions.Write)
        {
            case ConfigWrite.Raw:
                WriteHardware(piece.Position, piece.SizeBytes, value);
                break;
            case ConfigWrite.Header:
                WriteHeader(permissions, piece, value);
                break;
            case ConfigWrite.PowerManagement:
                WriteDefault(permissions, piece, value);
                if (piece.Offset == ConfigTables.PowerControl)
                {
                    _owner.Power.TrySet((int)(value & ConfigTables.PowerStateBits));
                }

                break;
            case ConfigWrite.Vpd:
                WriteVitalProductData(permissions, piece, value);
                break;
            case ConfigWrite.Express:
                WriteExpress(permissions, piece, value);
                break;
            case ConfigWrite.AdvancedFeatures:
                WriteAdvancedFeatures(permissions, piece, value);
                break;
            case ConfigWrite.Msi:
                WriteMsi(permissions, piece, value);
                break;
            default:
                WriteDefault(permissions, piece, value);
                break;
        }
    }

    /// <summary>vfio_default_config_write.</summary>
    private void WriteDefault(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        uint isWritable = permissions.WritableBits(piece.Offset, piece.SizeBytes);
        uint isVirtual = permissions.VirtualBits(piece.Offset, piece.SizeBytes);
        uint toCopy = isWritable & isVirtual;
        uint toHardware = isWritable & ~isVirtual;
        if (toCopy != 0)
        {
            uint present = ReadCopy(piece.Position, piece.SizeBytes);
            WriteCopy(piece.Position, piece.SizeBytes, present & ~toCopy | value & toCopy);
        }

        if (toHardware != 0)
        {
            uint present = ReadHardware(piece.Position, piece.SizeBytes);
            WriteHardware(piece.Position, piece.SizeBytes, present & ~toHardware | value & toHardware);
        }
    }

    /// <summary>vfio_basic_config_write.</summary>
    private void WriteHeader(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        bool isCommand = piece.Offset == PciRegisters.Command;
        if (isCommand)
        {
            RestoreAfterHiddenReset((ushort)value);
        }

        WriteDefault(permissions, piece, value);
        if (isCommand)
        {
            CopiedCommand = (ushort)((uint)CopiedCommand & ~(uint)DecodeBits | value & DecodeBits);
        }

        if (piece.Offset is PciRegisters.Command or PciRegisters.Command + 1)
        {
            _owner.Interrupts.FollowDisableBit((CopiedCommand & PciRegisters.CommandInterruptDisable) != 0);
        }
    }

    /// <summary>
    /// Decoding that programs believe on but hardware has off, or addresses that are not those: something has reset the
    /// function by a way of its own.
    /// </summary>
    private void RestoreAfterHiddenReset(ushort wanted)
    {
        ushort real = _device.ReadWord(PciRegisters.Command);
        int lost = wanted & CopiedCommand & ~real & DecodeBits;
        bool hasForgotten = Enumerable
            .Range(0, BaseAddresses)
            .Any(n =>
                _realAddresses[n] != 0 && _device.ReadDword(PciRegisters.BaseAddress0 + 4 * n) != _realAddresses[n]
            );
        if ((lost == 0 && !hasForgotten) || _device.PhysicalFunction is not null)
        {
            return;
        }

        _owner.Kernel.Pci.Info(_device, "vfio_bar_restore: reset recovery - restoring BARs");
        for (int n = 0; n < BaseAddresses; n++)
        {
            _device.WriteDword(PciRegisters.BaseAddress0 + 4 * n, _realAddresses[n]);
        }

        _device.WriteDword(PciRegisters.RomAddress, _realAddresses[BaseAddresses]);
        if (_owner.HasNoInterrupt)
        {
            _device.UpdateWord(PciRegisters.Command, 0, PciRegisters.CommandInterruptDisable);
        }
    }

    /// <summary>vfio_bar_fixup: base addresses keep only the bits that registers of that size would.</summary>
    private void ShowSizes()
    {
        for (int n = 0; n < BaseAddresses; n++)
        {
            PciResource region = _device.Regions[n];
            int register = PciRegisters.BaseAddress0 + 4 * n;
            if (region.Start == 0)
            {
                WriteCopy(register, 4, 0);
                continue;
            }

            ulong mask = ~(region.Size - 1);
            WriteCopy(register, 4, ReadCopy(register, 4) & (uint)mask | KindOf(region));
            if (region.Is64Bit && !region.IsIo)
            {
                n++;
                WriteCopy(register + 4, 4, ReadCopy(register + 4, 4) & (uint)(mask >> 32));
            }
        }

        PciResource rom = _device.Regions[PciDevice.RomResource];
        uint romMask = rom.Start == 0 ? 0 : (uint)~(rom.Size - 1) | 1;
        WriteCopy(PciRegisters.RomAddress, 4, ReadCopy(PciRegisters.RomAddress, 4) & romMask);
    }

    /// <summary>vfio_generate_bar_flags.</summary>
    private static uint KindOf(PciResource region) =>
        region.IsIo ? 1u : (region.IsPrefetchable ? 8u : 0) | (region.Is64Bit ? 4u : 0);

    /// <summary>vfio_vpd_config_write: the upper byte of the address starts the kernel's own access.</summary>
    private void WriteVitalProductData(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        WriteDefault(permissions, piece, value);
        if (!piece.Covers(ConfigTables.VpdAddress + 1))
        {
            return;
        }

        int addressAt = piece.Start + ConfigTables.VpdAddress;
        int dataAt = piece.Start + ConfigTables.VpdData;
        ushort address = (ushort)ReadCopy(addressAt, 2);
        bool isWrite = (address & VpdFlag) != 0;
        if (isWrite)
        {
            WriteHardware(dataAt, 4, ReadCopy(dataAt, 4));
        }

        WriteHardware(addressAt, 2, address);
        ushort state = (ushort)ReadHardware(addressAt, 2);
        if (((state & VpdFlag) != 0) == isWrite)
        {
            return;
        }

        if (!isWrite)
        {
            WriteCopy(dataAt, 4, ReadHardware(dataAt, 4));
        }

        WriteCopy(addressAt, 2, (uint)(address ^ VpdFlag));
    }

    /// <summary>vfio_exp_config_write.</summary>
    private void WriteExpress(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        int control = piece.Start + PciExpress.DeviceControl;
        uint before = ReadCopy(control, 2) & ConfigTables.ReadRequestBits;
        WriteDefault(permissions, piece, value);
        if ((ReadCopy(control, 2) & ConfigTables.FunctionReset) != 0)
        {
            WriteCopy(control, 2, ReadCopy(control, 2) & ~(uint)ConfigTables.FunctionReset);
            uint capabilities = ReadHardware(piece.Start + PciExpress.DeviceCapabilities, 4);
            if ((capabilities & PciExpress.FunctionLevelReset) != 0)
            {
                _owner.TryResetFunction();
            }
        }

        uint wanted = ReadCopy(control, 2) & ConfigTables.ReadRequestBits;
        if (wanted != before)
        {
            SetReadRequest(control, wanted);
        }
    }

    /// <summary>pcie_set_readrq, at least as large as the payload that the hardware is set to.</summary>
    private void SetReadRequest(int control, uint wanted)
    {
        const int most = 5;
        uint real = ReadHardware(control, 2);
        uint size = Math.Max(wanted >> 12, (real & ConfigTables.PayloadBits) >> 5);
        if (size <= most)
        {
            _device.UpdateWord(control, ConfigTables.ReadRequestBits, (ushort)(size << 12));
        }
    }

    /// <summary>vfio_af_config_write.</summary>
    private void WriteAdvancedFeatures(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        WriteDefault(permissions, piece, value);
        int control = piece.Start + ConfigTables.AdvancedFeaturesControl;
        if ((_copy[control] & AdvancedFunctionReset) == 0)
        {
            return;
        }

        _copy[control] &= unchecked((byte)~AdvancedFunctionReset);
        const uint pendingAndReset = 3;
        if ((ReadHardware(piece.Start + 3, 1) & pendingAndReset) == pendingAndReset)
        {
            _owner.TryResetFunction();
        }
    }

    /// <summary>vfio_msi_config_write: MSI is switched on by an ioctl alone.</summary>
    private void WriteMsi(ConfigPermissions permissions, ConfigPiece piece, uint value)
    {
        WriteDefault(permissions, piece, value);
        if (piece.Offset > ConfigTables.MsiFlags || piece.Offset + piece.SizeBytes < ConfigTables.MsiFlags)
        {
            return;
        }

        int at = piece.Start + ConfigTables.MsiFlags;
        uint flags = ReadCopy(at, 2);
        if (!_owner.Interrupts.IsMsi)
        {
            flags &= ~(uint)MsiEnable;
        }

        if ((flags & MsiQueueSize) >> 4 > _mostMsiVectorsLog)
        {
            flags = flags & ~(uint)MsiQueueSize | (uint)_mostMsiVectorsLog << 4;
        }

        WriteCopy(at, 2, flags);
        WriteHardware(at, 2, flags);
    }
}
