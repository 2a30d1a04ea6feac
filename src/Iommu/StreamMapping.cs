using System.Diagnostics;

namespace Emulator.Iommu;

/// <summary>What a stream ID leads to.</summary>
internal enum StreamRoute : byte
{
    /// <summary>Through a context bank.</summary>
    Translate,

    /// <summary>The address is not changed.</summary>
    Bypass,

    /// <summary>Nowhere.</summary>
    Fault,
}

/// <summary>The result of the stream mapping: steps 1 to 5 of the pipeline (fact sheet 5).</summary>
/// <param name="Route">Where it leads.</param>
/// <param name="Bank">The context bank, when it leads to one.</param>
/// <param name="StageOne">The bank of stage 1; -1 where there is none.</param>
/// <param name="StageTwo">The bank of stage 2; -1 where there is none.</param>
/// <param name="Cause">The fault, when there is one.</param>
/// <param name="Source">Which of the ways to bypass.</param>
/// <param name="Group">The SMR and S2CR that decided; -1 for none.</param>
[DebuggerDisplay("{Route} bank {Bank} by group {Group} {Cause}")]
internal readonly record struct StreamMatch(
    StreamRoute Route,
    int Bank,
    int StageOne,
    int StageTwo,
    GlobalFaultCause Cause,
    TranslationSource Source,
    int Group
);

/// <summary>
/// The stream mapping table: SMRn match stream IDs, S2CRn say what happens to them (fact sheet 2.7, 4.1, after
/// Arm IHI 0062). Two matching groups are a conflict even when they agree.
/// </summary>
internal static class StreamMapping
{
    private const uint ClientPortDisable = 1 << 0;
    private const uint FaultUnidentified = 1 << 10;

    /// <summary>Finds what an access of a stream leads to.</summary>
    public static StreamMatch Find(ref SmmuState state, SmmuParameters parameters, uint streamId)
    {
        if ((state.Control & ClientPortDisable) != 0)
        {
            return Bypass(TranslationSource.Off, -1);
        }

        int group = -1;
        for (int n = 0; n < parameters.StreamMatchGroups; n++)
        {
            if (!Matches(state.StreamMatch[n], streamId, parameters.StreamIdMask))
            {
                continue;
            }

            if (group >= 0)
            {
                return Refuse(GlobalFaultCause.StreamMatchConflict, n);
            }

            group = n;
        }

        if (group < 0)
        {
            return (state.Control & FaultUnidentified) != 0
                ? Refuse(GlobalFaultCause.UnidentifiedStream, -1)
                : Bypass(TranslationSource.Unmatched, -1);
        }

        uint entry = state.StreamToContext[group];
        switch ((entry >> 16) & 3)
        {
            case 0:
                break;
            case 1:
                return Bypass(TranslationSource.Bypass, group);
            default:
                return Refuse(GlobalFaultCause.InvalidContext, group);
        }

        return Enter(ref state, parameters, (int)(entry & 0xFF), group);
    }

    /// <summary>Enters a context bank: which stages it does is in CBAR.</summary>
    public static StreamMatch Enter(ref SmmuState state, SmmuParameters parameters, int bank, int group)
    {
        if (bank >= parameters.ContextBanks)
        {
            return Refuse(GlobalFaultCause.UnimplementedContextBank, group);
        }

        ref readonly SmmuContextBank entered = ref state.Banks[bank];
        if (!parameters.IsVersion2)
        {
            return ContextBank.InterruptIndex(in entered) >= parameters.ContextInterrupts
                ? Refuse(GlobalFaultCause.UnimplementedContextInterrupt, group)
                : Translate(bank, -1, bank, group);
        }

        switch (ContextBank.TypeOf(in entered))
        {
            case ContextType.Stage2:
                return Translate(bank, -1, bank, group);
            case ContextType.Stage1:
                return Translate(bank, bank, -1, group);
            case ContextType.Stage1ThenFault:
                return Refuse(GlobalFaultCause.InvalidContext, group);
        }

        int second = ContextBank.StageTwoBank(in entered);
        return second >= parameters.ContextBanks ? Refuse(GlobalFaultCause.UnimplementedContextBank, group)
            : ContextBank.TypeOf(in state.Banks[second]) != ContextType.Stage2
                ? Refuse(GlobalFaultCause.InvalidContext, group)
            : Translate(bank, bank, second, group);
    }

    /// <summary>How the access counts after S2CR.PRIVCFG and INSTCFG have overridden what the master said.</summary>
    public static AccessKind Override(uint streamToContext, AccessKind kind)
    {
        uint privilege = (streamToContext >> 24) & 3;
        kind = privilege switch
        {
            2 => kind & ~AccessKind.Privileged,
            3 => kind | AccessKind.Privileged,
            _ => kind,
        };
        uint instruction = (streamToContext >> 26) & 3;
        return (kind & AccessKind.Write) == AccessKind.Write
            ? kind & ~AccessKind.Instruction
            : instruction switch
            {
                2 => kind & ~AccessKind.Instruction,
                3 => kind | AccessKind.Instruction,
                _ => kind,
            };
    }

    private static bool Matches(uint matchRegister, uint streamId, uint idMask) =>
        (int)matchRegister < 0 && ((streamId ^ matchRegister) & ~(matchRegister >> 16) & idMask) == 0;

    private static StreamMatch Bypass(TranslationSource source, int group) =>
        new(StreamRoute.Bypass, -1, -1, -1, GlobalFaultCause.None, source, group);

    private static StreamMatch Translate(int bank, int stageOne, int stageTwo, int group) =>
        new(StreamRoute.Translate, bank, stageOne, stageTwo, GlobalFaultCause.None, default, group);

    private static StreamMatch Refuse(GlobalFaultCause cause, int group) =>
        new(StreamRoute.Fault, -1, -1, -1, cause, default, group);
}
