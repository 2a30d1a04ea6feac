using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <content>What an SMMU is able to do, and who is behind it (arm_smmu_device_dt_probe).</content>
internal sealed partial class ArmSmmuDevice
{
    /// <summary>MAX_MASTER_STREAMIDS.</summary>
    private const int MostStreamIds = 8;

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
        int intermediate = Math.Min(32, IommuPieces.AddressBits(id & 0xF));
        OutputBits = Math.Min(40, IommuPieces.AddressBits(id >> 4 & 0xF));
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

    private void LogIf(bool condition, string text)
    {
        if (condition)
        {
            Log(LogLevel.Notice, $"{text}");
        }
    }
}
