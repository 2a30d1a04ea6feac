using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emulator.KernelShim;

/// <summary>Structs of the uapi in user memory: copy_from_user and copy_to_user of the part that a call requires.</summary>
internal static class UserStruct
{
    /// <summary>Reads the first bytes of a struct; the rest of it is zero. False where it would fault.</summary>
    public static bool TryRead<T>(Process process, ulong address, out T value, int lengthBytes = 0)
        where T : unmanaged
    {
        value = default;
        return process.Memory.TryRead(address, Bytes(ref value, lengthBytes));
    }

    /// <summary>
    /// Reads a struct that begins with argsz, which must be at least <paramref name="requiredBytes"/>: what every ioctl of VFIO does
    /// first. The refusal, or null.
    /// </summary>
    public static long? Take<T>(Process process, ulong address, string function, int requiredBytes, out T value)
        where T : unmanaged
    {
        if (!TryRead(process, address, out value))
        {
            return CannotRead(process, function);
        }

        uint given = MemoryMarshal.Read<uint>(Bytes(ref value, sizeof(uint)));
        return given < requiredBytes ? TooSmall(process, function, given, requiredBytes) : null;
    }

    /// <summary>Writes the first bytes of a struct. False where it would fault.</summary>
    public static bool TryWrite<T>(Process process, ulong address, T value, int lengthBytes = 0)
        where T : unmanaged => process.Memory.TryWrite(address, Bytes(ref value, lengthBytes));

    /// <summary>Refuses because a struct could not be read.</summary>
    public static long CannotRead(Process process, string function) =>
        process.Refuse(Errno.EFAULT, function, "copy_from_user: the argument is not in the process's memory");

    /// <summary>Refuses because a struct could not be written back.</summary>
    public static long CannotWrite(Process process, string function) =>
        process.Refuse(Errno.EFAULT, function, "copy_to_user: the argument is not in writable memory of the process");

    /// <summary>Refuses because the caller's struct is too small.</summary>
    public static long TooSmall(Process process, string function, uint given, int required) =>
        process.Refuse(Errno.EINVAL, function, $"argsz is {given}; at least {required} is required");

    private static Span<byte> Bytes<T>(ref T value, int lengthBytes)
        where T : unmanaged =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1))[
            ..(lengthBytes == 0 ? Unsafe.SizeOf<T>() : lengthBytes)
        ];
}
