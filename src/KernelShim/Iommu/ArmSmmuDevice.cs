using System.Diagnostics;
using System.Globalization;
using System.Numerics;
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
internal sealed class ArmSmmuDevice
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
    private const int MostStreamIds = 8;

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
    private uint _banks;
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
        bank = BitOperations.TrailingZeroCount(~_banks);
        interruptIndex = 0;
        if (bank >= _bankCount)
        {
            return false;
        }

        _banks |= 1u << bank;

        // Version 1 has interrupts apart from its banks: they go round, beginning with the second.
        interruptIndex = ++_lastInterruptIndex % ContextInterrupts;
        return true;
    }

    /// <summary>Gives a context bank back.</summary>
    public void FreeBank(int bank) => _banks &= ~(1u << bank);

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

    /// <summary>arm_smmu_id_size_to_bits.</summary>
    private static int BitsOf(uint size) =>
        size switch
        {
            0 => 32,
            1 => 36,
            2 => 40,
            3 => 42,
            4 => 44,
            _ => 48,
        };

    private static int StreamIndex(ArmSmmuMaster master, int n) =>
        master.StreamMatchRegisters is { } registers ? registers[n] : (int)master.StreamIds[n];

    private long Probe()
    {
        if (_resources.Node.FindProperty("#global-interrupts")?.ReadUInt32() is not { } globals)
        {
            Log(LogLevel.Error, $"missing #global-interrupts property");
            return -(long)Errno.ENODEV;
        }

        _globalInterrupts = (int)Math.Min(globals, (uint)_resources.Interrupts.Count);
        if (ContextInterrupts == 0)
        {
            Log(LogLevel.Error, $"found {_resources.Interrupts.Count} interrupts but expected at least {globals + 1}");
            return -(long)Errno.ENODEV;
        }

        long error = RegisterMasters();
        error = error == 0 ? ProbeConfiguration() : error;
        error = error == 0 ? RequestGlobalInterrupts() : error;
        if (error == 0)
        {
            Reset();
        }

        return error;
    }

    /// <summary>register_smmu_master, for each entry of mmu-masters.</summary>
    private long RegisterMasters()
    {
        foreach (MmuMaster entry in _kernel.Tree.ReadMmuMasters(_resources.Node))
        {
            if (entry.StreamIds.Count > MostStreamIds)
            {
                Log(
                    LogLevel.Error,
                    $"reached maximum number ({MostStreamIds}) of stream IDs for master device {entry.Master.BaseName}"
                );
                Log(LogLevel.Error, $"failed to add master {entry.Master.BaseName}");
                return -(long)Errno.ENOSPC;
            }

            if (FindMaster(entry.Master) is not null)
            {
                Log(LogLevel.Error, $"rejecting multiple registrations for master device {entry.Master.BaseName}");
                Log(LogLevel.Error, $"failed to add master {entry.Master.BaseName}");
                return -(long)Errno.EBUSY;
            }

            _masters.Add(new ArmSmmuMaster(entry.Master, entry.StreamIds));
        }

        Log(LogLevel.Notice, $"registered {_masters.Count} master devices");
        return 0;
    }

    /// <summary>arm_smmu_device_cfg_probe.</summary>
    private long ProbeConfiguration()
    {
        Log(LogLevel.Notice, $"probing hardware configuration...");
        uint version = (ReadGlobal(0xFE8) >> 4 & 0xF) + 1;
        Log(LogLevel.Notice, $"SMMUv{version} with:");

        uint id = ReadGlobal(0x020);
        bool hasStageOne = (id & 1 << 30) != 0;
        bool hasStageTwo = (id & 1 << 29) != 0;
        LogIf(hasStageOne, "\tstage 1 translation");
        LogIf(hasStageTwo, "\tstage 2 translation");
        LogIf((id & 1 << 28) != 0, "\tnested translation");
        if (!hasStageOne && !hasStageTwo)
        {
            Log(LogLevel.Error, $"\tno translation support!");
            return -(long)Errno.ENODEV;
        }

        IsCoherent = (id & 1 << 14) != 0;
        LogIf(IsCoherent, "\tcoherent table walk");
        if ((id & 1 << 27) != 0 && ProbeStreamMatching(id & 0xFF) is var error and not 0)
        {
            return error;
        }

        id = ReadGlobal(0x024);
        _pageBytes = (id & 1u << 31) != 0 ? 0x1_0000u : 0x1000u;
        ulong size = (2UL << (int)(id >> 28 & 7)) * _pageBytes * 2;
        if (size != _resources.LengthBytes)
        {
            Log(
                LogLevel.Warning,
                $"SMMU address space size (0x{size:x}) differs from mapped region size (0x{_resources.LengthBytes:x})!"
            );
        }

        _stageTwoBanks = (int)(id >> 16 & 0xFF);
        _bankCount = (int)(id & 0xFF);
        if (_stageTwoBanks > _bankCount)
        {
            Log(LogLevel.Error, $"impossible number of S2 context banks!");
            return -(long)Errno.ENODEV;
        }

        Log(LogLevel.Notice, $"\t{_bankCount} context banks ({_stageTwoBanks} stage-2 only)");

        id = ReadGlobal(0x028);
        int intermediate = Math.Min(32, BitsOf(id & 0xF));
        OutputBits = Math.Min(40, BitsOf(id >> 4 & 0xF));
        Log(LogLevel.Notice, $"\t{StageTwoPageTable.InputBits}-bit VA, {intermediate}-bit IPA, {OutputBits}-bit PA");

        // The programming of version 2 and of stage 1 is another one; there is no such board yet.
        return version == 1 && hasStageTwo ? 0 : -(long)Errno.ENODEV;
    }

    private long ProbeStreamMatching(uint groups)
    {
        _mappingGroups = (int)groups;
        if (groups == 0)
        {
            Log(LogLevel.Error, $"stream-matching supported, but no SMRs present!");
            return -(long)Errno.ENODEV;
        }

        WriteGlobal(StreamMatch(0), StreamIdMask << 16 | StreamIdMask);
        uint register = ReadGlobal(StreamMatch(0));
        uint mask = register >> 16 & StreamIdMask;
        uint id = register & StreamIdMask;
        if ((mask & id) != id)
        {
            Log(LogLevel.Error, $"SMR mask bits (0x{mask:x}) insufficient for ID field (0x{id:x})");
            return -(long)Errno.ENODEV;
        }

        Log(LogLevel.Notice, $"\tstream matching with {groups} register groups, mask 0x{mask:x}");
        return 0;
    }

    private long RequestGlobalInterrupts()
    {
        for (int n = 0; n < _globalInterrupts; n++)
        {
            int number = _resources.Interrupts[n];
            long error = _kernel.Interrupts.Request(
                number,
                "arm-smmu global fault",
                OnGlobalFault,
                this,
                isShared: true
            );
            if (error != 0)
            {
                Log(LogLevel.Error, $"failed to request global IRQ {n} ({number})");
                for (n--; n >= 0; n--)
                {
                    _kernel.Interrupts.Free(_resources.Interrupts[n], this);
                }

                return error;
            }
        }

        return 0;
    }

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

    private void LogIf(bool condition, string text)
    {
        if (condition)
        {
            Log(LogLevel.Notice, $"{text}");
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
