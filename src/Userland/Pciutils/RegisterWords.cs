using System.Collections.Frozen;
using System.Globalization;

namespace Emulator.Userland;

/// <summary>Words for the values of fields, in the order of the values; what is beyond has one word of its own.</summary>
/// <remarks>The meanings are those of the PCI Express base specification, chapter 7; the words are lspci's.</remarks>
internal static class RegisterWords
{
    private const string NotSupported = "Not Supported";

    private static readonly FrozenDictionary<string, (string[] Words, string Otherwise)> Tables = new Dictionary<
        string,
        (string[] Words, string Otherwise)
    >(StringComparer.Ordinal)
    {
        ["aux"] = (["0", "55", "100", "160", "220", "270", "320", "375"], ""),
        ["pow2"] = (Powers(1), ""),
        ["payload"] = (Powers(128), ""),
        ["phantom"] = (["0", "1", "3", "7"], ""),
        ["l0s"] = (["<64ns", "<128ns", "<256ns", "<512ns", "<1us", "<2us", "<4us", "unlimited"], ""),
        ["l1"] = (["<1us", "<2us", "<4us", "<8us", "<16us", "<32us", "<64us", "unlimited"], ""),
        ["speed"] = (["unknown", "2.5GT/s", "5GT/s", "8GT/s", "16GT/s", "32GT/s", "64GT/s"], "unknown"),
        ["target"] = (["2.5GT/s", "2.5GT/s", "5GT/s", "8GT/s", "16GT/s", "32GT/s", "64GT/s"], "Unknown"),
        ["aspm"] = (["not supported", "L0s", "L1", "L0s L1"], ""),
        ["aspmctl"] = (["Disabled", "L0s Enabled", "L1 Enabled", "L0s L1 Enabled"], ""),
        ["rcb"] = (["64", "128"], ""),
        ["indicator"] = (["Unknown", "On", "Blink", "Off"], ""),
        ["ranges"] = (
            [
                NotSupported,
                "Range A",
                "Range B",
                "Range AB",
                "Unknown",
                "Unknown",
                "Range BC",
                "Range ABC",
                .. Enumerable.Repeat("Unknown", 6),
                "Range BCD",
                "Range ABCD",
            ],
            ""
        ),
        ["timeout"] = (
            [
                "50us to 50ms",
                "50us to 100us",
                "1ms to 10ms",
                "Unknown",
                "Unknown",
                "16ms to 55ms",
                "65ms to 210ms",
                "Unknown",
                "Unknown",
                "260ms to 900ms",
                "1s to 3.5s",
                "Unknown",
                "Unknown",
                "4s to 13s",
                "17s to 64s",
            ],
            "Unknown"
        ),
        ["obffcap"] = ([NotSupported, "Via message", "Via WAKE#", "Via message/WAKE#"], ""),
        ["obffctl"] = (["Disabled", "Via message A", "Via message B", "Via WAKE#"], ""),
        ["epr"] = ([NotSupported, "Dev Specific", "Form Factor Dev Specific", "Reserved"], ""),
        ["lncls"] = ([NotSupported, "64byte cachelines", "128byte cachelines", "Reserved"], ""),
        ["tph"] = (["TPHComp- ExtTPHComp-", "TPHComp+ ExtTPHComp-", "", "TPHComp+ ExtTPHComp+"], ""),
        ["prefixes"] = (["4", "1", "2", "3"], ""),
        ["deemphasis"] = (["-6dB", "-3.5dB"], ""),
        ["preset"] = (
            [
                "-6dB de-emphasis, 0dB preshoot",
                "-3.5dB de-emphasis, 0dB preshoot",
                "-4.4dB de-emphasis, 0dB preshoot",
                "-2.5dB de-emphasis, 0dB preshoot",
                "0dB de-emphasis, 0dB preshoot",
                "0dB de-emphasis, 1.9dB preshoot",
                "0dB de-emphasis, 2.5dB preshoot",
                "-6.0dB de-emphasis, 3.5dB preshoot",
                "-3.5dB de-emphasis, 3.5dB preshoot",
                "0dB de-emphasis, 3.5dB preshoot",
            ],
            "Unknown"
        ),
        ["margin"] = (
            [
                "Normal Operating Range",
                "800-1200mV(full-swing)/400-700mV(half-swing)",
                .. Enumerable.Repeat("200-400mV(full-swing)/100-200mV(half-swing)", 4),
            ],
            "Unknown"
        ),
        ["crosslink"] = (["unsupported", "Upstream Port", "Downstream Port", "incomplete"], ""),
        ["component"] = (
            [
                "Link Down - Not Determined",
                "Link Down - Not Present",
                "Link Down - Present",
                "Reserved",
                "Link Up - Present",
                "Link Up - Present and DRS Received",
            ],
            "Reserved"
        ),
        ["readcount"] = (Powers(512), ""),
        ["splits"] = (["1", "2", "3", "4", "8", "12", "16", "32"], ""),
        ["readsize"] = (Powers(8), ""),
        ["complexity"] = (["simple", "bridge"], ""),
        ["frequency"] = (["conv", "66MHz", "100MHz", "133MHz", "?4", "?5", "?6", "?7"], ""),
        ["granularity"] = (
            ["Unimplemented", .. Enumerable.Range(1, 254).Select(n => $"{n}ns"), "Greater than 254ns"],
            ""
        ),
        ["effective"] = (["Unknown", .. Enumerable.Range(1, 254).Select(n => $"{n}ns"), "Greater than 254ns"], ""),
        ["arbitration"] = (["Fixed", "WRR32", "WRR64", "WRR128", "??4", "??5", "??6", "??7"], ""),
        ["vcarbitration"] = (["Fixed", "WRR32", "WRR64", "WRR128", "TWRR128", "WRR256", "??6", "??7"], ""),
        ["refclock"] = (["100ns", "??1", "??2", "??3"], ""),
        ["steering"] = (
            [
                "No steering table available",
                "Steering table in TPH capability structure",
                "Steering table in MSI-X table",
                "Reserved steering table location",
            ],
            ""
        ),
        ["devsel"] = (["fast", "medium", "slow", "??"], ""),
        ["linktype"] = (["MemMapped", "Config"], ""),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The word of a table for a value.</summary>
    public static string Of(string table, uint value)
    {
        (string[] words, string otherwise) = Tables[table];
        return value < (uint)words.Length ? words[value] : otherwise;
    }

    private static string[] Powers(long first) =>
        [.. Enumerable.Range(0, 8).Select(n => (first << n).ToString(CultureInfo.InvariantCulture))];
}
