using System.Buffers.Binary;
using System.Globalization;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Bench;

/// <summary>
/// What MAP_DMA and UNMAP_DMA of the simulated kernel cost: 1 GiB of pages that lie scattered in RAM, and one page among a
/// thousand and among a million mappings. All of it by system calls, into page tables in simulated RAM.
/// </summary>
internal sealed class VfioBench
{
    private const ulong PageBytes = 4096;
    private const uint ReadWrite = 3;
    private const uint MapDma = 0x3B71;
    private const uint UnmapDma = 0x3B72;
    private const int Pairs = 4096;

    // One page in so many is left free: a million mappings must fit into the SMMU's 32-bit addresses.
    private const int Together = 21;

    private readonly Kernel _kernel;
    private readonly Process _process;
    private readonly ulong _arguments;
    private readonly int _container;
    private readonly ulong _memory;
    private ulong _place;

    private VfioBench(IServiceProvider services, ulong memoryBytes, int mappings)
    {
        Board board = services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, new Simulation());
        _kernel = BuiltInDrivers.Boot(board, KernelProfiles.VosysV6);
        _process = _kernel.CreateProcess("bench", _kernel.Init);
        _arguments = (ulong)Mmap(PageBytes);
        Echo("vfio-platform", "/sys/bus/platform/devices/2c0a0000.dma/driver_override");
        Echo("2c0a0000.dma", "/sys/bus/platform/drivers_probe");
        _container = (int)Open("/dev/vfio/vfio");
        int group = (int)Open("/dev/vfio/0");
        _process.Memory.TryWrite(_arguments, BitConverter.GetBytes(_container));
        Check(Ioctl(group, 0x3B68, _arguments));
        Check(Ioctl(_container, 0x3B66, 1));
        _memory = (ulong)Mmap(memoryBytes);
        TouchScattered(memoryBytes);
        for (int n = 0; n < mappings; n++)
        {
            Map((ulong)(n + n / Together) * PageBytes, PageBytes);
        }
    }

    public static void Run(int rounds)
    {
        using ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        const ulong gibibyte = 1 << 30;
        var whole = new VfioBench(services, gibibyte, mappings: 0);
        Contest.Run(
            "MAP_DMA and UNMAP_DMA of 1 GiB in scattered pages of 4 KiB",
            "page",
            Math.Min(rounds, 5),
            new Party("pages of a process", (long)(gibibyte / PageBytes), () => whole.MapAndUnmap(0, gibibyte))
        );
        var few = new VfioBench(services, PageBytes, 1000);
        var many = new VfioBench(services, PageBytes, 1_000_000);
        Contest.Run(
            "MAP_DMA of one page that is mapped already: look-ups of 500 mappings in use",
            "look-up",
            rounds,
            new Party("of a thousand mappings", Pairs, () => few.LookUp(1000)),
            new Party("of a million mappings", Pairs, () => many.LookUp(1_000_000))
        );
        Contest.Run(
            "MAP_DMA and UNMAP_DMA of one page, anywhere",
            "pair",
            rounds,
            new Party("among a thousand mappings", Pairs, () => few.MapAndUnmapBetween(1000)),
            new Party("among a million mappings", Pairs, () => many.MapAndUnmapBetween(1_000_000))
        );
    }

    private void MapAndUnmap(ulong iova, ulong lengthBytes)
    {
        Map(iova, lengthBytes);
        Unmap(iova, lengthBytes);
    }

    private void MapAndUnmapBetween(ulong mappings)
    {
        for (int n = 0; n < Pairs; n++)
        {
            _place = (_place + 7919) % (mappings / Together);
            MapAndUnmap((_place * (Together + 1) + Together) * PageBytes, PageBytes);
        }
    }

    /// <summary>What is mapped already is found, and the call answers EEXIST.</summary>
    private void LookUp(int mappings)
    {
        for (int n = 0; n < Pairs; n++)
        {
            int used = n * 211 % 500 * (mappings / 500);
            if (TryMap((ulong)(used + used / Together) * PageBytes, PageBytes) != -(long)Errno.EEXIST)
            {
                throw new InvalidOperationException("A mapping was not found.");
            }
        }
    }

    /// <summary>Pages get memory when they are touched, so the order of touching is that of the memory.</summary>
    private void TouchScattered(ulong memoryBytes)
    {
        ulong pages = memoryBytes / PageBytes;
        for (ulong n = 0; n < pages; n++)
        {
            _process.Memory.TryWrite(_memory + n * 97 % pages * PageBytes, [1]);
        }
    }

    private void Map(ulong iova, ulong lengthBytes) => Check(TryMap(iova, lengthBytes));

    private long TryMap(ulong iova, ulong lengthBytes)
    {
        Span<byte> map = stackalloc byte[32];
        BinaryPrimitives.WriteUInt32LittleEndian(map, 32);
        BinaryPrimitives.WriteUInt32LittleEndian(map[4..], ReadWrite);
        BinaryPrimitives.WriteUInt64LittleEndian(map[8..], _memory);
        BinaryPrimitives.WriteUInt64LittleEndian(map[16..], iova);
        BinaryPrimitives.WriteUInt64LittleEndian(map[24..], lengthBytes);
        _process.Memory.TryWrite(_arguments, map);
        return Ioctl(_container, MapDma, _arguments);
    }

    private void Unmap(ulong iova, ulong lengthBytes)
    {
        Span<byte> unmap = stackalloc byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(unmap, 24);
        BinaryPrimitives.WriteUInt64LittleEndian(unmap[8..], iova);
        BinaryPrimitives.WriteUInt64LittleEndian(unmap[16..], lengthBytes);
        _process.Memory.TryWrite(_arguments, unmap);
        Check(Ioctl(_container, UnmapDma, _arguments));
    }

    private long Do(Func<WakeReason, Attempt> call) => _kernel.Simulation.Scheduler.Call(_process.Thread, call);

    private long Mmap(ulong lengthBytes) =>
        Do(_ =>
            _kernel.Calls.Mmap(
                _process,
                0,
                lengthBytes,
                Protection.Read | Protection.Write,
                MapFlags.Private | MapFlags.Anonymous,
                -1,
                0
            )
        );

    private long Ioctl(int descriptor, uint request, ulong argument) =>
        Do(_ => _kernel.Calls.Ioctl(_process, descriptor, request, argument));

    private long Open(string path, OpenFlags flags = OpenFlags.ReadWrite)
    {
        _process.Memory.TryWrite(_arguments, [.. System.Text.Encoding.UTF8.GetBytes(path), 0]);
        return Check(Do(_ => _kernel.Calls.Open(_process, _arguments, flags, 0)));
    }

    private void Echo(string text, string path)
    {
        long descriptor = Open(path, OpenFlags.WriteOnly);
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        _process.Memory.TryWrite(_arguments, bytes);
        Check(Do(_ => _kernel.Calls.Write(_process, (int)descriptor, _arguments, bytes.Length)));
        Do(_ => _kernel.Calls.Close(_process, (int)descriptor));
    }

    private static long Check(long result) =>
        result >= 0
            ? result
            : throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"A system call answered {result}.")
            );
}
