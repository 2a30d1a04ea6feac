using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>What the driver must know of an SMMU before it looks at the hardware.</summary>
/// <param name="Name">The device's name: <c>2c0b0000.smmu</c>.</param>
/// <param name="Node">Its node.</param>
/// <param name="Base">Where its registers are.</param>
/// <param name="LengthBytes">How much of them the tree says there is.</param>
/// <param name="Interrupts">Its interrupts, as Linux numbers, the global ones first.</param>
internal sealed record ArmSmmuResources(
    string Name,
    DeviceTreeNode Node,
    ulong Base,
    ulong LengthBytes,
    IReadOnlyList<int> Interrupts
);

/// <summary>A master of an SMMU (struct arm_smmu_master).</summary>
internal sealed class ArmSmmuMaster(DeviceTreeNode node, IReadOnlyList<uint> streamIds)
{
    public DeviceTreeNode Node { get; } = node;

    public IReadOnlyList<uint> StreamIds { get; } = streamIds;

    /// <summary>The stream match register of each stream while it is attached; null otherwise.</summary>
    public int[]? StreamMatchRegisters { get; set; }
}

/// <summary>
/// One SMMU and its registers (struct arm_smmu_device of drivers/iommu/arm-smmu.c, 3.12 to 3.18): what it is able to do,
/// the global registers, and which of its stream match registers and context banks are taken.
/// </summary>
[DebuggerDisplay("{Name,nq}: {_masters.Count} masters, banks taken {_banks}")]
internal sealed partial class ArmSmmuDevice
{
    private const uint ClientPortDisable = 1 << 0;
    private const uint FaultEnables = (1 << 1) | (1 << 2) | (1 << 4) | (1 << 5);
    private const uint UnmatchedFault = 1 << 10;
    private const uint PrivateVmids = 1 << 11;
    private const uint PrivateMaintenance = 1 << 12;
    private const uint ForceBroadcast = 1 << 13;
    private const uint BarrierUpgrade = 3 << 14;
    private const uint StreamMatchValid = 1u << 31;
    private const uint StreamIdMask = 0x7FFF;
    private const uint BypassStream = 1 << 16;
    private const int SyncAttempts = 1_000_000;

    private readonly Kernel _kernel;
    private readonly CpuPort _cpu;
    private readonly ArmSmmuResources _resources;
    private readonly List<ArmSmmuMaster> _masters = [];
    private readonly RateLimit _globalFaultLimit;
    private readonly RateLimit _globalFaultDetailLimit;
    private readonly RateLimit _syncLimit;
    private int _globalInterrupts;
    private int _mappingGroups;
    private int _bankCount;
    private int _stageTwoBanks;
    private int _lastInterruptIndex;
    private uint _pageBytes;
    private UInt128 _banks;
    private UInt128 _groups;

    private ArmSmmuDevice(Kernel kernel, ArmSmmuResources resources)
    {
        _kernel = kernel;
        _cpu = kernel.Board.Cpu;
        _resources = resources;
        _globalFaultLimit = new RateLimit(kernel, "arm_smmu_global_fault");
        _globalFaultDetailLimit = new RateLimit(kernel, "arm_smmu_global_fault");
        _syncLimit = new RateLimit(kernel, "arm_smmu_tlb_sync");
        ContextFaultLimit = new RateLimit(kernel, "arm_smmu_context_fault");
        UnexpectedFaultLimit = new RateLimit(kernel, "arm_smmu_context_fault");
    }

    public string Name => _resources.Name;

    /// <summary>Whether table walks are coherent (ARM_SMMU_FEAT_COHERENT_WALK).</summary>
    public bool IsCoherent { get; private set; }

    /// <summary>How many bits a physical address has (s2_output_size).</summary>
    public int OutputBits { get; private set; }

    /// <summary>Limits the lines of handled context faults of all banks.</summary>
    public RateLimit ContextFaultLimit { get; }

    /// <summary>Limits the lines of odd context faults of all banks.</summary>
    public RateLimit UnexpectedFaultLimit { get; }

    private int ContextInterrupts => _resources.Interrupts.Count - _globalInterrupts;

    private bool MatchesStreams => _mappingGroups > 0;

    /// <summary>Probes and resets an SMMU (arm_smmu_device_dt_probe); null with a negative errno when it cannot be used.</summary>
    public static ArmSmmuDevice? Probe(Kernel kernel, ArmSmmuResources resources, out long error)
    {
        var smmu = new ArmSmmuDevice(kernel, resources);
        error = smmu.Probe();
        return error == 0 ? smmu : null;
    }

    /// <summary>Turns it off, so that everything passes unchanged (arm_smmu_device_remove).</summary>
    public void Remove()
    {
        if (_banks != 0)
        {
            Log(LogLevel.Error, $"removing device with active domains!");
        }

        for (int n = 0; n < _globalInterrupts; n++)
        {
            _kernel.Interrupts.Free(_resources.Interrupts[n], this);
        }

        WriteGlobal(0x000, ClientPortDisable);
    }

    /// <summary>The master with a node (find_smmu_master).</summary>
    public ArmSmmuMaster? FindMaster(DeviceTreeNode? node) =>
        node is null ? null : _masters.Find(master => ReferenceEquals(master.Node, node));

    /// <summary>Takes a context bank and says which context interrupt it shall raise; false when none is free.</summary>
    public bool TryTakeBank(out int bank, out int interruptIndex)
    {
        bank = (int)UInt128.TrailingZeroCount(~_banks);
        interruptIndex = 0;
        if (bank >= _bankCount)
        {
            return false;
        }

        _banks |= UInt128.One << bank;

        // Version 1 has interrupts apart from its banks: they go round, beginning with the second.
        interruptIndex = ++_lastInterruptIndex % ContextInterrupts;
        return true;
    }

    /// <summary>Gives a context bank back.</summary>
    public void FreeBank(int bank) => _banks &= ~(UInt128.One << bank);

    /// <summary>The Linux number of a context interrupt.</summary>
    public int ContextInterrupt(int index) => _resources.Interrupts[_globalInterrupts + index];

    /// <summary>Leads a master's streams to a context bank (arm_smmu_domain_add_master).</summary>
    public long AddMaster(ArmSmmuMaster master, int bank)
    {
        if (MatchesStreams && TakeStreamMatchRegisters(master) is var error and not 0)
        {
            return error;
        }

        for (int n = 0; n < master.StreamIds.Count; n++)
        {
            WriteGlobal(StreamToContext(StreamIndex(master, n)), (uint)bank);
        }

        return 0;
    }

    /// <summary>
    /// Lets a master's streams pass unchanged again (arm_smmu_domain_remove_master). The S2CRs come first, because an SMR
    /// that is free may be taken at once.
    /// </summary>
    public void RemoveMaster(ArmSmmuMaster master)
    {
        for (int n = 0; n < master.StreamIds.Count; n++)
        {
            WriteGlobal(StreamToContext(StreamIndex(master, n)), BypassStream);
        }

        foreach (int register in master.StreamMatchRegisters ?? [])
        {
            WriteGlobal(StreamMatch(register), ~StreamMatchValid);
            _groups &= ~(UInt128.One << register);
        }

        master.StreamMatchRegisters = null;
    }

    /// <summary>Forgets the translations of a VMID (arm_smmu_tlb_inv_context).</summary>
    public void InvalidateVmid(uint vmid)
    {
        WriteGlobal(0x064, vmid);
        SynchronizeTlb();
    }

    public uint ReadBank(int bank, ulong register) => Read(BankBase(bank) + register);

    public void WriteBank(int bank, ulong register, uint value) => Write(BankBase(bank) + register, value);

    /// <summary>CBARn, in the second global page.</summary>
    public void WriteBankAttributes(int bank, uint value) => WriteGlobal(_pageBytes + 4 * (ulong)bank, value);

    public string Prefixed(string text) => $"arm-smmu {Name}: {text}";

    public void Log(LogLevel level, FormattableString text) =>
        _kernel.Log.Print(level, Prefixed(text.ToString(CultureInfo.InvariantCulture)));

    private static ulong StreamMatch(int register) => 0x800 + 4 * (ulong)register;

    private static ulong StreamToContext(int register) => 0xC00 + 4 * (ulong)register;

    private static int StreamIndex(ArmSmmuMaster master, int n) =>
        master.StreamMatchRegisters is { } registers ? registers[n] : (int)master.StreamIds[n];

    /// <summary>arm_smmu_device_reset: nothing matches, no bank is on, and what does not match passes unchanged.</summary>
    private void Reset()
    {
        WriteGlobal(0x048, ReadGlobal(0x048));
        for (int n = 0; n < _mappingGroups; n++)
        {
            WriteGlobal(StreamMatch(n), ~StreamMatchValid);
            WriteGlobal(StreamToContext(n), BypassStream);
        }

        for (int bank = 0; bank < _bankCount; bank++)
        {
            WriteBank(bank, ContextBankRegisters.SystemControl, 0);
            WriteBank(bank, ContextBankRegisters.FaultStatus, ContextBankRegisters.AnyFault);
        }

        WriteGlobal(0x060, 0); // STLBIALL
        WriteGlobal(0x06C, 0); // TLBIALLH
        WriteGlobal(0x068, 0); // TLBIALLNSNH
        uint control = ReadGlobal(0x000) | FaultEnables | PrivateVmids | PrivateMaintenance;
        control &= ~(ClientPortDisable | UnmatchedFault | ForceBroadcast | BarrierUpgrade);
        SynchronizeTlb();
        WriteGlobal(0x000, control);
    }

    /// <summary>arm_smmu_global_fault.</summary>
    private bool OnGlobalFault()
    {
        uint status = ReadGlobal(0x048);
        uint syndrome0 = ReadGlobal(0x050);
        uint syndrome1 = ReadGlobal(0x054);
        uint syndrome2 = ReadGlobal(0x058);
        if (status == 0)
        {
            return false;
        }

        _globalFaultLimit.Print(LogLevel.Error, Prefixed("Unexpected global fault, this could be serious"));
        _globalFaultDetailLimit.Print(
            LogLevel.Error,
            Prefixed(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"\tGFSR 0x{status:x8}, GFSYNR0 0x{syndrome0:x8}, GFSYNR1 0x{syndrome1:x8}, GFSYNR2 0x{syndrome2:x8}"
                )
            )
        );
        WriteGlobal(0x048, status);
        return true;
    }

    /// <summary>arm_smmu_master_configure_smrs: all the registers that a master needs, or none.</summary>
    private long TakeStreamMatchRegisters(ArmSmmuMaster master)
    {
        if (master.StreamMatchRegisters is not null)
        {
            return -(long)Errno.EEXIST;
        }

        UInt128 taken = _groups;
        int[] registers = new int[master.StreamIds.Count];
        for (int n = 0; n < registers.Length; n++)
        {
            registers[n] = (int)UInt128.TrailingZeroCount(~taken);
            if (registers[n] >= _mappingGroups)
            {
                Log(LogLevel.Error, $"failed to allocate free SMR");
                return -(long)Errno.ENOSPC;
            }

            taken |= UInt128.One << registers[n];
        }

        _groups = taken;
        for (int n = 0; n < registers.Length; n++)
        {
            WriteGlobal(StreamMatch(registers[n]), StreamMatchValid | master.StreamIds[n]);
        }

        master.StreamMatchRegisters = registers;
        return 0;
    }

    /// <summary>arm_smmu_tlb_sync.</summary>
    private void SynchronizeTlb()
    {
        WriteGlobal(0x070, 0);
        for (int attempt = 0; (ReadGlobal(0x074) & 1) != 0; attempt++)
        {
            if (attempt == SyncAttempts)
            {
                _syncLimit.Print(LogLevel.Error, Prefixed("TLB sync timed out -- SMMU may be deadlocked"));
                return;
            }
        }
    }

    /// <summary>The banks fill the second half of what the tree calls the SMMU's registers (ARM_SMMU_CB_BASE of 3.x).</summary>
    private ulong BankBase(int bank) => _resources.Base + _resources.LengthBytes / 2 + (ulong)bank * _pageBytes;

    private uint ReadGlobal(ulong register) => Read(_resources.Base + register);

    private void WriteGlobal(ulong register, uint value) => Write(_resources.Base + register, value);

    private uint Read(ulong address)
    {
        _cpu.Load(address, 4, out ulong value);
        return (uint)value;
    }

    private void Write(ulong address, uint value) => _cpu.Store(address, 4, value);
}
