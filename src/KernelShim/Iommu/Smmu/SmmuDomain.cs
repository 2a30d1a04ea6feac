using System.Diagnostics;
using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// A domain of the SMMU (struct arm_smmu_domain, 6.x): tables and, from the first attachment on, a context bank; stage 1 where the
/// SMMU has it, else stage 2.
/// </summary>
[DebuggerDisplay("{_smmu?.Name ?? \"not attached yet\",nq} bank {_bank}")]
internal sealed class SmmuDomain(Kernel kernel, SmmuDriver driver) : IommuDomain
{
    private SmmuInstance? _smmu;
    private LpaePageTable? _tables;
    private int _bank;
    private int _interrupt;
    private bool _isFreed;

    /// <inheritdoc/>
    public override ulong PageSizes => LpaePageTable.PageSizes;

    /// <inheritdoc/>
    public override ulong ApertureEnd => _tables?.LastInput ?? ulong.MaxValue;

    private uint Vmid => (uint)_bank + 1;

    /// <summary>iommu_map, then arm_lpae_map_pages for each piece.</summary>
    public override long Map(ulong iova, ulong physical, ulong lengthBytes, IommuProtection protection)
    {
        const ulong LeastPage = PageAllocator.PageBytes;
        if (_smmu is null || _tables is null)
        {
            return -(long)Errno.ENODEV;
        }

        if (((iova | physical | lengthBytes) & (LeastPage - 1)) != 0)
        {
            kernel.Log.Print(
                LogLevel.Error,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"iommu: unaligned: iova 0x{iova:x} pa 0x{physical:x16} size 0x{lengthBytes:x} min_pagesz 0x{LeastPage:x}"
                )
            );
            return -(long)Errno.EINVAL;
        }

        ulong done = 0;
        while (done < lengthBytes)
        {
            ulong piece = IommuPieces.Next(
                LpaePageTable.PageSizes,
                (iova + done) | (physical + done),
                lengthBytes - done
            );
            long error = MapPiece(iova + done, physical + done, piece, protection);
            if (error != 0)
            {
                // iommu_map unrolls what it had mapped.
                Unmap(iova, done);
                return error;
            }

            done += piece;
        }

        return 0;
    }

    /// <summary>iommu_unmap: what is gone is told to the TLB leaf by leaf, and waited for once.</summary>
    public override ulong Unmap(ulong iova, ulong lengthBytes)
    {
        if (_smmu is null || _tables is null || lengthBytes == 0)
        {
            return 0;
        }

        ulong unmapped = _tables.Unmap(iova, lengthBytes, Forget);
        if (unmapped > 0)
        {
            _smmu.Synchronize(_bank);
        }

        return unmapped;
    }

    /// <inheritdoc/>
    public override ulong? Translate(ulong iova) => _tables?.Translate(iova);

    /// <summary>arm_smmu_attach_dev. The first attachment decides which SMMU the domain belongs to.</summary>
    public override long Attach(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (driver.FindMaster(device) is not { } master)
        {
            return -(long)Errno.ENXIO;
        }

        if (_smmu is null)
        {
            long error = Initialize(master.Smmu);
            if (error != 0)
            {
                return error;
            }
        }
        else if (_smmu != master.Smmu)
        {
            return -(long)Errno.EINVAL;
        }

        master.Smmu.Lead(master.Streams, (uint)_bank);
        return 0;
    }

    /// <summary>A device leaves for the default domain of its group (__iommu_group_set_core_domain).</summary>
    public override void Detach(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (driver.FindMaster(device) is not { } master)
        {
            return;
        }

        if (device.Group?.DefaultDomain is not { } home || home == this || home.Attach(device) != 0)
        {
            master.Smmu.Lead(master.Streams, SmmuRegisters.FaultStream);
        }
    }

    /// <summary>arm_smmu_destroy_domain_context: the bank is off and its translations are gone before the tables are.</summary>
    public override void Free()
    {
        if (_isFreed)
        {
            return;
        }

        _isFreed = true;
        if (_smmu is not null)
        {
            _smmu.WriteBank(_bank, SmmuRegisters.BankSystemControl, 0);
            ForgetAll();
            kernel.Interrupts.Free(_interrupt, this);
            _smmu.FreeBank(_bank);
        }

        _tables?.Free();
        _tables = null;
    }

    private long MapPiece(ulong iova, ulong physical, ulong piece, IommuProtection protection)
    {
        bool isBeyond = iova > _tables!.LastInput || piece - 1 > _tables.LastInput - iova;
        int outputBits = _smmu!.Features.HasStageOne
            ? _smmu.Features.AddressBits.Intermediate
            : _smmu.Features.AddressBits.Physical;
        return isBeyond || physical >> outputBits != 0
            ? -(long)Errno.ERANGE
            : _tables.Map(iova, physical, piece, protection);
    }

    /// <summary>arm_smmu_init_domain_context.</summary>
    private long Initialize(SmmuInstance smmu)
    {
        SmmuFeatures features = smmu.Features;
        long bank = smmu.TakeBank(features.HasStageOne ? features.StageTwoBanks : 0);
        if (bank < 0)
        {
            return bank;
        }

        int inputBits = features.HasStageOne ? features.AddressBits.Virtual : features.AddressBits.Intermediate;
        _tables = LpaePageTable.Create(kernel, !features.HasStageOne, inputBits);
        if (_tables is null)
        {
            smmu.FreeBank((int)bank);
            return -(long)Errno.ENOMEM;
        }

        _smmu = smmu;
        _bank = (int)bank;
        int interrupt = features.Version == 2 ? _bank : smmu.NextContextInterrupt();
        WriteBank(smmu, _tables, interrupt);
        _interrupt = smmu.BankInterrupt(interrupt);
        long error = kernel.Interrupts.Request(
            _interrupt,
            "arm-smmu-context-fault",
            OnContextFault,
            this,
            isShared: true
        );
        if (error != 0)
        {
            kernel.Log.Print(
                LogLevel.Error,
                smmu.Prefixed(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"failed to request context IRQ {interrupt} ({_interrupt})"
                    )
                )
            );
        }

        return 0;
    }

    /// <summary>arm_smmu_write_context_bank: attributes, control, tables, memory attributes; SCTLR last.</summary>
    private void WriteBank(SmmuInstance smmu, LpaePageTable tables, int interrupt)
    {
        bool isVersion2 = smmu.Features.Version == 2;
        uint sizeField = SizeField(
            tables.IsStageTwo ? smmu.Features.AddressBits.Physical : smmu.Features.AddressBits.Intermediate
        );
        uint start = 64 - (uint)tables.InputBits;
        if (isVersion2)
        {
            smmu.WriteBankAttributes2(_bank, 1);
        }

        if (tables.IsStageTwo)
        {
            smmu.WriteBankAttributes(_bank, Vmid | (isVersion2 ? 0 : (uint)interrupt << 24));
            uint level = (uint)(2 - tables.StartLevel) << 6;
            smmu.WriteBank(
                _bank,
                SmmuRegisters.BankTranslationControl,
                SmmuRegisters.StageTwoControl | sizeField << 16 | level | start
            );
            smmu.WriteBankWide(_bank, SmmuRegisters.BankTableBase0, tables.Base);
            smmu.WriteBank(_bank, SmmuRegisters.BankSystemControl, SmmuRegisters.SystemControlOn);
            return;
        }

        ulong asid = (ulong)_bank << 48;
        smmu.WriteBankAttributes(_bank, SmmuRegisters.StageOneAttributes);
        smmu.WriteBank(_bank, SmmuRegisters.BankTranslationControl2, SmmuRegisters.StageOneControl2 | sizeField);
        smmu.WriteBank(_bank, SmmuRegisters.BankTranslationControl, SmmuRegisters.StageOneControl | start);
        smmu.WriteBankWide(_bank, SmmuRegisters.BankTableBase0, asid | tables.Base);
        smmu.WriteBankWide(_bank, SmmuRegisters.BankTableBase1, asid);
        smmu.WriteBank(_bank, SmmuRegisters.BankMemoryAttributes0, SmmuRegisters.MemoryAttributes);
        smmu.WriteBank(_bank, SmmuRegisters.BankMemoryAttributes1, 0);
        smmu.WriteBank(
            _bank,
            SmmuRegisters.BankSystemControl,
            SmmuRegisters.SystemControlOn | SmmuRegisters.AsidPrivate
        );
    }

    /// <summary>PS and PASize.</summary>
    private static uint SizeField(int bits) =>
        bits switch
        {
            32 => 0,
            36 => 1,
            40 => 2,
            42 => 3,
            44 => 4,
            _ => 5,
        };

    /// <summary>The TLB forgets a leaf (tlb_add_page); on version 1 everything of the domain.</summary>
    private void Forget(ulong iova, ulong size)
    {
        if (!_tables!.IsStageTwo)
        {
            ulong operand = iova >> 12 | (ulong)_bank << 48;
            _smmu!.WriteBankWide(_bank, SmmuRegisters.BankInvalidateAddressLast, operand);
        }
        else if (_smmu!.Features.Version == 2)
        {
            _smmu.WriteBankWide(_bank, SmmuRegisters.BankInvalidateIntermediateLast, iova >> 12);
        }
        else
        {
            _smmu.WriteGlobal(SmmuRegisters.InvalidateVmid, Vmid);
        }
    }

    private void ForgetAll()
    {
        if (_tables is { IsStageTwo: false })
        {
            _smmu!.WriteBank(_bank, SmmuRegisters.BankInvalidateAsid, (uint)_bank);
        }
        else
        {
            _smmu!.WriteGlobal(SmmuRegisters.InvalidateVmid, Vmid);
        }

        _smmu.Synchronize(_bank);
    }

    /// <summary>arm_smmu_context_fault: nobody takes faults of these domains, so each is logged and cleared.</summary>
    private bool OnContextFault()
    {
        if (_smmu is not { } smmu || _isFreed)
        {
            return false;
        }

        uint status = smmu.ReadBank(_bank, SmmuRegisters.BankFaultStatus);
        if ((status & SmmuRegisters.AnyFault) == 0)
        {
            return false;
        }

        uint syndrome = smmu.ReadBank(_bank, SmmuRegisters.BankFaultSyndrome0);
        ulong iova = smmu.ReadBankWide(_bank, SmmuRegisters.BankFaultAddress);
        uint stream = smmu.ReadBankFaultStream(_bank);
        string[] lines =
        [
            .. SmmuFaultLines
                .Of(kernel.Profile.SmmuDecodesFaults, status, syndrome, iova, stream, _bank)
                .Select(smmu.Prefixed),
        ];
        smmu.ContextFaults.Print(LogLevel.Error, lines);
        smmu.WriteBank(_bank, SmmuRegisters.BankFaultStatus, status);
        return true;
    }
}

/// <summary>The domain in which a device's addresses are physical ones: its streams pass (IOMMU_DOMAIN_IDENTITY).</summary>
internal sealed class SmmuIdentityDomain(SmmuDriver driver) : IommuDomain
{
    /// <inheritdoc/>
    public override ulong PageSizes => 0;

    /// <inheritdoc/>
    public override ulong ApertureEnd => ulong.MaxValue;

    /// <inheritdoc/>
    public override long Map(ulong iova, ulong physical, ulong lengthBytes, IommuProtection protection) =>
        -(long)Errno.EINVAL;

    /// <inheritdoc/>
    public override ulong Unmap(ulong iova, ulong lengthBytes) => 0;

    /// <inheritdoc/>
    public override ulong? Translate(ulong iova) => iova;

    /// <inheritdoc/>
    public override long Attach(Device device)
    {
        if (driver.FindMaster(device) is not { } master)
        {
            return -(long)Errno.ENXIO;
        }

        master.Smmu.Lead(master.Streams, SmmuRegisters.BypassStream);
        return 0;
    }

    /// <inheritdoc/>
    public override void Detach(Device device) { }

    /// <inheritdoc/>
    public override void Free() { }
}
