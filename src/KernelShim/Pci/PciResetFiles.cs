namespace Emulator.KernelShim;

/// <summary>The files <c>reset</c>, <c>reset_method</c> and <c>reset_subordinate</c> (drivers/pci/pci-sysfs.c, pci.c).</summary>
internal static class PciResetFiles
{
    /// <summary>All the ways there are (pci_reset_fn_methods).</summary>
    private static readonly string[] Known = ["device_specific", "acpi", "flr", "af_flr", "pm", "bus", "cxl_bus"];

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

        if (device.ResetMethods.Count == 0)
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
            () => string.Join(' ', device.ResetMethods) + "\n",
            (process, text) => StoreMethod(core, process, device, text)
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

        device.RuntimePower?.Resume();
        bool isReset = PciReset.TryReset(core, device);
        device.RuntimePower?.Suspend();
        if (!isReset)
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

    /// <summary>reset_method_store: some of the ways in another order, none, or what the kernel would choose.</summary>
    private static long StoreMethod(PciCore core, Process process, PciDevice device, string text)
    {
        const string function = "reset_method_store";
        string line = BusType.CString(text).ToString();
        line = line.EndsWith('\n') ? line[..^1] : line;
        if (line.Length == 0)
        {
            device.ResetMethods = [];
            core.Warn(device, "All device reset methods disabled by user");
            return text.Length;
        }

        if (line is "default")
        {
            device.ResetMethods = PciReset.MethodsOf(device);
            return text.Length;
        }

        IReadOnlyList<string> there = PciReset.MethodsOf(device);
        List<string> wanted = [];
        foreach (string name in line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!there.Contains(name, StringComparer.Ordinal))
            {
                string kind = Known.Contains(name, StringComparer.Ordinal) ? "Unsupported" : "Invalid";
                core.Error(device, $"{kind} reset method '{name}'");
                return process.Refuse(Errno.EINVAL, function, $"{device.Name} cannot be reset by '{name}'");
            }

            wanted.Add(name);
        }

        device.ResetMethods = wanted;
        return text.Length;
    }
}
