namespace Emulator.KernelShim;

/// <summary>The file <c>type</c> of a group, and the type that the command line chooses (drivers/iommu/iommu.c).</summary>
internal static class GroupTypeFile
{
    private const string Identity = "identity";
    private const string Translated = "DMA";
    private const string Lazy = "DMA-FQ";

    /// <summary>iommu.passthrough and iommu.strict; the last of each counts.</summary>
    public static string DefaultOf(string commandLine)
    {
        bool passes = false;
        bool isStrict = true;
        foreach (string word in commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.StartsWith("iommu.passthrough=", StringComparison.Ordinal))
            {
                passes = IsTrue(word["iommu.passthrough=".Length..], passes);
            }
            else if (word.StartsWith("iommu.strict=", StringComparison.Ordinal))
            {
                isStrict = IsTrue(word["iommu.strict=".Length..], isStrict);
            }
        }

        return
            passes ? Identity
            : isStrict ? Translated
            : Lazy;
    }

    /// <summary>iommu_group_store_type.</summary>
    public static long Store(Process process, IommuGroup group, string text)
    {
        const string function = "iommu_group_store_type";
        if (!process.Has(Capabilities.SysAdmin) || !process.Has(Capabilities.SysRawIo))
        {
            return process.Refuse(Errno.EACCES, function, "it needs CAP_SYS_ADMIN and CAP_SYS_RAWIO");
        }

        string wanted = text.TrimEnd('\n');
        if (wanted is not (Identity or Translated or Lazy or "auto"))
        {
            return process.Refuse(Errno.EINVAL, function, $"'{wanted}' is none of identity, DMA, DMA-FQ, auto");
        }

        bool startsQueue = wanted == Lazy && group.Type == Translated;
        if (!startsQueue && (group.Devices.Count == 0 || group.Devices.Any(device => device.Driver is not null)))
        {
            return process.Refuse(
                Errno.EPERM,
                function,
                $"group {group.Id} is owned: a driver has one of its devices"
            );
        }

        group.Type = wanted == "auto" ? Translated : wanted;
        return text.Length;
    }

    private static bool IsTrue(string value, bool otherwise) =>
        value.Length == 0 ? otherwise
        : value[0] is '1' or 'y' or 'Y' || value.StartsWith("on", StringComparison.OrdinalIgnoreCase) ? true
        : value[0] is '0' or 'n' or 'N' || value.StartsWith("off", StringComparison.OrdinalIgnoreCase) ? false
        : otherwise;
}
