using System.Collections.Frozen;
using static Emulator.Userland.CapabilityText;

namespace Emulator.Userland;

/// <summary>The list of a function's capabilities, as lspci writes it.</summary>
internal static class CapabilityList
{
    private const int Express = 0x10;
    private const int PciX = 0x07;

    // csharpier-ignore
    private static readonly FrozenDictionary<int, Func<CapabilityView, Task>> ById = new Dictionary<int, Func<CapabilityView, Task>>
    {
        [0x00] = OneLine("Null\n"),
        [0x01] = PlainCapabilities.PowerManagement.Write,
        [0x02] = OfFlags("AGP version {4-7:x1}.{0-3:x1}\n").Write,
        [0x03] = ProductDataCapability.Write,
        [0x04] = OfFlags("Slot ID: {0-4} slots, First{5}, chassis {8-15:x2}\n").Write,
        [0x05] = PlainCapabilities.Msi.Write,
        [0x06] = OneLine("CompactPCI hot-swap <?>\n"),
        [PciX] = WritePciX,
        [0x08] = HyperTransportCapability.Text.Write,
        [0x09] = VendorCapability.Write,
        [0x0A] = OfFlags("Debug port: BAR={13-15} offset={0-12:x4}\n").Write,
        [0x0B] = OneLine("CompactPCI central resource control <?>\n"),
        [0x0C] = OneLine("Hot-plug capable\n"),
        [0x0D] = PlainCapabilities.Subsystem.Write,
        [0x0E] = OneLine("AGP3 <?>\n"),
        [0x0F] = OneLine("Secure device <?>\n"),
        [Express] = ExpressCapability.Text.Write,
        [0x11] = PlainCapabilities.MsiX.Write,
        [0x12] = WriteSata,
        [0x13] = PlainCapabilities.AdvancedFeatures.Write,
        [0x14] = EnhancedAllocationCapability.Write,
    }.ToFrozenDictionary();

    /// <summary>Writes the list, and that of the extended capabilities where there can be some.</summary>
    /// <param name="view">The function, and how to show it.</param>
    /// <param name="pointer">Where the pointer to the first capability is.</param>
    public static async Task Write(CapabilityView view, int pointer)
    {
        PciConfig config = view.Function.Config;
        bool canHaveExtended = false;
        int portType = -1;
        var seen = new HashSet<int>();
        int at = (config.Word(0x06) & 0x10) != 0 ? config.Byte(pointer) & ~3 : 0;
        while (at != 0)
        {
            view.Print("\tCapabilities: ");
            if (!await config.Fetch(at, 4))
            {
                view.Print("<access denied>\n");
                break;
            }

            int id = config.Byte(at);
            view.Print($"[{at:x2}] ");
            bool isNew = seen.Add(at);
            if (!isNew || id == 0xFF)
            {
                view.Print(isNew ? "<chain broken>\n" : "<chain looped>\n");
                break;
            }

            canHaveExtended |= id is Express or PciX;
            portType = id == Express ? ExpressCapability.TypeOf((uint)config.Word(at + 2)) : portType;
            await WriteOne(view with { Where = at, PortType = portType }, id);
            at = config.Byte(at + 1) & ~3;
        }

        if (canHaveExtended)
        {
            await ExtendedCapabilityList.Write(view with { PortType = portType });
        }
    }

    private static Func<CapabilityView, Task> OneLine(string text) => new CapabilityText(text).Write;

    private static Task WriteOne(CapabilityView view, int id)
    {
        if (ById.TryGetValue(id, out Func<CapabilityView, Task>? write))
        {
            return write(view);
        }

        view.Print($"Capability ID 0x{id:x} [{view.Flags:x4}]\n");
        return Task.CompletedTask;
    }

    private static Task WritePciX(CapabilityView view) =>
        view.Function.HeaderType is 0 or 1
            ? PlainCapabilities.PciX(view.Function.HeaderType == 1).Write(view)
            : Task.CompletedTask;

    private static async Task WriteSata(CapabilityView view)
    {
        view.Print("SATA HBA v{4-7}.{0-3}", view.Flags);
        if (!view.IsDetailed || !await view.Fetch(4, 4))
        {
            view.Print("\n");
            return;
        }

        uint place = view.Long(4);
        view.Print(
            (place & 0xF) switch
            {
                >= 4 and <= 9 => $" BAR{(place & 0xF) - 4} Offset={(place >> 4) & 0xF_FFFF:x8}\n",
                15 => " InCfgSpace\n",
                var other => $" BAR??{other}\n",
            }
        );
    }
}
