using System.Globalization;
using System.Text.Json;
using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Conformance;

/// <summary>Replays a PL031 vector (format: qemu-pl031/README.md).</summary>
internal static class Pl031Replay
{
    public static string? Run(JsonElement vector)
    {
        var simulation = new Simulation();
        var context = new StandaloneContext("rtc", simulation);
        uint epoch = (uint)vector.GetProperty("config").GetProperty("epoch_at_t0").Number();
        var rtc = new Pl031(context.With("emulator,epoch", epoch));
        IBusTarget registers = rtc.Windows[0];
        int index = -1;
        foreach (JsonElement step in vector.GetProperty("steps").EnumerateArray())
        {
            index++;
            simulation.RunUntil((long)step.GetProperty("t").Number() * VirtualTime.Nanosecond);
            ulong? manual = step.TryGetProperty("trm", out JsonElement trm) ? trm.Number() : null;
            if (step.TryGetProperty("w", out JsonElement write))
            {
                registers.WriteWord(write[0].Number(), 4, write[1].Number(), default);
            }
            else if (step.TryGetProperty("r", out JsonElement read))
            {
                registers.ReadWord(read[0].Number(), 4, out ulong value, default);
                if (value != read[1].Number() && value != manual)
                {
                    return Difference(index, read[0].GetString()!, value, read[1].Number());
                }
            }
            else if (step.TryGetProperty("irq", out JsonElement irq))
            {
                ulong level = context.Lines["RTCINTR"].Level ? 1UL : 0;
                if (level != irq.Number() && level != manual)
                {
                    return Difference(index, "the line", level, irq.Number());
                }
            }
        }

        return null;
    }

    private static string Difference(int index, string what, ulong found, ulong recorded) =>
        string.Create(CultureInfo.InvariantCulture, $"step {index}: {what} is 0x{found:x}, recorded 0x{recorded:x}");
}
