using System.Runtime.CompilerServices;

namespace Emulator.Peripherals;

/// <summary>What a GICv3 remembers; its LPIs are in memory.</summary>
public struct GicV3State
{
    internal const int MostShared = 1024;

    /// <summary>The levels of the wires.</summary>
    public SlotBits Level;

    /// <summary>What edges, messages and software have made pending.</summary>
    public SlotBits Latch;

    /// <summary>GICD_ISENABLER, GICR_ISENABLER0.</summary>
    public SlotBits Enabled;

    /// <summary>GICD_ISACTIVER, GICR_ISACTIVER0.</summary>
    public SlotBits Active;

    /// <summary>GICD_IGROUPR, GICR_IGROUPR0.</summary>
    public SlotBits Group;

    /// <summary>GICD_ICFGR, GICR_ICFGR: 1 for edge.</summary>
    public SlotBits Edge;

    /// <summary>The redistributors and the CPU interfaces.</summary>
    public Redistributors Cpus;

    /// <summary>GICD_IROUTER of the shared interrupts.</summary>
    public RouteWords Routes;

    /// <summary>The number of the CPU that GICD_IROUTER names; 0xFF for none.</summary>
    public RouteBytes Targets;

    /// <summary>GICD_IPRIORITYR, GICR_IPRIORITYR.</summary>
    public SlotBytes Priority;

    /// <summary>GICD_CTLR: EnableGrp0 and EnableGrp1.</summary>
    public uint Control;

    /// <summary>Keeps the struct free of padding.</summary>
    public uint Filler;

    /// <summary>One bit for every slot.</summary>
    [InlineArray(Words)]
    public struct SlotBits
    {
        /// <summary>16 words of private and up to 31 of shared interrupts.</summary>
        public const int Words = 48;

        private uint _first;
    }

    /// <summary>One byte for every slot.</summary>
    [InlineArray(SlotBits.Words * 32)]
    public struct SlotBytes
    {
        private byte _first;
    }

    /// <summary>A doubleword for every shared interrupt.</summary>
    [InlineArray(MostShared)]
    public struct RouteWords
    {
        private ulong _first;
    }

    /// <summary>A byte for every shared interrupt.</summary>
    [InlineArray(MostShared)]
    public struct RouteBytes
    {
        private byte _first;
    }

    /// <summary>One for each CPU.</summary>
    [InlineArray(GicV3.MaxCpus)]
    public struct Redistributors
    {
        private Redistributor _first;
    }

    /// <summary>What the redistributor and the CPU interface of a CPU remember.</summary>
    public struct Redistributor
    {
        /// <summary>GICR_PROPBASER.</summary>
        public ulong PropertyBase;

        /// <summary>GICR_PENDBASER.</summary>
        public ulong PendingBase;

        /// <summary>GICR_CTLR.</summary>
        public uint Control;

        /// <summary>GICR_WAKER.</summary>
        public uint Waker;

        /// <summary>The most urgent enabled LPI that is pending; 1023 for none.</summary>
        public uint PendingLpi;

        /// <summary>Its priority.</summary>
        public uint PendingLpiPriority;

        /// <summary>ICC_CTLR_EL1: CBPR and EOImode.</summary>
        public uint InterfaceControl;

        /// <summary>ICC_PMR_EL1.</summary>
        public uint PriorityMask;

        /// <summary>ICC_BPR0_EL1.</summary>
        public uint BinaryPoint0;

        /// <summary>ICC_BPR1_EL1.</summary>
        public uint BinaryPoint1;

        /// <summary>ICC_IGRPEN0_EL1 in bit 0, ICC_IGRPEN1_EL1 in bit 1.</summary>
        public uint GroupEnable;

        /// <summary>ICC_AP0R0_EL1: bit n is set while a group 0 interrupt of group priority 8n is active.</summary>
        public uint ActiveGroup0;

        /// <summary>ICC_AP1R0_EL1: the same for group 1.</summary>
        public uint ActiveGroup1;

        /// <summary>The interrupt that the CPU is being told of, for the trace; 1023 for none.</summary>
        public uint Signalled;
    }
}
