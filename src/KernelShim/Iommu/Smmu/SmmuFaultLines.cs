using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>The lines about a context fault (arm_smmu_print_context_fault_info; fact sheet 9.2).</summary>
internal static class SmmuFaultLines
{
    // The bits that FSR and FSYNR0 are spelled out by, in the order of the lines.
    private static readonly (int Bit, string Name)[] StatusTags =
    [
        (8, " UUT"),
        (7, " ASF"),
        (6, " TLBLKF"),
        (5, " TLBMCF"),
        (4, " EF"),
        (3, " PF"),
        (2, " AFF"),
        (1, " TF"),
    ];

    private static readonly (int Bit, string Name)[] SyndromeTags =
    [
        (11, " AFR"),
        (10, " PTWF"),
        (8, " NSATTR"),
        (6, " IND"),
        (5, " PNU"),
        (4, " WNR"),
    ];

    /// <summary>The lines.</summary>
    /// <param name="isDecoded">Whether the registers are spelled out (6.12).</param>
    /// <param name="status">FSR.</param>
    /// <param name="syndrome">FSYNR0.</param>
    /// <param name="iova">FAR.</param>
    /// <param name="stream">CBFRSYNRA.</param>
    /// <param name="bank">The context bank.</param>
    public static IEnumerable<string> Of(bool isDecoded, uint status, uint syndrome, ulong iova, uint stream, int bank)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"Unhandled context fault: fsr=0x{status:x}, iova=0x{iova:x8}, fsynr=0x{syndrome:x}, cbfrsynra=0x{stream:x}, cb={bank}"
        );
        if (!isDecoded)
        {
            yield break;
        }

        string multiple = (status >> 31 & 1) != 0 ? "MULTI " : "";
        string stalled = (status >> 30 & 1) != 0 ? "SS " : "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"FSR    = {status:x8} [{multiple}{stalled}Format={status >> 9 & 3}{Tags(StatusTags, status)}], SID=0x{stream:x}"
        );
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"FSYNR0 = {syndrome:x8} [S1CBNDX={syndrome >> 16 & 0xFF}{Tags(SyndromeTags, syndrome)} PLVL={syndrome & 3}]"
        );
    }

    private static string Tags((int Bit, string Name)[] tags, uint value) =>
        string.Concat(tags.Where(tag => (value >> tag.Bit & 1) != 0).Select(tag => tag.Name));
}
