using System.Buffers.Binary;
using System.Numerics;

namespace Emulator.KernelShim;

/// <content>Commands: 32 bytes in the queue, then GITS_CWRITER, then a look at GITS_CREADR (its_send_single_command).</content>
public sealed partial class ItsDriver
{
    private const int CommandBytes = 32;

    private ulong _writeOffset;

    private void SendMapDevice(ItsDevice device, bool isValid)
    {
        ulong bits = (ulong)BitOperations.Log2((uint)device.LpiCount);
        Send(0x08 | (ulong)device.Id << 32, bits - 1, (isValid ? Valid : 0) | device.Table);
        Synchronize();
    }

    /// <summary>its_cpu_init_collection: collection 0 is the boot CPU's, whose processor number is asked of its redistributor.</summary>
    private void SendMapCollection()
    {
        for (uint cpu = 0; cpu < (uint)_kernel.Board.Cpus.Count; cpu++)
        {
            Send(0x09, 0, Valid | (ulong)cpu << 16 | cpu);
            Synchronize(cpu);
            Send(0x0D, 0, cpu);
            Synchronize(cpu);
        }
    }

    private void SendMapEvent(ItsDevice device, uint eventId, uint lpi)
    {
        Send(0x0A | (ulong)device.Id << 32, (ulong)lpi << 32 | eventId);
        Synchronize();
    }

    private void SendInvalidate(ItsDevice device, uint eventId)
    {
        Send(0x0C | (ulong)device.Id << 32, eventId);
        Synchronize();
    }

    private void SendDiscard(ItsDevice device, uint eventId)
    {
        Send(0x0F | (ulong)device.Id << 32, eventId);
        Synchronize();
    }

    private void Synchronize(uint cpu = 0) => Send(0x05, 0, (ulong)cpu << 16);

    private void Send(ulong word0, ulong word1 = 0, ulong word2 = 0)
    {
        Span<byte> command = stackalloc byte[CommandBytes];
        command.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(command, word0);
        BinaryPrimitives.WriteUInt64LittleEndian(command[8..], word1);
        BinaryPrimitives.WriteUInt64LittleEndian(command[16..], word2);
        _cpu.Store(_queue + _writeOffset, command);
        _writeOffset = (_writeOffset + CommandBytes) % TableBytes;
        _cpu.Store(_base + CommandWrite, 8, _writeOffset);
        _cpu.Load(_base + CommandRead, 8, out ulong read);
        if (read != _writeOffset)
        {
            Print(LogLevel.Error, $"ITS queue timeout ({read} {_writeOffset})");
        }
    }
}
