using System.Globalization;
using System.Text.Json;
using Emulator.Iommu;
using Emulator.Machine;

namespace Emulator.Conformance;

/// <summary>
/// Replays a page-table walk (format: qemu-ptw/README.md) on an SMMU-400: the stage-2 cases of the long-descriptor format,
/// which is all that part walks.
/// </summary>
internal static class PageTableReplay
{
    private const ulong RamStart = 0x8000_0000;
    private const ulong RamEnd = 0x1_0000_0000;

    /// <summary>Why the SMMU-400 cannot run a case, or null.</summary>
    public static string? NotModelled(JsonElement vector, string format)
    {
        string kind = vector.Text("kind");
        return format is not "lpae32" ? "AArch64 tables belong to MMU-500, which is not modelled yet"
            : kind is not "s2" ? $"{kind} translation belongs to MMU-500, which is not modelled yet"
            : null;
    }

    public static string? Run(JsonElement vector)
    {
        var context = new StandaloneContext("smmu").WithRegisterSize(0, 0x1_0000);
        var memory = new RecordingMemory();
        context.Bus.Map("memory", 0, ulong.MaxValue, memory);
        var smmu = new Smmu400(context);
        foreach (JsonElement page in vector.GetProperty("memory").EnumerateArray())
        {
            ulong address = page.GetProperty("addr").Number();
            foreach (JsonProperty entry in page.GetProperty("u64").EnumerateObject())
            {
                ulong index = ulong.Parse(entry.Name, CultureInfo.InvariantCulture);
                ((IBusTarget)context.Bus).WriteWord(address + index * 8, 8, entry.Value.Number(), default);
            }
        }

        JsonElement registers = vector.GetProperty("registers");
        Write(smmu, "SMR0", 0x8000_0000);
        Write(smmu, "S2CR0", 0);
        Write(smmu, "CBAR0", 1);
        Write(smmu, "CB0_TTBR0", registers.GetProperty("vttbr").Number() & 0xFF_FFFF_FFFF);
        Write(smmu, "CB0_TCR", registers.GetProperty("vtcr").Number());
        Write(smmu, "CB0_SCTLR", 0x67);
        Write(smmu, "sCR0", 0x406);

        bool isWrite = vector.Text("access") is "write";
        ulong input = vector.GetProperty("va").Number();
        Span<byte> data = stackalloc byte[1];
        var signals = new Transaction
        {
            Flags = vector.Flag("privileged") ? TransactionFlags.Privileged : TransactionFlags.None,
        };
        BusStatus status = isWrite
            ? smmu.Upstream.Write(input, data, signals)
            : smmu.Upstream.Read(input, data, signals);
        ulong fault = Read(smmu, "CB0_FSR");
        JsonElement result = vector.GetProperty("result");
        if (result.Flag("ok"))
        {
            ulong recorded = result.GetProperty("pa").Number();
            if (fault != 0 || status == BusStatus.SlaveError)
            {
                return $"faults (FSR {Hexadecimal.Format(fault)}), recorded an address {Hexadecimal.Format(recorded)}";
            }

            return memory.Last == recorded
                ? null
                : $"leads to {Hexadecimal.Format(memory.Last)}, recorded {Hexadecimal.Format(recorded)}";
        }

        int bit = result.Text("fault") switch
        {
            "translation" => 1,
            "access-flag" => 2,
            "permission" => 3,
            "external" => 4,
            "address-size" => 7,
            _ => -1,
        };
        ulong level = Read(smmu, "CB0_FSYNR0") & 3;
        bool agrees = (fault & 0x1FE) == 1UL << bit && level == result.GetProperty("level").Number();
        return agrees
            ? null
            : $"FSR {Hexadecimal.Format(fault)} level {level}, recorded {result.Text("fault")} at level {result.GetProperty("level")}";
    }

    private static void Write(Smmu400 smmu, string register, ulong value)
    {
        IRegisterWindow window = smmu.Windows[0];
        window.TryFind(register, out ulong offset, out RegisterDescription description).Should().BeTrue(register);
        window.WriteWord(offset, description.WidthBits / 8, value, default);
    }

    private static ulong Read(Smmu400 smmu, string register)
    {
        IRegisterWindow window = smmu.Windows[0];
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
