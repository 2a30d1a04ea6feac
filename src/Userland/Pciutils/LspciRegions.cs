using System.Text;

namespace Emulator.Userland;

/// <summary>The address ranges of a function: BARs and the expansion ROM.</summary>
/// <param name="show">How to show them.</param>
/// <param name="function">The function.</param>
/// <param name="output">Where the text goes.</param>
internal sealed class LspciRegions(LspciOptions show, PciFunction function, StringBuilder output)
{
    private const int FirstBar = 0x10;
    private const uint IsIo = 1;
    private const uint TypeMask = 6;
    private const uint Type64 = 4;
    private const uint Prefetchable = 8;
    private const ulong RomMask = ~0x7FFUL;

    private static readonly string[] Units = ["", "K", "M", "G", "T"];

    private bool HasHeader => function.HeaderType is 0 or 1 or 2;

    /// <summary>The command register; without a header everything counts as switched on.</summary>
    private uint Command => HasHeader ? (uint)function.Config.Word(0x04) : 3;

    /// <summary>A size with the largest unit that divides it.</summary>
    public static string Size(ulong size)
    {
        if (size == 0)
        {
            return "";
        }

        int unit = 0;
        while (unit < Units.Length - 1 && size % 1024 == 0)
        {
            size /= 1024;
            unit++;
        }

        return $" [size={(uint)size}{Units[unit]}]";
    }

    /// <summary>Writes the BARs.</summary>
    public void WriteBars(int count)
    {
        for (int n = 0; n < count; n++)
        {
            PciRange bar = function.Bars[n];
            uint bits =
                function.KnowsSizes ? bar.BarBits
                : HasHeader ? function.Config.Long(FirstBar + 4 * n)
                : 0;
            bits = bits == uint.MaxValue ? 0 : bits;
            if (bar.Address != 0 || bits != 0 || bar.Size != 0)
            {
                output.Append(show.Verbose > 1 ? $"\tRegion {n}: " : "\t");
                output.Append(
                    (bits & IsIo) != 0 ? Io(bar, Registers(n, count)) : Memory(bar, bits, Registers(n, count))
                );
                output.Append(IsEnhanced(bar) ? " [enhanced]" : "").Append(Size(bar.Size)).Append('\n');
            }
        }
    }

    /// <summary>Writes the expansion ROM.</summary>
    /// <param name="register">Where its BAR is; negative where there is no known header.</param>
    public void WriteRom(int register)
    {
        PciRange rom = function.Rom;
        uint bits = register >= 0 ? function.Config.Long(register) : rom.BarBits;
        if (rom.Address == 0 && bits == 0 && rom.Size == 0)
        {
            return;
        }

        bool isVirtual = register >= 0 && (rom.Address & RomMask) != 0 && (bits & RomMask) == 0 && !IsEnhanced(rom);
        bits = isVirtual ? (uint)rom.Address : bits;
        output.Append("\tExpansion ROM at ");
        output.Append(
            (rom.Address & RomMask) != 0 ? $"{rom.Address & RomMask:x8}"
            : (bits & RomMask) != 0 ? "<ignored>"
            : "<unassigned>"
        );
        output.Append(isVirtual ? " [virtual]" : "");
        output.Append(
            (bits & 1) == 0 ? " [disabled]"
            : !isVirtual && register >= 0 && (Command & 2) == 0 ? " [disabled by cmd]"
            : ""
        );
        output.Append(IsEnhanced(rom) ? " [enhanced]" : "").Append(Size(rom.Size)).Append('\n');
    }

    private static bool IsEnhanced(PciRange range) => (range.Flags & PciRange.EnhancedAllocation) != 0;

    /// <summary>What the device's own BAR says, beside what the kernel says of it.</summary>
    /// <returns>
    /// The register, that behind it where the two are one, whether the second half is missing, and whether the range is
    /// <em>virtual</em>: known to the kernel, and not in the device.
    /// </returns>
    private (uint Low, uint High, bool IsBroken, bool IsVirtual) Registers(int n, int count)
    {
        PciRange bar = function.Bars[n];
        if (!function.KnowsSizes || !HasHeader)
        {
            return default;
        }

        uint low = function.Config.Long(FirstBar + 4 * n);
        if ((low & IsIo) != (bar.BarBits & IsIo))
        {
            return (low, 0, false, false);
        }

        bool is64 = (bar.Flags & PciRange.TypeMask) == PciRange.Memory && (low & TypeMask) == Type64;
        bool isBroken = is64 && n >= count - 1;
        uint high = is64 && !isBroken ? function.Config.Long(FirstBar + 4 + 4 * n) : 0;
        return (low, high, isBroken, bar.Address != 0 && low == 0 && high == 0 && !IsEnhanced(bar));
    }

    private string Io(PciRange bar, (uint Low, uint High, bool IsBroken, bool IsVirtual) hardware)
    {
        ulong address = bar.Address & ~3UL;
        bool isOn = (Command & 1) != 0;
        string place =
            address != 0 || isOn ? $"{address:x4}"
            : hardware.Low != 0 ? "<ignored>"
            : "<unassigned>";
        return $"I/O ports at {place}{State(hardware.IsVirtual, isOn)}";
    }

    private string Memory(PciRange bar, uint bits, (uint Low, uint High, bool IsBroken, bool IsVirtual) hardware)
    {
        ulong address = bar.Address & ~0xFUL;
        string place =
            hardware.IsBroken ? "<broken-64-bit-slot>"
            : address != 0 ? $"{address:x8}"
            : (hardware.Low | hardware.High) != 0 ? "<ignored>"
            : "<unassigned>";
        string type = (bits & TypeMask) switch
        {
            0 => "32-bit",
            Type64 => "64-bit",
            2 => "low-1M",
            _ => "type 3",
        };
        string prefetchable = (bits & Prefetchable) != 0 ? "" : "non-";
        string state = State(hardware.IsVirtual, (Command & 2) != 0);
        return $"Memory at {place} ({type}, {prefetchable}prefetchable){state}";
    }

    private static string State(bool isVirtual, bool isOn) =>
        isVirtual ? " [virtual]"
        : isOn ? ""
        : " [disabled]";
}
