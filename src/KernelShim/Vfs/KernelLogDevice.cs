using System.Globalization;
using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>/dev/kmsg (devkmsg_read, devkmsg_write of kernel/printk/printk.c): a record a read, a line a write.</summary>
internal static class KernelLogDevice
{
    private const int Major = 1;
    private const int Minor = 11;

    /// <summary>LOG_LINE_MAX.</summary>
    private const int MaximumLine = 992;

    /// <summary>Makes the node.</summary>
    public static void Add(Kernel kernel) =>
        kernel.Files.Dev.Add(
            "kmsg",
            new DeviceInode(0x1A4, Major, Minor, (_, flags) => new KernelLogFile(kernel.Log) { Flags = flags })
        );

    private sealed class KernelLogFile(KernelLog log) : OpenFile
    {
        private long _next = log.Count - log.Lines.Count;

        public override string Description => "/dev/kmsg";

        public override bool IsSeekable => false;

        public override Attempt Read(Process process, ulong buffer, long count, long position)
        {
            long first = log.Count - log.Lines.Count;
            if (_next < first)
            {
                _next = first;
                return process.Refuse(Errno.EPIPE, "devkmsg_read", "lines were lost: the ring has gone round");
            }

            if (_next == log.Count)
            {
                return Flags.HasFlag(OpenFlags.NonBlocking)
                    ? process.Refuse(Errno.EAGAIN, "devkmsg_read", "there is no newer line")
                    : Attempt.Block(log.Readers);
            }

            LogLine line = log.Lines.ElementAt((int)(_next - first));
            string record = string.Create(
                CultureInfo.InvariantCulture,
                $"{(int)line.Level},{_next},{line.Time / VirtualTime.Microsecond},-;{line.Text}\n"
            );
            byte[] bytes = Encoding.UTF8.GetBytes(record);
            if (bytes.Length > count)
            {
                return process.Refuse(Errno.EINVAL, "devkmsg_read", $"a record of {bytes.Length} bytes does not fit");
            }

            if (!process.Memory.TryWrite(buffer, bytes))
            {
                return process.Refuse(Errno.EFAULT, "devkmsg_read", "the buffer is not in the process's memory");
            }

            _next++;
            return bytes.Length;
        }

        public override Attempt Write(Process process, ulong buffer, long count, long position)
        {
            if (count > MaximumLine)
            {
                return process.Refuse(Errno.EINVAL, "devkmsg_write", $"a line has at most {MaximumLine} bytes");
            }

            byte[] bytes = new byte[count];
            if (!process.Memory.TryRead(buffer, bytes))
            {
                return process.Refuse(Errno.EFAULT, "devkmsg_write", "the buffer is not in the process's memory");
            }

            string text = Encoding.UTF8.GetString(bytes).TrimEnd('\n');
            var level = LogLevel.Warning;
            int end = text.IndexOf('>', StringComparison.Ordinal);
            if (
                text.StartsWith('<')
                && end > 1
                && uint.TryParse(text[1..end], NumberStyles.None, CultureInfo.InvariantCulture, out uint priority)
            )
            {
                // The facility, above the level's three bits, is not kept.
                level = (LogLevel)(priority & 7);
                text = text[(end + 1)..];
            }

            log.Print(level, text);
            return count;
        }

        public override PollEvents Poll() => PollEvents.Out | (_next < log.Count ? PollEvents.In : PollEvents.None);
    }
}
