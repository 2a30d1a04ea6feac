namespace Emulator.Userland;

/// <summary>What a configuration space alone tells of a function.</summary>
internal static class PciConfigFacts
{
    private const int SubsystemCapability = 0x0D;
    private const int ExpressCapability = 0x10;

    /// <summary>Identification, class and subsystem.</summary>
    public static async Task FillIdentity(PciFunction function)
    {
        if (function.HasNoConfig)
        {
            return;
        }

        PciConfig config = function.Config;
        function.Vendor = config.Word(0x00);
        function.Device = config.Word(0x02);
        function.Class = config.Word(0x0A);
        function.ProgIf = config.Byte(0x09);
        function.Revision = config.Byte(0x08);
        int subsystem = config.HeaderType switch
        {
            0 => 0x2C,
            1 when await FindCapability(config, SubsystemCapability) is { } at && await config.Fetch(at + 4, 4) => at
                + 4,
            2 when await config.Fetch(0x40, 4) => 0x40,
            _ => -1,
        };
        if (subsystem >= 0)
        {
            function.SubsystemVendor = config.Word(subsystem);
            function.SubsystemDevice = config.Word(subsystem + 2);
        }
    }

    /// <summary>Interrupt line and address ranges; sizes cannot be known without writing to the BARs.</summary>
    public static Task FillResources(PciFunction function)
    {
        if (function.HasNoConfig)
        {
            return Task.CompletedTask;
        }

        PciConfig config = function.Config;
        function.Irq = config.Byte(0x3C);
        int count = BarCount(config.HeaderType);
        for (int n = 0; n < count; n++)
        {
            uint low = config.Long(0x10 + 4 * n);
            if (low is 0 or uint.MaxValue)
            {
                continue;
            }

            bool is64 = (low & 1) == 0 && (low & 6) == 4;
            if (!is64)
            {
                function.Bars[n] = new PciRange(low, 0, 0);
            }
            else if (n + 1 < count)
            {
                function.Bars[n] = new PciRange(low | ((ulong)config.Long(0x14 + 4 * n) << 32), 0, 0);
                n++;
            }
        }

        int rom = config.HeaderType switch
        {
            0 => 0x30,
            1 => 0x38,
            _ => -1,
        };
        if (rom >= 0 && config.Long(rom) != uint.MaxValue)
        {
            function.Rom = new PciRange(config.Long(rom), 0, 0);
        }

        return Task.CompletedTask;
    }

    /// <summary>How many BARs a header type has.</summary>
    public static int BarCount(int headerType) =>
        headerType switch
        {
            0 => 6,
            1 => 2,
            2 => 1,
            _ => 0,
        };

    /// <summary>Where the first capability of an ID is; null when there is none.</summary>
    public static async Task<int?> FindCapability(PciConfig config, int id) =>
        (await FindCapabilities(config, id)) is [var first, ..] ? first : null;

    /// <summary>Where the capabilities of an ID are, in the order of the list.</summary>
    public static async Task<IReadOnlyList<int>> FindCapabilities(PciConfig config, int id)
    {
        var found = new List<int>();
        var seen = new HashSet<int>();
        if (!await config.Fetch(0, 0x40) || (config.Word(0x06) & 0x10) == 0)
        {
            return found;
        }

        int at = config.Byte(0x34) & ~3;
        while (at != 0 && seen.Add(at) && await config.Fetch(at, 2) && config.Byte(at) != 0xFF)
        {
            if (config.Byte(at) == id)
            {
                found.Add(at);
            }

            at = config.Byte(at + 1) & ~3;
        }

        return found;
    }

    /// <summary>Where the extended capabilities of an ID are, in the order of the list.</summary>
    public static async Task<IReadOnlyList<int>> FindExtendedCapabilities(PciConfig config, int id)
    {
        var found = new List<int>();
        var seen = new HashSet<int>();
        if (await FindCapability(config, ExpressCapability) is null)
        {
            return found;
        }

        int at = 0x100;
        while (at != 0 && seen.Add(at) && await config.Fetch(at, 4) && config.Long(at) is not 0 and not uint.MaxValue)
        {
            if (config.Word(at) == id)
            {
                found.Add(at);
            }

            at = (int)(config.Long(at) >> 20) & ~3;
        }

        return found;
    }
}
