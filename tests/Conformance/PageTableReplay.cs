using System.Globalization;
using System.Text.Json;
using Emulator.Iommu;
using Emulator.Machine;

namespace Emulator.Conformance;

/// <summary>
/// Replays a page-table walk (format: qemu-ptw/README.md) on an SMMU whose addresses have as many bits as those of the recorded
/// CPU: stage 2 of the long-descriptor format on an SMMU-400, everything else on an SMMUv2.
/// </summary>
internal sealed class PageTableReplay
{
    private const ulong RamStart = 0x8000_0000;
    private const ulong RamEnd = 0x2_4000_0000;
    private const uint Wide = 1;
    private const uint StageOneOnly = 1 << 16;
    private const uint Nested = (3 << 16) | (1 << 8);

    /// <summary>SCTLR: M TRE AFE CFRE CFIE.</summary>
    private const uint On = 0x67;

    private readonly JsonElement _vector;
    private readonly JsonElement _registers;
    private readonly RecordingMemory _memory = new();
    private readonly Smmu _smmu;
    private readonly bool _isWide;
    private readonly string _kind;

    private PageTableReplay(JsonElement vector, bool isWide)
    {
        _vector = vector;
        _registers = vector.GetProperty("registers");
        _isWide = isWide;
        _kind = vector.Text("kind");
        StandaloneContext context = new StandaloneContext("smmu").With(
            "emulator,address-bits",
            (uint)vector.GetProperty("pa_bits").Number()
        );
        context.Bus.Map("memory", 0, ulong.MaxValue, _memory);
        _smmu = new Smmu(context, !isWide && _kind is "s2" ? SmmuPart.Mmu400 : SmmuPart.Version2);
        LoadMemory(context.Bus);
    }

    /// <summary>Runs a case.</summary>
    /// <returns>What differs, or null.</returns>
    public static string? Run(JsonElement vector, string format)
    {
        var replay = new PageTableReplay(vector, format is "aarch64");
        replay.Configure();
        return replay.Access();
    }

    private void LoadMemory(IBusTarget bus)
    {
        foreach (JsonElement page in _vector.GetProperty("memory").EnumerateArray())
        {
            ulong address = page.GetProperty("addr").Number();
            foreach (JsonProperty entry in page.GetProperty("u64").EnumerateObject())
            {
                ulong index = ulong.Parse(entry.Name, CultureInfo.InvariantCulture);
                bus.WriteWord(address + index * 8, 8, entry.Value.Number(), default);
            }
        }
    }

    private void Configure()
    {
        Write("SMR0", 0x8000_0000);
        Write("S2CR0", 0);
        switch (_kind)
        {
            case "s1":
                ConfigureStageOne(StageOneOnly);
                break;
            case "s2":
                ConfigureStageTwo(bank: 0);
                break;
            default:
                ConfigureStageOne(Nested);
                ConfigureStageTwo(bank: 1);
                break;
        }

        Write("sCR0", 0x406);
    }

    private void ConfigureStageOne(uint attributes)
    {
        ulong control = Register("tcr");
        Write("CBAR0", attributes);
        Write("CBA2R0", _isWide ? Wide : 0);
        Write("CB0_TCR", (uint)control);
        Write("CB0_TCR2", _isWide ? (control >> 32) | (7 << 15) : 0);
        Write("CB0_TTBR0", Register("ttbr0"));
        Write("CB0_TTBR1", Register("ttbr1"));
        Write("CB0_MAIR0", (uint)Register("mair"));
        Write("CB0_MAIR1", Register("mair") >> 32);
        Write("CB0_SCTLR", On);
    }

    private void ConfigureStageTwo(int bank)
    {
        Write($"CBAR{bank}", 1);
        if (_isWide)
        {
            Write($"CBA2R{bank}", Wide);
        }

        Write($"CB{bank}_TTBR0", Register("vttbr") & 0xFFFF_FFFF_FFFF);
        Write($"CB{bank}_TCR", Register("vtcr"));
        Write($"CB{bank}_SCTLR", On);
    }

    private string? Access()
    {
        ulong input = _vector.GetProperty("va").Number();
        Span<byte> data = stackalloc byte[1];
        var signals = new Transaction
        {
            Flags = _vector.Flag("privileged") ? TransactionFlags.Privileged : TransactionFlags.None,
        };
        BusStatus status = _vector.Text("access") is "write"
            ? _smmu.Upstream.Write(input, data, signals)
            : _smmu.Upstream.Read(input, data, signals);
        JsonElement result = _vector.GetProperty("result");
        return result.Flag("ok") ? CompareAddress(result, status) : CompareFault(result, input);
    }

    private string? CompareAddress(JsonElement result, BusStatus status)
    {
        ulong recorded = result.GetProperty("pa").Number();
        if (status == BusStatus.SlaveError)
        {
            return $"faults ({Faults()}), recorded an address {Hexadecimal.Format(recorded)}";
        }

        return _memory.Last == recorded
            ? null
            : $"leads to {Hexadecimal.Format(_memory.Last)}, recorded {Hexadecimal.Format(recorded)}";
    }

    private string? CompareFault(JsonElement result, ulong input)
    {
        int bit = result.Text("fault") switch
        {
            "translation" => 1,
            "access-flag" => 2,
            "permission" => 3,
            "external" => 4,
            "address-size" => 7,
            _ => -1,
        };
        ulong stage = result.GetProperty("stage").Number();
        bool isNested = _kind is "nested";
        int bank = isNested && stage == 2 ? 1 : 0;
        ulong status = Read($"CB{bank}_FSR") & 0x1FE;
        ulong syndrome = Read($"CB{bank}_FSYNR0");
        bool agrees =
            status == 1UL << bit
            && (syndrome & 3) == (result.GetProperty("level").Number() & 3)
            && (syndrome >> 3 & 1) == (result.Flag("s1ptw") ? 1UL : 0)
            && Read($"CB{bank}_FAR") == input
            && (!isNested || (Read($"CB{1 - bank}_FSR") & 0x1FE) == 0)
            && (
                !isNested
                || stage != 2
                || !result.TryGetProperty("ipa", out JsonElement ipa)
                || SamePage(Read("CB1_IPAFAR"), ipa.Number())
            );
        return agrees
            ? null
            : $"{Faults()}, recorded {result.Text("fault")} at stage {stage} level {result.GetProperty("level")} s1ptw {result.Flag("s1ptw")}";
    }

    private string Faults()
    {
        string first = Fault(0);
        return _kind is "nested" ? $"{first}, {Fault(1)}" : first;
    }

    private string Fault(int bank)
    {
        ulong status = Read($"CB{bank}_FSR");
        ulong syndrome = Read($"CB{bank}_FSYNR0");
        ulong address = Read($"CB{bank}_IPAFAR");
        return $"bank {bank} FSR {Hexadecimal.Format(status)} FSYNR0 {Hexadecimal.Format(syndrome)} IPAFAR {Hexadecimal.Format(address)}";
    }

    private static bool SamePage(ulong one, ulong other) => one >> 12 == other >> 12;

    private ulong Register(string name) => _registers.GetProperty(name).Number();

    private void Write(string register, ulong value)
    {
        IRegisterWindow window = _smmu.Windows[0];
        window.TryFind(register, out ulong offset, out RegisterDescription description).Should().BeTrue(register);
        window.WriteWord(offset, description.WidthBits / 8, value, default);
    }

    private ulong Read(string register)
    {
        IRegisterWindow window = _smmu.Windows[0];
        window.TryFind(register, out ulong offset, out RegisterDescription description).Should().BeTrue(register);
        window.ReadWord(offset, description.WidthBits / 8, out ulong value, default);
        return value;
    }

    /// <summary>RAM where the tables are, nothing but an answer elsewhere; remembers where it was last asked.</summary>
    private sealed class RecordingMemory : IBusTarget
    {
        private readonly Ram _ram = new("ram", RamEnd - RamStart);

        public ulong Last { get; private set; }

        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            Last = address;
            data.Clear();
            return IsRam(address) ? _ram.Read(address - RamStart, data, transaction) : BusStatus.Okay;
        }

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            Last = address;
            return IsRam(address) ? _ram.Write(address - RamStart, data, transaction) : BusStatus.Okay;
        }

        private static bool IsRam(ulong address) => address is >= RamStart and < RamEnd;
    }
}
