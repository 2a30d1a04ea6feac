using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Userland.Tests;

/// <summary>
/// Our lspci and setpci beside Debian's on the same files: a tree of random functions in the simulated tmpfs and in a folder of
/// the host. Where pciutils 3.9 is not installed they are skipped.
/// </summary>
public sealed class RealPciutilsTests
{
    private const string Version = "lspci version 3.9.0";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Lspci_prints_what_the_real_one_prints(int seed)
    {
        SkipWithoutPciutils();
        using var both = new BothWorlds(seed);
        foreach (string options in BothWorlds.OptionSets)
        {
            (string real, string ours) = both.Run($"lspci {both.Access} -i {both.Root}/pci.ids {options}");
            Lines(ours).Should().Equal(Lines(real), "of lspci {0}", options);
        }

        string all = both.Run($"lspci {both.Access} -vv").Real;
        Lines(all).Count(line => line.Contains("Capabilities:", StringComparison.Ordinal)).Should().BeGreaterThan(200);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Lspci_reads_a_dump_as_the_real_one_does(int seed)
    {
        SkipWithoutPciutils();
        using var both = new BothWorlds(seed);
        both.Write("dump", both.Run($"lspci {both.Access} -i {both.Root}/pci.ids -D -vv -xxxx").Ours);
        foreach (string options in new[] { "", "-vv", "-t", "-tvnn", "-mm", "-xxx" })
        {
            (string real, string ours) = both.Run($"lspci -F {both.Root}/dump -i {both.Root}/pci.ids {options}");
            Lines(ours).Should().Equal(Lines(real), "of lspci -F {0}", options);
        }
    }

    [Fact]
    public void Setpci_does_what_the_real_one_does()
    {
        SkipWithoutPciutils();
        using var both = new BothWorlds(6);
        foreach (
            string arguments in new[]
            {
                "--dumpregs",
                "-s 0000:01:00.0 COMMAND",
                "-v -s 0000:01:00.0 COMMAND=0006:0007 0x3c.B=ff LATENCY_TIMER",
                "-s 0000:01:00.0 COMMAND CAP_EXP+8.w CAP10+8.L INTERRUPT_LINE",
                "-v -s 0000:00:01.0 BRIDGE_CONTROL=0:40 40.l=1,2,3",
                "-D -v -s 0000:01:00.0 VENDOR_ID=1234",
                "-s 0000:01:00.0 VENDOR_ID BRIDGE_CONTROL",
                "-s 0000:01:00.0 CAP_AGP.w",
                "-s 0000:01:00.0 ECAPFFF.w",
                "-s 0000:01:00.0 NONSENSE",
                "-s 0000:01:00.0 40",
                "-s 0000:01:00.0 41.w",
                "-s 0000:01:00.0 40.w=12345",
                "-s 0000:01:00.0 40.w=",
                "-s 0000:01:00.0 COMMAND=zz",
                "-s 0000:0g:00.0 COMMAND",
                "-s 0000:7f:00.0 COMMAND",
                "-f -s 0000:7f:00.0 COMMAND",
                "COMMAND",
            }
        )
        {
            string command =
                $"setpci {(arguments[0] == '-' && arguments[1] == '-' ? "" : both.Access)} {arguments} 2> {both.Root}/err; cat {both.Root}/err";
            (string real, string ours) = both.Run(command);
            Lines(ours).Should().Equal(Lines(real), "of {0}", arguments);
        }

        (string there, string here) = both.Run($"lspci {both.Access} -i {both.Root}/pci.ids -xxxx");
        Lines(here).Should().Equal(Lines(there), "the same was written to the configuration spaces");
    }

    private static string[] Lines(string text) => text.Split('\n');

    private static void SkipWithoutPciutils()
    {
        string version = "";
        try
        {
            version = BothWorlds.RunReal("lspci --version").Trim();
        }
        catch (System.ComponentModel.Win32Exception) { }

        if (version is not Version)
        {
            Assert.Skip($"the host has not {Version} (Debian's pciutils): \"{version}\"");
        }
    }

    private sealed class BothWorlds : IDisposable
    {
        private readonly SimulatedSystem _system = new();
        private readonly string _ids = ReadIds();

        public BothWorlds(int seed)
        {
            Root = Directory.CreateTempSubdirectory("pciutils").FullName;
            var tree = new SysfsTree(Root);
            new RandomFunctions(seed).AddTo(tree);
            tree.AddFile("pci.ids", _ids);
            tree.Install(_system.Kernel);
            tree.Materialise();
            Access = $"-O sysfs.path={tree.BusPath} -O hwdb.disable=1";
        }

        public static string[] OptionSets { get; } =
        [
            "",
            "-n",
            "-nn",
            "-v",
            "-vv",
            "-vvv",
            "-nn -vv",
            "-n -v",
            "-k",
            "-nnk",
            "-D",
            "-x",
            "-xxx",
            "-xxxx",
            "-t",
            "-tv",
            "-tvnn",
            "-t -s 02:",
            "-tv -d 8086:",
            "-b",
            "-b -vv",
            "-b -t",
            "-P",
            "-PP -v",
            "-m",
            "-mm",
            "-mmn",
            "-vm",
            "-vmm -k",
            "-vmm -nn -D",
            "-s 02:",
            "-s 00.1 -n",
            "-s .2",
            "-s 1:: -v",
            "-d 8086:",
            "-d ::0604 -v",
            "-d ::xx08 -n",
            "-d 1af4:*:0108:02",
            "-s 0000:01:00.0 -x -v",
        ];

        public string Root { get; }

        public string Access { get; }

        public void Dispose() => Directory.Delete(Root, recursive: true);

        public void Write(string name, string text)
        {
            File.WriteAllText(Path.Combine(Root, name), text);
            _system.Write($"{Root}/{name}", text);
        }

        public (string Real, string Ours) Run(string command) =>
            (RunReal(command), _system.Run(command, 600 * VirtualTime.Second).Output);

        public static string RunReal(string command)
        {
            var start = new ProcessStartInfo("sh", ["-c", command])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["LC_ALL"] = "C.UTF-8";
            using Process process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return output;
        }

        private static string ReadIds()
        {
            using Stream stream = typeof(UserlandPrograms).Assembly.GetManifestResourceStream("Pciutils/pci.ids")!;
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
