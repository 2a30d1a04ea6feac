using System.Buffers.Binary;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>The kernel log, the clock, the system's names; the start of a program.</content>
public sealed partial class Syscalls
{
    /// <summary>The size of the log buffer as syslog(2) tells it (CONFIG_LOG_BUF_SHIFT).</summary>
    public const int LogBufferBytes = 1 << 19;

    /// <summary>The length of each of the six fields of struct new_utsname.</summary>
    public const int UtsFieldBytes = 65;

    private Attempt SysLogCore(Process process, int type, ulong buffer, int length)
    {
        Enter(process, "syslog");
        bool mayAsk = type is 3 or 10;
        if (!mayAsk && !process.Has(Capabilities.SysAdmin))
        {
            return process.Refuse(Errno.EPERM, "check_syslog_permissions", "this needs CAP_SYSLOG");
        }

        switch (type)
        {
            case 3 or 4:
                return ReadLog(process, buffer, length, clear: type == 4);
            case 5:
                _kernel.Log.Clear();
                return 0;
            case 6:
                _kernel.Log.ConsoleLevel = 1;
                return 0;
            case 7:
                _kernel.Log.ConsoleLevel = 7;
                return 0;
            case 8 when length is >= 1 and <= 8:
                _kernel.Log.ConsoleLevel = length;
                return 0;
            case 10:
                return LogBufferBytes;
            default:
                return process.Refuse(Errno.EINVAL, "do_syslog", "unknown action, or a level that does not exist");
        }
    }

    private Attempt ClockGetTimeCore(Process process, int clock, ulong buffer)
    {
        Enter(process, "clock_gettime");
        if (clock is not (0 or 1))
        {
            return process.Refuse(Errno.EINVAL, "clockid_to_kclock", $"there is no clock {clock}");
        }

        long now = _kernel.Simulation.Now;
        Span<byte> bytes = stackalloc byte[16];
        long seconds = now / VirtualTime.Second + (clock == 0 ? _kernel.EpochSeconds : 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, seconds);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], now % VirtualTime.Second / VirtualTime.Nanosecond);
        return process.Memory.TryWrite(buffer, bytes)
            ? 0
            : process.Refuse(Errno.EFAULT, "put_timespec64", "the buffer is not in the process's memory");
    }

    private Attempt UNameCore(Process process, ulong buffer)
    {
        Enter(process, "uname");
        string[] fields =
        [
            "Linux",
            _kernel.HostName,
            _kernel.Profile.Release,
            "#1 SMP PREEMPT",
            _kernel.Profile.Machine,
            "(none)",
        ];
        byte[] bytes = new byte[fields.Length * UtsFieldBytes];
        for (int n = 0; n < fields.Length; n++)
        {
            byte[] field = Encoding.UTF8.GetBytes(fields[n]);
            field.AsSpan(0, Math.Min(field.Length, UtsFieldBytes - 1)).CopyTo(bytes.AsSpan(n * UtsFieldBytes));
        }

        return process.Memory.TryWrite(buffer, bytes)
            ? 0
            : process.Refuse(Errno.EFAULT, "sys_newuname", "the buffer is not in the process's memory");
    }

    private Attempt ExecCore(Process process, ulong path, out RegularInode? file)
    {
        file = null;
        if (ReadPath(process, "execve", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (found.Inode is null)
        {
            return process.Refuse(Errno.ENOENT, "do_open_execat", $"{text} does not exist");
        }

        if (found.Inode is not RegularInode regular || (regular.Permissions & 0x49) == 0)
        {
            return process.Refuse(Errno.EACCES, "do_open_execat", $"{text} is no file that may be executed");
        }

        if (!May(process, regular, 1))
        {
            return process.Refuse(Errno.EACCES, "do_open_execat", $"the mode of {text} does not allow it");
        }

        bool isProgram = regular.Program is { } name && _kernel.BinaryFormat?.CanRun(name) == true;
        bool isScript = regular.Content.Count > 1 && regular.Content[0] == '#' && regular.Content[1] == '!';
        if (!isProgram && !isScript)
        {
            return process.Refuse(Errno.ENOEXEC, "search_binary_handler", $"{text} is neither a program nor a script");
        }

        file = regular;
        return 0;
    }

    private Attempt ReadLog(Process process, ulong buffer, int length, bool clear)
    {
        if (length < 0)
        {
            return process.Refuse(Errno.EINVAL, "do_syslog", "the length is negative");
        }

        var text = new List<byte[]>();
        int total = 0;
        foreach (LogLine line in _kernel.Log.Lines.Reverse())
        {
            byte[] bytes = Encoding.UTF8.GetBytes($"<{(int)line.Level}>{line}\n");
            if (total + bytes.Length > length)
            {
                break;
            }

            total += bytes.Length;
            text.Add(bytes);
        }

        text.Reverse();
        if (!process.Memory.TryWrite(buffer, text.SelectMany(line => line).ToArray()))
        {
            return process.Refuse(Errno.EFAULT, "syslog_print_all", "the buffer is not in the process's memory");
        }

        if (clear)
        {
            _kernel.Log.Clear();
        }

        return total;
    }
}
