using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <content>What every CPU does for itself: its redistributor and its system registers (gic_cpu_init).</content>
internal sealed partial class GicV3Driver
{
    private const ulong SoftwareFrame = 0x1_0000;
    private const ulong FrameBytes = 0x2_0000;
    private const ulong RedistributorType = 0x0008;
    private const ulong Waker = 0x0014;
    private const ulong LastRedistributor = 1 << 4;
    private const ulong VirtualLpis = 1 << 1;
    private const uint ProcessorSleep = 1 << 1;
    private const uint ChildrenAsleep = 1 << 2;
    private const uint DefaultPriorityMask = 0xF0;

    private static readonly SystemRegister MultiprocessorAffinity = new(3, 0, 0, 0, 5);
    private static readonly SystemRegister PriorityMask = new(3, 0, 4, 6, 0);
    private static readonly SystemRegister ActivePriorities0 = new(3, 0, 12, 8, 4);
    private static readonly SystemRegister ActivePriorities1 = new(3, 0, 12, 9, 0);
    private static readonly SystemRegister Acknowledge1 = new(3, 0, 12, 12, 0);
    private static readonly SystemRegister End1 = new(3, 0, 12, 12, 1);
    private static readonly SystemRegister BinaryPoint1 = new(3, 0, 12, 12, 3);
    private static readonly SystemRegister InterfaceControl = new(3, 0, 12, 12, 4);
    private static readonly SystemRegister SystemRegisterEnable = new(3, 0, 12, 12, 5);
    private static readonly SystemRegister GroupEnable1 = new(3, 0, 12, 12, 7);

    private static uint ReadRegister(CpuPort cpu, SystemRegister register)
    {
        cpu.TryReadSystemRegister(register, out ulong value);
        return (uint)value;
    }

    private static void WriteRegister(CpuPort cpu, SystemRegister register, ulong value) =>
        cpu.TryWriteSystemRegister(register, value);

    private void InitializeCpu(int number)
    {
        CpuPort cpu = _kernel.Board.Cpus[number];
        if (FindRedistributor(number) is not { } frame)
        {
            Print(_kernel, LogLevel.Warning, $"GICv3: CPU{number}: mpidr {cpu.Affinity:x} has no re-distributor!");
            return;
        }

        _redistributors[number] = frame;
        Wake(cpu, frame);
        ulong software = frame + SoftwareFrame;
        cpu.Store(software + Group, 4, uint.MaxValue);
        cpu.Store(software + ClearActive, 4, uint.MaxValue);
        cpu.Store(software + ClearEnable, 4, 0xFFFF_0000);
        for (ulong at = 0; at < FirstShared; at += 4)
        {
            cpu.Store(software + Priority + at, 4, DefaultPriorities);
        }

        cpu.Store(software + SetEnable, 4, 0x0000_FFFF);
        InitializeRegisters(cpu);
    }

    /// <summary>gic_populate_rdist: the frame whose affinity is this CPU's.</summary>
    private ulong? FindRedistributor(int number)
    {
        CpuPort cpu = _kernel.Board.Cpus[number];
        cpu.TryReadSystemRegister(MultiprocessorAffinity, out ulong affinity);
        ulong wanted = (affinity >> 8 & 0xFF00_0000) | (affinity & 0xFF_FFFF);
        for (int region = 0; region < _regions.Count; region++)
        {
            ulong start = _regions[region].Address.Value;
            for (ulong at = 0; at + FrameBytes <= _regions[region].LengthBytes; )
            {
                cpu.Load(start + at, 4, out _);
                cpu.Load(start + at + RedistributorType, 8, out ulong type);
                if (type >> 32 == wanted)
                {
                    Print(
                        _kernel,
                        LogLevel.Info,
                        $"GICv3: CPU{number}: found redistributor {affinity & 0xFF_00FF_FFFF:x} region {region}:0x{start + at:x16}"
                    );
                    return start + at;
                }

                if ((type & LastRedistributor) != 0)
                {
                    break;
                }

                // Frames for virtual LPIs follow where there are any.
                at += (type & VirtualLpis) != 0 ? 2 * FrameBytes : FrameBytes;
            }
        }

        return null;
    }

    /// <summary>gic_enable_redist.</summary>
    private void Wake(CpuPort cpu, ulong frame)
    {
        cpu.Load(frame + Waker, 4, out ulong value);
        cpu.Store(frame + Waker, 4, value & ~(ulong)ProcessorSleep);
        cpu.Load(frame + Waker, 4, out value);
        if ((value & ChildrenAsleep) != 0)
        {
            Print(_kernel, LogLevel.Error, $"GICv3: redistributor failed to wakeup...");
        }
    }

    /// <summary>gic_cpu_sys_reg_init.</summary>
    private static void InitializeRegisters(CpuPort cpu)
    {
        WriteRegister(cpu, SystemRegisterEnable, ReadRegister(cpu, SystemRegisterEnable) | 1);
        WriteRegister(cpu, PriorityMask, DefaultPriorityMask);
        WriteRegister(cpu, BinaryPoint1, 0);
        WriteRegister(cpu, InterfaceControl, 0);
        WriteRegister(cpu, ActivePriorities0, 0);
        WriteRegister(cpu, ActivePriorities1, 0);
        WriteRegister(cpu, GroupEnable1, 1);
    }
}
