using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>A stream match register and what it leads to (struct arm_smmu_smr, struct arm_smmu_s2cr).</summary>
internal sealed class SmmuStream
{
    public uint Id { get; set; }

    public uint Mask { get; set; }

    /// <summary>How many devices use it; 0 is free.</summary>
    public int Users { get; set; }

    /// <summary>The group of its devices.</summary>
    public IommuGroup? Group { get; set; }
}

/// <summary>
/// One SMMU and its registers (struct arm_smmu_device of drivers/iommu/arm/arm-smmu/arm-smmu.c, 6.x): what it is able to do, its
/// stream match registers and context banks. The kernels of 3.x have <see cref="ArmSmmuDevice"/>.
/// </summary>
[DebuggerDisplay("{Name,nq}: banks taken {_banks}")]
internal sealed partial class SmmuInstance
{
    private const int SyncAttempts = 1_000_000;

    private readonly Kernel _kernel;
    private readonly CpuPort _cpu;
    private readonly Device _device;
    private readonly SmmuStream[] _streams;
    private readonly RateLimit _globalFaults;
    private readonly RateLimit _syncLimit;
    private UInt128 _banks;
    private int _lastInterrupt;

    private SmmuInstance(Kernel kernel, Device device, SmmuFeatures features)
    {
        _kernel = kernel;
        _cpu = kernel.Board.Cpu;
        _device = device;
        Features = features;
        _streams = [.. Enumerable.Range(0, features.StreamMatchRegisters).Select(_ => new SmmuStream())];
        _globalFaults = new RateLimit(kernel, "arm_smmu_global_fault");
        _syncLimit = new RateLimit(kernel, "__arm_smmu_tlb_sync");
        ContextFaults = new RateLimit(kernel, "arm_smmu_context_fault");
    }

    /// <summary>The device's name: <c>b000000.iommu</c>.</summary>
    public string Name => _device.Name;

    /// <summary>Its node.</summary>
    public DeviceTreeNode Node => _device.Node!;

    /// <summary>What it is able to do.</summary>
    public SmmuFeatures Features { get; }

    /// <summary>Limits the lines of context faults.</summary>
    public RateLimit ContextFaults { get; }

    /// <summary>Its device of the class iommu: <c>smmu.0x000000000b000000</c>.</summary>
    public DirectoryInode? ClassDirectory { get; private set; }

    private ulong Base => _device.Resources[0].Start;

    private ulong PageBytes => Features.RegisterPageBytes;

    /// <summary>Probes and resets an SMMU (arm_smmu_device_probe); null with a negative errno when it cannot be used.</summary>
    public static SmmuInstance? Probe(Kernel kernel, Device device, out long error)
    {
        if (SmmuFeatures.Probe(kernel, device, out error) is not { } features)
        {
            return null;
        }

        var smmu = new SmmuInstance(kernel, device, features);
        error = smmu.RequestGlobalInterrupts();
        if (error != 0)
        {
            return null;
        }

        smmu.AddClassDevice();
        smmu.Reset();
        return smmu;
    }

    /// <summary>
    /// Takes stream match registers for a device's IDs (arm_smmu_master_alloc_smes): one that holds an ID already is shared; what
    /// overlaps otherwise is refused.
    /// </summary>
    public long TakeStreams(IReadOnlyList<IommuSpecifier> specifiers, out int[] streams)
    {
        streams = new int[specifiers.Count];
        for (int n = 0; n < specifiers.Count; n++)
        {
            long index = FindStream(specifiers[n].Id, specifiers[n].Mask);
            if (index < 0)
            {
                ReleaseStreams(streams.AsSpan(0, n));
                return index;
            }

            SmmuStream stream = _streams[index];
            stream.Id = stream.Users == 0 ? specifiers[n].Id : stream.Id;
            stream.Mask = stream.Users == 0 ? specifiers[n].Mask : stream.Mask;
            stream.Users++;
            streams[n] = (int)index;
        }

        foreach (int index in streams)
        {
            WriteStreamMatch(index);
        }

        return 0;
    }

    /// <summary>Gives stream match registers back (arm_smmu_master_free_smes).</summary>
    public void ReleaseStreams(ReadOnlySpan<int> streams)
    {
        foreach (int index in streams)
        {
            SmmuStream stream = _streams[index];
            if (--stream.Users == 0)
            {
                stream.Group = null;
                WriteGlobal(SmmuRegisters.StreamToContext + 4 * (ulong)index, SmmuRegisters.FaultStream);
                WriteStreamMatch(index);
            }
        }
    }

    /// <summary>The stream of a register.</summary>
    public SmmuStream Stream(int index) => _streams[index];

    /// <summary>Leads streams to a context bank, or lets them pass (arm_smmu_master_install_s2crs).</summary>
    public void Lead(ReadOnlySpan<int> streams, uint target)
    {
        foreach (int index in streams)
        {
            WriteGlobal(SmmuRegisters.StreamToContext + 4 * (ulong)index, target);
        }
    }

    /// <summary>Takes a free context bank from a number on (__arm_smmu_alloc_bitmap); -ENOSPC when there is none.</summary>
    public long TakeBank(int first)
    {
        for (int bank = first; bank < Features.ContextBanks; bank++)
        {
            if ((_banks >> bank & 1) == 0)
            {
                _banks |= UInt128.One << bank;
                return bank;
            }
        }

        return -(long)Errno.ENOSPC;
    }

    /// <summary>Gives a context bank back.</summary>
    public void FreeBank(int bank) => _banks &= ~(UInt128.One << bank);

    /// <summary>The Linux number of a bank's interrupt.</summary>
    public int BankInterrupt(int index) => _device.Interrupts[Features.GlobalInterrupts + index];

    /// <summary>Version 1 has interrupts apart from its banks: they go round.</summary>
    public int NextContextInterrupt() => ++_lastInterrupt % Features.ContextInterrupts;

    /// <summary>tlb_sync of a bank on version 2, of the whole SMMU on version 1.</summary>
    public void Synchronize(int bank)
    {
        bool isVersion2 = Features.Version == 2;
        ulong start = isVersion2 ? BankBase(bank) + SmmuRegisters.BankSync : Base + SmmuRegisters.GlobalSync;
        ulong status = isVersion2
            ? BankBase(bank) + SmmuRegisters.BankSyncStatus
            : Base + SmmuRegisters.GlobalSyncStatus;
        Synchronize(start, status);
    }

    public uint ReadBank(int bank, ulong register) => (uint)Read(BankBase(bank) + register, 4);

    public ulong ReadBankWide(int bank, ulong register) => Read(BankBase(bank) + register, 8);

    public void WriteBank(int bank, ulong register, uint value) => _cpu.Store(BankBase(bank) + register, 4, value);

    public void WriteBankWide(int bank, ulong register, ulong value) => _cpu.Store(BankBase(bank) + register, 8, value);

    /// <summary>CBARn.</summary>
    public void WriteBankAttributes(int bank, uint value) => WriteGlobal(PageBytes + 4 * (ulong)bank, value);

    /// <summary>CBFRSYNRAn.</summary>
    public uint ReadBankFaultStream(int bank) => ReadGlobal(PageBytes + 0x400 + 4 * (ulong)bank);

    /// <summary>CBA2Rn.</summary>
    public void WriteBankAttributes2(int bank, uint value) => WriteGlobal(PageBytes + 0x800 + 4 * (ulong)bank, value);

    public void WriteGlobal(ulong register, uint value) => _cpu.Store(Base + register, 4, value);

    public uint ReadGlobal(ulong register) => (uint)Read(Base + register, 4);

    public string Prefixed(string text) => $"arm-smmu {Name}: {text}";

    private ulong BankBase(int bank) => Base + Features.GlobalPages * PageBytes + (ulong)bank * PageBytes;

    /// <summary>arm_smmu_find_sme: a free register, or the one that has the ID already.</summary>
    private long FindStream(uint id, uint mask)
    {
        long free = -(long)Errno.ENOSPC;
        for (int index = 0; index < _streams.Length; index++)
        {
            SmmuStream stream = _streams[index];
            if (stream.Users == 0)
            {
                free = free < 0 ? index : free;
                continue;
            }

            if ((mask & stream.Mask) == mask && ((id ^ stream.Id) & ~stream.Mask) == 0)
            {
                return index;
            }

            if (((id ^ stream.Id) & ~(stream.Mask | mask)) == 0)
            {
                return -(long)Errno.EINVAL;
            }
        }

        return free;
    }

    private void WriteStreamMatch(int index)
    {
        SmmuStream stream = _streams[index];
        uint value = stream.Users > 0 ? SmmuRegisters.StreamMatchValid | stream.Mask << 16 | stream.Id : 0;
        WriteGlobal(SmmuRegisters.StreamMatch + 4 * (ulong)index, value);
    }

    private ulong Read(ulong address, int size)
    {
        _cpu.Load(address, size, out ulong value);
        return value;
    }

    private void Synchronize(ulong start, ulong status)
    {
        _cpu.Store(start, 4, 0);
        for (int attempt = 0; (Read(status, 4) & 1) != 0; attempt++)
        {
            if (attempt == SyncAttempts)
            {
                _syncLimit.Print(LogLevel.Error, Prefixed("TLB sync timed out -- SMMU may be deadlocked"));
                return;
            }
        }
    }

    /// <summary>iommu_device_sysfs_add.</summary>
    private void AddClassDevice()
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"smmu.0x{Base:x16}");
        DirectoryInode classes = _kernel.Files.Sys.GetOrAddDirectory("class").GetOrAddDirectory("iommu");
        DirectoryInode directory = _device.Directory!.GetOrAddDirectory("iommu").AddDirectory(name);
        directory.AddDirectory("devices");
        directory.AddRelativeLink("device", _device.Directory!);
        directory.AddRelativeLink("subsystem", classes);
        directory.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", DriverCore.StoreUevent);
        classes.AddRelativeLink(name, directory);
        ClassDirectory = directory;
    }
}
