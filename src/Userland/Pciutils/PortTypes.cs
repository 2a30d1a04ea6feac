namespace Emulator.Userland;

/// <summary>Device and port types of the PCI Express capability (PCI Express base specification, 7.5.3.2).</summary>
internal static class PortTypes
{
    public const int Endpoint = 0;
    public const int LegacyEndpoint = 1;
    public const int RootPort = 4;
    public const int Upstream = 5;
    public const int Downstream = 6;
    public const int ToPciBridge = 7;
    public const int FromPciBridge = 8;
    public const int IntegratedEndpoint = 9;
    public const int EventCollector = 10;

    /// <summary>A condition: the function is of one of some types.</summary>
    public static Func<CapabilityView, bool> Are(params int[] types) => view => types.Contains(view.PortType);

    /// <summary>What lspci calls a type; a port says whether it has a slot.</summary>
    public static string NameOf(int type, bool hasSlot)
    {
        string slot = hasSlot ? " (Slot+)" : " (Slot-)";
        return type switch
        {
            Endpoint => "Endpoint",
            LegacyEndpoint => "Legacy Endpoint",
            RootPort => "Root Port" + slot,
            Upstream => "Upstream Port",
            Downstream => "Downstream Port" + slot,
            ToPciBridge => "PCI-Express to PCI/PCI-X Bridge",
            FromPciBridge => "PCI/PCI-X to PCI-Express Bridge" + slot,
            IntegratedEndpoint => "Root Complex Integrated Endpoint",
            EventCollector => "Root Complex Event Collector",
            _ => $"Unknown type {type}",
        };
    }
}
