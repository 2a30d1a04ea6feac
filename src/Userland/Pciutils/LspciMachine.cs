using System.Text;

namespace Emulator.Userland;

/// <summary>lspci -m, -mm and, with -v, a line per field.</summary>
internal static class LspciMachine
{
    /// <summary>Writes a function.</summary>
    public static void Write(
        LspciOptions show,
        PciFunction function,
        string slot,
        IReadOnlyList<string> modules,
        StringBuilder output
    )
    {
        if (show.Verbose == 0)
        {
            WriteLine(show.Names, function, slot, output);
            return;
        }

        foreach ((string key, string? value) in Fields(show, function, slot, modules))
        {
            output.Append(value is null ? "" : $"{key}:\t{value}\n");
        }
    }

    private static IEnumerable<(string Key, string? Value)> Fields(
        LspciOptions show,
        PciFunction function,
        string slot,
        IReadOnlyList<string> modules
    ) =>
        [
            (show.Machine >= 2 ? "Slot" : "Device", slot),
            ("Class", show.Names.Class(function.Class)),
            ("Vendor", show.Names.Vendor(function.Vendor)),
            ("Device", show.Names.Device(function.Vendor, function.Device)),
            ("SVendor", function.HasSubsystem ? show.Names.SubsystemVendor(function.SubsystemVendor) : null),
            ("SDevice", function.HasSubsystem ? show.Names.SubsystemDevice(function) : null),
            ("PhySlot", function.PhysicalSlot),
            ("Rev", function.Revision != 0 ? $"{function.Revision:x2}" : null),
            ("ProgIf", $"{function.ProgIf:x2}"),
            ("Driver", show.ShowsKernel ? function.Driver : null),
            .. modules.Where(_ => show.ShowsKernel).Select(module => ("Module", (string?)module)),
            ("NUMANode", function.NumaNode != -1 ? $"{function.NumaNode}" : null),
            ("DTNode", function.DeviceTreeNode),
            ("IOMMUGroup", function.IommuGroup),
        ];

    private static void WriteLine(PciNames names, PciFunction function, string slot, StringBuilder output)
    {
        output.Append(slot).Append(Quoted(names.Class(function.Class)));
        output
            .Append(Quoted(names.Vendor(function.Vendor)))
            .Append(Quoted(names.Device(function.Vendor, function.Device)));
        output.Append(function.Revision != 0 ? $" -r{function.Revision:x2}" : "").Append($" -p{function.ProgIf:x2}");
        output.Append(
            function.HasSubsystem
                ? Quoted(names.SubsystemVendor(function.SubsystemVendor)) + Quoted(names.SubsystemDevice(function))
                : " \"\" \"\""
        );
        output.Append('\n');
    }

    private static string Quoted(string text) =>
        $" \"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
