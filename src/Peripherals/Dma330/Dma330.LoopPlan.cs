using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emulator.Peripherals;

/// <summary>What one iteration of a loop does, to memory and to the time.</summary>
public sealed partial class Dma330
{
    /// <summary>What a loop's body does last to the load-lock.</summary>
    private enum LockEffect : byte
    {
        None,
        Taken,
        Released,
    }

    /// <summary>A loop, by its bytes: those of the body and of its DMALPEND.</summary>
    private sealed class LoopPlan
    {
        private const int LongestCode = 32;
        private const int MemoryBits = 9;
        private static readonly Vector512<long> Weights = Vector512.Create(1L, 3, 7, 15, 33, 67, 133, 271);

        private readonly FastKind[] _body = [];
        private readonly int _loads;
        private readonly int _stores;
        private LoopMemory[]? _memories;
        private uint _ccr;
        private bool _fits;
        private bool _asked;

        public LoopPlan(ReadOnlySpan<byte> code)
        {
            Code = code.ToArray();
            if (code.Length > LongestCode || !TryRead(code, out FastKind[] body))
            {
                return;
            }

            _body = body;
            _loads = body.Count(kind => kind == FastKind.Load);
            _stores = body.Count(kind => kind == FastKind.Store);
            StoresZeros = body.Contains(FastKind.StoreZeros);
            HasBarrier = body.Any(kind => kind is FastKind.ReadBarrier or FastKind.WriteBarrier);
            IsRegular = !StoresZeros || (_loads == 0 && _stores == 0);
            TurnsPages = _loads > 0 && body[0] == FastKind.Load && LoadsComeFirst(body);
            foreach (FastKind kind in body)
            {
                LockAfter =
                    kind == FastKind.Load ? LockEffect.Taken
                    : kind == FastKind.Nop ? LockAfter
                    : LockEffect.Released;
            }
        }

        /// <summary>The bytes it stands for.</summary>
        public byte[] Code { get; }

        /// <summary>Whether all iterations are alike as far as the instructions tell.</summary>
        public bool IsRegular { get; }

        /// <summary>DMASTZ instead of loads and stores.</summary>
        public bool StoresZeros { get; }

        /// <summary>Whether bursts of reads are among them.</summary>
        public bool Loads => _loads > 0;

        /// <summary>Whether bursts of writes are.</summary>
        public bool Writes => _stores > 0 || StoresZeros;

        /// <summary>Whether DMARMB or DMAWMB is among them.</summary>
        public bool HasBarrier { get; }

        /// <summary>
        /// Whether it begins with a load and stores after all loads: then the order in which it touches pages is known
        /// beforehand.
        /// </summary>
        public bool TurnsPages { get; }

        /// <summary>What an iteration does to the load-lock.</summary>
        public LockEffect LockAfter { get; }

        /// <summary>How many bytes an iteration stores, once it <see cref="Fits"/>.</summary>
        public int BytesPerIteration { get; private set; }

        /// <summary>What is remembered of that many iterations, or of others that share the place.</summary>
        public ref LoopMemory Memory(int iterations, ref readonly LoopTime before)
        {
            Vector512<long> weighted = before.Reads * Weights + before.Writes * (Weights + Weights);
            ulong mixed = (ulong)(Vector512.Sum(weighted) + before.ReadsDone + iterations);
            _memories ??= new LoopMemory[1 << MemoryBits];
            return ref _memories[(int)((mixed * 0x9E37_79B9_7F4A_7C15) >> (64 - MemoryBits))];
        }

        /// <summary>Whether, with these bursts, an iteration stores exactly what it loads and never lacks data or room.</summary>
        public bool Fits(ref readonly BurstShape shape, int mfifoBytes)
        {
            if (!_asked || _ccr != shape.Ccr)
            {
                _asked = true;
                _ccr = shape.Ccr;
                _fits = Examine(in shape, mfifoBytes);
            }

            return _fits;
        }

        /// <summary>Puts into the MFIFO's buffer what the last iteration left there.</summary>
        public void LeaveInMfifo(ReadOnlySpan<byte> data, ref readonly BurstShape shape, Span<byte> mfifo)
        {
            int tail = 0;
            int held = 0;
            foreach (FastKind kind in _body)
            {
                if (kind == FastKind.Load)
                {
                    data[..shape.LoadBytes].CopyTo(mfifo[tail..]);
                    data = data[shape.LoadBytes..];
                    tail += shape.LoadBytes;
                    held += shape.LoadBytes;
                }
                else if (kind == FastKind.Store)
                {
                    held -= shape.StoreBytes;
                    tail = held == 0 ? 0 : tail;
                }
            }
        }

        /// <summary>No iteration needs more actions: each burst may have to wait for a slot once.</summary>
        public int MostActions => 2 * _body.Length + 1;

        /// <summary>
        /// No iteration takes longer: no burst ends later than the longest write behind the longest read, so none waits
        /// longer for a slot or at a barrier.
        /// </summary>
        public int MostCycles => MostActions * (2 * (BurstLatency + 16) + 1) + 2;

        /// <summary>Lets the time of one iteration pass.</summary>
        public void Pass(ref LoopClock clock, ref readonly BurstShape shape)
        {
            foreach (FastKind kind in _body)
            {
                switch (kind)
                {
                    case FastKind.Load:
                        clock.Read(shape.LoadTime);
                        break;
                    case FastKind.Store:
                    case FastKind.StoreZeros:
                        clock.Write(shape.StoreTime);
                        break;
                    case FastKind.ReadBarrier:
                        clock.WaitUntil(clock.ReadsDone);
                        break;
                    case FastKind.WriteBarrier:
                        clock.WaitUntil(clock.WritesDone);
                        break;
                    default:
                        clock.Act(1);
                        break;
                }
            }

            clock.Act(2);
        }

        private static bool LoadsComeFirst(FastKind[] body) =>
            Array.LastIndexOf(body, FastKind.Load) < Array.IndexOf(body, FastKind.Store);

        private static bool TryRead(ReadOnlySpan<byte> code, out FastKind[] body)
        {
            var kinds = new List<FastKind>();
            body = [];
            while (code.Length > 2)
            {
                if (!Dma330Decoder.TryDecode(code, out Dma330Instruction instruction))
                {
                    return false;
                }

                FastKind kind = KindOf(instruction);
                if (kind is not (FastKind.Nop or >= FastKind.Load))
                {
                    return false;
                }

                kinds.Add(kind);
                code = code[instruction.Length..];
            }

            body = [.. kinds];
            return code.Length == 2;
        }

        private bool Examine(ref readonly BurstShape shape, int mfifoBytes)
        {
            BytesPerIteration = 0;
            if (StoresZeros)
            {
                BytesPerIteration = shape.StoreBytes * _body.Count(kind => kind == FastKind.StoreZeros);
                return shape.PlainStore;
            }

            if (_loads + _stores == 0)
            {
                return true;
            }

            int swap = Math.Max(1, shape.SwapBytes);
            int loaded = 0;
            int held = 0;
            foreach (FastKind kind in _body)
            {
                loaded += kind == FastKind.Load ? shape.LoadBytes : 0;
                held +=
                    kind == FastKind.Load ? shape.LoadBytes
                    : kind == FastKind.Store ? -shape.StoreBytes
                    : 0;
                if (held < 0 || loaded > mfifoBytes)
                {
                    return false;
                }
            }

            BytesPerIteration = loaded;
            return held == 0
                && shape.LoadIncrements
                && shape.PlainStore
                && shape.LoadBytes % swap == 0
                && shape.LoadMask + 1 >= swap;
        }
    }
}
