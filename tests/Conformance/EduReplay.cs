using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Emulator.Machine;

namespace Emulator.Conformance;

/// <summary>
/// Replays a vector of QEMU's <c>edu</c> (format: qemu-edu/README.md) on the virt board: registers through the host's PCI window, DMA
/// through the root complex, the interrupt pin as bit 3 of the Status register.
/// </summary>
internal sealed class EduReplay
{
    private const int Function = 0x0008;
    private const ulong Window = 0x1000_0000;
    private const int MostPolls = 1000;

    private readonly PciMachine _machine;
    private readonly JsonElement _vector;

    private EduReplay(JsonElement vector)
    {
        _vector = vector;
        string mask = vector.GetProperty("config").Text("dma_mask");
        _machine = new PciMachine([$"edu,addr=1,dma_mask={mask}"]);
        _machine.WriteConfiguration(Function, 0x10, 4, (uint)Window);
        _machine.WriteConfiguration(Function, 0x04, 2, 0x6);
    }

    public static string? Run(JsonElement vector)
    {
        var replay = new EduReplay(vector);
        foreach (JsonElement segment in vector.GetProperty("memory").EnumerateArray())
        {
            replay.Bus.Write(segment.GetProperty("addr").Number(), Recordings.SegmentBytes(segment), default);
        }

        int index = 0;
        foreach (JsonElement step in vector.GetProperty("steps").EnumerateArray())
        {
            if (replay.Step(step) is { } difference)
            {
                return string.Create(CultureInfo.InvariantCulture, $"step {index}: {difference}");
            }

            index++;
        }

        return replay.CompareMemory();
    }

    private IBusTarget Bus => _machine.Board.Bus;

    private string? Step(JsonElement step)
    {
        if (step.TryGetProperty("w", out JsonElement write))
        {
            Bus.WriteWord(Window + write[0].Number(), (int)write[2].Number(), write[1].Number(), default);
            return null;
        }

        if (step.TryGetProperty("r", out JsonElement read))
        {
            ulong value = Read(read[0].Number(), (int)read[2].Number());
            return value == read[1].Number()
                ? null
                : $"{read[0].GetString()} reads {Hexadecimal.Format(value)}, recorded {read[1].GetString()}";
        }

        if (step.TryGetProperty("intx", out JsonElement pin))
        {
            ulong level = (_machine.ReadConfiguration(Function, 0x06, 2) >> 3) & 1;
            return level == pin.Number() ? null : $"the pin is {level}, recorded {pin}";
        }

        bool isDma = step.TryGetProperty("wait_dma", out _);
        return WaitUntilClear(isDma ? 0x98UL : 0x20);
    }

    private string? WaitUntilClear(ulong register)
    {
        for (int poll = 0; poll < MostPolls; poll++)
        {
            if ((Read(register, 4) & 1) == 0)
            {
                return null;
            }

            _machine.Simulation.RunUntil(_machine.Simulation.Now + VirtualTime.Millisecond);
        }

        return $"bit 0 of {Hexadecimal.Format(register)} stays set";
    }

    private ulong Read(ulong register, int sizeBytes)
    {
        Bus.ReadWord(Window + register, sizeBytes, out ulong value, default);
        return sizeBytes == 4 ? (uint)value : value;
    }

    private string? CompareMemory()
    {
        foreach (JsonElement window in _vector.GetProperty("expect").GetProperty("memory").EnumerateArray())
        {
            byte[] bytes = new byte[(int)window.GetProperty("len").Number()];
            Bus.Read(window.GetProperty("addr").Number(), bytes, default);
            string hash = Convert.ToHexString(SHA256.HashData(bytes));
            if (!string.Equals(hash, window.Text("sha256"), StringComparison.OrdinalIgnoreCase))
            {
                return $"memory at {window.Text("addr")} differs";
            }
        }

        return null;
    }
}
