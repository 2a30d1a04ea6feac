using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>/dev/null, /dev/zero, /dev/full and /dev/mem (drivers/char/mem.c).</summary>
internal static class MemoryDevices
{
    private const int Major = 1;

    /// <summary>Makes their nodes.</summary>
    public static void Add(DirectoryInode dev)
    {
        Add(dev, "null", 3);
        Add(dev, "zero", 5);
        Add(dev, "full", 7);
        dev.Add("mem", new DeviceInode(0x1A0, Major, 1, PhysicalMemoryFile.Open));
    }

    private static void Add(DirectoryInode dev, string name, int minor) =>
        dev.Add(
            name,
            new DeviceInode(
                0x1B6,
                Major,
                minor,
                (_, flags) => new MemoryDeviceFile("/dev/" + name, minor) { Flags = flags }
            )
        );

    private sealed class MemoryDeviceFile(string path, int minor) : OpenFile
    {
        public override string Description => path;

        public override Attempt Read(Process process, ulong buffer, long count, long position)
        {
            if (minor == 3)
            {
                return 0;
            }

            int length = (int)Math.Min(count, 64 << 10);
            return process.Memory.TryWrite(buffer, new byte[length])
                ? length
                : process.Refuse(Errno.EFAULT, "read_iter_zero", "the buffer is not in the process's memory");
        }

        public override Attempt Write(Process process, ulong buffer, long count, long position) =>
            minor == 7 ? process.Refuse(Errno.ENOSPC, "write_full", "/dev/full is always full") : count;
    }
}
