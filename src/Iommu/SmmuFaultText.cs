using System.Text;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>Puts the values of fault registers into words (fact sheet 2.6, 3.3, after Arm IHI 0062).</summary>
public static class SmmuFaultText
{
    private static readonly (uint Bit, string Name)[] ContextCauses =
    [
        (1 << 1, "translation fault"),
        (1 << 2, "access flag fault"),
        (1 << 3, "permission fault"),
        (1 << 4, "external abort"),
        (1 << 5, "TLB match conflict"),
        (1 << 6, "TLB lock fault"),
        (1 << 7, "address size fault"),
        (1 << 8, "unsupported upstream transaction"),
    ];

    private static readonly (uint Bit, string Name)[] GlobalCauses =
    [
        (1 << 0, "invalid context fault (S2CR.TYPE says fault)"),
        (1 << 1, "unidentified stream fault (no SMR matches)"),
        (1 << 2, "stream match conflict (several SMRs match)"),
        (1 << 3, "unimplemented context bank fault"),
        (1 << 4, "unimplemented context interrupt fault"),
        (1 << 5, "configuration access fault"),
        (1 << 6, "external abort"),
        (1 << 7, "permission fault"),
        (1 << 8, "unsupported upstream transaction"),
    ];

    /// <summary>
    /// A context bank's fault registers as a sentence:
    /// <c>context bank 0: translation fault, write, IPA 0x3000, level 3, stream 0x0, stalled</c>.
    /// </summary>
    /// <param name="bank">Which bank.</param>
    /// <param name="fsr">CBn_FSR.</param>
    /// <param name="far">CBn_FAR.</param>
    /// <param name="fsynr0">CBn_FSYNR0.</param>
    /// <param name="cbfrsynra">CBFRSYNRAn.</param>
    /// <param name="address">What FAR holds: <c>IPA</c> in a bank of stage 2, <c>VA</c> in one of stage 1.</param>
    /// <param name="ipafar">CBn_IPAFAR, which counts where FSYNR0.NESTED is set; FAR then holds a VA.</param>
    public static string DescribeContextFault(
        int bank,
        uint fsr,
        ulong far,
        uint fsynr0,
        uint cbfrsynra,
        string address = "IPA",
        ulong ipafar = 0
    )
    {
        var text = new StringBuilder($"context bank {bank}: ");
        bool any = AppendCauses(text, ContextCauses, fsr);
        if (any)
        {
            AppendAccess(text, fsynr0 >> 4);
            bool isNested = (fsynr0 & ContextBank.SyndromeNested) != 0;
            text.Append(", ").Append(isNested ? "VA" : address).Append(' ').Append(Hexadecimal.Format(far));
            if (isNested)
            {
                text.Append(", behind stage 1 of context bank ").Append(fsynr0 >> 16 & 0xFF).Append(": IPA ");
                text.Append(Hexadecimal.Format(ipafar));
                text.Append((fsynr0 & ContextBank.SyndromeStage1Walk) != 0 ? " of a stage-1 table" : "");
            }

            text.Append((fsynr0 & ContextBank.SyndromeWalkAbort) != 0 ? ", reading the table of level " : ", level ");
            text.Append(fsynr0 & 3).Append(", stream ").Append(Hexadecimal.Format(cbfrsynra & 0xFFFF));
        }
        else
        {
            text.Append("no fault");
        }

        if ((fsr & ContextBank.Stalled) != 0)
        {
            text.Append(", stalled");
        }

        return AppendMultiple(text, fsr).ToString();
    }

    /// <summary>The global fault registers as a sentence.</summary>
    /// <param name="gfsr">sGFSR.</param>
    /// <param name="gfar">sGFAR.</param>
    /// <param name="gfsynr0">sGFSYNR0.</param>
    /// <param name="gfsynr1">sGFSYNR1.</param>
    public static string DescribeGlobalFault(uint gfsr, ulong gfar, uint gfsynr0, uint gfsynr1)
    {
        var text = new StringBuilder("global: ");
        if (AppendCauses(text, GlobalCauses, gfsr))
        {
            AppendAccess(text, gfsynr0 >> 1);
            text.Append(", address ").Append(Hexadecimal.Format(gfar));
            text.Append(", stream ").Append(Hexadecimal.Format(gfsynr1 & 0xFFFF));
        }
        else
        {
            text.Append("no fault");
        }

        return AppendMultiple(text, gfsr).ToString();
    }

    private static bool AppendCauses(StringBuilder text, (uint Bit, string Name)[] causes, uint status)
    {
        bool any = false;
        foreach ((uint bit, string name) in causes)
        {
            if ((status & bit) != 0)
            {
                text.Append(any ? " and " : "").Append(name);
                any = true;
            }
        }

        return any;
    }

    private static void AppendAccess(StringBuilder text, uint access)
    {
        var kind = (AccessKind)(access & 7);
        text.Append(", ").Append(Describe(kind));
    }

    private static StringBuilder AppendMultiple(StringBuilder text, uint status) =>
        (status & ContextBank.Multiple) != 0 ? text.Append(", and more that were not recorded (MULTI)") : text;

    /// <summary>An access in words.</summary>
    internal static string Describe(AccessKind kind)
    {
        string access =
            (kind & AccessKind.Write) == AccessKind.Write ? "write"
            : (kind & AccessKind.Instruction) == AccessKind.Instruction ? "instruction fetch"
            : "read";
        return (kind & AccessKind.Privileged) == AccessKind.Privileged ? "privileged " + access : access;
    }
}
