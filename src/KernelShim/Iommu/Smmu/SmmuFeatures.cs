using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>What an SMMU says of itself (arm_smmu_device_cfg_probe of 6.x).</summary>
internal sealed record SmmuFeatures
{
    /// <summary>The architecture's version.</summary>
    public required int Version { get; init; }

    public required bool IsMmu500 { get; init; }

    public required bool HasStageOne { get; init; }

    public required bool IsCoherent { get; init; }

    public required int StreamMatchRegisters { get; init; }

    public required int ContextBanks { get; init; }

    public required int StageTwoBanks { get; init; }

    public required ulong RegisterPageBytes { get; init; }

    /// <summary>How many register pages stand before the context banks (NUMPAGENDXB).</summary>
    public required ulong GlobalPages { get; init; }

    /// <summary>How many bits a virtual, an intermediate and a physical address have.</summary>
    public required (int Virtual, int Intermediate, int Physical) AddressBits { get; init; }

    /// <summary>How many of its interrupts are global.</summary>
    public required int GlobalInterrupts { get; init; }

    /// <summary>How many context interrupts there are.</summary>
    public required int ContextInterrupts { get; init; }

    /// <summary>The version is the compatible's: the registers do not say it.</summary>
    public static SmmuFeatures? Probe(Kernel kernel, Device device, out long error)
    {
        error = -(long)Errno.ENODEV;
        if (device.Node?.FindProperty("#global-interrupts")?.ReadUInt32() is not { } globals)
        {
            kernel.Log.Print(LogLevel.Error, $"arm-smmu {device.Name}: missing #global-interrupts property");
            return null;
        }

        return device.Resources.Count == 0 ? null : new Prober(kernel, device).Run((int)globals, out error);
    }

    private sealed class Prober(Kernel kernel, Device device)
    {
        private uint Read(ulong register)
        {
            kernel.Board.Cpu.Load(device.Resources[0].Start + register, 4, out ulong value);
            return (uint)value;
        }

        private void Log(LogLevel level, FormattableString text) =>
            kernel.Log.Print(level, $"arm-smmu {device.Name}: {text.ToString(CultureInfo.InvariantCulture)}");

        private void Note(bool condition, FormattableString text)
        {
            if (condition)
            {
                Log(LogLevel.Notice, text);
            }
        }

        public SmmuFeatures? Run(int globals, out long error)
        {
            error = -(long)Errno.ENODEV;
            bool isVersion2 = device.Compatible.Any(name => name is "arm,mmu-500" or "arm,smmu-v2");
            Log(LogLevel.Notice, $"probing hardware configuration...");
            Log(LogLevel.Notice, $"SMMUv{(isVersion2 ? 2 : 1)} with:");
            uint id = Read(SmmuRegisters.Identification0);
            bool hasStageOne = (id & 1 << 30) != 0;
            bool hasStageTwo = (id & 1 << 29) != 0;
            Note(hasStageOne, $"\tstage 1 translation");
            Note(hasStageTwo, $"\tstage 2 translation");
            Note((id & 1 << 28) != 0, $"\tnested translation");
            if (!hasStageOne && !hasStageTwo)
            {
                Log(LogLevel.Error, $"\tno translation support!");
                return null;
            }

            Note(hasStageOne && (!isVersion2 || (id & 1 << 26) == 0), $"\taddress translation ops");
            bool isCoherent = NoteCoherence(id);
            int registers = (int)(id & 0xFF);
            if ((id & 1 << 27) != 0 && registers == 0)
            {
                Log(LogLevel.Error, $"stream-matching supported, but no SMRs present!");
                return null;
            }

            Note(registers > 0, $"\tstream matching with {registers} register groups");
            return ProbeBanks(isVersion2, hasStageOne, isCoherent, registers, globals, ref error);
        }

        /// <summary>What the tree says of coherence (dma-coherent) wins over the register.</summary>
        private bool NoteCoherence(uint id)
        {
            bool register = (id & 1 << 14) != 0;
            bool tree = device.Node!.HasProperty("dma-coherent");
            Note(register || tree, $"\t{(tree ? "" : "non-")}coherent table walk");
            Note(register != tree, $"\t(IDR0.CTTW overridden by FW configuration)");
            return tree;
        }

        private SmmuFeatures? ProbeBanks(
            bool isVersion2,
            bool hasStageOne,
            bool isCoherent,
            int registers,
            int globals,
            ref long error
        )
        {
            uint id = Read(SmmuRegisters.Identification1);
            ulong page = (id & 1u << 31) != 0 ? 0x1_0000u : 0x1000u;
            ulong pages = 2UL << (int)(id >> 28 & 7);
            if (2 * pages * page != device.Resources[0].LengthBytes)
            {
                Log(
                    LogLevel.Warning,
                    $"SMMU address space size (0x{2 * pages * page:x}) differs from mapped region size (0x{device.Resources[0].LengthBytes:x})!"
                );
            }

            int stageTwo = (int)(id >> 16 & 0xFF);
            int banks = (int)(id & 0xFF);
            if (stageTwo > banks)
            {
                Log(LogLevel.Error, $"impossible number of S2 context banks!");
                return null;
            }

            Log(LogLevel.Notice, $"\t{banks} context banks ({stageTwo} stage-2 only)");
            id = Read(SmmuRegisters.Identification2);
            int intermediate = IommuPieces.AddressBits(id & 0xF);
            int physical = IommuPieces.AddressBits(id >> 4 & 0xF);
            uint upstream = id >> 8 & 0xF;
            int input =
                !isVersion2 ? intermediate
                : upstream == 5 ? 48
                : IommuPieces.AddressBits(upstream);
            Log(LogLevel.Notice, $"\tSupported page sizes: 0x{PageSizes(isVersion2, id):x8}");
            Note(hasStageOne, $"\tStage-1: {input}-bit VA -> {intermediate}-bit IPA");
            Note(
                (Read(SmmuRegisters.Identification0) & 1 << 29) != 0,
                $"\tStage-2: {intermediate}-bit IPA -> {physical}-bit PA"
            );
            int contexts = device.Interrupts.Count - globals;
            if (contexts < (isVersion2 ? banks : 1))
            {
                Log(
                    LogLevel.Error,
                    $"found only {Math.Max(0, contexts)} context interrupt(s) but {(isVersion2 ? banks : 1)} required"
                );
                return null;
            }

            Log(LogLevel.Notice, $"\tpreserved 0 boot mappings");
            error = 0;
            return new SmmuFeatures
            {
                Version = isVersion2 ? 2 : 1,
                IsMmu500 = device.Compatible.Contains("arm,mmu-500", StringComparer.Ordinal),
                HasStageOne = hasStageOne,
                IsCoherent = isCoherent,
                StreamMatchRegisters = registers,
                ContextBanks = banks,
                StageTwoBanks = stageTwo,
                RegisterPageBytes = page,
                GlobalPages = pages,
                AddressBits = (input, intermediate, physical),
                GlobalInterrupts = globals,
                ContextInterrupts = contexts,
            };
        }

        /// <summary>The page sizes of the formats there are; version 1 has long descriptors of 4 KiB alone.</summary>
        private static ulong PageSizes(bool isVersion2, uint id)
        {
            ulong sizes = LpaePageTable.PageSizes;
            if (isVersion2)
            {
                // PTFSv8_64kB, PTFSv8_16kB.
                sizes |= (id & 1 << 14) != 0 ? (1UL << 16) | (1UL << 29) : 0;
                sizes |= (id & 1 << 13) != 0 ? (1UL << 14) | (1UL << 25) : 0;
            }

            return sizes;
        }
    }
}
