using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Conformance;

/// <summary>Replays a PL330 vector (format: qemu-pl330/README.md) on a fresh controller with flat RAM behind it.</summary>
internal sealed class Pl330Replay : IDma330Peripheral
{
    private const ulong RamBytes = 1UL << 32;
    private const long MaximumActions = 20_000_000;

    private readonly Simulation _simulation = new();
    private readonly StandaloneContext _context;
    private readonly Dma330 _dma;
    private readonly JsonElement _vector;
    private readonly HashSet<int> _busy = [];

    public Pl330Replay(JsonElement vector)
    {
        _vector = vector;
        JsonElement config = vector.GetProperty("config");
        _context = new StandaloneContext("dma", _simulation);
        foreach ((string property, string key) in Properties)
        {
            if (config.TryGetProperty(key, out JsonElement value))
            {
                _context.With("emulator," + property, (uint)value.Number());
            }
        }

        _context.With("emulator,icache-line-bytes", (uint)config.GetProperty("i_cache_len").Number());
        _context.Bus.Map("ram", 0, RamBytes, new Ram("ram", RamBytes));
        _dma = new Dma330(_context);
        for (int n = 0; n < _dma.Configuration.Peripherals; n++)
        {
            _dma.Connect(n, this);
        }
    }

    // csharpier-ignore
    private static IEnumerable<(string Property, string Key)> Properties =>
    [
        ("channels", "num_chnls"), ("peripherals", "num_periph_req"), ("events", "num_events"),
        ("boot-manager-ns", "mgr_ns_at_rst"), ("boot-address", "boot_addr"), ("ins", "INS"), ("pns", "PNS"),
        ("data-width", "data_width"), ("write-capability", "wr_cap"), ("write-queue-depth", "wr_q_dep"),
        ("read-capability", "rd_cap"), ("read-queue-depth", "rd_q_dep"), ("mfifo-lines", "data_buffer_dep"),
        ("icache-lines", "num_i_cache_lines"),
    ];

    private IBusTarget Registers => _dma.Windows[0];

    /// <summary>Runs it; null when everything compared agrees, else the first difference.</summary>
    public string? Run(bool preferManual = false)
    {
        foreach (JsonElement segment in _vector.GetProperty("memory").EnumerateArray())
        {
            _context.Bus.Write(segment.GetProperty("addr").Number(), Recordings.SegmentBytes(segment), default);
        }

        foreach (JsonElement code in _vector.GetProperty("code").EnumerateArray())
        {
            _context.Bus.Write(code.GetProperty("addr").Number(), Convert.FromHexString(code.Text("hex")), default);
        }

        int index = 0;
        foreach (JsonElement step in _vector.GetProperty("steps").EnumerateArray())
        {
            if (Step(step, preferManual) is { } difference)
            {
                return string.Create(CultureInfo.InvariantCulture, $"step {index}: {difference}");
            }

            index++;
        }

        return CompareEnd(preferManual);
    }

    /// <inheritdoc/>
    public void OnAcknowledge(int requestInterface, Dma330Acknowledge kind)
    {
        // The stub looks at what waits each time the controller has come to rest.
    }

    private string? Step(JsonElement step, bool preferManual)
    {
        if (step.TryGetProperty("w", out JsonElement write))
        {
            Registers.WriteWord(
                write[0].Number(),
                4,
                write[1].Number(),
                new Transaction { Flags = TransactionFlags.Secure }
            );
        }
        else if (step.TryGetProperty("run", out _))
        {
            RunToRest();
        }
        else if (step.TryGetProperty("periph_busy", out JsonElement busy))
        {
            int peripheral = (int)busy[0].Number();
            if (busy[1].Number() != 0)
            {
                _busy.Add(peripheral);
            }
            else
            {
                _busy.Remove(peripheral);
                RunToRest();
            }
        }
        else if (step.TryGetProperty("r", out JsonElement read))
        {
            ulong manual = step.TryGetProperty("trm", out JsonElement trm) ? trm.Number() : read[1].Number();
            return Compare(read[0].Number(), read[1].Number(), manual, read[2].Number(), preferManual);
        }
        else if (step.TryGetProperty("irq", out JsonElement lines))
        {
            return CompareLines(lines, step.TryGetProperty("trm", out JsonElement trm) ? trm : lines);
        }

        return null;
    }

    /// <summary>Lets the controller go on until nothing can, feeding it requests as the stub peripherals of the recording do.</summary>
    private void RunToRest()
    {
        long limit = _simulation.Actions + MaximumActions;
        _simulation.ActionLimit = limit;
        do
        {
            while (_simulation.ActionsLeft > 0 && _simulation.RunOne()) { }
        } while (_simulation.ActionsLeft > 0 && FeedWaiting());
    }

    private bool FeedWaiting()
    {
        bool fed = false;
        for (int n = 0; n < _dma.Configuration.Channels; n++)
        {
            ulong status = Read(0x100 + (ulong)n * 8);
            int peripheral = (int)(status >> 4) & 0x1F;
            if ((status & 0xF) != 7 || _busy.Contains(peripheral))
            {
                continue;
            }

            // QEMU treats the operand "periph" as a burst request.
            bool isSingle = ((status >> 14) & 3) == 0;
            fed |= _dma.Request(peripheral, isSingle ? Dma330RequestKind.Single : Dma330RequestKind.Burst);
        }

        return fed;
    }

    private string? CompareEnd(bool preferManual)
    {
        JsonElement expect = _vector.GetProperty("expect");
        foreach (JsonElement register in expect.GetProperty("regs").EnumerateArray())
        {
            ulong value = register.GetProperty("value").Number();
            ulong manual = register.TryGetProperty("trm", out JsonElement trm) ? trm.Number() : value;
            if (
                Compare(
                    register.GetProperty("off").Number(),
                    value,
                    manual,
                    register.GetProperty("mask").Number(),
                    preferManual
                ) is
                { } difference
            )
            {
                return $"{register.Text("reg")}: {difference}";
            }
        }

        foreach (JsonElement window in expect.GetProperty("memory").EnumerateArray())
        {
            byte[] bytes = new byte[(int)window.GetProperty("len").Number()];
            _context.Bus.Read(window.GetProperty("addr").Number(), bytes, default);
            string found = Convert.ToHexString(SHA256.HashData(bytes));
            bool hasManual = window.TryGetProperty("trm_sha256", out JsonElement manual);
            bool agrees =
                (hasManual && Same(found, manual.GetString()!))
                || (!(hasManual && preferManual) && Same(found, window.Text("sha256")));
            if (!agrees)
            {
                return $"memory at {window.Text("addr")} differs";
            }
        }

        bool hasLines = expect.TryGetProperty("irq", out JsonElement lines) && lines.ValueKind == JsonValueKind.Object;
        return hasLines ? CompareLines(lines, lines) : null;
    }

    private static bool Same(string left, string right) =>
        string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private ulong Read(ulong offset)
    {
        Registers.ReadWord(offset, 4, out ulong value, new Transaction { Flags = TransactionFlags.Secure });
        return value;
    }

    private string? Compare(ulong offset, ulong value, ulong manual, ulong mask, bool preferManual)
    {
        ulong found = Read(offset);
        bool agrees = ((found ^ manual) & mask) == 0 || (!preferManual && ((found ^ value) & mask) == 0);
        return agrees
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"0x{offset:x3} reads 0x{found:x8}, recorded 0x{value:x8} (manual 0x{manual:x8}) under mask 0x{mask:x8}"
            );
    }

    private string? CompareLines(JsonElement recorded, JsonElement manual)
    {
        string found = Lines(
            _context.Lines["irq_abort"].Level,
            Enumerable
                .Range(0, 8)
                .Where(n => _context.Lines.TryGetValue($"irq[{n}]", out InterruptLine? line) && line.Level)
        );
        bool agrees =
            string.Equals(found, Lines(recorded), StringComparison.Ordinal)
            || string.Equals(found, Lines(manual), StringComparison.Ordinal);
        return agrees ? null : $"lines are {found}, recorded {Lines(recorded)}";
    }

    private static string Lines(JsonElement lines) =>
        Lines(
            lines.GetProperty("abort").Number() != 0,
            lines.GetProperty("events").EnumerateArray().Select(n => n.GetInt32())
        );

    private static string Lines(bool abort, IEnumerable<int> events) =>
        $"abort {abort} events [{string.Join(' ', events)}]";
}
