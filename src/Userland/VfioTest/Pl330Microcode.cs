using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.Userland;

/// <summary>
/// The program for the DMA-330 that the suite generates (generate_cmds_from_request of pl330_vfio.c): a copy from memory to
/// memory in bursts of 16 beats of 16 bytes, with an event at its end. It tells what it does as the suite's debug output.
/// </summary>
internal sealed class Pl330Microcode
{
    private const uint BeatBytes = 16;
    private const uint BeatsPerBurst = 16;
    private const uint LoopCount = 256;

    /// <summary>
    /// CCR: both addresses increment, 16 bytes a beat, 16 beats, unprivileged non-secure data. The program's functions fall
    /// through from source to destination, so the values of both sides are set twice.
    /// </summary>
    private const uint ChannelControl = 0x00BE_42F9;

    private readonly List<byte> _bytes = [];

    private Pl330Microcode() { }

    /// <summary>The bytes.</summary>
    public byte[] Bytes => [.. _bytes];

    /// <summary>What was printed about them, a line each.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Makes the program of a copy.</summary>
    /// <param name="source">Where from, as the DMAC sees it.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="sizeBytes">How much, in whole bursts; of anything else only the first instructions are made.</param>
    /// <param name="endEvent">The event at the end.</param>
    public static Pl330Microcode Copy(uint source, uint destination, uint sizeBytes, byte endEvent)
    {
        var code = new Pl330Microcode();
        code.Move(1, ChannelControl);
        code.Move(0, source);
        code.Move(2, destination);
        if (sizeBytes % (BeatBytes * BeatsPerBurst) != 0)
        {
            return code;
        }

        code.Loops(sizeBytes / BeatsPerBurst / BeatBytes);
        code._bytes.AddRange([0x34, (byte)((endEvent & 0x1F) << 3)]);
        code.Say($"DMASEV event: {endEvent & 0x1F}");
        code._bytes.Add(0x00);
        code.Say($"DMAEND");
        return code;
    }

    private void Move(byte register, uint value)
    {
        Span<byte> bytes = stackalloc byte[6];
        bytes[0] = 0xBC;
        bytes[1] = register;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[2..], value);
        _bytes.AddRange(bytes);
        Say($"DMAMOV {register:x} {value:x}");
    }

    private void Loops(uint bursts)
    {
        uint full = bursts / (LoopCount * LoopCount);
        uint remaining = bursts % (LoopCount * LoopCount);
        Say($"set up loops:");
        Say($"    burst_cnt:{bursts}");
        Say($"    full_loop_cnt:{full}");
        Say($"    remaining_burst:{remaining}");
        for (uint n = 0; n < full; n++)
        {
            NestedLoop(LoopCount, LoopCount);
        }

        if (remaining >= LoopCount)
        {
            NestedLoop(LoopCount, remaining / LoopCount);
            remaining %= LoopCount;
            Say($"    remaining_burst_1:{remaining}");
        }

        if (remaining > 0)
        {
            NestedLoop(remaining, 0);
        }
    }

    /// <summary>
    /// A burst repeated in one loop or two. Both loops end with the counter of the inner one, as the program has it: its
    /// outer loop is right for no count above 1.
    /// </summary>
    private void NestedLoop(uint inner, uint outer)
    {
        int outerStart = 0;
        if (outer > 1)
        {
            outerStart = Loop(1, outer);
            Say($"        outer_loop_off:{outerStart}, cnt: {outer}");
        }

        int innerStart = Loop(0, inner);
        Say($"        inner_loop_off:{innerStart}, cnt: {inner}");
        // DMALD, DMARMB, DMAST, DMAWMB.
        _bytes.AddRange([0x04, 0x12, 0x08, 0x13]);
        int jump = LoopEnd(innerStart);
        Say($"        inner_loop_end:{_bytes.Count}, backjmp: {jump}");
        if (outer > 1)
        {
            jump = LoopEnd(outerStart);
            Say($"        outer_loop_end:{_bytes.Count}, backjmp: {jump}");
        }
    }

    private int Loop(byte counter, uint count)
    {
        _bytes.AddRange([(byte)(0x20 | (counter << 1)), (byte)(count - 1)]);
        Say($"DMALP LOOP_CNT_{counter}_REG, count: {(byte)count}");
        return _bytes.Count;
    }

    private int LoopEnd(int start)
    {
        byte jump = (byte)(_bytes.Count - start);
        _bytes.AddRange([0x38, jump]);
        return jump;
    }

    private void Say(FormattableString text) => Lines.Add($"debug: {text.ToString(CultureInfo.InvariantCulture)}\n");
}
