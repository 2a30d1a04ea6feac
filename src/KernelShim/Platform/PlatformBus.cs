using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>The platform bus (drivers/base/platform.c).</summary>
internal sealed class PlatformBus : BusType
{
    private readonly KernelProfile _profile;

    public PlatformBus(KernelProfile profile)
        : base("platform")
    {
        _profile = profile;
        HasDriverOverride = profile.PlatformDriverOverride;
    }

    /// <summary>The driver's wildcard, its tables, else plain equality of names (platform_match).</summary>
    protected override bool MatchTables(Device device, Driver driver) =>
        driver.MatchesAnyDevice
        || driver.Matches(device)
        || string.Equals(device.Name, driver.Name, StringComparison.Ordinal);

    internal override void AddAttributes(Device device, DirectoryInode directory) =>
        directory.AddAttribute("modalias", AttributeMode.ReadOnly, () => Modalias(device) + "\n");

    internal override IEnumerable<string> UeventVariables(Device device) => ["MODALIAS=" + Modalias(device)];

    /// <summary>of:N(name)T(type)C(compatible)..., or platform:(name) without a node (of_device_modalias, modalias_show).</summary>
    private string Modalias(Device device)
    {
        if (device.Node is not { } node)
        {
            return "platform:" + device.Name;
        }

        DeviceTreeProperty? type = node.FindProperty("device_type");
        var text = new StringBuilder("of:N").Append(node.BaseName).Append('T');
        text.Append(type is { LooksLikeStrings: true } ? type.ReadStrings()[0] : _profile.MissingDeviceType);
        foreach (string compatible in node.Compatible)
        {
            text.Append('C').Append(compatible.Replace(' ', '_'));
        }

        return text.ToString();
    }
}
