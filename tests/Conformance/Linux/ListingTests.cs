using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Emulator.KernelShim;

namespace Emulator.Conformance.Linux;

/// <summary>
/// Compares the recorded trees of sysfs with ours: entries and their kinds, modes and sizes, targets of links, contents. What is
/// missing or different is counted and shown; the counts are floors that may only rise.
/// </summary>
public sealed partial class ListingTests
{
    private const string Tree = "ls-";
    private const string Values = "val-";

    /// <summary>How many agreed when this was last looked at: entries, values.</summary>
    private static readonly (int Entries, int Values) Floor = (928, 492);

    [Fact]
    public void Trees_and_values_of_sysfs_are_compared_with_the_recorded_ones()
    {
        string folder = Path.Combine(Recordings.Folder, "linux", "listing", "k61");
        if (!Directory.Exists(folder))
        {
            Assert.Skip($"no recordings in {folder}");
        }

        TopologyMachine machine = BootListed(File.ReadAllText(Path.Combine(folder, "ls-pci-devices.txt")));
        int entries = 0;
        int values = 0;
        foreach (string file in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            if (name.StartsWith(Tree, StringComparison.Ordinal))
            {
                entries += LineComparison.Run(
                    $"linux/listing/{name}",
                    Lines(file),
                    line => CompareEntry(machine, line)
                );
            }
            else if (name.StartsWith(Values, StringComparison.Ordinal))
            {
                values += LineComparison.Run($"linux/listing/{name}", Lines(file), line => CompareValue(machine, line));
            }
        }

        entries.Should().BeGreaterThanOrEqualTo(Recordings.IsOwnCopy ? Floor.Entries : 0);
        values.Should().BeGreaterThanOrEqualTo(Recordings.IsOwnCopy ? Floor.Values : 0);
    }

    /// <summary>The machine of the recording after its steps: vfio-pci has 01:00.0, nvme has 02:00.0.</summary>
    private static TopologyMachine BootListed(string text)
    {
        TopologyMachine machine = TopologyMachine.Boot("k61", PciDumps.CommandLine(text));
        machine.Run("wr /sys/bus/pci/devices/0000:01:00.0/driver_override vfio-pci", null);
        machine.Run("wr /sys/bus/pci/drivers_probe 0000:01:00.0", null);
        return machine;
    }

    /// <summary><c>d PATH</c>, <c>l PATH -> TARGET</c>, <c>f MODE SIZE PATH</c>, <c>c ...</c>.</summary>
    private static string? CompareEntry(TopologyMachine machine, string line)
    {
        string[] words = line.Split(' ');
        string path = words[0] is "f" ? words[3] : words[1];
        if (Find(machine, path) is not { } inode)
        {
            return LineComparison.Missing;
        }

        return words[0] switch
        {
            "d" => inode is DirectoryInode ? null : "no directory",
            "l" => inode is not LinkInode link ? "no link"
            : string.Equals(link.Target, words[3], StringComparison.Ordinal) ? null
            : $"leads to {link.Target}",
            "f" => CompareFile(inode, words),
            _ => null,
        };
    }

    private static string? CompareFile(Inode inode, string[] words)
    {
        string mode = Convert.ToString(inode.Permissions & 0x1FF, 8).PadLeft(3, '0');
        string size = inode.Size.ToString(CultureInfo.InvariantCulture);
        return !string.Equals(mode, words[1], StringComparison.Ordinal) ? $"mode {mode}"
            : !string.Equals(size, words[2], StringComparison.Ordinal) ? $"size {size}"
            : null;
    }

    /// <summary>
    /// <c>PATH = TEXT</c>. The recorder's filter kept the characters of the word "[:print:]" only, so ours are filtered alike.
    /// </summary>
    private static string? CompareValue(TopologyMachine machine, string line)
    {
        int equals = line.IndexOf(" =", StringComparison.Ordinal);
        string path = line[..equals];
        string recorded = line[(equals + 2)..];
        if (Find(machine, path.TrimEnd()) is not { } inode)
        {
            return LineComparison.Missing;
        }

        if (inode is DirectoryInode)
        {
            return null;
        }

        string text;
        try
        {
            text = machine.ReadText(path.TrimEnd());
        }
        catch (IOException refused)
        {
            return recorded.StartsWith("!!", StringComparison.Ordinal) ? null : refused.Message;
        }

        string ours = Filter(text);
        return string.Equals(ours, recorded.Trim(), StringComparison.Ordinal) ? null : $"ours {ours}";
    }

    private static IEnumerable<string> Lines(string file) =>
        File.ReadLines(file).Where(line => LinePattern().IsMatch(line));

    private static string Filter(string text)
    {
        var kept = new StringBuilder();
        foreach (char letter in text)
        {
            kept.Append("[:print]".Contains(letter, StringComparison.Ordinal) ? letter.ToString() : "");
        }

        return kept.ToString();
    }

    [GeneratedRegex(@"^(d /|l /|f [0-7]+ \d+ /|/sys/.* =)", RegexOptions.ExplicitCapture)]
    private static partial Regex LinePattern();

    private static Inode? Find(TopologyMachine machine, string path)
    {
        Inode? at = machine.Kernel.Files.Walk(machine.Kernel.Init, path[..path.LastIndexOf('/')]).Inode;
        return (at as DirectoryInode)?.Find(path[(path.LastIndexOf('/') + 1)..]);
    }
}
