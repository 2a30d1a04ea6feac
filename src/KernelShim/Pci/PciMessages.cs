using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>An address and data that a function writes to interrupt (struct msi_msg), and the Linux number it raises.</summary>
/// <param name="Address">Where the write goes, as the function sees it.</param>
/// <param name="Data">What is written.</param>
/// <param name="Interrupt">The Linux interrupt number.</param>
public readonly record struct PciMessage(ulong Address, uint Data, int Interrupt);

/// <summary>Who turns messages of functions into interrupts: the driver of an ITS (struct irq_domain of an MSI controller).</summary>
public interface IPciMessageDomain
{
    /// <summary>Makes messages for a function; null when it cannot.</summary>
    /// <param name="device">The function.</param>
    /// <param name="count">How many, a power of two for MSI.</param>
    IReadOnlyList<PciMessage>? Allocate(PciDevice device, int count);

    /// <summary>Gives a function's messages back.</summary>
    void Free(PciDevice device);
}

/// <summary>MSI and MSI-X of functions (drivers/pci/msi).</summary>
public sealed class PciMessages
{
    private const ushort MsiEnable = 0x1;
    private const ushort MsiCan64Bit = 0x80;
    private const ushort MsiCanMask = 0x100;
    private const ushort MsiXEnable = 0x8000;
    private const ushort MsiXMaskAll = 0x4000;
    private const int EntryBytes = 16;

    private readonly Kernel _kernel;
    private readonly Dictionary<PciDevice, IReadOnlyList<PciMessage>> _messages = [];

    internal PciMessages(Kernel kernel) => _kernel = kernel;

    /// <summary>The controller; null while there is none, and functions have their INTx only.</summary>
    public IPciMessageDomain? Domain { get; set; }

    /// <summary>The first message's interrupt of a function that has messages.</summary>
    public int? FirstInterruptOf(PciDevice device) =>
        _messages.TryGetValue(device, out IReadOnlyList<PciMessage>? messages) && device.MsiEnabled
            ? messages[0].Interrupt
            : null;

    /// <summary>
    /// pci_alloc_irq_vectors with PCI_IRQ_MSIX | PCI_IRQ_MSI: the messages of a function are set up and switched on, MSI-X before
    /// MSI. False when it has neither or there is no controller.
    /// </summary>
    /// <param name="device">The function.</param>
    /// <param name="count">How many are wanted at most.</param>
    /// <param name="messages">What it got.</param>
    public bool TryEnable(PciDevice device, int count, out IReadOnlyList<PciMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(device);
        bool isMsiX = device.FindCapability(PciCapabilityId.MsiX) != 0;
        return TryEnable(device, count, isMsiX, out messages);
    }

    /// <summary>pci_alloc_irq_vectors with one of PCI_IRQ_MSIX and PCI_IRQ_MSI.</summary>
    /// <param name="device">The function.</param>
    /// <param name="count">How many are wanted at most.</param>
    /// <param name="isMsiX">Whether MSI-X is wanted, not MSI.</param>
    /// <param name="messages">What it got.</param>
    internal bool TryEnable(PciDevice device, int count, bool isMsiX, out IReadOnlyList<PciMessage> messages)
    {
        messages = [];
        int at = device.FindCapability(isMsiX ? PciCapabilityId.MsiX : PciCapabilityId.Msi);
        if (Domain is null || at == 0)
        {
            return false;
        }

        int available = isMsiX ? (device.ReadWord(at + 2) & 0x7FF) + 1 : 1 << (device.ReadWord(at + 2) >> 1 & 7);
        if (Domain.Allocate(device, Math.Min(count, available)) is not { } allocated)
        {
            return false;
        }

        messages = allocated;
        _messages[device] = allocated;
        if (isMsiX)
        {
            EnableMsiX(device, at, allocated);
        }
        else
        {
            EnableMsi(device, at, allocated);
        }

        ShowIn(device, allocated);
        return true;
    }

    /// <summary>
    /// A message goes with its handler: without one it is all zeros, so that a function that sends it all the same writes to
    /// address 0 (msi_domain_activate and msi_domain_deactivate). Of several MSIs the first stands for all.
    /// </summary>
    internal void SetActive(PciDevice device, int index, bool isActive)
    {
        if (!_messages.TryGetValue(device, out IReadOnlyList<PciMessage>? messages))
        {
            return;
        }

        PciMessage message = isActive ? messages[index] : default;
        if (device.MsiXEnabled)
        {
            WriteEntry(device, device.FindCapability(PciCapabilityId.MsiX), index, message, isMasked: !isActive);
        }
        else if (index == 0)
        {
            WriteMsi(device, device.FindCapability(PciCapabilityId.Msi), message);
        }
    }

    /// <summary>pci_restore_msi_state: what a reset has taken from the capability and the table is written again.</summary>
    internal void Restore(PciDevice device)
    {
        if (!_messages.TryGetValue(device, out IReadOnlyList<PciMessage>? messages))
        {
            return;
        }

        int at = device.FindCapability(device.MsiXEnabled ? PciCapabilityId.MsiX : PciCapabilityId.Msi);
        if (device.MsiXEnabled)
        {
            EnableMsiX(device, at, messages);
        }
        else
        {
            EnableMsi(device, at, messages);
        }
    }

    /// <summary>pci_free_irq_vectors.</summary>
    public void Disable(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!_messages.Remove(device))
        {
            return;
        }

        if (device.MsiXEnabled)
        {
            device.UpdateWord(device.FindCapability(PciCapabilityId.MsiX) + 2, MsiXEnable, 0);
        }

        if (device.MsiEnabled)
        {
            device.UpdateWord(device.FindCapability(PciCapabilityId.Msi) + 2, MsiEnable, 0);
        }

        device.MsiEnabled = device.MsiXEnabled = false;
        device.UpdateWord(PciRegisters.Command, PciRegisters.CommandInterruptDisable, 0);
        device.Directory?.Remove("msi_irqs");
        Domain?.Free(device);
    }

    /// <summary>msix_capability_init: the table lies behind a BAR; everything is masked while it is written.</summary>
    private void EnableMsiX(PciDevice device, int at, IReadOnlyList<PciMessage> messages)
    {
        device.UpdateWord(at + 2, 0, MsiXMaskAll | MsiXEnable);
        uint place = device.ReadDword(at + 4);
        ulong table = device.Regions[place & 7].Start + (place & ~7u);
        int size = (device.ReadWord(at + 2) & 0x7FF) + 1;
        device.UpdateWord(PciRegisters.Command, 0, PciRegisters.CommandInterruptDisable);
        for (int n = 0; n < size; n++)
        {
            _kernel.Board.Cpu.Store(table + (ulong)(n * EntryBytes) + 12, 4, 1);
        }

        for (int n = 0; n < messages.Count; n++)
        {
            WriteEntry(device, at, n, messages[n], isMasked: false);
        }

        device.MsiXEnabled = true;
        device.UpdateWord(at + 2, MsiXMaskAll, 0);
    }

    /// <summary>msi_capability_init.</summary>
    private static void EnableMsi(PciDevice device, int at, IReadOnlyList<PciMessage> messages)
    {
        ushort flags = device.ReadWord(at + 2);
        int data = DataOfMsi(flags, at);
        ushort log = (ushort)System.Numerics.BitOperations.Log2((uint)messages.Count);
        device.UpdateWord(at + 2, 0x70, (ushort)(log << 4));
        WriteMsi(device, at, messages[0]);
        device.MsiEnabled = true;
        device.UpdateWord(PciRegisters.Command, 0, PciRegisters.CommandInterruptDisable);
        if ((flags & MsiCanMask) != 0)
        {
            uint mask = uint.MaxValue >> (32 - (1 << (flags >> 1 & 7)));
            device.WriteDword(data + 4, mask);
        }

        device.UpdateWord(at + 2, 0, MsiEnable);
        if ((flags & MsiCanMask) != 0)
        {
            device.WriteDword(data + 4, 0);
        }
    }

    private static int DataOfMsi(ushort flags, int at) => (flags & MsiCan64Bit) != 0 ? at + 12 : at + 8;

    private static void WriteMsi(PciDevice device, int at, PciMessage message)
    {
        ushort flags = device.ReadWord(at + 2);
        device.WriteDword(at + 4, (uint)message.Address);
        if ((flags & MsiCan64Bit) != 0)
        {
            device.WriteDword(at + 8, (uint)(message.Address >> 32));
        }

        device.WriteWord(DataOfMsi(flags, at), (ushort)message.Data);
    }

    private void WriteEntry(PciDevice device, int at, int index, PciMessage message, bool isMasked)
    {
        uint place = device.ReadDword(at + 4);
        ulong entry = device.Regions[place & 7].Start + (place & ~7u) + (ulong)(index * EntryBytes);
        CpuPort cpu = _kernel.Board.Cpu;
        cpu.Store(entry, 4, (uint)message.Address);
        cpu.Store(entry + 4, 4, (uint)(message.Address >> 32));
        cpu.Store(entry + 8, 4, message.Data);
        cpu.Store(entry + 12, 4, isMasked ? 1u : 0);
    }

    private static void ShowIn(PciDevice device, IReadOnlyList<PciMessage> messages)
    {
        if (device.Directory is not { } directory)
        {
            return;
        }

        DirectoryInode files = directory.AddDirectory("msi_irqs");
        string kind = device.MsiXEnabled ? "msix\n" : "msi\n";
        foreach (PciMessage message in messages)
        {
            string name = message.Interrupt.ToString(CultureInfo.InvariantCulture);
            files.AddAttribute(name, AttributeMode.ReadOnly, () => kind);
        }
    }
}
