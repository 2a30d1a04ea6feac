using System.Diagnostics;
using System.Globalization;

namespace Emulator.Bench;

/// <summary>One of the things that are timed against each other.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Units">How many units of work one call of <paramref name="Run"/> does.</param>
/// <param name="Run">The work.</param>
internal sealed record Party(string Name, double Units, Action Run);

/// <summary>
/// Times parties in turn, round by round, on one machine in one run: what disturbs one disturbs the other. Absolute times
/// of shared machines mean little; the quotient per round, its median and quartiles, is what is quoted.
/// </summary>
internal static class Contest
{
    /// <summary>Long enough for the runtime to have compiled everything at its last tier.</summary>
    private const double WarmUpSeconds = 2;

    private const double RoundSeconds = 0.02;

    /// <summary>Runs a contest and prints each party's time per unit and its ratio to the first.</summary>
    public static void Run(string title, string unit, int rounds, params Party[] parties)
    {
        int[] calls = [.. parties.Select(Calibrate)];
        double[][] times = [.. parties.Select(_ => new double[rounds])];
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds)
        {
            for (int party = 0; party < parties.Length; party++)
            {
                Time(parties[party], calls[party]);
            }
        }

        for (int round = 0; round < rounds; round++)
        {
            for (int party = 0; party < parties.Length; party++)
            {
                times[party][round] = Time(parties[party], calls[party]);
            }
        }

        Console.WriteLine($"\n{title} (median of {rounds} rounds)");
        for (int party = 0; party < parties.Length; party++)
        {
            double[] ratios = [.. times[party].Select((time, round) => times[0][round] / time)];
            string line = string.Create(
                CultureInfo.InvariantCulture,
                $"  {parties[party].Name, -46} {At(times[party], 0.5), 10:0.00} ns/{unit}   rate x{At(ratios, 0.5):0.000} [{At(ratios, 0.25):0.000}-{At(ratios, 0.75):0.000}]"
            );
            Console.WriteLine(line);
        }
    }

    private static int Calibrate(Party party)
    {
        for (int i = 0; i < 3; i++)
        {
            party.Run();
        }

        double once = Time(party, 1) * party.Units / 1e9;
        return (int)Math.Clamp(RoundSeconds / Math.Max(once, 1e-9), 1, 1_000_000);
    }

    private static double Time(Party party, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            party.Run();
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / (calls * party.Units);
    }

    private static double At(double[] values, double quantile)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)(quantile * (sorted.Length - 1))];
    }
}
