namespace Emulator.Userland;

/// <summary>rand(3) of glibc: the additive feedback generator of degree 31 (stdlib/random_r.c, TYPE_3).</summary>
public sealed class GlibcRandom
{
    private const int Degree = 31;
    private const int Separation = 3;

    private readonly int[] _state = new int[Degree];
    private int _front = Separation;
    private int _rear;

    /// <summary>srand(3).</summary>
    public GlibcRandom(uint seed)
    {
        _state[0] = seed == 0 ? 1 : (int)seed;
        for (int n = 1; n < Degree; n++)
        {
            // 16807 * x % 2147483647 without overflow (Schrage).
            int high = _state[n - 1] / 127_773;
            int low = _state[n - 1] % 127_773;
            int word = 16_807 * low - 2_836 * high;
            _state[n] = word < 0 ? word + int.MaxValue : word;
        }

        for (int n = 0; n < 10 * Degree; n++)
        {
            Next();
        }
    }

    /// <summary>rand(3): 0 to 2^31 - 1.</summary>
    public int Next()
    {
        uint value = (uint)(_state[_front] = unchecked(_state[_front] + _state[_rear]));
        _front = (_front + 1) % Degree;
        _rear = (_rear + 1) % Degree;
        return (int)(value >> 1);
    }
}
