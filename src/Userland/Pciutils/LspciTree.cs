using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>lspci -t: buses, bridges and what is behind them as a drawing.</summary>
internal sealed class LspciTree
{
    private const int BridgeClass = 0x06;

    private readonly List<PciSysfsDevice> _devices;
    private readonly PciFilter? _filter;
    private readonly PciNaming? _names;
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _line = new();

    private LspciTree(List<PciSysfsDevice> devices, PciFilter? filter, PciNaming? names)
    {
        _devices = devices;
        _filter = filter;
        _names = names;
    }

    /// <summary>Draws the tree.</summary>
    /// <param name="devices">All devices, in order.</param>
    /// <param name="filter">Only branches with such a device, where there is one.</param>
    /// <param name="names">How leaves are named; null for addresses alone.</param>
    public static string Draw(List<PciSysfsDevice> devices, PciFilter? filter, PciNaming? names)
    {
        var tree = new LspciTree(devices, filter, names);
        tree.Roots();
        return tree._text.ToString();
    }

    private void Roots()
    {
        List<(uint Domain, uint Bus)> roots =
        [
            .. _devices.Where(IsRoot).Select(device => (device.Domain, device.Bus)).Prepend((0u, 0u)).Distinct(),
        ];
        for (int n = 0; n < roots.Count; n++)
        {
            (uint domain, uint bus) = roots[n];
            List<PciSysfsDevice> onBus =
            [
                .. _devices.Where(device => IsRoot(device) && device.Domain == domain && device.Bus == bus),
            ];
            string branch =
                roots.Count == 1 ? ""
                : n == roots.Count - 1 ? "\\-"
                : "+-";
            if (!onBus.Exists(IsShown) && onBus.Count > 0)
            {
                continue;
            }

            int at = Put(
                0,
                n == 0 ? "-"
                    : _line.Length > 0 ? _line.ToString(0, 1)
                    : " "
            );
            at = Put(at, branch + string.Create(CultureInfo.InvariantCulture, $"[{domain:x4}:{bus:x2}]-"));
            Bus(onBus, at);
        }
    }

    private bool IsRoot(PciSysfsDevice device) => device.ParentName is null;

    private List<PciSysfsDevice> Below(PciSysfsDevice bridge) =>
        [.. _devices.Where(device => string.Equals(device.ParentName, bridge.Name, StringComparison.Ordinal))];

    private bool IsShown(PciSysfsDevice device) =>
        _filter is null || _filter.Matches(device) || Below(device).Exists(IsShown);

    private void Bus(List<PciSysfsDevice> devices, int at)
    {
        List<PciSysfsDevice> shown = devices.FindAll(IsShown);
        if (shown.Count == 0)
        {
            EndLine(at);
            return;
        }

        if (devices.Count == 1)
        {
            Device(devices[0], Put(at, "--"));
            return;
        }

        foreach (PciSysfsDevice device in shown)
        {
            Device(device, Put(at, device == devices[^1] ? "\\-" : "+-"));
        }
    }

    private void Device(PciSysfsDevice device, int at)
    {
        at = Put(at, string.Create(CultureInfo.InvariantCulture, $"{device.Slot:x2}.{device.Function:x}"));
        if (device.HeaderType == 1 && device.Class >> 8 == BridgeClass)
        {
            uint secondary = device.Byte(0x19);
            uint subordinate = device.Byte(0x1A);
            string range =
                secondary == 0 ? "-"
                : secondary == subordinate ? string.Create(CultureInfo.InvariantCulture, $"-[{secondary:x2}]-")
                : string.Create(CultureInfo.InvariantCulture, $"-[{secondary:x2}-{subordinate:x2}]-");
            Bus(Below(device), Put(Put(at, range), "-"));
            return;
        }

        EndLine(_names is { } naming ? Put(at, "  " + PciNames.Device(device.Vendor, device.Device, naming)) : at);
    }

    /// <summary>Puts text into the line from a place on, and gives the place after it.</summary>
    private int Put(int at, string text)
    {
        _line.Length = at;
        _line.Append(text);
        return _line.Length;
    }

    /// <summary>Ends the line; of what it drew only the upright strokes stand in the next one.</summary>
    private void EndLine(int at)
    {
        _line.Length = at;
        _text.Append(_line).Append('\n');
        for (int n = 0; n < _line.Length; n++)
        {
            _line[n] = _line[n] is '+' or '|' ? '|' : ' ';
        }
    }
}
