namespace Emulator.Machine;

/// <summary>MPIDR_EL1 (MPIDR in AArch32), by which software learns which CPU it runs on (Arm ARM, D19.2.100).</summary>
/// <param name="affinity">The affinity fields.</param>
internal sealed class MultiprocessorAffinity(ulong affinity) : ISystemRegisterTarget
{
    /// <summary>Aff3, Aff2, Aff1, Aff0.</summary>
    public const ulong Mask = 0xFF_00FF_FFFF;

    // Bit 31 is RES1 in AArch64; 32-bit software reads it as "multiprocessing extensions".
    private const ulong ResOne = 1UL << 31;

    /// <summary>The register's encoding.</summary>
    public static SystemRegister Register { get; } = new(3, 0, 0, 0, 5);

    /// <inheritdoc/>
    public ulong ReadSystemRegister(SystemRegister register) => affinity | ResOne;

    /// <inheritdoc/>
    /// <remarks>It is read-only: the instruction does not exist, and software that wrote it would have trapped.</remarks>
    public void WriteSystemRegister(SystemRegister register, ulong value) { }
}
