using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>
/// Writes the microcode of a copy within memory as the driver does: the registers, loops of one load and one store, an event,
/// the end (drivers/dma/pl330.c, _setup_req; encodings in Arm DDI 0424, "Instruction set").
/// </summary>
internal sealed class Pl330Program
{
    /// <summary>The most that a loop counter counts.</summary>
    private const int MaximumIterations = 256;

    /// <summary>DMALPEND jumps back 255 bytes at most.</summary>
    private const int MaximumJump = 255;

    private const byte End = 0x00;
    private const byte Load = 0x04;
    private const byte Store = 0x08;
    private const byte ReadBarrier = 0x12;
    private const byte WriteBarrier = 0x13;
    private const byte Loop0 = 0x20;
    private const byte Loop1 = 0x22;
    private const byte SendEvent = 0x34;
    private const byte EndLoop0 = 0x38;
    private const byte EndLoop1 = 0x3C;
    private const byte Move = 0xBC;
    private const byte SourceAddress = 0;
    private const byte ChannelControl = 1;
    private const byte DestinationAddress = 2;

    private readonly List<byte> _bytes = [];
    private readonly byte[] _burst;

    private Pl330Program(bool needsBarriers) =>
        _burst = needsBarriers ? [Load, ReadBarrier, Store, WriteBarrier] : [Load, Store];

    /// <summary>The value of CCR for a copy (_prepare_ccr).</summary>
    /// <param name="beatShift">The beat's size as a power of two.</param>
    /// <param name="beats">The beats of a burst; 0 comes out as 16.</param>
    /// <param name="isNonSecure">Whether its accesses are non-secure.</param>
    public static uint Control(int beatShift, int beats, bool isNonSecure)
    {
        uint half = 1 | ((uint)beatShift << 1) | (((uint)(beats - 1) & 0xF) << 4) | (isNonSecure ? 1U << 9 : 0);
        return half | (half << 14);
    }

    /// <summary>How many bytes a burst of a CCR moves.</summary>
    public static uint BytesOfBurst(uint control) => (((control >> 4) & 0xF) + 1) << (int)((control >> 1) & 7);

    /// <summary>The program of a copy; null when the length is no multiple of a burst.</summary>
    public static byte[]? Build(
        uint control,
        uint source,
        uint destination,
        uint lengthBytes,
        int eventNumber,
        bool needsBarriers
    )
    {
        uint burst = BytesOfBurst(control);
        if (lengthBytes % burst != 0)
        {
            return null;
        }

        var program = new Pl330Program(needsBarriers);
        program.AddMove(ChannelControl, control);
        program.AddMove(SourceAddress, source);
        program.AddMove(DestinationAddress, destination);
        for (int left = (int)(lengthBytes / burst); left > 0; )
        {
            left -= program.AddLoop(left);
        }

        program._bytes.AddRange([SendEvent, (byte)(eventNumber << 3), End]);
        return [.. program._bytes];
    }

    private void AddMove(byte register, uint value)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        _bytes.AddRange([Move, register]);
        _bytes.AddRange(word);
    }

    /// <summary>Adds the largest loop that fits: up to 256 times 256 times what the jump reaches. Gives its bursts.</summary>
    private int AddLoop(int bursts)
    {
        int inner = Math.Min(bursts, MaximumIterations);
        int outer = bursts <= MaximumIterations ? 0 : Math.Min(bursts / inner, MaximumIterations);
        int overhead = outer == 0 ? 4 : 8;
        int copies = Math.Min(
            Math.Max(1, bursts / inner / Math.Max(1, outer)),
            (MaximumJump - overhead) / _burst.Length
        );
        if (outer != 0)
        {
            _bytes.AddRange([Loop0, (byte)(outer - 1)]);
        }

        int outerStart = _bytes.Count;
        _bytes.AddRange([Loop1, (byte)(inner - 1)]);
        int innerStart = _bytes.Count;
        for (int n = 0; n < copies; n++)
        {
            _bytes.AddRange(_burst);
        }

        _bytes.AddRange([EndLoop1, (byte)(_bytes.Count - innerStart)]);
        if (outer != 0)
        {
            _bytes.AddRange([EndLoop0, (byte)(_bytes.Count - outerStart)]);
        }

        return inner * Math.Max(1, outer) * copies;
    }
}
