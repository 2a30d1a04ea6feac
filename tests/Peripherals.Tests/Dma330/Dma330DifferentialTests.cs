using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>
/// Random programs of all kinds against <see cref="NaiveChannel"/>: memory, registers, faults, events, acknowledgements and
/// every byte on the bus must agree. EMULATOR_PROGRAMS says how many programs; a failure names its seed.
/// </summary>
public sealed class Dma330DifferentialTests
{
    private const uint Data = 0x4000;
    private const int DataBytes = 0x1_0000;

    private static readonly string[] Ends =
    [
        "stopped",
        "endless",
        "waits for an event",
        "waits for a peripheral",
        .. new[] { 0, 1, 5, 6, 7, 12, 13, 16, 17, 18, 31 }.Select(bit => $"fault {1U << bit:x}"),
    ];

    private static int Programs =>
        int.TryParse(
            Environment.GetEnvironmentVariable("EMULATOR_PROGRAMS"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out int count
        )
            ? count
            : 3000;

    [Fact]
    public void Programs_of_all_kinds_do_what_the_manual_says()
    {
        var ends = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int seed = 1; seed <= Programs; seed++)
        {
            string end = Agree(seed);
            ends[end] = ends.GetValueOrDefault(end) + 1;
        }

        if (Programs >= 3000)
        {
            ends.Keys.Should().BeEquivalentTo(Ends, "every fault and every wait turns up");
            ends["endless"].Should().BeLessThan(Programs / 4);
        }
    }

    /// <summary>Runs one program both ways; tells how it ended.</summary>
    private static string Agree(int seed)
    {
        var random = new Random(seed);
        var settings = new NaiveSettings
        {
            NonSecure = random.Next(3) == 0,
            NonSecureEvents = random.Next(2) == 0 ? 0xFFFF : 0x5555U,
            NonSecurePeripherals = random.Next(2) == 0 ? 0xF : 0x5U,
            BusBytes = 4 << random.Next(3),
            InterruptEnables = (uint)random.Next(0x1_0000),
        };
        int lines = random.Next(3) == 0 ? random.Next(4, 40) : 1024;
        settings = settings with { MfifoBytes = lines * settings.BusBytes };
        byte[] code = DifferentialPrograms.Make(random, settings);
        var data = new byte[DataBytes];
        random.NextBytes(data);

        uint start = Dma330Bench.Code;
        if (random.Next(15) == 0)
        {
            // The program does not fit: what is left of it lies where nothing is.
            code = code[..random.Next(1, code.Length)];
            start = NaiveSettings.FirstMissing - (uint)code.Length;
        }

        var memory = new NaiveMemory();
        memory.Put(Data, data);
        memory.Put(NaiveSettings.FirstMissing - 0x400, data.AsSpan(0, 0x400));
        memory.Put(start, code);
        var naive = new NaiveChannel(memory, settings);
        bool traced = random.Next(2) == 0;
        var model = new Model(settings, lines, traced);
        model.Bench.Write(Dma330Bench.Source, new byte[0x1000]);
        model.Bench.Write(Data, data);
        model.Bench.Write(NaiveSettings.FirstMissing - 0x400, data[..0x400]);
        model.Bench.Write(start, code);
        for (int count = random.Next(6); count > 0; count--)
        {
            int number = random.Next(NaiveSettings.Peripherals);
            int request = random.Next(4);
            naive.Requests[number].Enqueue(request);
            model.Request(number, request);
        }

        if (!naive.Run(start))
        {
            return "endless";
        }

        model.Run(settings, start);
        model.MustEqual(naive, memory, $"seed {seed}: {Convert.ToHexString(code)}");
        return (naive.Status & 0xF) switch
        {
            0 => "stopped",
            4 => "waits for an event",
            7 => "waits for a peripheral",
            _ => $"fault {naive.FaultType:x}",
        };
    }

    /// <summary>The controller, its acknowledgements, and what it did on the bus if it is traced.</summary>
    private sealed class Model : IDma330Peripheral
    {
        private readonly BusSink? _bus;
        private readonly List<string> _acknowledged = [];

        public Model(NaiveSettings settings, int lines, bool traced)
        {
            Bench = new Dma330Bench(
                ("ins", settings.NonSecureEvents),
                ("pns", settings.NonSecurePeripherals),
                ("data-width", (uint)settings.BusBytes * 8),
                ("mfifo-lines", (uint)lines)
            );
            for (int n = 0; n < NaiveSettings.Peripherals; n++)
            {
                Bench.Dma.Connect(n, this);
            }

            if (traced)
            {
                _bus = new BusSink();
                Bench.Simulation.Trace.Add(_bus);
            }
        }

        public Dma330Bench Bench { get; }

        public void Request(int number, int request) =>
            Bench.Dma.Request(number, (Dma330RequestKind)(request & 1), last: request >= 2);

        public void OnAcknowledge(int requestInterface, Dma330Acknowledge kind) =>
            _acknowledged.Add($"{requestInterface} {kind}");

        public void Run(NaiveSettings settings, uint start)
        {
            Bench["INTEN"] = settings.InterruptEnables;
            Bench.Go(address: start, nonSecure: settings.NonSecure);
            Bench.Settle();
        }

        public void MustEqual(NaiveChannel naive, NaiveMemory memory, string because)
        {
            string Registers(uint status, uint pc, params uint[] others) =>
                $"CSR {status:x} PC {((status & 0xF) == 0 ? 0 : pc):x} "
                + string.Join(' ', others.Select(n => $"{n:x}"));
            Registers(
                    Bench["CSR0"],
                    Bench["CPC0"],
                    [Bench["FTR0"], Bench["SAR0"], Bench["DAR0"], Bench["CCR0"], Bench["LC0_0"], Bench["LC1_0"]]
                )
                .Should()
                .Be(
                    Registers(
                        naive.Status,
                        naive.Pc,
                        [naive.FaultType, naive.Sar, naive.Dar, naive.Ccr, naive.Counters[0], naive.Counters[1]]
                    ),
                    because
                );
            Bench["INT_EVENT_RIS"].Should().Be(naive.Events, because);
            string.Join(", ", _acknowledged).Should().Be(string.Join(", ", naive.Acknowledged), because);
            for (int n = 0; n < NaiveSettings.Peripherals; n++)
            {
                Bench.Dma.PendingRequests(n).Should().Be(naive.Requests[n].Count, because);
            }

            if (_bus is not null)
            {
                _bus.Bytes.SequenceEqual(naive.Bus).Should().BeTrue($"{because}: the bytes on the bus");
            }

            Bench.Read(0, memory.Low.Length).AsSpan().SequenceEqual(memory.Low).Should().BeTrue($"{because}: memory");
            foreach ((uint address, byte value) in memory.Elsewhere)
            {
                if (Bench.Read(address, 1)[0] != value)
                {
                    Assert.Fail($"{because}: memory at {address:x}");
                }
            }
        }
    }

    /// <summary>Each byte of the bursts that succeeded.</summary>
    private sealed class BusSink : ITraceSink
    {
        public List<(char Way, uint Address)> Bytes { get; } = [];

        public void Write(TraceEvent traceEvent)
        {
            if (traceEvent.Kind.Name is not ("dma.read" or "dma.write") || Field("status").Text is not "")
            {
                return;
            }

            char way = traceEvent.Kind.Name is "dma.read" ? 'r' : 'w';
            uint address = (uint)Field("address").Number;
            uint size = (uint)Field("size").Number;
            bool isFixed = Field("type").Text is "FIXED";
            uint beat = size - address % size;
            for (uint n = 0; n < Field("length").Number; n++)
            {
                Bytes.Add((way, isFixed ? address + n % beat : address + n));
            }

            TraceField Field(string name) =>
                traceEvent.Fields.Single(field => string.Equals(field.Name, name, StringComparison.Ordinal));
        }
    }
}
