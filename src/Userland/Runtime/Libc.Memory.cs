using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <content>
/// The program's own loads and stores, through its mappings. A bad one ends it as the signal does on Linux: SIGSEGV where
/// nothing is mapped, SIGBUS where the bus answers with an error.
/// </content>
public sealed partial class Libc
{
    /// <summary>What a load or store of a device register costs.</summary>
    public const long RegisterAccessTime = 50 * VirtualTime.Nanosecond;

    /// <summary>What mmap(2) returns when it fails, as a pointer of 32 bits.</summary>
    public const ulong MapFailed = 0xFFFF_FFFF;

    /// <summary>Loads 1, 2, 4 or 8 bytes.</summary>
    public async Task<ulong> Load(ulong address, int sizeBytes = 4)
    {
        await SpendOnAccess(address);
        return _process.TryLoad(address, sizeBytes, out ulong value)
            ? value
            : throw new KilledException(_process.PendingSignal);
    }

    /// <summary>Stores 1, 2, 4 or 8 bytes.</summary>
    public async Task Store(ulong address, ulong value, int sizeBytes = 4)
    {
        await SpendOnAccess(address);
        if (!_process.TryStore(address, sizeBytes, value))
        {
            throw new KilledException(_process.PendingSignal);
        }
    }

    /// <summary>Copies bytes out of memory that is not a device's.</summary>
    public async Task<byte[]> ReadMemory(ulong address, int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        if (!_process.Memory.TryRead(address, bytes))
        {
            for (int n = 0; n < lengthBytes; n++)
            {
                bytes[n] = (byte)await Load(address + (ulong)n, 1);
            }
        }

        return bytes;
    }

    /// <summary>Copies bytes into memory that is not a device's.</summary>
    public async Task WriteMemory(ulong address, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (!_process.Memory.TryWrite(address, bytes))
        {
            for (int n = 0; n < bytes.Length; n++)
            {
                await Store(address + (ulong)n, bytes[n], 1);
            }
        }
    }

    /// <summary>ioctl(2) with a structure of the uapi: what it holds afterwards.</summary>
    public async Task<(long Result, T Value)> Ioctl<T>(long descriptor, uint command, T value)
        where T : unmanaged
    {
        byte[] bytes = new byte[Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(bytes, value);
        long result = await Ioctl(descriptor, command, bytes);
        return (result, MemoryMarshal.Read<T>(bytes));
    }

    /// <summary>ioctl(2) with a string.</summary>
    public Task<long> Ioctl(long descriptor, uint command, string text) => Ioctl(descriptor, command, Put(text));

    /// <summary>mprotect(2).</summary>
    public Task<long> Mprotect(ulong address, ulong length, Protection protection) =>
        Call(_ => _calls.Mprotect(_process, address, length, protection));

    private async Task SpendOnAccess(ulong address)
    {
        if (_process.IsDeviceMemory(address))
        {
            await CurrentThread.Do(_ => SpendTime(RegisterAccessTime));
            if (_process.PendingSignal != 0)
            {
                throw new KilledException(_process.PendingSignal);
            }
        }
    }
}
