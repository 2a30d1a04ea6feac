using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>How a part of configuration space is read for a program (readfn of struct perm_bits).</summary>
internal enum ConfigRead
{
    /// <summary>Hardware, but for the pointer to the next capability.</summary>
    Direct,

    /// <summary>Virtual bits from the copy, the others from hardware.</summary>
    Default,

    /// <summary>As <see cref="Default"/>; base addresses answer sizing.</summary>
    Header,

    /// <summary>Hardware as it is.</summary>
    Raw,
}

/// <summary>How a part of configuration space is written for a program (writefn of struct perm_bits).</summary>
internal enum ConfigWrite
{
    /// <summary>Not at all: what is written is dropped.</summary>
    None,

    /// <summary>Writable bits to the copy where they are virtual, to hardware where not.</summary>
    Default,

    /// <summary>The standard header.</summary>
    Header,

    /// <summary>Power management: the state is changed by the kernel.</summary>
    PowerManagement,

    /// <summary>Vital product data: read and written by the kernel.</summary>
    Vpd,

    /// <summary>PCI Express: function level reset and the size of read requests are the kernel's.</summary>
    Express,

    /// <summary>Advanced features: function level reset is the kernel's.</summary>
    AdvancedFeatures,

    /// <summary>MSI: how many vectors and whether at all is decided by ioctls.</summary>
    Msi,

    /// <summary>Hardware as it is.</summary>
    Raw,
}

/// <summary>
/// What a program may do with the bits of a capability (struct perm_bits of drivers/vfio/pci/vfio_pci_config.c): everything can
/// be read, and comes from the kernel's copy where a bit is virtual; only bits marked so can be written.
/// </summary>
/// <param name="read">How it is read.</param>
/// <param name="write">How it is written.</param>
/// <param name="lengthBytes">How many bytes have marks; the rest has none.</param>
internal sealed class ConfigPermissions(ConfigRead read, ConfigWrite write, int lengthBytes = 0)
{
    public const uint All = uint.MaxValue;
    public const int Next = 1;

    private readonly byte[] _virtual = new byte[(lengthBytes + 3) & ~3];
    private readonly byte[] _writable = new byte[(lengthBytes + 3) & ~3];

    public ConfigRead Read { get; } = read;

    public ConfigWrite Write { get; } = write;

    /// <summary>Marks a byte.</summary>
    public ConfigPermissions Byte(int offset, uint isVirtual, uint isWritable) => Set(offset, 1, isVirtual, isWritable);

    /// <summary>Marks a word.</summary>
    public ConfigPermissions Word(int offset, uint isVirtual, uint isWritable) => Set(offset, 2, isVirtual, isWritable);

    /// <summary>Marks a double word.</summary>
    public ConfigPermissions Dword(int offset, uint isVirtual, uint isWritable) =>
        Set(offset, 4, isVirtual, isWritable);

    /// <summary>Which of some bits are the copy's.</summary>
    public uint VirtualBits(int offset, int sizeBytes) => Get(_virtual, offset, sizeBytes);

    /// <summary>Which of some bits can be written.</summary>
    public uint WritableBits(int offset, int sizeBytes) => Get(_writable, offset, sizeBytes);

    private static uint Get(byte[] marks, int offset, int sizeBytes)
    {
        // Capabilities of one kind that abut count as one, which then is longer than its marks.
        Span<byte> word = stackalloc byte[4];
        word.Clear();
        for (int n = 0; n < sizeBytes && offset + n < marks.Length; n++)
        {
            word[n] = marks[offset + n];
        }

        return BinaryPrimitives.ReadUInt32LittleEndian(word);
    }

    private ConfigPermissions Set(int offset, int sizeBytes, uint isVirtual, uint isWritable)
    {
        for (int n = 0; n < sizeBytes; n++)
        {
            _virtual[offset + n] = (byte)(isVirtual >> 8 * n);
            _writable[offset + n] = (byte)(isWritable >> 8 * n);
        }

        return this;
    }
}
