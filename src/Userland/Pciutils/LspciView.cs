using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>One run of lspci: what is shown, and the text so far (pciutils 3.9.0).</summary>
internal sealed partial class LspciView(PciNaming naming, int verbosity, bool withDomain)
{
    private readonly StringBuilder _text = new();

    /// <summary>The text so far; it is taken out.</summary>
    public string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }

    /// <summary>A device, with its driver where that is wanted.</summary>
    public void Show(PciSysfsDevice device, bool withDriver, int hexLength)
    {
        Terse(device, withDriver);
        if (verbosity > 0)
        {
            Verbose(device);
        }

        if ((withDriver || verbosity > 0) && device.Driver is { } driver)
        {
            Put($"\tKernel driver in use: {driver}\n");
        }

        if (hexLength > 0)
        {
            Dump(device, hexLength);
        }

        if (verbosity > 0 || hexLength > 0)
        {
            Put("\n");
        }
    }

    private void Put(FormattableString text) => _text.Append(text.ToString(CultureInfo.InvariantCulture));

    private void Put(string text) => _text.Append(text);

    private void Terse(PciSysfsDevice device, bool withDriver)
    {
        string what = PciNames.Device(device.Vendor, device.Device, naming);
        Put($"{device.SlotName(withDomain)} {PciNames.Class(device.Class, naming)}: {what}");
        if (device.Revision != 0)
        {
            Put($" (rev {device.Revision:x2})");
        }

        if (verbosity > 0)
        {
            string? name = PciNames.Interface((device.Class << 8) | device.Interface);
            if (device.Interface != 0 || name is not null)
            {
                Put($" (prog-if {device.Interface:x2}{(name is null ? "" : $" [{name}]")})");
            }
        }

        Put("\n");
        if (verbosity == 0 && !withDriver)
        {
            return;
        }

        if (device.Label is { } label)
        {
            Put($"\tDeviceName: {label}");
        }

        if (device.SubsystemVendor is { } vendor and not (0 or 0xFFFF))
        {
            Put($"\tSubsystem: {PciNames.Subsystem(device.Vendor, device.Device, vendor, device.Subsystem, naming)}\n");
        }
    }

    private void Dump(PciSysfsDevice device, int hexLength)
    {
        if (!device.HasConfiguration)
        {
            Put("WARNING: Cannot show hex-dump of the config space\n");
            return;
        }

        int length =
            hexLength >= 4096 && device.Has(0, 4096) ? 4096
            : hexLength >= 256 && device.Has(0, 256) ? 256
            : 64;
        for (int at = 0; at < length; at++)
        {
            Put($"{(at % 16 == 0 ? $"{at:x2}:" : "")} {device.Byte(at):x2}{(at % 16 == 15 ? "\n" : "")}");
        }
    }
}
