using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Reading and writing regions (drivers/vfio/pci/vfio_pci_rdwr.c).</content>
internal sealed partial class VfioPciDevice
{
    private const string RwFunction = "vfio_pci_bar_rw";
    private const byte MsixEntryBytes = 16;

    /// <summary>vfio_pci_rw.</summary>
    private long Transfer(Process process, ulong buffer, long count, ulong position, bool isWrite)
    {
        ulong index = position >> OffsetShift;
        ulong offset = position & OffsetMask;
        if (count == 0)
        {
            return 0;
        }

        return index switch
        {
            ConfigurationRegion => _configuration!.Transfer(process, buffer, count, offset, isWrite),
            RomRegion when isWrite => process.Refuse(Errno.EINVAL, "vfio_pci_rw", "the ROM cannot be written"),
            RomRegion => ReadRom(process, buffer, count, offset),
            < RomRegion => TransferBar(process, buffer, count, (int)index, offset, isWrite),
            _ => process.Refuse(Errno.EINVAL, "vfio_pci_rw", $"there is no region {index}"),
        };
    }

    /// <summary>vfio_pci_bar_rw: cut at the end of the BAR; the MSI-X table reads as ones and takes nothing.</summary>
    private long TransferBar(Process process, ulong buffer, long count, int index, ulong offset, bool isWrite)
    {
        PciResource region = _device.Regions[index];
        if (region.Flags == 0 || region.Parent is null || offset >= region.Size)
        {
            return process.Refuse(Errno.EINVAL, RwFunction, $"region {index} has nothing at 0x{offset:x}");
        }

        ulong start = region.Start;
        if (region.IsIo && !_device.OnBus.Host.TryTranslateIo(region.Start, out start))
        {
            return process.Refuse(Errno.EINVAL, RwFunction, "the host bridge has no window of I/O ports");
        }

        if (region.IsMemory && !_configuration!.DecodesMemory)
        {
            return process.Refuse(Errno.EIO, "vfio_pci_core_do_io_rw", "memory decoding is off in the command register");
        }

        count = (long)Math.Min((ulong)count, region.Size - offset);
        (ulong hiddenStart, ulong hiddenEnd) = index == MsixBar() ? MsixTable() : (ulong.MaxValue, ulong.MaxValue);
        for (long done = 0; done < count; )
        {
            ulong at = offset + (ulong)done;
            long left = count - done;
            bool isHidden = at >= hiddenStart && at < hiddenEnd;
            long fill =
                isHidden ? Math.Min(left, (long)(hiddenEnd - at))
                : at < hiddenStart ? (long)Math.Min((ulong)left, hiddenStart - at)
                : left;
            int width = isHidden ? 1 : Width(at, fill);
            long error = isHidden
                ? Hide(process, buffer + (ulong)done, isWrite)
                : Access(process, buffer + (ulong)done, start + at, width, isWrite);
            if (error != 0)
            {
                return error;
            }

            done += width;
        }

        return count;
    }

    private (ulong Start, ulong End) MsixTable()
    {
        int at = _device.FindCapability(PciCapabilityId.MsiX);
        ulong start = _device.ReadDword(at + 4) & ~7u;
        ulong entries = ((ulong)_device.ReadWord(at + 2) & 0x7FF) + 1;
        return (start, start + entries * MsixEntryBytes);
    }

    private static int Width(ulong offset, long left) =>
        left >= 4 && offset % 4 == 0 ? 4
        : left >= 2 && offset % 2 == 0 ? 2
        : 1;

    private static long Hide(Process process, ulong buffer, bool isWrite) =>
        isWrite || process.Memory.TryWrite(buffer, [0xFF]) ? 0 : UserStruct.CannotWrite(process, RwFunction);

    private long Access(Process process, ulong buffer, ulong address, int width, bool isWrite)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        if (isWrite)
        {
            return !process.Memory.TryRead(buffer, bytes[..width]) ? UserStruct.CannotRead(process, RwFunction)
                : Cpu.Store(address, width, BinaryPrimitives.ReadUInt64LittleEndian(bytes)) == BusStatus.Okay ? 0
                : process.Refuse(Errno.EIO, RwFunction, "the bus answered with an error");
        }

        if (Cpu.Load(address, width, out ulong value) != BusStatus.Okay)
        {
            return process.Refuse(Errno.EIO, RwFunction, "the bus answered with an error");
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return process.Memory.TryWrite(buffer, bytes[..width]) ? 0 : UserStruct.CannotWrite(process, RwFunction);
    }

    /// <summary>pci_map_rom: whether something that begins as a ROM does is behind the ROM's register.</summary>
    private bool HasRom()
    {
        if (_device.Regions[RomRegion] is not { Flags: not 0, Parent: not null } rom)
        {
            return false;
        }

        ulong signature = 0;
        WithRom(() => Cpu.Load(rom.Start, 2, out signature));
        return signature == 0xAA55;
    }

    private long ReadRom(Process process, ulong buffer, long count, ulong offset)
    {
        PciResource rom = _device.Regions[RomRegion];
        if (!HasRom() || offset >= rom.Size)
        {
            return process.Refuse(Errno.EINVAL, RwFunction, $"the ROM has nothing at 0x{offset:x}");
        }

        byte[] bytes = new byte[Math.Min((ulong)count, rom.Size - offset)];
        WithRom(() => Cpu.Load(rom.Start + offset, bytes));
        return process.Memory.TryWrite(buffer, bytes) ? bytes.Length : UserStruct.CannotWrite(process, RwFunction);
    }

    /// <summary>Does something while the ROM and memory are decoded.</summary>
    private void WithRom(Action action)
    {
        uint register = _device.ReadDword(PciRegisters.RomAddress);
        ushort command = _device.ReadWord(PciRegisters.Command);
        _device.WriteWord(PciRegisters.Command, (ushort)(command | PciRegisters.CommandMemory));
        _device.WriteDword(PciRegisters.RomAddress, (uint)_device.Regions[RomRegion].Start | 1);
        action();
        _device.WriteDword(PciRegisters.RomAddress, register);
        _device.WriteWord(PciRegisters.Command, command);
    }
}
