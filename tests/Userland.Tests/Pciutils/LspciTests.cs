using System.Diagnostics;

namespace Emulator.Userland.Tests;

/// <summary>lspci and setpci on a simulated system, and lspci against Debian's on a copy of its sysfs.</summary>
public sealed class LspciTests
{
    private static readonly string[] Everything =
    [
        "pcie-root-port,id=r1,addr=1,chassis=1,slot=1",
        "pcie-root-port,id=r2,addr=2,chassis=1,slot=2,disable-acs=on",
        "pcie-root-port,id=r3,addr=3.0,chassis=1,slot=3,multifunction=on",
        "ioh3420,id=r4,addr=3.1,chassis=1,slot=4",
        "pcie-root-port,id=r5,addr=4,chassis=1,slot=5",
        "x3130-upstream,id=u1,bus=r1",
        "xio3130-downstream,id=d0,bus=u1,addr=0,chassis=2,slot=1",
        "xio3130-downstream,id=d1,bus=u1,addr=1,chassis=2,slot=2",
        "e1000e,bus=d0,addr=0.0,multifunction=on",
        "e1000e,bus=d0,addr=0.1",
        "edu,bus=d1",
        "pcie-pci-bridge,id=b1,bus=r2",
        "e1000,bus=b1,addr=1",
        "pci-bridge,id=b2,bus=b1,addr=2,chassis_nr=1",
        "pci-testdev,bus=b2,addr=3",
        "nvme-subsys,id=ss0",
        "nvme,bus=r3,serial=s0,subsys=ss0,sriov_max_vfs=4,sriov_vi_flexible=4,msix_qsize=6",
        "virtio-rng-pci,bus=r4",
        "i82801b11-bridge,id=b3,addr=8",
        "edu,bus=b3,addr=1",
        "virtio-rng-pci,addr=9",
        "e1000e,addr=a",
    ];

    private static readonly Lazy<PciSystem> System = new(() => new PciSystem(Everything));

    [Theory]
    [InlineData("")]
    [InlineData("-n")]
    [InlineData("-nn")]
    [InlineData("-D")]
    [InlineData("-k")]
    [InlineData("-nnk")]
    [InlineData("-t")]
    [InlineData("-tv")]
    [InlineData("-tvnn")]
    [InlineData("-t -s 03:")]
    [InlineData("-v")]
    [InlineData("-vn")]
    [InlineData("-vv")]
    [InlineData("-vvv")]
    [InlineData("-vvnn")]
    [InlineData("-x")]
    [InlineData("-xxx")]
    [InlineData("-xxxx")]
    [InlineData("-s 00:03.1")]
    [InlineData("-s 1 -v")]
    [InlineData("-s .1")]
    [InlineData("-d 8086:")]
    [InlineData("-d ::0604 -k")]
    [InlineData("-d ::06xx")]
    public void Lspci_prints_what_Debians_prints(string options)
    {
        if (!File.Exists("/usr/bin/lspci") || !Execute("--version").Contains("3.9.0", StringComparison.Ordinal))
        {
            Assert.Skip("pciutils 3.9.0 is not installed");
        }

        string folder = Copy.Value;
        string theirs = Execute($"-A linux-sysfs -O sysfs.path={folder}/sys/bus/pci {options}");
        string[] expected = WithoutModules(theirs.Replace(folder, "", StringComparison.Ordinal));
        string[] found = WithoutModules(System.Value.Run($"lspci {options}"));
        expected
            .Zip(found)
            .Where(pair => !string.Equals(pair.First, pair.Second, StringComparison.Ordinal))
            .Take(3)
            .Should()
            .BeEmpty();
        found.Should().HaveSameCount(expected);
    }

    [Fact]
    public void Lspci_names_the_modules_whose_aliases_match() =>
        System
            .Value.Run("lspci -k -d 8086:10d3 | grep modules | sort -u; lspci -k -d ::0108 | grep modules")
            .Should()
            .Be("\tKernel modules: e1000e\n\tKernel modules: nvme\n");

    [Theory]
    [InlineData("lspci -s 1:2:3:4", "lspci: -s: Too many fields\n")]
    [InlineData("lspci -s 00:40.0", "lspci: -s: Invalid slot number\n")]
    [InlineData("lspci -d 8086", "lspci: -d: At least two fields must be given\n")]
    public void Mistakes_are_told(string command, string message) => System.Value.Run(command).Should().Be(message);

    [Fact]
    public void Setpci_reads_and_writes_registers_by_name_and_in_capabilities()
    {
        var system = new PciSystem("pcie-root-port,id=r1,addr=1,chassis=1", "edu,addr=2");
        system.Run("setpci -s 00:02.0 VENDOR_ID DEVICE_ID 8.b").Should().Be("1234\n11e8\n10\n");
        system.Run("setpci -s 00:02.0 COMMAND=6:6; setpci -s 00:02.0 COMMAND").Should().Be("0006\n");
        system.Run("setpci -s 00:01.0 ECAP_ACS+6.w=1d; setpci -s 00:01.0 ECAP0d+6.w").Should().Be("001d\n");
        system.Run("setpci -v -s 00:01.0 CAP_EXP+2.w").Should().Be("0000:00:01.0 (cap 10 @54) @56 = 0142\n");
        system.Run("setpci -D -v -s 00:02.0 INTERRUPT_LINE=55").Should().Be("0000:00:02.0 @3c 55\n");
    }

    [Theory]
    [InlineData("COMMAND", "setpci: Filter specification expected.\nTry `setpci --help' for more information.\n")]
    [InlineData("-s 00:02.0 FOO", "setpci: Unknown register \"FOO\".\nTry `setpci --help' for more information.\n")]
    [InlineData("-s 00:02.0 40", "setpci: Missing width.\nTry `setpci --help' for more information.\n")]
    [InlineData(
        "-s 00:02.0 41.w",
        "setpci: Unaligned register address 41.\nTry `setpci --help' for more information.\n"
    )]
    [InlineData(
        "-s 00:02.0 COMMAND=12345",
        "setpci: Value \"12345\" is out of range.\nTry `setpci --help' for more information.\n"
    )]
    [InlineData("-s 00:1f.0 COMMAND", "setpci: Warning: No devices selected for operation group 1.\n")]
    [InlineData(
        "-s 00:0a.0 ECAP_ACS+6.w",
        "setpci: 0000:00:0a.0: Instance #0 of Extended capability 000d not found - there are no capabilities with that id.\n"
    )]
    public void Setpci_says_what_is_wrong(string arguments, string message) =>
        System.Value.Run($"setpci {arguments}").Should().Be(message);

    /// <summary>The real lspci knows the host's modules only.</summary>
    private static string[] WithoutModules(string text) =>
        [.. text.Split('\n').Where(line => !line.StartsWith("\tKernel modules:", StringComparison.Ordinal))];

    private static readonly Lazy<string> Copy = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("lspci").FullName;
        System.Value.Materialise(folder);
        return folder;
    });

    private static string Execute(string arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/lspci", arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = global::System.Diagnostics.Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        errors
            .Replace("lspci: Unable to load libkmod resources: error -2\n", "", StringComparison.Ordinal)
            .Should()
            .BeEmpty();
        return output;
    }
}
