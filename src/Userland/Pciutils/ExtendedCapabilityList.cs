using System.Collections.Frozen;

namespace Emulator.Userland;

/// <summary>The list of a function's extended capabilities, as lspci writes it.</summary>
internal static class ExtendedCapabilityList
{
    // csharpier-ignore
    private static readonly FrozenDictionary<int, Func<CapabilityView, Task>> ById = new Dictionary<int, Func<CapabilityView, Task>>
    {
        [0x00] = OneLine("Null\n"),
        [0x01] = ErrorCapabilities.AdvancedErrorReporting.Write,
        [0x02] = VirtualChannelCapability.Write,
        [0x03] = OtherExtendedCapabilities.SerialNumber.Write,
        [0x04] = OneLine("Power Budgeting <?>\n"),
        [0x05] = OtherExtendedCapabilities.WriteRootComplexLink,
        [0x06] = OneLine("Root Complex Internal Link <?>\n"),
        [0x07] = OtherExtendedCapabilities.WriteEventCollector,
        [0x08] = OneLine("Multi-Function Virtual Channel <?>\n"),
        [0x09] = VirtualChannelCapability.Write,
        [0x0A] = OneLine("Root Complex Register Block <?>\n"),
        [0x0B] = OtherExtendedCapabilities.VendorSpecific.Write,
        [0x0D] = IsolationCapabilities.AccessControl.Write,
        [0x0E] = IsolationCapabilities.AlternativeRouting.Write,
        [0x0F] = IsolationCapabilities.AddressTranslation.Write,
        [0x10] = IsolationCapabilities.SingleRoot.Write,
        [0x11] = OneLine("Multi-Root I/O Virtualization <?>\n"),
        [0x12] = LinkCapabilities.Multicast.Write,
        [0x13] = IsolationCapabilities.PageRequests.Write,
        [0x15] = view => OtherExtendedCapabilities.WriteResizableBars(view, "Physical"),
        [0x16] = OneLine("Dynamic Power Allocation <?>\n"),
        [0x17] = LinkCapabilities.ProcessingHints.Write,
        [0x18] = LinkCapabilities.LatencyTolerance.Write,
        [0x19] = LinkCapabilities.SecondaryExpress.Write,
        [0x1A] = OneLine("Protocol Multiplexing <?>\n"),
        [0x1B] = IsolationCapabilities.ProcessAddressSpaces.Write,
        [0x1C] = OneLine("LN Requester <?>\n"),
        [0x1D] = ErrorCapabilities.DownstreamPortContainment.Write,
        [0x1E] = LinkCapabilities.L1Substates.Write,
        [0x1F] = LinkCapabilities.PrecisionTime.Write,
        [0x20] = OneLine("PCI Express over M_PHY <?>\n"),
        [0x21] = OneLine("FRS Queueing <?>\n"),
        [0x22] = OneLine("Readiness Time Reporting <?>\n"),
        [0x23] = OtherExtendedCapabilities.DesignatedVendor.Write,
        [0x24] = view => OtherExtendedCapabilities.WriteResizableBars(view, "Virtual"),
        [0x25] = OneLine("Data Link Feature <?>\n"),
        [0x26] = OneLine("Physical Layer 16.0 GT/s <?>\n"),
        [0x27] = OneLine("Lane Margining at the Receiver <?>\n"),
        [0x28] = OneLine("Hierarchy ID <?>\n"),
        [0x29] = OneLine("Native PCIe Enclosure Management <?>\n"),
        [0x2E] = OtherExtendedCapabilities.DataObjects.Write,
    }.ToFrozenDictionary();

    /// <summary>Writes the list.</summary>
    public static async Task Write(CapabilityView view)
    {
        PciConfig config = view.Function.Config;
        var seen = new HashSet<int>();
        int at = 0x100;
        while (at != 0 && await config.Fetch(at, 4) && config.Long(at) is not 0 and not uint.MaxValue and var header)
        {
            string version = view.IsDetailed ? $" v{(header >> 16) & 0xF}" : "";
            view.Print($"\tCapabilities: [{at:x3}{version}] ");
            if (!seen.Add(at))
            {
                view.Print("<chain looped>\n");
                return;
            }

            int id = (int)(header & 0xFFFF);
            if (ById.TryGetValue(id, out Func<CapabilityView, Task>? write))
            {
                await write(view with { Where = at });
            }
            else
            {
                view.Print($"Extended Capability ID 0x{id:x}\n");
            }

            at = (int)(header >> 20) & ~3;
        }
    }

    private static Func<CapabilityView, Task> OneLine(string text) => new CapabilityText(text).Write;
}
