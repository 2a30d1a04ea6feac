using System.Globalization;

namespace Emulator.KernelShim;

/// <content>Reset, global interrupts, removal.</content>
internal sealed partial class SmmuInstance
{
    private const uint CacheLock = 1 << 26;
    private const uint StreamMatchCache = (1 << 8) | (1 << 10);
    private const uint Prefetcher = 1 << 1;
    private const uint MajorRevisionWithLock = 2;

    /// <summary>Turns it off, so that everything passes unchanged (arm_smmu_device_remove, shutdown).</summary>
    public void Remove()
    {
        if (_banks != 0)
        {
            _kernel.Log.Print(LogLevel.Notice, Prefixed("disabling translation"));
        }

        for (int n = 0; n < Features.GlobalInterrupts; n++)
        {
            _kernel.Interrupts.Free(_device.Interrupts[n], this);
        }

        _device.Directory?.Remove("iommu");
        if (ClassDirectory is { } directory)
        {
            (_kernel.Files.Sys.GetOrAddDirectory("class").Find("iommu") as DirectoryInode)?.Remove(directory.Name);
        }

        WriteGlobal(SmmuRegisters.Control0, SmmuRegisters.ClientPortDisable);
    }

    /// <summary>arm_smmu_device_reset: nothing matches, no bank is on, and what does not match faults (disable_bypass).</summary>
    private void Reset()
    {
        WriteGlobal(SmmuRegisters.GlobalFaultStatus, ReadGlobal(SmmuRegisters.GlobalFaultStatus));
        for (int n = 0; n < _streams.Length; n++)
        {
            WriteStreamMatch(n);
            WriteGlobal(SmmuRegisters.StreamToContext + 4 * (ulong)n, SmmuRegisters.FaultStream);
        }

        for (int bank = 0; bank < Features.ContextBanks; bank++)
        {
            WriteBank(bank, SmmuRegisters.BankSystemControl, 0);
            WriteBank(bank, SmmuRegisters.BankFaultStatus, SmmuRegisters.AnyFault);
        }

        WriteGlobal(SmmuRegisters.InvalidateHypervisor, 0);
        WriteGlobal(SmmuRegisters.InvalidateNonSecure, 0);
        uint control = ReadGlobal(SmmuRegisters.Control0) | SmmuRegisters.ControlOn | SmmuRegisters.UnmatchedFault;
        control &= ~(SmmuRegisters.ClientPortDisable | SmmuRegisters.Broadcasting);
        if (Features.IsMmu500)
        {
            ResetMmu500();
        }

        Synchronize(Base + SmmuRegisters.GlobalSync, Base + SmmuRegisters.GlobalSyncStatus);
        WriteGlobal(SmmuRegisters.Control0, control);
    }

    /// <summary>arm_mmu500_reset: the lock of ACTLR goes, unmatched streams may be cached, the prefetcher is off.</summary>
    private void ResetMmu500()
    {
        uint major = ReadGlobal(SmmuRegisters.Identification7) >> 4 & 0xF;
        uint auxiliary = ReadGlobal(SmmuRegisters.AuxiliaryControl) | StreamMatchCache;
        WriteGlobal(
            SmmuRegisters.AuxiliaryControl,
            major >= MajorRevisionWithLock ? auxiliary & ~CacheLock : auxiliary
        );
        for (int bank = 0; bank < Features.ContextBanks; bank++)
        {
            uint control = ReadBank(bank, SmmuRegisters.BankAuxiliaryControl) & ~Prefetcher;
            WriteBank(bank, SmmuRegisters.BankAuxiliaryControl, control);
        }
    }

    private long RequestGlobalInterrupts()
    {
        for (int n = 0; n < Features.GlobalInterrupts; n++)
        {
            int number = _device.Interrupts[n];
            long error = _kernel.Interrupts.Request(
                number,
                "arm-smmu global fault",
                OnGlobalFault,
                this,
                isShared: true
            );
            if (error != 0)
            {
                _kernel.Log.Print(
                    LogLevel.Error,
                    Prefixed(
                        string.Create(CultureInfo.InvariantCulture, $"failed to request global IRQ {n} ({number})")
                    )
                );
                return error;
            }
        }

        return 0;
    }

    /// <summary>arm_smmu_global_fault.</summary>
    private bool OnGlobalFault()
    {
        uint status = ReadGlobal(SmmuRegisters.GlobalFaultStatus);
        if (status == 0)
        {
            return false;
        }

        uint syndrome0 = ReadGlobal(SmmuRegisters.GlobalFaultSyndrome0);
        uint syndrome1 = ReadGlobal(SmmuRegisters.GlobalFaultSyndrome0 + 4);
        uint syndrome2 = ReadGlobal(SmmuRegisters.GlobalFaultSyndrome0 + 8);
        string text =
            (status & SmmuRegisters.UnidentifiedStream) != 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"Blocked unknown Stream ID 0x{(ushort)syndrome1:x}; boot with \"arm-smmu.disable_bypass=0\" to allow, but this may have security implications"
                )
                : "Unexpected global fault, this could be serious";
        _globalFaults.Print(
            LogLevel.Error,
            Prefixed(text),
            Prefixed(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"\tGFSR 0x{status:x8}, GFSYNR0 0x{syndrome0:x8}, GFSYNR1 0x{syndrome1:x8}, GFSYNR2 0x{syndrome2:x8}"
                )
            )
        );
        WriteGlobal(SmmuRegisters.GlobalFaultStatus, status);
        return true;
    }
}
