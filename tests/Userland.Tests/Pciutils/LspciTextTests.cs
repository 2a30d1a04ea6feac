namespace Emulator.Userland.Tests;

public sealed class LspciTextTests
{
    private const string Root = "/tmp/pci";

    [Theory]
    [InlineData(
        "",
        "00:01.0 PCI bridge: Red Hat, Inc. QEMU PCIe Root port\n01:00.0 Unclassified device [00ff]: Device 1234:11e8 (rev 10)\n"
    )]
    [InlineData("-n", "00:01.0 0604: 1b36:000c\n01:00.0 00ff: 1234:11e8 (rev 10)\n")]
    [InlineData("-nn -s 1:", "01:00.0 Unclassified device [00ff]: Device [1234:11e8] (rev 10)\n")]
    [InlineData("-D -d 1b36:", "0000:00:01.0 PCI bridge: Red Hat, Inc. QEMU PCIe Root port\n")]
    [InlineData("-t", "-[0000:00]---01.0-[01]----00.0\n")]
    [InlineData("-P -s 1:", "00:01.0/00.0 Unclassified device [00ff]: Device 1234:11e8 (rev 10)\n")]
    [InlineData(
        "-k -s 1:",
        "01:00.0 Unclassified device [00ff]: Device 1234:11e8 (rev 10)\n\tSubsystem: Red Hat, Inc. Device 1100\n"
            + "\tKernel driver in use: vfio-pci\n\tKernel modules: edu\n"
    )]
    [InlineData(
        "-mm -s 1:",
        "01:00.0 \"Unclassified device [00ff]\" \"Vendor 1234\" \"Device 11e8\" -r10 -p00 \"Red Hat, Inc.\" \"Device 1100\"\n"
    )]
    public void Lspci_shows(string options, string expected)
    {
        Outcome outcome = Make().Run($"lspci -O sysfs.path={Root}/bus/pci {options}");

        outcome.Output.Should().Be(expected, "errors were {0}", outcome.Errors);
    }

    [Fact]
    public void Verbose_output_has_registers_and_capabilities()
    {
        Outcome outcome = Make().Run($"lspci -O sysfs.path={Root}/bus/pci -vv -s 00:01.0");

        outcome
            .Output.Should()
            .ContainAll(
                "\tControl: I/O- Mem+ BusMaster+ ",
                "\tLatency: 0\n\tInterrupt: pin A routed to IRQ 41\n\tIOMMU group: 3\n",
                "\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n",
                "\tMemory behind bridge: 10000000-101fffff [size=2M] [32-bit]\n",
                "\tCapabilities: [40] Express (v2) Root Port (Slot-), MSI 00\n",
                "\tCapabilities: [100 v1] Access Control Services\n\t\tACSCap:\tSrcValid+ TransBlk- ReqRedir+ ",
                "\tKernel driver in use: pcieport\n\n"
            );
    }

    [Fact]
    public void Without_privileges_the_kernel_gives_64_bytes_and_capabilities_are_denied()
    {
        SimulatedSystem system = Make(configBytes: 64);

        system
            .Run($"lspci -O sysfs.path={Root}/bus/pci -v -s 00:01.0")
            .Output.Should()
            .Contain("\tCapabilities: <access denied>\n\tKernel driver in use: pcieport\n");
    }

    [Theory]
    [InlineData("lspci", "lspci: Cannot find any working access method.\n")]
    [InlineData("lspci -A linux-sysfs", "lspci: Cannot open /sys/bus/pci/devices\n")]
    [InlineData("lspci -s 1:2:3:4", "lspci: -s: Too many fields\n")]
    [InlineData("lspci -s 20.0", "lspci: -s: Invalid slot number\n")]
    [InlineData("lspci -d 8086", "lspci: -d: At least two fields must be given\n")]
    [InlineData("lspci -A proc", "lspci: No such PCI access method: proc (see `-A help' for a list)\n")]
    [InlineData(
        "lspci -O nonsense=1",
        "lspci: Unrecognized PCI access parameter: nonsense (see `-O help' for a list)\n"
    )]
    [InlineData("lspci -F /none", "lspci: dump: Cannot open /none: No such file or directory\n")]
    [InlineData("lspci -M", "lspci: Bus mapping mode is not available in this version\n")]
    [InlineData("setpci", "setpci: No operation specified.\nTry `setpci --help' for more information.\n")]
    public void A_mistake_is_said_and_the_status_is_1(string command, string expected)
    {
        var system = new SimulatedSystem();
        if (system.Kernel.Files.Walk(system.Kernel.Init, "/sys/bus/pci").Inode is not null && command is "lspci")
        {
            Assert.Skip("this board has PCI");
        }

        Outcome outcome = system.Run(command);

        outcome.Errors.Should().Be(expected);
        outcome.Status.Should().Be(1);
    }

    [Fact]
    public void A_chain_of_capabilities_that_loops_or_breaks_ends()
    {
        SimulatedSystem system = Make();
        ConfigBytes loop = new ConfigBytes(0x8086, 0x100E, 0x020000).Capability(0x0C, 0, 0).Capability(0x06, 0, 0);
        loop.Byte(0x45, 0x40);
        ConfigBytes broken = new ConfigBytes(0x8086, 0x100E, 0x020000).Capability(0xFF, 0, 0);
        var tree = new SysfsTree(Root);
        tree.AddFunction("pci0000:00/0000:00:02.0", loop.Bytes, Attributes(loop.Bytes));
        tree.AddFunction("pci0000:00/0000:00:03.0", broken.Bytes, Attributes(broken.Bytes));
        tree.Install(system.Kernel);

        string output = system.Run($"lspci -O sysfs.path={Root}/bus/pci -v -d 8086:").Output;

        output.Should().Contain("[44] CompactPCI hot-swap <?>\n\tCapabilities: [40] <chain looped>\n");
        output.Should().Contain("\tCapabilities: [40] <chain broken>\n");
    }

    [Fact]
    public void A_dump_is_read_back()
    {
        SimulatedSystem system = Make();

        Outcome outcome = system.Run(
            $"lspci -O sysfs.path={Root}/bus/pci -vv -xxxx > /tmp/dump; lspci -F /tmp/dump -tn; lspci -F /tmp/dump -n"
        );

        outcome
            .Output.Should()
            .Be("-[0000:00]---01.0-[01]----00.0\n00:01.0 0604: 1b36:000c\n01:00.0 00ff: 1234:11e8 (rev 10)\n");
    }

    [Fact]
    public void Bridges_of_a_dump_that_lead_to_themselves_are_refused_and_drawn_without_end_never()
    {
        SimulatedSystem system = Make();
        byte[] first = new ConfigBytes(0x8086, 0x244E, 0x060400, 1, 64).Byte(0x18, 2).Byte(0x19, 1).Byte(0x1A, 1).Bytes;
        byte[] second = new ConfigBytes(0x8086, 0x244E, 0x060400, 1, 64)
            .Byte(0x18, 1)
            .Byte(0x19, 2)
            .Byte(0x1A, 2)
            .Bytes;
        system.Write("/tmp/dump", $"02:00.0 bridge\n{Dump(first)}\n01:00.0 bridge\n{Dump(second)}\n");

        Outcome outcome = system.Run("lspci -F /tmp/dump -t; lspci -F /tmp/dump -n; lspci -F /tmp/dump -P");

        outcome.Output.Should().Be("-[0000:00]-\n01:00.0 0604: 8086:244e\n02:00.0 0604: 8086:244e\n");
        outcome.Errors.Should().Be("lspci: 0000:01:00.0: its bridges lead to themselves\n");
    }

    private static string Dump(byte[] bytes) =>
        string.Concat(
            bytes.Chunk(16).Select((row, n) => $"{16 * n:x2}: {string.Join(' ', row.Select(value => $"{value:x2}"))}\n")
        );

    [Fact]
    public void Setpci_reads_and_writes_registers_by_name_offset_and_mask()
    {
        SimulatedSystem system = Make();

        Outcome outcome = system.Run(
            $"""
            set -- -O sysfs.path={Root}/bus/pci
            setpci "$@" -s 00:01.0 VENDOR_ID ECAP_ACS+4.w ECAP_ACS+6.w=1d CAP_EXP+8.b
            setpci "$@" -s 00:01.0 ECAP_ACS+6.w COMMAND
            setpci "$@" -s 00:01.0 COMMAND=0:4
            setpci "$@" -v -s 00:01.0 COMMAND=100:100 ECAP_ACS+6.w
            """
        );

        outcome
            .Output.Should()
            .Be(
                """
                1b36
                005d
                00
                001d
                0006
                0000:00:01.0 @04 0002->(0100:0100)->0102
                0000:00:01.0 (ecap 000d @100) @106 = 001d

                """,
                "errors were {0}",
                outcome.Errors
            );
    }

    private static SimulatedSystem Make(int configBytes = 4096)
    {
        var system = new SimulatedSystem();
        ConfigBytes port = new ConfigBytes(0x1B36, 0x000C, 0x060400, 1)
            .Word(0x04, 0x0006)
            .Byte(0x19, 1)
            .Byte(0x1A, 1)
            .Word(0x20, 0x1000)
            .Word(0x22, 0x1010)
            .Byte(0x3D, 1)
            .Capability(0x10, [0x42, 0x00, .. new byte[56]])
            .Extended(0x0D, 1, 0x5D, 0, 0, 0);
        ConfigBytes edu = new ConfigBytes(0x1234, 0x11E8, 0x00FF00, 0, 256).Byte(0x08, 0x10).Long(0x2C, 0x1100_1AF4);
        var tree = new SysfsTree(Root);
        tree.AddFunction(
            "pci0000:00/0000:00:01.0",
            port.Bytes[..configBytes],
            Attributes(port.Bytes, 41),
            "3",
            "pcieport"
        );
        tree.AddFunction("pci0000:00/0000:00:01.0/0000:01:00.0", edu.Bytes, Attributes(edu.Bytes), "3", "vfio-pci");
        tree.Install(system.Kernel);
        system.Write(
            $"/lib/modules/{system.Kernel.Profile.Release}/modules.alias",
            "alias pci:v00001234d000011E8sv*sd*bc*sc*i* edu\nalias pci:v00008086d*sv*sd*bc*sc*i* e1000\n"
        );
        return system;
    }

    private static IEnumerable<(string Name, string Value)> Attributes(byte[] config, int irq = 0) =>
        [
            .. SysfsTree.Identity(
                BitConverter.ToUInt16(config, 0),
                BitConverter.ToUInt16(config, 2),
                (config[0x0B] << 16) | (config[0x0A] << 8) | config[0x09],
                config[0x08],
                (config[0x0E] & 0x7F) == 0 ? BitConverter.ToUInt16(config, 0x2C) : 0,
                (config[0x0E] & 0x7F) == 0 ? BitConverter.ToUInt16(config, 0x2E) : 0,
                irq
            ),
            (
                "resource",
                SysfsTree.Resource([
                    .. new (ulong, ulong, ulong)[14],
                    .. (config[0x0E] & 0x7F) == 1
                        ? new (ulong, ulong, ulong)[] { (0x1000_0000, 0x20_0000, 0x200), default, default }
                        : [],
                ])
            ),
        ];
}
