using System.Globalization;
using Emulator.Boards;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Bench;

/// <summary>What the DMA-330 makes of programs of different kinds, in bulk and instruction by instruction.</summary>
internal static class DmaBench
{
    private const int Mebibyte = 1 << 20;

    /// <summary>Copies through the SMMU against Span.CopyTo of the same size.</summary>
    public static void Run(int rounds)
    {
        using ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        Copies(services, rounds, "1 MiB, 16 x 8 byte bursts", Mebibyte, Loops(64, Mebibyte / 128, "DMALD", "DMAST"));
        Copies(
            services,
            rounds,
            "16 MiB, 16 x 16 byte bursts",
            16 * Mebibyte,
            Loops(128, 16 * Mebibyte / 256, "DMALD", "DMAST")
        );
        string guide = Loops(128, Mebibyte / 256, "DMALD", "DMARMB", "DMAST", "DMAWMB");
        Copies(services, rounds, "1 MiB as the guide does, barriers after each 16 x 16 byte burst", Mebibyte, guide);
        const string Settings = "DMAMOV CCR, SB1 SS8 SAI SP2 DB1 DS8 DAI DP2";
        string bytes = Settings + Nest(65536, "DMALD", "DMAST");
        Copies(services, rounds, "64 KiB, 1 x 1 byte bursts", 65536, bytes);
    }

    /// <summary>Instructions without data, and eight channels in turn.</summary>
    public static void RunInstructions(int rounds)
    {
        using ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        string nops = Nest(65536, "DMANOP", "DMANOP", "DMANOP", "DMANOP");
        string moves = "DMAMOV CCR, SB1 SS32 SAI SP2 DB1 DS32 DAI DP2" + Nest(4096, "DMALD", "DMAST");
        Contest.Run(
            "DMA-330 executes through the SMMU-400",
            "instruction",
            rounds,
            Instructions(services, "DMANOP loop, instruction by instruction", true, nops, 1),
            Instructions(services, "DMANOP loop", false, nops, 1),
            Instructions(services, "DMANOP loops of eight channels in turn", false, nops, 8),
            Instructions(services, "the same, instruction by instruction", true, nops, 8),
            Instructions(services, "4-byte copies of eight channels in turn", false, moves, 8)
        );
    }

    private static Party Instructions(IServiceProvider services, string name, bool stepped, string body, int channels)
    {
        var world = new DmaWorld(services, 65536, translated: true, stepped, body, channels);
        return new Party(name, world.CountActions(), world.Run);
    }

    private static void Copies(IServiceProvider services, int rounds, string what, int length, string body)
    {
        byte[] from = new byte[length];
        byte[] to = new byte[length];
        Contest.Run(
            "DMA-330 copies " + what,
            "byte",
            rounds,
            new Party("Span.CopyTo", length, () => from.AsSpan().CopyTo(to)),
            new Party("Span.CopyTo page by page, as the pages lie", length, () => CopyPages(from, to)),
            new Party("SMMU off", length, new DmaWorld(services, length, false, false, body).Verified().Run),
            new Party(
                "through the SMMU-400, 2 MiB blocks",
                length,
                new DmaWorld(services, length, true, false, body, inBlocks: true).Verified().Run
            ),
            new Party(
                "through the SMMU-400, 4 KiB pages",
                length,
                new DmaWorld(services, length, true, false, body).Verified().Run
            ),
            new Party(
                "the same, instruction by instruction",
                length,
                new DmaWorld(services, length, true, true, body).Verified().Run
            )
        );
    }

    private static void CopyPages(byte[] from, byte[] to)
    {
        int pages = from.Length / 4096;
        for (int n = 0; n < pages; n++)
        {
            int place = n * 97 % pages * 4096;
            from.AsSpan(place, 4096).CopyTo(to.AsSpan(place));
        }
    }

    /// <summary>Bursts of 16 beats in two nested loops.</summary>
    private static string Loops(int bits, int bursts, params ReadOnlySpan<string> body) =>
        string.Create(CultureInfo.InvariantCulture, $"DMAMOV CCR, SB16 SS{bits} SAI SP2 DB16 DS{bits} DAI DP2")
        + Nest(bursts, body);

    private static string Nest(int times, params ReadOnlySpan<string> body) =>
        string.Create(CultureInfo.InvariantCulture, $"\nDMALP LC1, {times / 256}\nDMALP LC0, 256\n")
        + string.Join('\n', body)
        + "\nDMALPEND LC0\nDMALPEND LC1\nDMAWMB";
}
