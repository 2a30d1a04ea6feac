using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>
/// What a trace shows of a call: <c>open("/dev/vfio/vfio", O_RDWR) = 3</c>, in the notation of strace(1). A call that waits
/// is shown when it is done; one that a signal ended never is.
/// </content>
public sealed partial class Syscalls
{
    private const int ShownBytes = 32;

    private static readonly TraceKind Called = new("kernel.syscall", Severity.Debug, "{call}");

    /// <summary>Tells the trace of the end of a process.</summary>
    internal static void TraceExit(Process process, int status)
    {
        int signal = status & 0x7F;
        Emit(
            process,
            signal == 0
                ? string.Create(CultureInfo.InvariantCulture, $"exit_group({status >> 8}) = ?")
                : string.Create(CultureInfo.InvariantCulture, $"+++ killed by signal {signal} +++")
        );
    }

    private Attempt Done(
        Process process,
        Attempt result,
        [InterpolatedStringHandlerArgument("", nameof(result))] ref CallText call
    )
    {
        if (call.IsWanted)
        {
            string text = call.Text;
            bool isAddress = result.Value > 0 && text.StartsWith("mmap2", StringComparison.Ordinal);
            Emit(process, $"{text} = {(isAddress ? Pointer((ulong)result.Value) : ResultText(result.Value))}");
        }

        return result;
    }

    private static void Emit(Process process, string call)
    {
        Trace trace = process.Kernel.Simulation.Trace;
        if (trace.IsOn)
        {
            trace.Emit(Called, $"{process.Command}[{process.Id}]", TraceField.Of("call", call));
        }
    }

    private static string ResultText(long value) =>
        value is >= 0 or < -4095 ? value.ToString(CultureInfo.InvariantCulture) : $"-1 {(Errno)(-value)}";

    private static string Path(Process process, ulong address)
    {
        byte[] bytes = new byte[MaximumPathBytes];
        int length = 0;
        while (length < bytes.Length && process.Memory.TryPeek(address + (ulong)length, bytes.AsSpan(length, 1)))
        {
            if (bytes[length] == 0)
            {
                return Quoted(Encoding.UTF8.GetString(bytes, 0, length));
            }

            length++;
        }

        return Pointer(address);
    }

    private static string Bytes(Process process, ulong address, long count)
    {
        byte[] bytes = new byte[Math.Clamp(count, 0, ShownBytes)];
        return count >= 0 && process.Memory.TryPeek(address, bytes)
            ? Quoted(Encoding.Latin1.GetString(bytes)) + (count > ShownBytes ? "..." : "")
            : Pointer(address);
    }

    private static string Integers(Process process, ulong address, int count)
    {
        byte[] bytes = new byte[4 * count];
        return process.Memory.TryPeek(address, bytes)
            ? $"[{string.Join(", ", Enumerable.Range(0, count).Select(n => BitConverter.ToInt32(bytes, 4 * n)))}]"
            : Pointer(address);
    }

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            quoted.Append(
                c switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    '\t' => "\\t",
                    < ' ' or >= '\x7F' => "\\" + Convert.ToString(c & 0xFF, 8),
                    _ => c.ToString(),
                }
            );
        }

        return quoted.Append('"').ToString();
    }

    private static string Pointer(ulong address, string zero = "NULL") =>
        address == 0 ? zero : string.Create(CultureInfo.InvariantCulture, $"0x{address:x}");

    private static string Octal(int mode) => "0" + Convert.ToString(mode, 8);

    private static string ModeText(OpenFlags flags, int mode) =>
        flags.HasFlag(OpenFlags.Create) ? ", " + Octal(mode) : "";

    private static string WhenceText(int whence) =>
        whence switch
        {
            0 => "SEEK_SET",
            1 => "SEEK_CUR",
            2 => "SEEK_END",
            _ => whence.ToString(CultureInfo.InvariantCulture),
        };

    private static string Timespec(long time) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{{{time / VirtualTime.Second}, {time % VirtualTime.Second / VirtualTime.Nanosecond}}}"
        );

    private static string Timeout(long deadline) =>
        deadline == VirtualTime.Never ? "-1" : "until " + Timespec(deadline);

    private static string OpenFlagsText(OpenFlags flags, string? access = null)
    {
        access ??= (flags & OpenFlags.AccessMode) switch
        {
            OpenFlags.ReadOnly => "O_RDONLY",
            OpenFlags.WriteOnly => "O_WRONLY",
            _ => "O_RDWR",
        };
        return Flags(
            access,
            (flags.HasFlag(OpenFlags.Create), "O_CREAT"),
            (flags.HasFlag(OpenFlags.Exclusive), "O_EXCL"),
            (flags.HasFlag(OpenFlags.Truncate), "O_TRUNC"),
            (flags.HasFlag(OpenFlags.Append), "O_APPEND"),
            (flags.HasFlag(OpenFlags.NonBlocking), "O_NONBLOCK"),
            (flags.HasFlag(OpenFlags.Synchronous), "O_SYNC"),
            (flags.HasFlag(OpenFlags.Directory), "O_DIRECTORY"),
            (flags.HasFlag(OpenFlags.NoFollow), "O_NOFOLLOW"),
            (flags.HasFlag(OpenFlags.CloseOnExec), "O_CLOEXEC")
        );
    }

    private static string EventFlagsText(int flags) =>
        Flags(
            "0",
            ((flags & 1) != 0, "EFD_SEMAPHORE"),
            (((OpenFlags)flags).HasFlag(OpenFlags.NonBlocking), "EFD_NONBLOCK"),
            (((OpenFlags)flags).HasFlag(OpenFlags.CloseOnExec), "EFD_CLOEXEC")
        );

    private static string ProtectionText(Protection protection) =>
        protection == Protection.None
            ? "PROT_NONE"
            : Flags(
                "0",
                (protection.HasFlag(Protection.Read), "PROT_READ"),
                (protection.HasFlag(Protection.Write), "PROT_WRITE"),
                (protection.HasFlag(Protection.Execute), "PROT_EXEC")
            );

    private static string MapFlagsText(MapFlags flags) =>
        Flags(
            "0",
            (flags.HasFlag(MapFlags.Shared), "MAP_SHARED"),
            (flags.HasFlag(MapFlags.Private), "MAP_PRIVATE"),
            (flags.HasFlag(MapFlags.Fixed), "MAP_FIXED"),
            (flags.HasFlag(MapFlags.Anonymous), "MAP_ANONYMOUS"),
            (flags.HasFlag(MapFlags.Locked), "MAP_LOCKED")
        );

    /// <summary>Names joined by bars; the first, when it is "0", only where there are no others.</summary>
    private static string Flags(string first, params ReadOnlySpan<(bool IsSet, string Name)> flags)
    {
        string text = first is "0" ? "" : first;
        foreach ((bool isSet, string name) in flags)
        {
            text +=
                !isSet ? ""
                : text.Length == 0 ? name
                : "|" + name;
        }

        return text.Length == 0 ? first : text;
    }

    private static string IoctlText(Process process, uint command, ulong argument)
    {
        const uint GetTerminalAttributes = 0x5401;
        string name =
            command == GetTerminalAttributes ? "TCGETS" : VfioIoctlNames.NameOf(command) ?? Pointer(command, "0");
        string shown = command == VfioIoctl.GroupGetDeviceFd ? Path(process, argument) : Pointer(argument, "0");
        return $"{name}, {shown}";
    }

    /// <summary>The text of a call, made only while somebody listens and the call is done.</summary>
    [InterpolatedStringHandler]
    private ref struct CallText
    {
        private DefaultInterpolatedStringHandler _text;

        /// <summary>For the compiler.</summary>
        public CallText(int literalLength, int formattedCount, Syscalls calls, Attempt result, out bool isWanted)
        {
            ArgumentNullException.ThrowIfNull(calls);
            IsWanted = isWanted = calls._kernel.Simulation.Trace.IsOn && !result.IsBlocked;
            _text = IsWanted
                ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture)
                : default;
        }

        internal bool IsWanted { get; }

        internal string Text => _text.ToStringAndClear();

        /// <summary>For the compiler.</summary>
        public void AppendLiteral(string value) => _text.AppendLiteral(value);

        /// <summary>For the compiler.</summary>
        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);
    }
}
