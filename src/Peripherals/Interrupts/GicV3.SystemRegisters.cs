using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The CPU interface's system registers, after IHI 0069 chapter 12.2: one table for names, encodings and behaviour.</content>
public sealed partial class GicV3
{
    private static readonly TraceKind RegisterRead = new(
        "gic.sysreg.read",
        Severity.Info,
        "cpu{cpu} {register} -> {value}"
    );
    private static readonly TraceKind RegisterWrite = new(
        "gic.sysreg.write",
        Severity.Info,
        "cpu{cpu} {register} <- {value}"
    );

    private static readonly TraceKind WrongDirection = new(
        "gic.sysreg.wrong",
        Severity.Warning,
        "cpu{cpu} {access} {register}, which would be undefined"
    );

    // csharpier-ignore
    private static readonly SystemRow[] SystemRegisters =
    [
        new("ICC_PMR_EL1",     Icc(4, 6, 0),   (gic, cpu) => gic.State.Cpus[cpu].PriorityMask,          (gic, cpu, value) => gic.WritePriorityMask(cpu, (uint)value)),
        new("ICC_IAR0_EL1",    Icc(12, 8, 0),  (gic, cpu) => gic.Acknowledge(cpu, isGroup1: false),     null),
        new("ICC_EOIR0_EL1",   Icc(12, 8, 1),  null,                                                    (gic, cpu, value) => gic.End(cpu, (uint)value, isGroup1: false)),
        new("ICC_HPPIR0_EL1",  Icc(12, 8, 2),  (gic, cpu) => gic.ReadHighestPending(cpu, isGroup1: false), null),
        new("ICC_BPR0_EL1",    Icc(12, 8, 3),  (gic, cpu) => gic.State.Cpus[cpu].BinaryPoint0,          (gic, cpu, value) => gic.WriteBinaryPoint0(cpu, (uint)value)),
        new("ICC_AP0R0_EL1",   Icc(12, 8, 4),  (gic, cpu) => gic.State.Cpus[cpu].ActiveGroup0,          (gic, cpu, value) => gic.WriteActive(cpu, (uint)value, isGroup1: false)),
        new("ICC_AP1R0_EL1",   Icc(12, 9, 0),  (gic, cpu) => gic.State.Cpus[cpu].ActiveGroup1,          (gic, cpu, value) => gic.WriteActive(cpu, (uint)value, isGroup1: true)),
        new("ICC_DIR_EL1",     Icc(12, 11, 1), null,                                                    (gic, cpu, value) => gic.Deactivate(cpu, (uint)value)),
        new("ICC_RPR_EL1",     Icc(12, 11, 3), (gic, cpu) => Math.Min(RunningPriority(gic.State.Cpus[cpu]), 0xFF), null),
        new("ICC_SGI1R_EL1",   Icc(12, 11, 5), null,                                                    (gic, cpu, value) => gic.SendSoftwareInterrupt(cpu, value, isGroup1: true)),
        new("ICC_ASGI1R_EL1",  Icc(12, 11, 6), null,                                                    (gic, cpu, value) => gic.SendSoftwareInterrupt(cpu, value, isGroup1: true)),
        new("ICC_SGI0R_EL1",   Icc(12, 11, 7), null,                                                    (gic, cpu, value) => gic.SendSoftwareInterrupt(cpu, value, isGroup1: false)),
        new("ICC_IAR1_EL1",    Icc(12, 12, 0), (gic, cpu) => gic.Acknowledge(cpu, isGroup1: true),      null),
        new("ICC_EOIR1_EL1",   Icc(12, 12, 1), null,                                                    (gic, cpu, value) => gic.End(cpu, (uint)value, isGroup1: true)),
        new("ICC_HPPIR1_EL1",  Icc(12, 12, 2), (gic, cpu) => gic.ReadHighestPending(cpu, isGroup1: true), null),
        new("ICC_BPR1_EL1",    Icc(12, 12, 3), (gic, cpu) => gic.ReadBinaryPoint1(cpu),                 (gic, cpu, value) => gic.WriteBinaryPoint1(cpu, (uint)value)),
        new("ICC_CTLR_EL1",    Icc(12, 12, 4), (gic, cpu) => gic.State.Cpus[cpu].InterfaceControl | FixedInterfaceControl, (gic, cpu, value) => gic.WriteInterfaceControl(cpu, (uint)value)),
        new("ICC_SRE_EL1",     Icc(12, 12, 5), (_, _) => SystemRegistersOnly,                           (_, _, _) => { }),
        new("ICC_IGRPEN0_EL1", Icc(12, 12, 6), (gic, cpu) => gic.State.Cpus[cpu].GroupEnable & 1,       (gic, cpu, value) => gic.EnableGroup(cpu, 0, (uint)value)),
        new("ICC_IGRPEN1_EL1", Icc(12, 12, 7), (gic, cpu) => gic.State.Cpus[cpu].GroupEnable >> 1,      (gic, cpu, value) => gic.EnableGroup(cpu, 1, (uint)value)),
    ];

    private static SystemRegister Icc(byte n, byte m, byte op2) => new(3, 0, n, m, op2);

    private void ClaimRegisters(CpuPort cpu)
    {
        foreach (SystemRow row in SystemRegisters)
        {
            cpu.Claim(row.Register, new SystemRegisterPort(this, cpu.Number, row));
        }
    }

    private sealed record SystemRow(
        string Name,
        SystemRegister Register,
        Func<GicV3, int, ulong>? Read,
        Action<GicV3, int, ulong>? Write
    );

    /// <summary>A register of one CPU.</summary>
    private sealed class SystemRegisterPort(GicV3 gic, int cpu, SystemRow row) : INamedSystemRegister
    {
        public string RegisterName => row.Name;

        public ulong ReadSystemRegister(SystemRegister register)
        {
            if (row.Read is not { } read)
            {
                Refuse("reads");
                return 0;
            }

            ulong value = read(gic, cpu);
            Report(RegisterRead, value);
            return value;
        }

        public void WriteSystemRegister(SystemRegister register, ulong value)
        {
            if (row.Write is not { } write)
            {
                Refuse("writes");
                return;
            }

            Report(RegisterWrite, value);
            write(gic, cpu, value);
        }

        private void Report(TraceKind kind, ulong value)
        {
            if (gic.Trace.IsOn)
            {
                gic.Trace.Emit(
                    kind,
                    gic.Name,
                    TraceField.Decimal("cpu", (ulong)cpu),
                    TraceField.Of("register", row.Name),
                    TraceField.Hex("value", value)
                );
            }
        }

        private void Refuse(string access) =>
            gic.Trace.Emit(
                WrongDirection,
                gic.Name,
                TraceField.Decimal("cpu", (ulong)cpu),
                TraceField.Of("access", access),
                TraceField.Of("register", row.Name)
            );
    }
}
