using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// What becomes of the kernel's own access that the bus answers with an error (do_sea and die, arch/arm64/kernel/traps.c): lines in
/// the log, a tainted kernel, and the end of the program that made the call. Registers and the call trace are not printed: there
/// is no code whose they could be.
/// </summary>
internal static class KernelOops
{
    private const uint ReadSyndrome = 0x9600_0010; // ESR_EL1: data abort at the same level, synchronous external abort
    private const uint WriteFlag = 1 << 6; // WnR

    /// <summary>Where the profile's kernel dies of it, the oops; where that is not modelled, EIO.</summary>
    public static long ExternalAbort(Process process, string function, ulong address, bool isWrite)
    {
        Kernel kernel = process.Kernel;
        string reason = $"the bus answered the access to 0x{address:x} with an error";
        if (!kernel.Profile.ExternalAbortsAreOopses)
        {
            return process.Refuse(Errno.EIO, function, reason);
        }

        ulong syndrome = ReadSyndrome | (isWrite ? WriteFlag : 0);
        KernelTaint before = kernel.Taints;
        kernel.Oopses++;
        Print(kernel, $"Internal error: synchronous external abort: {syndrome:x16} [#{kernel.Oopses}] SMP");
        Print(kernel, $"Modules linked in: {string.Join(' ', kernel.Modules?.Loaded ?? [])}");
        string tainted = before == KernelTaint.None ? "Not tainted" : "Tainted";
        Print(
            kernel,
            $"CPU: 0 PID: {process.Id} Comm: {process.Command} {tainted} {kernel.Profile.Release} {kernel.Profile.Version}"
        );
        if (kernel.Tree.Root.FindProperty("compatible") is { LooksLikeStrings: true } machine)
        {
            Print(kernel, $"Hardware name: {machine.ReadStrings()[0]} (DT)");
        }

        Print(kernel, $"pc : {function}");
        Print(kernel, "---[ end trace 0000000000000000 ]---");
        kernel.Taint(KernelTaint.Died);
        process.PendingSignal = Process.SegmentationFault;
        return process.Refuse(Errno.EFAULT, function, reason + "; the kernel ends the program");
    }

    private static void Print(Kernel kernel, FormattableString text) =>
        kernel.Log.Print(LogLevel.Emergency, text.ToString(CultureInfo.InvariantCulture));

    private static void Print(Kernel kernel, string text) => kernel.Log.Print(LogLevel.Emergency, text);
}
