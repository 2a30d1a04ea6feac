using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The file <c>config</c>: configuration space, read and written cycle by cycle (pci_read_config).</summary>
internal sealed class PciConfigurationInode(PciDevice device) : Inode(InodeKind.Regular, AttributeMode.ReadWrite)
{
    public override long Size => device.ConfigurationBytes;

    public override OpenResult Open(Process process, OpenFlags flags) =>
        new PciConfigurationFile(this, device) { Flags = flags, Inode = this };
}

/// <summary>An open <c>config</c>.</summary>
internal sealed class PciConfigurationFile(PciConfigurationInode inode, PciDevice device) : OpenFile
{
    /// <summary>Without CAP_SYS_ADMIN only the standard header can be read.</summary>
    private const int PublicBytes = 64;

    public override string Description => inode.Path;

    public override long Size => device.ConfigurationBytes;

    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        long size = process.Has(Capabilities.SysAdmin) ? device.ConfigurationBytes : PublicBytes;
        if (position >= size || count == 0)
        {
            return 0;
        }

        byte[] bytes = new byte[Math.Min(count, size - position)];
        device.RuntimePower?.Resume();
        Span<byte> word = stackalloc byte[4];
        foreach ((int offset, int width) in Cycles((int)position, bytes.Length))
        {
            uint value = device.OnBus.Host.Configuration.Read(device.OnBus.Number, device.Devfn, offset, width);
            BinaryPrimitives.WriteUInt32LittleEndian(word, value);
            word[..width].CopyTo(bytes.AsSpan(offset - (int)position));
        }

        device.RuntimePower?.Suspend();
        return process.Memory.TryWrite(buffer, bytes)
            ? bytes.Length
            : process.Refuse(Errno.EFAULT, "copy_to_user", "the buffer is not in the process's memory");
    }

    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        if (position > device.ConfigurationBytes || count == 0)
        {
            return 0;
        }

        byte[] bytes = new byte[Math.Min(count, device.ConfigurationBytes - position)];
        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "copy_from_user", "the buffer is not in the process's memory");
        }

        device.RuntimePower?.Resume();
        Span<byte> word = stackalloc byte[4];
        foreach ((int offset, int width) in Cycles((int)position, bytes.Length))
        {
            word.Clear();
            bytes.AsSpan(offset - (int)position, width).CopyTo(word);
            device.OnBus.Host.Configuration.Write(
                device.OnBus.Number,
                device.Devfn,
                offset,
                width,
                BinaryPrimitives.ReadUInt32LittleEndian(word)
            );
        }

        device.RuntimePower?.Suspend();
        return bytes.Length;
    }

    /// <summary>A range in aligned cycles: a byte and a word up to the first multiple of four, then double words.</summary>
    private static IEnumerable<(int Offset, int Width)> Cycles(int position, int length)
    {
        int end = position + length;
        while (position < end)
        {
            int width =
                (position & 1) != 0 || end - position < 2 ? 1
                : (position & 2) != 0 || end - position < 4 ? 2
                : 4;
            yield return (position, width);
            position += width;
        }
    }
}
