using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>
/// Configuration space as a program sees it (drivers/vfio/pci/vfio_pci_config.c): a copy holds what is virtual, a map tells
/// which capability each byte belongs to, and that says what may be done with it.
/// </summary>
internal sealed partial class VfioPciConfiguration
{
    private const byte NoCapability = 0xFF;
    private const int StandardBytes = 256;
    private const int BaseAddresses = 6;
    private const int LastBaseAddress = 0x24;

    private readonly VfioPciDevice _owner;
    private readonly PciDevice _device;
    private readonly byte[] _copy;
    private readonly byte[] _map;
    private readonly uint[] _realAddresses = new uint[BaseAddresses + 1];
    private ConfigPermissions? _msi;
    private int _mostMsiVectorsLog;

    private VfioPciConfiguration(VfioPciDevice owner)
    {
        _owner = owner;
        _device = owner.Function;
        _copy = new byte[_device.ConfigurationBytes];
        _map = new byte[_device.ConfigurationBytes];
    }

    /// <summary>Whether a program has switched the decoding of memory on; virtual functions need no switch.</summary>
    public bool DecodesMemory =>
        _device.PhysicalFunction is not null || (CopiedCommand & PciRegisters.CommandMemory) != 0;

    private KernelProfile Profile => _owner.Kernel.Profile;

    private ushort CopiedCommand
    {
        get => BinaryPrimitives.ReadUInt16LittleEndian(_copy.AsSpan(PciRegisters.Command));
        set => BinaryPrimitives.WriteUInt16LittleEndian(_copy.AsSpan(PciRegisters.Command), value);
    }

    /// <summary>Reads the function's configuration space for its first user (vfio_config_init).</summary>
    public static VfioPciConfiguration Create(VfioPciDevice owner)
    {
        var configuration = new VfioPciConfiguration(owner);
        configuration.Initialize();
        return configuration;
    }

    /// <summary>MSI has been set up with so many vectors: programs cannot write that there are more (msi_qmax).</summary>
    public void SetMsiVectors(int count) =>
        _mostMsiVectorsLog = System.Numerics.BitOperations.Log2((uint)(2 * count - 1));

    /// <summary>vfio_pci_config_rw: in pieces that are aligned and belong to one capability.</summary>
    public long ReadWrite(Process process, ulong buffer, long count, ulong position, bool isWrite)
    {
        for (long done = 0; done < count; )
        {
            ulong at = position + (ulong)done;
            if (at >= (ulong)_copy.Length || (ulong)(count - done) > (ulong)_copy.Length - at)
            {
                return process.Refuse(
                    Errno.EFAULT,
                    "vfio_config_do_rw",
                    $"0x{at:x} and {count - done} bytes reach beyond the {_copy.Length} bytes of configuration space"
                );
            }

            int size = PieceAt((int)at, count - done);
            long error = isWrite
                ? WritePiece(process, buffer + (ulong)done, (int)at, size)
                : ReadPiece(process, buffer + (ulong)done, (int)at, size);
            if (error < 0)
            {
                return error;
            }

            done += size;
        }

        return count;
    }

    /// <summary>What a program reads there; <paramref name="position"/> and size are as <see cref="PieceAt"/> cuts them.</summary>
    internal uint Read(int position, int sizeBytes)
    {
        (ConfigPermissions permissions, int start) = PermissionsAt(position);
        int offset = position - start;
        switch (permissions.Read)
        {
            case ConfigRead.Raw:
                return ReadHardware(position, sizeBytes);
            case ConfigRead.Direct:
                return ReadDirectly(position, offset, sizeBytes);
            case ConfigRead.Header:
                if (IsBaseAddress(offset))
                {
                    ShowSizes();
                }

                uint value = ReadDefault(permissions, position, offset, sizeBytes);
                bool hidesMemory = offset == PciRegisters.Command && _device.PhysicalFunction is not null;
                return hidesMemory ? value | (uint)(CopiedCommand & PciRegisters.CommandMemory) : value;
            default:
                return ReadDefault(permissions, position, offset, sizeBytes);
        }
    }

    /// <summary>The size of the next access: aligned, and within a double word and a capability.</summary>
    private int PieceAt(int position, long left)
    {
        byte capability = _map[position];
        int length = 1;
        while ((position + length) % 4 != 0 && _map[position + length] == capability)
        {
            length++;
        }

        long most = Math.Min(left, length);
        return most >= 4 && position % 4 == 0 ? 4
            : most >= 2 && position % 2 == 0 ? 2
            : 1;
    }

    private (ConfigPermissions Permissions, int Start) PermissionsAt(int position)
    {
        byte id = _map[position];
        if (position < ConfigTables.HeaderBytes)
        {
            return (ConfigTables.Header, 0);
        }

        if (id == NoCapability)
        {
            return (ConfigTables.Unassigned, position);
        }

        ConfigPermissions permissions =
            position >= StandardBytes ? ConfigTables.OfExtended(id)
            : id == PciCapabilityId.Msi ? _msi!
            : ConfigTables.Of(id);
        return (permissions, StartOf(position));
    }

    /// <summary>vfio_find_cap_start: capabilities of one kind that abut count as one.</summary>
    private int StartOf(int position)
    {
        int first = position >= StandardBytes ? StandardBytes : ConfigTables.HeaderBytes;
        byte id = _map[position];
        while (position - 1 >= first && _map[position - 1] == id)
        {
            position--;
        }

        return position;
    }

    private long ReadPiece(Process process, ulong buffer, int position, int sizeBytes)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Read(position, sizeBytes));
        return process.Memory.TryWrite(buffer, bytes[..sizeBytes])
            ? sizeBytes
            : UserStruct.CannotWrite(process, "vfio_config_do_rw");
    }

    private long WritePiece(Process process, ulong buffer, int position, int sizeBytes)
    {
        (ConfigPermissions permissions, int start) = PermissionsAt(position);
        if (permissions.Write == ConfigWrite.None)
        {
            return sizeBytes;
        }

        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        if (!process.Memory.TryRead(buffer, bytes[..sizeBytes]))
        {
            return UserStruct.CannotRead(process, "vfio_config_do_rw");
        }

        Write(
            permissions,
            new ConfigPiece(position, position - start, sizeBytes),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes)
        );
        return sizeBytes;
    }

    /// <summary>vfio_default_config_read.</summary>
    private uint ReadDefault(ConfigPermissions permissions, int position, int offset, int sizeBytes)
    {
        uint isVirtual = permissions.VirtualBits(offset, sizeBytes);
        uint copied = ReadCopy(position, sizeBytes);
        return isVirtual == uint.MaxValue >> (32 - 8 * sizeBytes)
            ? copied
            : ReadHardware(position, sizeBytes) & ~isVirtual | copied & isVirtual;
    }

    /// <summary>vfio_direct_config_read: the list of capabilities is the copy's.</summary>
    private uint ReadDirectly(int position, int offset, int sizeBytes)
    {
        uint value = ReadHardware(position, sizeBytes);
        if (position >= StandardBytes)
        {
            return offset < 4 ? ReadCopy(position, sizeBytes) : value;
        }

        return offset switch
        {
            0 when sizeBytes > 1 => value & ~0xFFFFu | ReadCopy(position, 2),
            ConfigPermissions.Next => value & ~0xFFu | ReadCopy(position, 1),
            _ => value,
        };
    }

    private uint ReadHardware(int position, int sizeBytes) =>
        _device.OnBus.Host.Configuration.Read(_device.OnBus.Number, _device.Devfn, position, sizeBytes);

    private void WriteHardware(int position, int sizeBytes, uint value) =>
        _device.OnBus.Host.Configuration.Write(_device.OnBus.Number, _device.Devfn, position, sizeBytes, value);

    private uint ReadCopy(int position, int sizeBytes)
    {
        uint value = 0;
        for (int n = 0; n < sizeBytes; n++)
        {
            value |= (uint)_copy[position + n] << 8 * n;
        }

        return value;
    }

    private void WriteCopy(int position, int sizeBytes, uint value)
    {
        for (int n = 0; n < sizeBytes; n++)
        {
            _copy[position + n] = (byte)(value >> 8 * n);
        }
    }

    private static bool IsBaseAddress(int offset) =>
        offset
            is >= PciRegisters.BaseAddress0
                and < LastBaseAddress + 4
                or >= PciRegisters.RomAddress
                and < PciRegisters.RomAddress + 4;

    /// <summary>An access that <see cref="PieceAt"/> has cut.</summary>
    /// <param name="Position">Where in configuration space.</param>
    /// <param name="Offset">Where in its capability.</param>
    /// <param name="SizeBytes">1, 2 or 4.</param>
    private readonly record struct ConfigPiece(int Position, int Offset, int SizeBytes)
    {
        /// <summary>Where its capability begins.</summary>
        public int Start => Position - Offset;

        /// <summary>Whether it touches a byte of its capability.</summary>
        public bool Covers(int offset) => Offset <= offset && offset < Offset + SizeBytes;
    }
}
