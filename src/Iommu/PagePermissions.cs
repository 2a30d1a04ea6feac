namespace Emulator.Iommu;

/// <summary>What a leaf descriptor permits, to unprivileged accesses and to privileged ones.</summary>
[Flags]
internal enum PagePermissions : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Reads.</summary>
    Read = 1,

    /// <summary>Writes.</summary>
    Write = 2,

    /// <summary>Instruction fetches.</summary>
    Execute = 4,

    /// <summary>Privileged reads.</summary>
    PrivilegedRead = 8,

    /// <summary>Privileged writes.</summary>
    PrivilegedWrite = 16,

    /// <summary>Privileged instruction fetches.</summary>
    PrivilegedExecute = 32,
}

/// <summary>Reads permissions out of descriptors (fact sheet 6.2, 6.3; Arm DDI 0406C B3.7, DDI 0487 D5.4).</summary>
internal static class LeafPermissions
{
    private const PagePermissions Unprivileged = PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute;

    /// <summary>From this bit on are the privileged ones, in the same order.</summary>
    private const int PrivilegedShift = 3;

    /// <summary>APTable[1], [62]: nothing below can be written.</summary>
    private const ulong TableReadOnly = 1UL << 62;

    /// <summary>APTable[0], [61]: nothing below is for unprivileged accesses.</summary>
    private const ulong TablePrivileged = 1UL << 61;

    private const ulong TableExecuteNever = 1UL << 60;
    private const ulong TablePrivilegedExecuteNever = 1UL << 59;

    /// <summary>The bits of stage-1 table descriptors that limit everything below.</summary>
    public const ulong TableLimits = TableReadOnly | TablePrivileged | TableExecuteNever | TablePrivilegedExecuteNever;

    /// <summary>Whether an access may use a mapping.</summary>
    public static bool Permit(PagePermissions permissions, AccessKind kind)
    {
        int which = (kind & AccessKind.Privileged) == AccessKind.Privileged ? PrivilegedShift : 0;
        PagePermissions needed =
            (kind & AccessKind.Write) == AccessKind.Write ? PagePermissions.Write
            : (kind & AccessKind.Instruction) == AccessKind.Instruction ? PagePermissions.Read | PagePermissions.Execute
            : PagePermissions.Read;
        return (((int)permissions >> which) & (int)needed) == (int)needed;
    }

    /// <summary>The permissions of a stage-2 leaf: S2AP[1:0] at [7:6], XN at [54]; privilege does not count.</summary>
    public static PagePermissions OfStageTwo(ulong leaf)
    {
        int either = (int)((leaf >> 6) & 3) | ((leaf >> 54 & 1) == 0 ? (int)PagePermissions.Execute : 0);
        return (PagePermissions)(either | (either << PrivilegedShift));
    }

    /// <summary>The permissions of a stage-1 leaf in the 64-bit formats.</summary>
    /// <param name="leaf">The descriptor.</param>
    /// <param name="limits">The table descriptors on the way to it, ored.</param>
    /// <param name="shape">The tables, for their format and SCTLR's WXN and UWXN.</param>
    public static PagePermissions OfStageOne(ulong leaf, ulong limits, ref readonly TableShape shape)
    {
        bool readOnly = (leaf >> 7 & 1) != 0 || (limits & TableReadOnly) != 0;
        bool isForAll = (leaf >> 6 & 1) != 0 && (limits & TablePrivileged) == 0;
        bool executeNever = (leaf >> 54 & 1) != 0 || (limits & TableExecuteNever) != 0;
        bool privilegedNever = (leaf >> 53 & 1) != 0 || (limits & TablePrivilegedExecuteNever) != 0;
        privilegedNever |= shape.Format == TableFormat.AArch64 ? isForAll && !readOnly : executeNever;
        return Combine(isForAll, isForAll && !readOnly, true, !readOnly, executeNever, privilegedNever, in shape);
    }

    /// <summary>The permissions of a short descriptor by AP[2:0] (DDI 0406C, table B3-8), or AP[2:1] with SCTLR.AFE.</summary>
    public static PagePermissions OfShort(
        uint ap,
        bool executeNever,
        bool privilegedNever,
        ref readonly TableShape shape
    )
    {
        bool readOnly = (ap & 4) != 0;
        if (shape.HasAccessFlag)
        {
            bool isForAll = (ap & 2) != 0;
            bool never = privilegedNever || executeNever;
            return Combine(isForAll, isForAll && !readOnly, true, !readOnly, executeNever, never, in shape);
        }

        bool nothing = (ap & 3) == 0;
        bool read = (ap & 2) != 0;
        bool write = ap == 3;
        return Combine(
            read,
            write,
            !nothing,
            !nothing && !readOnly,
            executeNever,
            privilegedNever || executeNever,
            in shape
        );
    }

    private static PagePermissions Combine(
        bool read,
        bool write,
        bool privilegedRead,
        bool privilegedWrite,
        bool executeNever,
        bool privilegedNever,
        ref readonly TableShape shape
    )
    {
        executeNever |= shape.WriteImpliesNoExecute && write;
        privilegedNever |=
            (shape.WriteImpliesNoExecute && privilegedWrite) || (shape.UnprivilegedWriteImpliesNoExecute && write);
        return (read ? PagePermissions.Read : PagePermissions.None)
            | (write ? PagePermissions.Write : PagePermissions.None)
            | (read && !executeNever ? PagePermissions.Execute : PagePermissions.None)
            | (privilegedRead ? PagePermissions.PrivilegedRead : PagePermissions.None)
            | (privilegedWrite ? PagePermissions.PrivilegedWrite : PagePermissions.None)
            | (privilegedRead && !privilegedNever ? PagePermissions.PrivilegedExecute : PagePermissions.None);
    }

    /// <summary>The permissions in words: <c>RW</c>, <c>RO XN</c>, <c>privileged RW</c>.</summary>
    public static string Text(PagePermissions permissions)
    {
        PagePermissions all = permissions & Unprivileged;
        var privileged = (PagePermissions)((int)permissions >> PrivilegedShift);
        return all == privileged ? TextOfHalf(all)
            : (all & (PagePermissions.Read | PagePermissions.Write)) == PagePermissions.None
                ? "privileged " + TextOfHalf(privileged)
            : $"{TextOfHalf(all)}, privileged {TextOfHalf(privileged)}";
    }

    private static string TextOfHalf(PagePermissions permissions)
    {
        string data = (permissions & (PagePermissions.Read | PagePermissions.Write)) switch
        {
            PagePermissions.Read | PagePermissions.Write => "RW",
            PagePermissions.Read => "RO",
            PagePermissions.Write => "WO",
            _ => "no access",
        };
        return (permissions & PagePermissions.Execute) == PagePermissions.None ? data + " XN" : data;
    }
}
