namespace Emulator.KernelShim;

/// <summary>The files <c>reset</c>, <c>reset_method</c> and <c>reset_subordinate</c> (drivers/pci/pci-sysfs.c, pci.c).</summary>
internal static class PciResetFiles
{
    public static void Add(PciCore core, PciDevice device, DirectoryInode directory)
    {
        if (device.IsBridge)
        {
            directory.AddAttribute(
                "reset_subordinate",
                AttributeMode.WriteOnly,
                null,
                (process, text) => StoreSubordinate(process, device, text)
            );
        }

        if (PciReset.MethodsOf(device).Count == 0)
        {
            return;
        }

        directory.AddAttribute(
            "reset",
            AttributeMode.WriteOnly,
            null,
            (process, text) => Store(core, process, device, text)
        );
        directory.AddAttribute(
            "reset_method",
            AttributeMode.ReadWrite,
            () => string.Join(' ', PciReset.MethodsOf(device)) + "\n",
            (process, text) => StoreMethod(process, device, text)
        );
    }

    /// <summary>reset_store: only 1 resets.</summary>
    private static long Store(PciCore core, Process process, PciDevice device, string text)
    {
        const string function = "reset_store";
        if (!PciFiles.TryParse(text, out ulong value) || value != 1)
        {
            return process.Refuse(Errno.EINVAL, function, "only 1 resets");
        }

        if (!PciReset.TryReset(core, device))
        {
            return process.Refuse(Errno.ENOTTY, "pci_reset_function", $"{device.Name} has no way to be reset");
        }

        return text.Length;
    }

    private static long StoreSubordinate(Process process, PciDevice device, string text)
    {
        const string function = "reset_subordinate_store";
        if (!process.Has(Capabilities.SysAdmin))
        {
            return process.Refuse(Errno.EPERM, function, "it needs CAP_SYS_ADMIN");
        }

        if (!PciFiles.TryParse(text, out ulong value))
        {
            return process.Refuse(Errno.EINVAL, function, "it is no number");
        }

        if (value != 0)
        {
            PciReset.ResetSecondaryBus(device);
        }

        return text.Length;
    }

    private static long StoreMethod(Process process, PciDevice device, string text)
    {
        string[] wanted = text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        string[] known = [.. PciReset.MethodsOf(device), "default"];
        string? unknown = wanted.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal));
        return unknown is null
            ? text.Length
            : process.Refuse(Errno.EINVAL, "reset_method_store", $"{device.Name} cannot be reset by '{unknown}'");
    }
}
