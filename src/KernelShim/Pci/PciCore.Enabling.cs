using System.Globalization;

namespace Emulator.KernelShim;

/// <content>Decoding and bus mastering (drivers/pci/pci.c).</content>
public sealed partial class PciCore
{
    private const byte ShortestLatency = 16;
    private const byte UsualLatency = 64;

    /// <summary>pci_enable_device: its bridges first, then I/O and memory decoding. 0 or a negative errno.</summary>
    public long Enable(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Enable(device, ResourceFlags.Io | ResourceFlags.Memory);
    }

    /// <summary>pci_enable_device_mem.</summary>
    public long EnableMemory(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Enable(device, ResourceFlags.Memory);
    }

    /// <summary>pci_disable_device: only bus mastering ends.</summary>
    public void Disable(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (--device.EnableCount != 0)
        {
            return;
        }

        ushort command = device.ReadWord(PciRegisters.Command);
        if ((command & PciRegisters.CommandMaster) != 0)
        {
            device.WriteWord(PciRegisters.Command, (ushort)(command & ~PciRegisters.CommandMaster));
        }
    }

    /// <summary>pci_set_master.</summary>
    public void SetMaster(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        device.UpdateWord(PciRegisters.Command, 0, PciRegisters.CommandMaster);
        if (!device.IsExpress && device.ReadByte(PciRegisters.LatencyTimer) < ShortestLatency)
        {
            device.WriteByte(PciRegisters.LatencyTimer, UsualLatency);
        }
    }

    private long Enable(PciDevice device, ulong kinds)
    {
        if (++device.EnableCount > 1)
        {
            return 0;
        }

        if (device.OnBus.Bridge is { } bridge)
        {
            EnableBridge(bridge);
        }

        long error = EnableResources(device, kinds);
        if (error != 0)
        {
            device.EnableCount--;
            return error;
        }

        if (!device.MsiEnabled && !device.MsiXEnabled && device.ReadByte(PciRegisters.InterruptPin) != 0)
        {
            device.UpdateWord(PciRegisters.Command, PciRegisters.CommandInterruptDisable, 0);
        }

        return 0;
    }

    /// <summary>pci_enable_bridge.</summary>
    private void EnableBridge(PciDevice bridge)
    {
        if (bridge.OnBus.Bridge is { } above)
        {
            EnableBridge(above);
        }

        if (bridge.EnableCount == 0)
        {
            Enable(bridge);
        }

        SetMaster(bridge);
    }

    /// <summary>pci_enable_resources.</summary>
    private long EnableResources(PciDevice device, ulong kinds)
    {
        ushort command = 0;
        foreach (PciResource resource in device.Regions)
        {
            bool isIdleRom = resource.Index == PciDevice.RomResource && (resource.Flags & ResourceFlags.RomEnable) == 0;
            bool isVirtual = resource.Index is >= PciDevice.IovResources and < PciDevice.BridgeResources;
            if ((resource.Flags & kinds) == 0 || isIdleRom || isVirtual)
            {
                continue;
            }

            string name = PciAssignment.NameOf(resource);
            if ((resource.Flags & ResourceFlags.Unset) != 0 || resource.Parent is null)
            {
                string state = (resource.Flags & ResourceFlags.Unset) != 0 ? "assigned" : "claimed";
                Warn(device, $"{name} {resource.Text}: not {state}; can't enable device");
                return -(long)Errno.EINVAL;
            }

            command |= resource.IsIo ? PciRegisters.CommandIo : PciRegisters.CommandMemory;
        }

        EnableDecoding(device, command);
        return 0;
    }

    /// <summary>Switches decoding on where it is off, and tells so.</summary>
    internal void EnableDecoding(PciDevice device, ushort kinds)
    {
        ushort before = device.ReadWord(PciRegisters.Command);
        ushort command = (ushort)(before | kinds);
        if (command != before)
        {
            Info(device, string.Create(CultureInfo.InvariantCulture, $"enabling device ({before:x4} -> {command:x4})"));
            device.WriteWord(PciRegisters.Command, command);
        }
    }
}
