namespace Emulator.Peripherals;

/// <summary>
/// Arm DDI 0424, "MFIFO": the lines that data takes. Bytes lie at the byte lanes of their destination, so that consecutive beats
/// share a line, and an unaligned start leaves lanes empty; with a fixed destination address a beat shares its lines with no
/// other. Counted only where <see cref="Dma330Configuration.CountsMfifoLines"/> says so; otherwise bytes are what counts.
/// </summary>
public sealed partial class Dma330
{
    /// <summary>Whether a load of so many bytes takes more lines than there are.</summary>
    private bool ExceedsLines(ref Dma330Thread channel, int lengthBytes) =>
        Configuration.CountsMfifoLines && LinesOf(ref channel, lengthBytes) > Configuration.MfifoLines;

    /// <summary>Whether a load of so many bytes finds too few lines free.</summary>
    private bool LacksLines(ref Dma330Thread channel, int lengthBytes)
    {
        if (!Configuration.CountsMfifoLines)
        {
            return false;
        }

        int held = channel.MfifoCount + channel.MfifoReserved;
        int lines = LinesOf(ref channel, held + lengthBytes) - LinesOf(ref channel, held);
        for (int n = 0; n < Configuration.Channels; n++)
        {
            ref Dma330Thread other = ref State.Threads[n];
            lines += LinesOf(ref other, other.MfifoCount + other.MfifoReserved);
        }

        return lines > Configuration.MfifoLines;
    }

    private int LinesOf(ref Dma330Thread channel, int lengthBytes)
    {
        if (lengthBytes == 0)
        {
            return 0;
        }

        int line = Configuration.BusBytes;
        var control = new Dma330ChannelControl(channel.Ccr);
        if (control.DestinationIncrements)
        {
            return (((int)channel.Dar & (line - 1)) + lengthBytes + line - 1) / line;
        }

        int beat = control.DestinationBeatBytes;
        beat -= (int)channel.Dar & (beat - 1);
        return (lengthBytes + beat - 1) / beat;
    }
}
