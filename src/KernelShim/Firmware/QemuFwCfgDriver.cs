using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>qemu_fw_cfg (drivers/firmware/qemu_fw_cfg.c): what the emulator tells its guest, in /sys/firmware/qemu_fw_cfg.</summary>
internal sealed class QemuFwCfgModule(Kernel kernel) : KernelModule("qemu_fw_cfg")
{
    private QemuFwCfgDriver? _driver;

    /// <summary>fw_cfg_sysfs_init: a top directory, then the driver.</summary>
    public override long Load()
    {
        DirectoryInode top = kernel.Files.Make("/sys/firmware").AddDirectory(QemuFwCfgDriver.Folder);
        _driver = new QemuFwCfgDriver(kernel, top);
        kernel.Drivers.Register(_driver);
        return 0;
    }

    public override void Unload()
    {
        kernel.Drivers.Unregister(_driver!);
        kernel.Files.Make("/sys/firmware").Remove(QemuFwCfgDriver.Folder);
    }
}

/// <summary>The driver: fw_cfg.</summary>
internal sealed class QemuFwCfgDriver(Kernel kernel, DirectoryInode top) : Driver
{
    /// <summary>Its directory in /sys/firmware.</summary>
    public const string Folder = "qemu_fw_cfg";

    private const ulong Data = 0;
    private const ulong Selector = 8;
    private const ushort SignatureKey = 0;
    private const ushort RevisionKey = 1;

    /// <summary>
    /// fw_cfg_sel_ko: set by the first probe and never forgotten, so that no device is taken again, the same one included.
    /// </summary>
    private bool _wasTaken;

    public override string Name => "fw_cfg";

    public override string BusName => "platform";

    public override string? Module => "qemu_fw_cfg";

    public override bool Matches(Device device) =>
        device.Compatible.Contains("qemu,fw-cfg-mmio", StringComparer.Ordinal);

    /// <summary>fw_cfg_sysfs_probe.</summary>
    public override long Probe(Device device)
    {
        if (_wasTaken)
        {
            return -(long)Errno.EBUSY;
        }

        _wasTaken = true;
        if (device.Resources.Count == 0)
        {
            return -(long)Errno.EINVAL;
        }

        // fw_cfg_do_platform_probe: the signature tells whether anybody answers.
        if (Read(device, SignatureKey, 4) is not [(byte)'Q', (byte)'E', (byte)'M', (byte)'U'])
        {
            return -(long)Errno.ENODEV;
        }

        uint revision = BitConverter.ToUInt32(Read(device, RevisionKey, 4));
        top.AddAttribute("rev", AttributeMode.ReadOnly, () => revision.ToString(CultureInfo.InvariantCulture) + "\n");
        top.AddDirectory("by_key");
        top.AddDirectory("by_name");
        return 0;
    }

    public override void Remove(Device device)
    {
        foreach (string name in new[] { "rev", "by_key", "by_name" })
        {
            top.Remove(name);
        }
    }

    /// <summary>The selector takes a key, its high byte first; then data comes byte by byte.</summary>
    private byte[] Read(Device device, ushort key, int length)
    {
        CpuPort cpu = kernel.Board.Cpu;
        ulong registers = device.Resources[0].Start;
        cpu.Store(registers + Selector, 2, (ushort)(key << 8 | key >> 8));
        byte[] bytes = new byte[length];
        for (int n = 0; n < length; n++)
        {
            cpu.Load(registers + Data, 1, out ulong value);
            bytes[n] = (byte)value;
        }

        return bytes;
    }
}
