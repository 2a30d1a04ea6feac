using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>The register tables of the family (fact sheet 2 and 3, after Arm IHI 0062, DDI 0472, DDI 0517).</content>
public sealed partial class Smmu
{
    // csharpier-ignore
    private static class SmmuRegisters
    {
        private const AccessSizes WordsOrDouble = AccessSizes.Word | AccessSizes.Double;
        private const uint ControlMask = 0x0FFF_FC37;

        /// <summary>sCR0 of MMU-500: TRANSIENTCFG besides; SMCFCFG, GSE, STALLD, GCFGFIE and GCFGFRE are fixed.</summary>
        private const uint ControlMask500 = (ControlMask | 0xC0) & ~0x0020_0330u;

        private const uint ControlFixed500 = 1 << 21;

        private static readonly SmmuParameters Usual400 = SmmuParameters.Usual(SmmuPart.Mmu400);
        private static readonly RegisterMap<Smmu, SmmuState> UsualMap400 = Build(Usual400);

        /// <summary>The table of a part.</summary>
        public static RegisterMap<Smmu, SmmuState> MapOf(SmmuParameters part) =>
            part == Usual400 ? UsualMap400 : Build(part);

        /// <summary>The bits of sCR0 that can be written.</summary>
        public static uint ControlMaskOf(SmmuParameters part) =>
            part.Part.HasReadOnlyControls ? ControlMask500 : ControlMask;

        private static RegisterMap<Smmu, SmmuState> Build(SmmuParameters part)
        {
            ulong page = 1UL << part.RegisterPageBits;
            ulong pages = (ulong)part.RegisterPages;
            var map = new RegisterMap<Smmu, SmmuState>(part.Part.Name, 2 * pages * page);
            AddGlobal(map, part);
            AddStreams(map, part);
            AddIdentification(map, part);
            AddBankAttributes(map, part, page);
            AddPagesOfTheImplementation(map, part, page);
            AddBank(map, part, pages * page, page);
            if (part.Part.HasStage1)
            {
                AddGlobalOperations(map, part);
                AddStageOneOfBank(map, part, pages * page, page);
            }

            return map;
        }

        // GR0, global register space 0. Offsets: fact sheet 2.1.
        private static void AddGlobal(RegisterMap<Smmu, SmmuState> map, SmmuParameters part) => map
            .Stored    (0x000, "sCR0",         (ref s) => ref s.Control, mask: ControlMaskOf(part), reset: ClientPortDisable | (part.Part.HasReadOnlyControls ? ControlFixed500 : 0),
                            then: (smmu, _) => smmu.ControlWritten(),
                            fields: "CLIENTPD[0] GFRE[1] GFIE[2] GCFGFRE[4] GCFGFIE[5] USFCFG[10] VMIDPNE[11] PTM[12] FB[13] BSU[15:14] "
                                + "MemAttr[19:16] MTCFG[20] SMCFCFG[21] SHCFG[23:22] RACFG[25:24] WACFG[27:26]")
            .Unmodelled(0x004, "SCR1")
            .Stored    (0x008, "sCR2",         (ref s) => ref s.Control2, mask: 0xFF, fields: "BPVMID[7:0]")
            .Stored    (0x010, "sACR",         (ref s) => ref s.AuxiliaryControl, mask: part.IsVersion2 ? 0x0700_071C : uint.MaxValue, reset: part.IsVersion2 ? 0x0400_001C : 0u,
                            fields: part.IsVersion2 ? "S1WC2EN[2] S2WC2EN[3] IPA2PA_CEN[4] SMTNMB_TLBEN[8] MMUDISB_TLBEN[9] S2CRB_TLBEN[10] DP4K_TCUDISB[24] DP4K_TBUDISB[25] CACHE_LOCK[26]" : "")
            .Constant  (0x020, "IDR0",         part.Idr0, fields: "NUMSMRG[7:0] NUMSIDB[12:9] BTM[13] CTTW[14] NUMIRPT[23:16] PTFS[25:24] ATOSNS[26] SMS[27] NTS[28] S2TS[29] S1TS[30] SES[31]")
            .Constant  (0x024, "IDR1",         part.Idr1, fields: "NUMCB[7:0] NUMSSDNDXB[11:8] SSDTP[12] SMCD[15] NUMS2CB[23:16] NUMPAGENDXB[30:28] PAGESIZE[31]")
            .Constant  (0x028, "IDR2",         part.Idr2, fields: "IAS[3:0] OAS[7:4] UBS[11:8] PTFSv8_4K[12] PTFSv8_16K[13] PTFSv8_64K[14]")
            .Constant  (0x02C, "IDR3",         0)
            .Constant  (0x030, "IDR4",         0)
            .Constant  (0x034, "IDR5",         0)
            .Constant  (0x038, "IDR6",         0)
            .Constant  (0x03C, "IDR7",         part.Part.Revision, fields: "MINOR[3:0] MAJOR[7:4]")
            .Stored    (0x040, "sGFAR",        (ref s) => ref s.GlobalFaultAddress, access: WordsOrDouble)
            .ReadWrite (0x048, "sGFSR",        smmu => smmu.State.GlobalFaultStatus, (smmu, value) => smmu.ClearGlobalStatus(value),
                            fields: "ICF[0] USF[1] SMCF[2] UCBF[3] UCIF[4] CAF[5] EF[6] PF[7] UUT[8] MULTI[31]")
            .WriteOnly (0x04C, "sGFSRRESTORE", (smmu, value) => smmu.RestoreGlobalStatus(value))
            .Stored    (0x050, "sGFSYNR0",     (ref s) => ref s.GlobalFaultSyndrome0, mask: 0x7F, fields: "NESTED[0] WNR[1] PNU[2] IND[3] NSSTATE[4] NSATTR[5] ATS[6]")
            .Stored    (0x054, "sGFSYNR1",     (ref s) => ref s.GlobalFaultSyndrome1, mask: 0x7FFF, fields: "StreamID[14:0]")
            .Constant  (0x058, "sGFSYNR2",     0)
            .WriteOnly (0x060, "STLBIALL",     (_, _) => { }) // Secure entries: there are none, and non-secure writes are ignored.
            .WriteOnly (0x064, "TLBIVMID",     (smmu, value) => smmu.InvalidateVmid((byte)value), fields: "VMID[7:0]")
            .WriteOnly (0x068, "TLBIALLNSNH",  (smmu, _) => smmu.InvalidateAll())
            .WriteOnly (0x06C, "TLBIALLH",     (_, _) => { }) // Nobody translates for a hypervisor: CBAR.HYPC is not modelled.
            .WriteOnly (0x070, "sTLBGSYNC",    (_, _) => { }) // Invalidation is complete when the register is written.
            .Constant  (0x074, "sTLBGSTATUS",  0, fields: "GSACTIVE[0]")
            .WriteOnly (0x078, "TLBIVAH",      (_, _) => { })
            // The non-secure registers as secure software sees them.
            .Viewed    (0x400, 1, 4, "nsCR0",         ForSecure(smmu => smmu.State.Control),              ForSecure((smmu, value) => smmu.WriteControl(value)))
            .Viewed    (0x410, 1, 4, "nsACR",         ForSecure(smmu => smmu.State.AuxiliaryControl),     ForSecure((smmu, value) => smmu.State.AuxiliaryControl = smmu._parameters.IsVersion2 ? value & 0x0700_071C : value))
            .Viewed    (0x448, 1, 4, "nsGFSR",        ForSecure(smmu => smmu.State.GlobalFaultStatus),    ForSecure((smmu, value) => smmu.ClearGlobalStatus(value)))
            .Viewed    (0x44C, 1, 4, "nsGFSRRESTORE", null,                                               ForSecure((smmu, value) => smmu.RestoreGlobalStatus(value)))
            .Viewed    (0x450, 1, 4, "nsGFSYNR0",     ForSecure(smmu => smmu.State.GlobalFaultSyndrome0), ForSecure((smmu, value) => smmu.State.GlobalFaultSyndrome0 = value & 0x7F))
            .Viewed    (0x454, 1, 4, "nsGFSYNR1",     ForSecure(smmu => smmu.State.GlobalFaultSyndrome1), ForSecure((smmu, value) => smmu.State.GlobalFaultSyndrome1 = value & 0x7FFF))
            .Viewed    (0x440, 1, 8, "nsGFAR",        ForSecureWide(smmu => smmu.State.GlobalFaultAddress), ForSecureWide((smmu, value) => smmu.State.GlobalFaultAddress = value), width: 64, access: WordsOrDouble)
            .Viewed    (0x470, 1, 4, "nsTLBGSYNC",    null,                                               ForSecure((_, _) => { }))
            .Constant  (0x474, "nsTLBGSTATUS", 0, fields: "GSACTIVE[0]");

        private static void AddStreams(RegisterMap<Smmu, SmmuState> map, SmmuParameters part)
        {
            int groups = part.StreamMatchGroups;
            uint ids = part.StreamIdMask;
            string smr = Indexed("SMR{0}", groups), s2cr = Indexed("S2CR{0}", groups);
            map
            .Stored    (0x800, groups, 4, smr,  (ref s, n) => ref s.StreamMatch[n], mask: 0x8000_0000 | (ids << 16) | ids,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: "ID[14:0] MASK[30:16] VALID[31]")
            .Stored    (0xC00, groups, 4, s2cr, (ref s, n) => ref s.StreamToContext[n], mask: 0x0FF3_FBFF, reset: 0x0002_0000,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(),
                            fields: "CBNDX[7:0] SHCFG[9:8] MTCFG[11] MemAttr[15:12] TYPE[17:16] RACFG[21:20] WACFG[23:22] PRIVCFG[25:24] INSTCFG[27:26]");
        }

        private static void AddIdentification(RegisterMap<Smmu, SmmuState> map, SmmuParameters part) => map
            .Constant  (0xFD0, "PIDR4", 0x04)
            .Constant  (0xFD4, "PIDR5", 0x00)
            .Constant  (0xFD8, "PIDR6", 0x00)
            .Constant  (0xFDC, "PIDR7", 0x00)
            .Constant  (0xFE0, "PIDR0", part.Part.Identification.First)
            .Constant  (0xFE4, "PIDR1", part.Part.Identification.Second)
            .Constant  (0xFE8, "PIDR2", part.Part.Identification.Third, fields: "DES_1[2:0] JEDEC[3] ArchVersion[7:4]")
            .Constant  (0xFEC, "PIDR3", 0x00)
            .Constant  (0xFF0, "CIDR0", 0x0D)
            .Constant  (0xFF4, "CIDR1", 0xF0)
            .Constant  (0xFF8, "CIDR2", 0x05)
            .Constant  (0xFFC, "CIDR3", 0xB1);

        // GR1, global register space 1.
        private static void AddBankAttributes(RegisterMap<Smmu, SmmuState> map, SmmuParameters part, ulong page)
        {
            int banks = part.ContextBanks;
            string cbar = Indexed("CBAR{0}", banks), cbfrsynra = Indexed("CBFRSYNRA{0}", banks), cba2r = Indexed("CBA2R{0}", banks);
            map
            .Stored    (page, banks, 4, cbar, (ref s, n) => ref s.Banks[n].Attributes, mask: part.IsVersion2 ? ContextBank.AttributesMask2 : ContextBank.AttributesMask,
                            then: (smmu, n, _) => smmu.AttributesWritten(n),
                            fields: part.IsVersion2 ? "VMID[7:0] CBNDX[15:8] TYPE[17:16] BSU[19:18] RACFG[21:20] WACFG[23:22]" : "VMID[7:0] TYPE[17:16] IRPTNDX[31:24]")
            .Stored    (page + 0x400, banks, 4, cbfrsynra, (ref s, n) => ref s.Banks[n].FaultStream, mask: 0x7FFF, fields: "StreamID[14:0]");
            if (part.IsVersion2)
            {
                map.Stored(page + 0x800, banks, 4, cba2r, (ref s, n) => ref s.Banks[n].Attributes2, mask: 0x3,
                            then: (smmu, _, _) => smmu.BankConfigurationChanged(), fields: "VA64[0] MONC[1]");
            }
        }

        // Implementation-defined registers (page 2) and performance monitors (page 3): they are there, and do nothing.
        private static void AddPagesOfTheImplementation(RegisterMap<Smmu, SmmuState> map, SmmuParameters part, ulong page)
        {
            if (!part.IsVersion2)
            {
                map
                .Unmodelled(2 * page, "GID{0}", count: 0x400)
                .Unmodelled(3 * page, "PM{0}", count: 0x400);
                return;
            }

            ulong pm = 3 * page;
            map
            .Unmodelled(2 * page + 0x000, "ITCTRL")
            .Unmodelled(2 * page + 0x004, "ITIP")
            .Unmodelled(2 * page + 0x008, "ITOP_GLBL")
            .Unmodelled(2 * page + 0x00C, "PERF_INDEX")
            .Unmodelled(2 * page + 0x010, "CXT0TO31_RAM")
            .Unmodelled(2 * page + 0x100, "TBUQOS0")
            .Unmodelled(2 * page + 0x200, "PER")
            .Unmodelled(2 * page + 0x204, "TBU_PWR_STATUS")
            .Unmodelled(pm + 0x000, "PMEVCNTR{0}", count: 32)
            .Unmodelled(pm + 0x400, "PMEVTYPER{0}", count: 32)
            .Unmodelled(pm + 0x800, "PMCGCR{0}", count: 8)
            .Unmodelled(pm + 0xA00, "PMCGSMR{0}", count: 8)
            .Unmodelled(pm + 0xC00, "PMCNTENSET{0}", count: 8)
            .Unmodelled(pm + 0xC20, "PMCNTENCLR{0}", count: 8)
            .Unmodelled(pm + 0xC40, "PMINTENSET{0}", count: 8)
            .Unmodelled(pm + 0xC60, "PMINTENCLR{0}", count: 8)
            .Constant  (pm + 0xE00, "PMCFGR", 0x0501_1F17)
            .Unmodelled(pm + 0xE04, "PMCR");
        }

        // Context banks, a page each. Offsets: fact sheet 3.
        private static void AddBank(RegisterMap<Smmu, SmmuState> map, SmmuParameters part, ulong at, ulong page)
        {
            int banks = part.ContextBanks;
            bool v2 = part.IsVersion2;
            string Cb(string name) => Indexed("CB{0}_" + name, banks);
            map
            .Stored    (at + 0x000, banks, page, Cb("SCTLR"), (ref s, n) => ref s.Banks[n].SystemControl, mask: v2 ? ContextBank.SystemControlMask2 : ContextBank.SystemControlMask, reset: v2 ? 0x100u : 0u,
                            then: (smmu, _, _) => smmu.BankConfigurationChanged(),
                            fields: "M[0] TRE[1] AFE[2] AFFD[3] E[4] CFRE[5] CFIE[6] CFCFG[7] HUPCF[8] BSU[15:14] MemAttr[19:16] FB[21] SHCFG[23:22] RACFG[25:24] WACFG[27:26]")
            .ReadWrite (at + 0x004, banks, page, Cb("ACTLR"), (smmu, n) => smmu.State.Banks[n].AuxiliaryControl, (smmu, n, value) => smmu.WriteAuxiliaryControl(n, value), fields: v2 ? "CMTLB[0] CPRE[1]" : "", reset: v2 ? 3u : 0u)
            .Viewed    (at + 0x008, banks, page, Cb("RESUME"), null, (smmu, n, value, in transaction) => smmu.ResumeWritten(n, value, transaction), fields: "TnR[0]")
            .Stored    (at + 0x020, banks, page, Cb("TTBR0"), (ref s, n) => ref s.Banks[n].TableBase, mask: v2 ? ulong.MaxValue : ContextBank.TableBaseMask,
                            access: WordsOrDouble, then: (smmu, _, _) => smmu.ConfigurationChanged())
            .Stored    (at + 0x030, banks, page, Cb("TCR"), (ref s, n) => ref s.Banks[n].TranslationControl,
                            mask: v2 ? uint.MaxValue : ContextBank.TranslationControlMask | (part.Part.Has64KiBGranule ? ContextBank.Granule64KiB : 0),
                            reset: v2 ? 0u : ContextBank.TranslationControlReset,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: v2 ? "" : "T0SZ[3:0] S[4] SL0[6] IRGN0[9:8] ORGN0[11:10] SH0[13:12] EAE[31]")
            .ReadWrite (at + 0x058, banks, page, Cb("FSR"), (smmu, n) => smmu.StatusOf(n), (smmu, n, value) => smmu.ClearContextStatus(n, value),
                            fields: "TF[1] AFF[2] PF[3] EF[4] TLBMCF[5] TLBLKF[6] ASF[7] UUT[8] FORMAT[10:9] SS[30] MULTI[31]")
            .WriteOnly (at + 0x05C, banks, page, Cb("FSRRESTORE"), (smmu, n, value) => smmu.RestoreContextStatus(n, value))
            .Stored    (at + 0x060, banks, page, Cb("FAR"), (ref s, n) => ref s.Banks[n].FaultAddress, access: WordsOrDouble)
            .Stored    (at + 0x068, banks, page, Cb("FSYNR0"), (ref s, n) => ref s.Banks[n].FaultSyndrome, mask: 0x00FF_0FFF,
                            fields: "PLVL[1:0] NESTED[2] S1PTWF[3] WNR[4] PNU[5] IND[6] NSSTATE[7] NSATTR[8] ATOF[9] PTWF[10] AFR[11] S1CBNDX[23:16]")
            .ReadWrite (at + 0x06C, banks, page, Cb("FSYNR1"), (_, _) => 0, (_, _, _) => { })
            .Stored    (at + 0x070, banks, page, Cb("IPAFAR"), (ref s, n) => ref s.Banks[n].FaultIntermediateAddress, mask: v2 ? ulong.MaxValue : 0, access: WordsOrDouble)
            .WriteOnly (at + 0x7F0, banks, page, Cb("TLBSYNC"), (_, _, _) => { })
            .ReadOnly  (at + 0x7F4, banks, page, Cb("TLBSTATUS"), (_, _) => 0, fields: "SACTIVE[0]");
        }

        // What SMMUv2 adds to GR0.
        private static void AddGlobalOperations(RegisterMap<Smmu, SmmuState> map, SmmuParameters part)
        {
            // Invalidations of secure and hypervisor entries: there are none.
            map
            .WriteOnly (0x0A0, "STLBIVALM",   (_, _) => { }, width: 64, access: WordsOrDouble)
            .WriteOnly (0x0A8, "STLBIVAM",    (_, _) => { }, width: 64, access: WordsOrDouble)
            .WriteOnly (0x0B0, "TLBIVALH64",  (_, _) => { }, width: 64, access: WordsOrDouble)
            .WriteOnly (0x0B8, "TLBIVMIDS1",  (smmu, value) => smmu.InvalidateVmid((byte)value, TlbStages.Stage1), fields: "VMID[7:0]")
            .WriteOnly (0x0BC, "STLBIALLM",   (_, _) => { })
            .WriteOnly (0x0C0, "TLBIVAH64",   (_, _) => { }, width: 64, access: WordsOrDouble);
            if (!part.HasTranslationOperations)
            {
                return;
            }

            void Add(ulong offset, string name, AccessKind kind, bool both) =>
                map.Lanes(offset, 1, 8, name, Nothing, (smmu, _, value, lanes, in _) =>
                {
                    if (smmu.TryTakeOperand(value, lanes, out ulong operand))
                    {
                        smmu.TranslateGlobally(operand, kind, both);
                    }
                }, width: 64, access: WordsOrDouble, fields: "CBNDX[7:0] ADDR[63:12]");
            Add(0x100, "sGATS1UR",  AccessKind.Read, both: false);
            Add(0x108, "sGATS1UW",  AccessKind.Write, both: false);
            Add(0x110, "sGATS1PR",  AccessKind.Read | AccessKind.Privileged, both: false);
            Add(0x118, "sGATS1PW",  AccessKind.Write | AccessKind.Privileged, both: false);
            Add(0x120, "sGATS12UR", AccessKind.Read, both: true);
            Add(0x128, "sGATS12UW", AccessKind.Write, both: true);
            Add(0x130, "sGATS12PR", AccessKind.Read | AccessKind.Privileged, both: true);
            Add(0x138, "sGATS12PW", AccessKind.Write | AccessKind.Privileged, both: true);
            map
            .Stored    (0x180, "sGPAR",  (ref s) => ref s.GlobalPhysicalAddress, access: WordsOrDouble, fields: ParFields)
            .Constant  (0x188, "sGATSR", 0, fields: "ACTIVE[0]");
        }

        // What stage 1 adds to a context bank.
        private static void AddStageOneOfBank(RegisterMap<Smmu, SmmuState> map, SmmuParameters part, ulong at, ulong page)
        {
            int banks = part.ContextBanks;
            string Cb(string name) => Indexed("CB{0}_" + name, banks);
            bool isFixed = part.Part.HasReadOnlyControls;
            void Operation(ulong offset, string name, Action<Smmu, int, ulong> act) =>
                map.Lanes(at + offset, banks, page, Cb(name), Nothing, (smmu, n, value, lanes, in _) =>
                {
                    if (smmu.TryTakeOperand(value, lanes, out ulong operand))
                    {
                        act(smmu, n, operand);
                    }
                }, width: 64, access: WordsOrDouble);
            map
            .Stored    (at + 0x010, banks, page, Cb("TCR2"), (ref s, n) => ref s.Banks[n].TranslationControl2,
                            mask: ContextBank.TranslationControl2Mask | (isFixed ? 0 : ContextBank.TopByteIgnored), reset: isFixed ? ContextBank.TopByteIgnored : 0u,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: "PASize[2:0] AS[4] TBI0[5] TBI1[6] NSCFG0[14] SEP[17:15] NSCFG1[30]")
            .Stored    (at + 0x028, banks, page, Cb("TTBR1"), (ref s, n) => ref s.Banks[n].TableBase1,
                            access: WordsOrDouble, then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: "ASID[63:48]")
            .Stored    (at + 0x034, banks, page, Cb("CONTEXTIDR"), (ref s, n) => ref s.Banks[n].ContextId,
                            then: (smmu, _, _) => smmu.ConfigurationChanged(), fields: "ASID[7:0] PROCID[31:8]")
            .Stored    (at + 0x038, banks, page, Cb("MAIR0"), (ref s, n) => ref s.Banks[n].MemoryAttributes0)
            .Stored    (at + 0x03C, banks, page, Cb("MAIR1"), (ref s, n) => ref s.Banks[n].MemoryAttributes1)
            .Stored    (at + 0x050, banks, page, Cb("PAR"), (ref s, n) => ref s.Banks[n].PhysicalAddress, access: WordsOrDouble, fields: ParFields)
            .WriteOnly (at + 0x610, banks, page, Cb("TLBIASID"), (smmu, n, value) => smmu.InvalidateAsid(n, value), fields: "ASID[15:0]")
            .WriteOnly (at + 0x618, banks, page, Cb("TLBIALL"), (smmu, n, _) => smmu.InvalidateVmid(smmu.OwnerOf(n)));
            Operation(0x600, "TLBIVA",     (smmu, n, operand) => smmu.InvalidateAddress(n, operand, everyAsid: false));
            Operation(0x608, "TLBIVAA",    (smmu, n, operand) => smmu.InvalidateAddress(n, operand, everyAsid: true));
            Operation(0x620, "TLBIVAL",    (smmu, n, operand) => smmu.InvalidateAddress(n, operand, everyAsid: false));
            Operation(0x628, "TLBIVAAL",   (smmu, n, operand) => smmu.InvalidateAddress(n, operand, everyAsid: true));
            Operation(0x630, "TLBIIPAS2",  (smmu, n, operand) => smmu.InvalidateIntermediate(n, operand));
            Operation(0x638, "TLBIIPAS2L", (smmu, n, operand) => smmu.InvalidateIntermediate(n, operand));
            if (part.HasTranslationOperations)
            {
                Operation(0x800, "ATS1PR", (smmu, n, operand) => smmu.TranslateByBank(n, operand, AccessKind.Read | AccessKind.Privileged));
                Operation(0x808, "ATS1PW", (smmu, n, operand) => smmu.TranslateByBank(n, operand, AccessKind.Write | AccessKind.Privileged));
                Operation(0x810, "ATS1UR", (smmu, n, operand) => smmu.TranslateByBank(n, operand, AccessKind.Read));
                Operation(0x818, "ATS1UW", (smmu, n, operand) => smmu.TranslateByBank(n, operand, AccessKind.Write));
                map.ReadOnly(at + 0x8F0, banks, page, Cb("ATSR"), (_, _) => 0, fields: "ACTIVE[0]");
            }

            map
            .Unmodelled(at + 0xE00, Cb("PMEVCNTR0"), count: banks, stride: page)
            .ReadOnly  (at + 0xF00, banks, page, Cb("PMCFGR"), (_, _) => 0x0001_1F03)
            .Unmodelled(at + 0xF04, Cb("PMCR"), count: banks, stride: page);
        }

        private const string ParFields = "F[0] TF[1] AFF[2] PF[3] EF[4] ASF[7] PLVL[33:32] STAGE[35] ATTR[63:56]";

        private static ulong Nothing(Smmu smmu, int index, in Transaction transaction) => 0;

        /// <summary>The name of an array row; one register alone is not formatted by the map.</summary>
        private static string Indexed(string name, int count) =>
            count > 1 ? name : name.Replace("{0}", "0", StringComparison.Ordinal);

        private static TransactionRead<Smmu> ForSecure(Func<Smmu, uint> read) =>
            (smmu, _, in transaction) => transaction.IsSecure ? read(smmu) : 0;

        private static TransactionWrite<Smmu> ForSecure(Action<Smmu, uint> write) =>
            (smmu, _, value, in transaction) =>
            {
                if (transaction.IsSecure)
                {
                    write(smmu, (uint)value);
                }
            };

        private static TransactionRead<Smmu> ForSecureWide(Func<Smmu, ulong> read) =>
            (smmu, _, in transaction) => transaction.IsSecure ? read(smmu) : 0;

        private static TransactionWrite<Smmu> ForSecureWide(Action<Smmu, ulong> write) =>
            (smmu, _, value, in transaction) =>
            {
                if (transaction.IsSecure)
                {
                    write(smmu, value);
                }
            };
    }
}
