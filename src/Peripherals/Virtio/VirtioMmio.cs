using System.Buffers.Binary;
using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A virtio transport over MMIO with nothing behind it (OASIS Virtual I/O Device 1.2, 4.2.4, legacy interface), as QEMU's virt
/// machine has 32 of: it says that it is one, and a device ID of 0 that there is no device.
/// </summary>
/// <remarks>
/// The specification lets software read words only. What comes of narrower reads is QEMU's: the register that begins at the
/// address, cut to size, and 0 between registers.
/// </remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class VirtioMmio : Device<VirtioMmio.Registers>, IBusTarget
{
    // csharpier-ignore
    private static readonly RegisterMap<VirtioMmio, Registers> Map = new RegisterMap<VirtioMmio, Registers>("VIRTIO-MMIO", size: 0x200)
        .Constant  (0x000, "MagicValue", 0x7472_6976)
        .Constant  (0x004, "Version",    1)
        .Constant  (0x008, "DeviceID",   0)
        .Constant  (0x00C, "VendorID",   0x554D_4551)
        .Stored    (0x014, "HostFeaturesSel", (ref s) => ref s.FeatureWord);

    private readonly RegisterWindow<VirtioMmio, Registers> _window;

    /// <summary>Makes a transport.</summary>
    public VirtioMmio(DeviceContext context)
        : base(context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _window = new RegisterWindow<VirtioMmio, Registers>(this, Map);
        Windows = [_window];
        context.Interrupt(0, "irq");
        context.MapRegisters(0, this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public override void Reset() => State = default;

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        data.Clear();
        if ((address & 3) == 0)
        {
            Span<byte> word = stackalloc byte[4];
            word.Clear();
            if (IsRegister(address))
            {
                _window.ReadWord(address, 4, out ulong value, transaction);
                BinaryPrimitives.WriteUInt32LittleEndian(word, (uint)value);
            }

            word[..Math.Min(4, data.Length)].CopyTo(data);
        }

        return BusStatus.Okay;
    }

    /// <summary>Without a device behind it nothing is kept but which features are asked for.</summary>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        address == 0x014 && data.Length == 4 ? _window.Write(address, data, transaction) : BusStatus.Okay;

    private static bool IsRegister(ulong address) => address <= 0x00C;

    /// <summary>What the transport remembers.</summary>
    public struct Registers
    {
        /// <summary>HostFeaturesSel.</summary>
        public uint FeatureWord;
    }
}
