using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>Registers of a DMA-330 by offset (Arm DDI 0424, "Register summary").</summary>
internal static class Pl330Register
{
    public const ulong ManagerStatus = 0x000; // DSR
    public const ulong InterruptEnable = 0x020; // INTEN
    public const ulong EventStatus = 0x024; // INT_EVENT_RIS
    public const ulong InterruptClear = 0x02C; // INTCLR
    public const ulong ManagerFaults = 0x030; // FSRD
    public const ulong ChannelFaults = 0x034; // FSRC
    public const ulong DebugStatus = 0xD00;
    public const ulong DebugCommand = 0xD04;
    public const ulong DebugInstruction0 = 0xD08;
    public const ulong DebugInstruction1 = 0xD0C;
    public const ulong Configuration0 = 0xE00; // CR0
    public const ulong Configuration3 = 0xE0C; // CR3: the security of the interrupts
    public const ulong DataConfiguration = 0xE14; // CRD

    /// <summary>FTRn.</summary>
    public static ulong FaultType(int channel) => 0x040 + 4 * (ulong)channel;

    /// <summary>CSRn.</summary>
    public static ulong ChannelStatus(int channel) => 0x100 + 8 * (ulong)channel;
}

/// <summary>The state of a thread in DSR and CSRn (Arm DDI 0424, "Channel Status Registers").</summary>
internal enum Pl330State
{
    Stopped = 0,
    Executing = 1,
    CacheMiss = 2,
    UpdatingPc = 3,
    WaitingForEvent = 4,
    AtBarrier = 5,
    QueueBusy = 6,
    WaitingForPeripheral = 7,
    Killing = 8,
    Completing = 9,
    FaultingCompleting = 14,
    Faulting = 15,
}

/// <summary>What the driver reads of a controller's synthesis (struct pl330_config, read_dmac_config).</summary>
/// <param name="PeripheralId">The AMBA peripheral ID.</param>
/// <param name="BusBytes">The width of the data bus.</param>
/// <param name="BufferLines">The lines of the MFIFO, as far as the driver's field holds them.</param>
/// <param name="Channels">How many channels.</param>
/// <param name="Peripherals">How many request interfaces.</param>
/// <param name="Events">How many events.</param>
/// <param name="ManagerIsNonSecure">The manager's security state.</param>
/// <param name="NonSecureInterrupts">CR3.</param>
internal sealed record Pl330Configuration(
    uint PeripheralId,
    int BusBytes,
    int BufferLines,
    int Channels,
    int Peripherals,
    int Events,
    bool ManagerIsNonSecure,
    uint NonSecureInterrupts
)
{
    /// <summary>From r1p0 on copies need no barriers against lock-ups.</summary>
    public bool NeedsBarriers => ((PeripheralId >> 20) & 0xF) == 0;

    public static Pl330Configuration Read(CpuPort cpu, ulong registers, uint peripheralId, int bufferDepthBits)
    {
        uint cr0 = Load(cpu, registers + Pl330Register.Configuration0);
        uint crd = Load(cpu, registers + Pl330Register.DataConfiguration);
        int lines = (int)((crd >> 20) & 0x3FF) + 1;
        return new Pl330Configuration(
            peripheralId,
            1 << (int)(crd & 7),
            lines & ((1 << bufferDepthBits) - 1),
            (int)((cr0 >> 4) & 7) + 1,
            (cr0 & 1) != 0 ? (int)((cr0 >> 12) & 0x1F) + 1 : 0,
            (int)((cr0 >> 17) & 0x1F) + 1,
            (cr0 & 4) != 0,
            Load(cpu, registers + Pl330Register.Configuration3)
        );
    }

    private static uint Load(CpuPort cpu, ulong address)
    {
        cpu.Load(address, 4, out ulong value);
        return (uint)value;
    }
}
