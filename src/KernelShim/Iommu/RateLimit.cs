using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// The limit of a dev_err_ratelimited line (lib/ratelimit.c): ten in five seconds, and a count of what was suppressed.
/// </summary>
internal sealed class RateLimit(Kernel kernel, string function)
{
    private const int Burst = 10;
    private const long Interval = 5 * VirtualTime.Second;

    private long? _begin;
    private int _printed;
    private int _missed;

    /// <summary>Logs what belongs together, a line or several, unless there was too much.</summary>
    public void Print(LogLevel level, params IReadOnlyList<string> lines)
    {
        long now = kernel.Simulation.Now;
        _begin ??= now;
        if (now > VirtualTime.Add(_begin.Value, Interval))
        {
            if (_missed > 0)
            {
                kernel.Log.Print(
                    LogLevel.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"{function}: {_missed} callbacks suppressed")
                );
            }

            _begin = null;
            _printed = 0;
            _missed = 0;
        }

        if (_printed < Burst)
        {
            _printed++;
            foreach (string line in lines)
            {
                kernel.Log.Print(level, line);
            }
        }
        else
        {
            _missed++;
        }
    }
}
