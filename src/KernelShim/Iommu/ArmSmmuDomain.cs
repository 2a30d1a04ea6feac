using System.Diagnostics;
using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// An address space of an SMMU of version 1 (struct arm_smmu_domain, 3.12 to 3.18): stage-2 tables, and from the first
/// attachment on a context bank.
/// </summary>
[DebuggerDisplay("{_smmu?.Name ?? \"not attached yet\",nq} bank {_bank}")]
internal sealed class ArmSmmuDomain : IommuDomain
{
    private readonly Kernel _kernel;
    private readonly ArmSmmuDriver _driver;
    private readonly StageTwoPageTable _tables;
    private ArmSmmuDevice? _smmu;
    private int _bank;
    private int _interrupt;
    private bool _isFreed;

    private ArmSmmuDomain(Kernel kernel, ArmSmmuDriver driver, StageTwoPageTable tables)
    {
        _kernel = kernel;
        _driver = driver;
        _tables = tables;
    }

    /// <inheritdoc/>
    public override ulong PageSizes => StageTwoPageTable.PageSizes;

    /// <inheritdoc/>
    public override ulong ApertureEnd => StageTwoPageTable.LastIova;

    private uint Vmid => (uint)_bank + 1;

    /// <summary>arm_smmu_domain_init; null without memory.</summary>
    public static ArmSmmuDomain? Create(Kernel kernel, ArmSmmuDriver driver) =>
        StageTwoPageTable.Create(kernel) is { } tables ? new ArmSmmuDomain(kernel, driver, tables) : null;

    /// <inheritdoc/>
    public override long Map(ulong iova, ulong physical, ulong lengthBytes, IommuProtection protection)
    {
        const ulong LeastPage = PageAllocator.PageBytes - 1;
        if (((iova | physical | lengthBytes) & LeastPage) != 0)
        {
            _kernel.Log.Print(
                LogLevel.Error,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"iommu: unaligned: iova 0x{iova:x} pa 0x{physical:x8} size 0x{lengthBytes:x} min_pagesz 0x{LeastPage + 1:x}"
                )
            );
            return -(long)Errno.EINVAL;
        }

        if (_smmu is null)
        {
            return -(long)Errno.ENODEV;
        }

        if (!Fits(iova, lengthBytes, StageTwoPageTable.InputBits) || !Fits(physical, lengthBytes, _smmu.OutputBits))
        {
            return -(long)Errno.ERANGE;
        }

        if (_tables.TryWrite(iova, physical, lengthBytes, protection))
        {
            return 0;
        }

        // iommu_map unrolls what it had mapped.
        Unmap(iova, lengthBytes);
        return -(long)Errno.ENOMEM;
    }

    /// <summary>
    /// iommu_unmap: piece by piece, each followed by an invalidation. As in 3.x what was not mapped counts as unmapped.
    /// </summary>
    public override ulong Unmap(ulong iova, ulong lengthBytes)
    {
        const ulong LeastPage = PageAllocator.PageBytes - 1;
        if (((iova | lengthBytes) & LeastPage) != 0 || _smmu is null)
        {
            return 0;
        }

        ulong unmapped = 0;
        while (unmapped < lengthBytes)
        {
            ulong piece = IommuPieces.Next(StageTwoPageTable.PageSizes, iova, lengthBytes - unmapped);
            bool fits = Fits(iova, piece, StageTwoPageTable.InputBits);
            if (fits)
            {
                _tables.TryWrite(iova, 0, piece, IommuProtection.None);
            }

            _smmu.InvalidateVmid(Vmid);
            if (!fits)
            {
                break;
            }

            iova += piece;
            unmapped += piece;
        }

        return unmapped;
    }

    /// <inheritdoc/>
    public override ulong? Translate(ulong iova) => _tables.Translate(iova);

    /// <summary>arm_smmu_attach_dev. The first attachment decides which SMMU the domain belongs to.</summary>
    public override long Attach(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (_driver.FindSmmu(device) is not { } smmu || smmu.FindMaster(device.Node) is not { } master)
        {
            _kernel.Log.Print(LogLevel.Error, $"{device.LogPrefix}cannot attach to SMMU, is it on the same bus?");
            return -(long)Errno.ENXIO;
        }

        if (_smmu is null)
        {
            long error = TakeBank(smmu);
            if (error != 0)
            {
                return error;
            }
        }
        else if (_smmu != smmu)
        {
            _kernel.Log.Print(
                LogLevel.Error,
                $"{device.LogPrefix}cannot attach to SMMU {_smmu.Name} whilst already attached to domain on SMMU {smmu.Name}"
            );
            return -(long)Errno.EINVAL;
        }

        return smmu.AddMaster(master, _bank);
    }

    /// <inheritdoc/>
    public override void Detach(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (_smmu?.FindMaster(device.Node) is { StreamMatchRegisters: not null } master)
        {
            _smmu.RemoveMaster(master);
        }
    }

    /// <summary>arm_smmu_domain_destroy: the bank is off and its translations are gone before the tables are.</summary>
    public override void Free()
    {
        if (_isFreed)
        {
            return;
        }

        _isFreed = true;
        if (_smmu is not null)
        {
            _smmu.WriteBank(_bank, ContextBankRegisters.SystemControl, 0);
            _smmu.InvalidateVmid(Vmid);
            _kernel.Interrupts.Free(_interrupt, this);
            _smmu.FreeBank(_bank);
            _smmu = null;
        }

        _tables.Free();
    }

    private static bool Fits(ulong address, ulong lengthBytes, int bits) =>
        lengthBytes <= 1UL << bits && address <= (1UL << bits) - lengthBytes;

    /// <summary>arm_smmu_init_domain_context.</summary>
    private long TakeBank(ArmSmmuDevice smmu)
    {
        if (!smmu.TryTakeBank(out int bank, out int interruptIndex))
        {
            return -(long)Errno.ENOSPC;
        }

        int interrupt = smmu.ContextInterrupt(interruptIndex);
        _smmu = smmu;
        _bank = bank;
        _interrupt = interrupt;
        long error = _kernel.Interrupts.Request(
            interrupt,
            "arm-smmu-context-fault",
            OnContextFault,
            this,
            isShared: true
        );
        if (error != 0)
        {
            smmu.Log(LogLevel.Error, $"failed to request context IRQ {interruptIndex} ({interrupt})");
            smmu.FreeBank(bank);
            _smmu = null;
            return error;
        }

        InitializeBank(smmu, interruptIndex);
        return 0;
    }

    /// <summary>arm_smmu_init_context_bank, for stage 2 of version 1; SCTLR last.</summary>
    private void InitializeBank(ArmSmmuDevice smmu, int interruptIndex)
    {
        smmu.WriteBankAttributes(_bank, (uint)interruptIndex << 24 | Vmid);
        smmu.WriteBank(_bank, ContextBankRegisters.TableBaseLow, (uint)_tables.Base);
        smmu.WriteBank(_bank, ContextBankRegisters.TableBaseHigh, (uint)(_tables.Base >> 32));
        smmu.WriteBank(_bank, ContextBankRegisters.TranslationControl, ContextBankRegisters.LongDescriptors32);
        uint stall = _kernel.Profile.SmmuStalls ? ContextBankRegisters.StallFaults : 0;
        smmu.WriteBank(_bank, ContextBankRegisters.SystemControl, ContextBankRegisters.TranslateAndReport | stall);
    }

    /// <summary>
    /// arm_smmu_context_fault. No user of a domain takes faults (report_iommu_fault finds no handler), so each is logged,
    /// cleared, and what was stalled is terminated; the handler then says that the interrupt was not its own.
    /// </summary>
    private bool OnContextFault()
    {
        if (_smmu is not { } smmu)
        {
            return false;
        }

        uint status = smmu.ReadBank(_bank, ContextBankRegisters.FaultStatus);
        if ((status & ContextBankRegisters.AnyFault) == 0)
        {
            return false;
        }

        if ((status & ContextBankRegisters.UnexpectedFaults) != 0)
        {
            smmu.UnexpectedFaultLimit.Print(
                LogLevel.Error,
                smmu.Prefixed(string.Create(CultureInfo.InvariantCulture, $"Unexpected context fault (fsr 0x{status})"))
            );
        }

        uint syndrome = smmu.ReadBank(_bank, ContextBankRegisters.FaultSyndrome);
        uint iova = smmu.ReadBank(_bank, ContextBankRegisters.FaultAddress);
        smmu.ContextFaultLimit.Print(
            LogLevel.Error,
            smmu.Prefixed(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Unhandled context fault: iova=0x{iova:x8}, fsynr=0x{syndrome:x}, cb={_bank}"
                )
            )
        );
        smmu.WriteBank(_bank, ContextBankRegisters.FaultStatus, status);
        if ((status & ContextBankRegisters.Stalled) != 0)
        {
            smmu.WriteBank(_bank, ContextBankRegisters.Resume, ContextBankRegisters.Terminate);
        }

        return false;
    }
}
