using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// Which check refused a call: what a person who sees EINVAL wants to know. Kept beside the errno, never seen by programs.
/// </summary>
/// <param name="Time">When, in picoseconds.</param>
/// <param name="Process">Whose call it was: <c>echo (12)</c>.</param>
/// <param name="Call">The system call.</param>
/// <param name="Errno">What it returned.</param>
/// <param name="Function">The kernel function that makes this check.</param>
/// <param name="Reason">Why, in a sentence.</param>
[DebuggerDisplay("{ToString(),nq}")]
public sealed record Refusal(long Time, string Process, string Call, Errno Errno, string Function, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Process}: {Call} = -{Errno}: {Function}: {Reason}";
}
