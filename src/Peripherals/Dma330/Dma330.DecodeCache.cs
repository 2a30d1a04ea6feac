using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Decoded instructions, and the window of memory that each thread's code is in. An entry holds the very bytes it was
/// decoded from and counts only while memory holds the same: whoever writes code, by whatever way, has written it for the
/// next instruction already, and no writer has to know that code is cached. Windows are kept for the length of a batch and
/// never across a return to the event loop.
/// </summary>
public sealed partial class Dma330
{
    private readonly CodeWindow?[] _code = new CodeWindow?[ManagerIndex];

    /// <summary>What the fast path does with an instruction; everything unusual is <see cref="Other"/>.</summary>
    private enum FastKind : byte
    {
        Undecoded,
        Other,
        Nop,
        Loop,
        LoopEnd,
        Load,
        Store,
        StoreZeros,
        ReadBarrier,
        WriteBarrier,
    }

    private struct CachedInstruction
    {
        /// <summary>The bytes it was decoded from, and those behind it.</summary>
        public ulong Bytes;
        public Dma330Instruction Instruction;

        /// <summary>DMALPEND: its loop, if it has been looked at.</summary>
        public LoopPlan? Plan;
        public FastKind Kind;
        public byte Length;

        /// <summary>DMALP, DMALPEND: the counter. DMALP: the count. DMALPEND: the jump.</summary>
        public byte Counter;
        public byte Operand;
        public bool Forever;
    }

    private sealed class CodeWindow
    {
        public const int Entries = 256;

        /// <summary>An entry's place is the low byte of its address.</summary>
        public readonly CachedInstruction[] Instructions = new CachedInstruction[Entries];
        public byte[] Array = [];
        public int Offset;
        public ulong Batch;
        public uint Start;

        /// <summary>How many addresses have eight bytes of code.</summary>
        public uint Room;
        public byte NonSecure;
    }

    /// <summary>The instruction at a channel's PC. False where there is no plain memory, or less than eight bytes of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFetchCached(ref Dma330Thread thread, int index, out CodeWindow window, out int place)
    {
        window = _code[index]!;
        uint at = 0;
        if (
            window is null
            || window.Batch != _spanBatch
            || window.NonSecure != thread.NonSecure
            || (at = thread.Pc - window.Start) >= window.Room
        )
        {
            if (!OpenCodeWindow(ref thread, index))
            {
                Unsafe.SkipInit(out place);
                return false;
            }

            window = _code[index]!;
            at = thread.Pc - window.Start;
        }

        ulong bytes = Unsafe.ReadUnaligned<ulong>(
            ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(window.Array), window.Offset + (int)at)
        );
        place = (int)(thread.Pc & (CodeWindow.Entries - 1));
        ref CachedInstruction cached = ref window.Instructions[place];
        if (cached.Bytes != bytes || cached.Kind == FastKind.Undecoded)
        {
            Decode(ref cached, bytes);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool OpenCodeWindow(ref Dma330Thread thread, int index)
    {
        TransactionFlags flags =
            TransactionFlags.Instruction | (thread.NonSecure == 0 ? TransactionFlags.Secure : TransactionFlags.None);
        if (
            thread.Pc > uint.MaxValue - 7
            || !TryDirect(index, DirectAccess.Read, thread.Pc, 8, flags, out _, FetchPurpose)
        )
        {
            return false;
        }

        CodeWindow window = _code[index] ??= new CodeWindow();
        DirectSpan span = _spans[index * 3 + FetchPurpose].Span;
        ulong room = Math.Min((ulong)span.LengthBytes, (1UL << 32) - span.Start);
        if (span.Start > uint.MaxValue || room < 8)
        {
            return false;
        }

        window.Array = span.Array;
        window.Offset = span.Offset;
        window.Start = (uint)span.Start;
        window.Room = (uint)(room - 7);
        window.Batch = _spanBatch;
        window.NonSecure = thread.NonSecure;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Decode(ref CachedInstruction cached, ulong bytes)
    {
        Dma330Instruction instruction = Dma330Decoder.Decode(bytes);
        LoopPlan? plan = cached.Plan;
        cached = new CachedInstruction
        {
            Bytes = bytes,
            Instruction = instruction,
            Plan = plan,
            Kind = KindOf(instruction),
            Length = (byte)instruction.Length,
            Counter = (byte)instruction.LoopCounter,
            Operand = instruction.LoopCount,
            Forever = instruction.Forever,
        };
    }

    private static FastKind KindOf(Dma330Instruction instruction) =>
        instruction.OperandInvalid
        || (instruction.Threads & Dma330Threads.Channel) == Dma330Threads.None
        || instruction.Condition != Dma330Condition.Always
            ? FastKind.Other
            : instruction.Opcode switch
            {
                Dma330Opcode.DMANOP => FastKind.Nop,
                Dma330Opcode.DMALP => FastKind.Loop,
                Dma330Opcode.DMALPEND => FastKind.LoopEnd,
                Dma330Opcode.DMALD => FastKind.Load,
                Dma330Opcode.DMAST => FastKind.Store,
                Dma330Opcode.DMASTZ => FastKind.StoreZeros,
                Dma330Opcode.DMARMB => FastKind.ReadBarrier,
                Dma330Opcode.DMAWMB => FastKind.WriteBarrier,
                _ => FastKind.Other,
            };
}
