using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>new_id and remove_id (drivers/pci/pci-driver.c).</summary>
internal static class PciDynamicIds
{
    private const int MostFields = 7;
    private static readonly char[] Blanks = [' ', '\t', '\n'];

    /// <summary>new_id_store: the driver matches these devices from now on, and is offered those that are there.</summary>
    public static long Add(PciCore core, Process process, PciDriver driver, string text)
    {
        const string function = "new_id_store";
        List<uint> fields = Parse(text);
        if (fields.Count < 2)
        {
            return process.Refuse(Errno.EINVAL, function, "it takes a vendor and a device at least");
        }

        PciDeviceId id = IdOf(fields);
        if (fields.Count != MostFields && IsKnown(driver, id))
        {
            return process.Refuse(
                Errno.EEXIST,
                function,
                $"{driver.Name} matches {fields[0]:x4}:{fields[1]:x4} already"
            );
        }

        if (driver.Ids.Count > 0 && driver.Ids.All(known => known.DriverData != id.DriverData))
        {
            return process.Refuse(
                Errno.EINVAL,
                function,
                $"{driver.Name} has no entry with driver_data {id.DriverData:x}"
            );
        }

        Add(core, driver, id);
        return text.Length;
    }

    /// <summary>pci_add_dynid.</summary>
    public static void Add(PciCore core, PciDriver driver, PciDeviceId id)
    {
        driver.DynamicIds.Add(id);
        ((DriverCore)core.Kernel.Drivers).OfferDevices(driver);
    }

    /// <summary>remove_id_store: devices that are bound stay bound.</summary>
    public static long Remove(Process process, PciDriver driver, string text)
    {
        const string function = "remove_id_store";
        List<uint> fields = Parse(text);
        if (fields.Count < 2)
        {
            return process.Refuse(Errno.EINVAL, function, "it takes a vendor and a device at least");
        }

        PciDeviceId wanted = IdOf(fields);
        PciDeviceId? known = driver.DynamicIds.FirstOrDefault(id =>
            id.Vendor == wanted.Vendor
            && id.Device == wanted.Device
            && (wanted.SubsystemVendor is null || id.SubsystemVendor == wanted.SubsystemVendor)
            && (wanted.SubsystemDevice is null || id.SubsystemDevice == wanted.SubsystemDevice)
            && ((id.Class ^ wanted.Class) & wanted.ClassMask) == 0
        );
        if (known is null)
        {
            return process.Refuse(
                Errno.ENODEV,
                function,
                $"nobody added {fields[0]:x4}:{fields[1]:x4} to {driver.Name}"
            );
        }

        driver.DynamicIds.Remove(known);
        return text.Length;
    }

    private static bool IsKnown(PciDriver driver, PciDeviceId id) =>
        driver
            .DynamicIds.Concat(driver.Ids)
            .Any(known =>
                !known.OverrideOnly
                && known.Matches(
                    id.Vendor!.Value,
                    id.Device!.Value,
                    id.SubsystemVendor ?? uint.MaxValue,
                    id.SubsystemDevice ?? uint.MaxValue,
                    id.Class
                )
            );

    private static PciDeviceId IdOf(List<uint> fields) =>
        new(
            fields[0],
            fields[1],
            Any(fields, 2),
            Any(fields, 3),
            fields.ElementAtOrDefault(4),
            fields.ElementAtOrDefault(5),
            fields.ElementAtOrDefault(6)
        );

    private static uint? Any(List<uint> fields, int index) =>
        index < fields.Count && fields[index] != uint.MaxValue ? fields[index] : null;

    /// <summary>
    /// sscanf with %x for each field: it takes digits as far as they go (so <c>extra</c> is 0xe), and ends where there are none, or
    /// something stands behind them.
    /// </summary>
    private static List<uint> Parse(string text)
    {
        List<uint> fields = [];
        foreach (string word in text.Split(Blanks, StringSplitOptions.RemoveEmptyEntries).Take(MostFields))
        {
            string rest = word.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? word[2..] : word;
            string digits = string.Concat(rest.TakeWhile(char.IsAsciiHexDigit));
            if (!uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value))
            {
                break;
            }

            fields.Add(value);
            if (digits.Length < rest.Length)
            {
                break;
            }
        }

        return fields;
    }
}
