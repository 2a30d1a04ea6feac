using System.Text.Json;

namespace Emulator.Cli.Tests;

/// <summary><c>emulator groups</c>.</summary>
public sealed class GroupsTests : IDisposable
{
    private const string Words =
        "SrcValid{0} TransBlk- ReqRedir{0} CmpltRedir{0} UpstreamFwd{0} EgressCtrl- DirectTrans-";

    private static readonly string[] Switch =
    [
        "--device",
        "pcie-root-port,id=r1,addr=1,chassis=1",
        "--device",
        "x3130-upstream,id=u1,bus=r1",
        "--device",
        "xio3130-downstream,id=d0,bus=u1,addr=0,chassis=2,slot=1",
        "--device",
        "xio3130-downstream,id=d1,bus=u1,addr=1,chassis=2,slot=2",
        "--device",
        "e1000e,bus=d0",
        "--device",
        "edu,bus=d1",
    ];

    private readonly EmulatorProcess _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void It_draws_the_tree_and_says_what_goes_together()
    {
        Outcome outcome = _emulator.Run(["groups", .. Switch]);
        outcome.ExitCode.Should().Be(0, outcome.Errors);
        outcome.Output.Should().Contain("0000:04:00.0").And.Contain("takes 0000:03:00.0 and 0000:04:00.0");
    }

    [Fact]
    public void Where_Linux_and_the_hardware_differ_it_says_so()
    {
        Outcome outcome = _emulator.Run(["groups", "--acpi", .. Switch]);
        outcome.ExitCode.Should().Be(0, outcome.Errors);
        outcome.Lines.Should().ContainMatch("03:00.0 (group *) reaches 04:00.0 (group *) without the IOMMU*");
    }

    [Fact]
    public void It_explains_one_function()
    {
        Outcome outcome = _emulator.Run(["groups", "--why", "04:00.0", .. Switch]);
        outcome.Lines[0].Should().Be("0000:04:00.0 (conventional function) is in group 0:");
        outcome.Lines[2].Should().Be("  0000:02:01.0 (downstream port): it has no ACS capability");
    }

    [Fact]
    public void It_writes_JSON_and_a_drawing()
    {
        Outcome outcome = _emulator.Run([
            "groups",
            "--json",
            "--svg",
            Path.Combine(_emulator.Folder, "tree.svg"),
            .. Switch,
        ]);
        using JsonDocument document = JsonDocument.Parse(outcome.Output);
        document.RootElement.GetProperty("functions").GetArrayLength().Should().Be(7);
        _emulator.Read("tree.svg").Should().StartWith("<svg").And.Contain("0000:04:00.0");
    }

    [Theory]
    [InlineData("--device", "e1001e", "*'e1001e' is not modelled*")]
    [InlineData("--why", "1f:00.0", "*there is no function '1f:00.0'*")]
    [InlineData("--kernel", "7.0", "*kernel '7.0' is not modelled*")]
    public void Mistakes_are_told(string option, string value, string message)
    {
        Outcome outcome = _emulator.Run("groups", option, value);
        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Match(message);
    }

    [Theory]
    [InlineData("", "-", "takes 0001:03:00.0 and 0001:04:00.0")]
    [InlineData("", "+", "takes 0001:03:00.0 and 0001:04:00.0")]
    [InlineData("+", "+", "takes 0001:03:00.0\n")]
    public void A_pasted_lspci_is_grouped_by_the_access_control_that_it_shows(string port, string ways, string expected)
    {
        Outcome outcome = _emulator.RunWith(Dump(port, ways), "groups", "--lspci", "-");
        outcome.ExitCode.Should().Be(0, outcome.Errors);
        outcome.Output.ReplaceLineEndings("\n").Should().Contain(expected);
        outcome.Output.Should().Contain("note: ");
    }

    [Fact]
    public void What_is_no_lspci_is_refused()
    {
        Outcome outcome = _emulator.RunWith("hello\n", "groups", "--lspci", "-");
        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Contain("this is no output of lspci");
    }

    /// <summary>A root port, with ACS where told, a switch with ACS on or off, two cards.</summary>
    private static string Dump(string port, string ways)
    {
        string control = Words.Replace("{0}", ways, StringComparison.Ordinal);
        string below =
            $"\tCapabilities: [220 v1] Access Control Services\n\t\tACSCap:\t{Words.Replace("{0}", "+", StringComparison.Ordinal)}\n\t\tACSCtl:\t{control}\n";
        string above = port.Length == 0 ? "" : below;
        return "0001:00:00.0 PCI bridge [0604]: Example Root Port [1957:80c0] (rev 10)\n"
            + "\tBus: primary=00, secondary=01, subordinate=04, sec-latency=0\n"
            + $"\tCapabilities: [70] Express (v2) Root Port (Slot+), MSI 00\n{above}\n"
            + "0001:01:00.0 PCI bridge [0604]: Example Switch [12d8:b304] (rev 01)\n"
            + "\tBus: primary=01, secondary=02, subordinate=04, sec-latency=0\n"
            + "\tCapabilities: [c0] Express (v2) Upstream Port, MSI 00\n\n"
            + "0001:02:01.0 PCI bridge [0604]: Example Switch [12d8:b304] (rev 01)\n"
            + "\tBus: primary=02, secondary=03, subordinate=03, sec-latency=0\n"
            + $"\tCapabilities: [c0] Express (v2) Downstream Port (Slot+), MSI 00\n{below}\n"
            + "0001:02:02.0 PCI bridge [0604]: Example Switch [12d8:b304] (rev 01)\n"
            + "\tBus: primary=02, secondary=04, subordinate=04, sec-latency=0\n"
            + $"\tCapabilities: [c0] Express (v2) Downstream Port (Slot+), MSI 00\n{below}\n"
            + "0001:03:00.0 Network controller [0280]: Example WLAN [168c:003e] (rev 32)\n"
            + "\tCapabilities: [70] Express (v2) Endpoint, MSI 00\n\n"
            + "0001:04:00.0 System peripheral [0880]: Example TPU [1ac1:089a]\n"
            + "\tCapabilities: [80] Express (v2) Endpoint, MSI 00\n";
    }
}
