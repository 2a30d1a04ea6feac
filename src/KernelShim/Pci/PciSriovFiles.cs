using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The files of a physical function about its virtual ones (drivers/pci/iov.c).</summary>
internal static class PciSriovFiles
{
    public static void Add(PciCore core, PciDevice device, PciSriov sriov, DirectoryInode directory)
    {
        Show(directory, "sriov_totalvfs", () => Decimal(sriov.TotalVfs));
        Show(directory, "sriov_offset", () => Decimal(sriov.FirstOffset));
        Show(directory, "sriov_stride", () => Decimal(sriov.FunctionStride));
        Show(
            directory,
            "sriov_vf_device",
            () => sriov.FunctionDeviceId.ToString("x", CultureInfo.InvariantCulture) + "\n"
        );
        Show(directory, "sriov_vf_total_msix", () => "0\n");
        directory.AddBlockingAttribute(
            "sriov_numvfs",
            AttributeMode.ReadWrite,
            (process, text) => StoreNumber(core, process, device, sriov, text),
            () => Decimal(sriov.Functions.Count)
        );
        directory.AddAttribute(
            "sriov_drivers_autoprobe",
            AttributeMode.ReadWrite,
            () => sriov.DriversAutoProbe ? "1\n" : "0\n",
            (process, text) => StoreAutoProbe(process, sriov, text)
        );
    }

    private static Attempt StoreNumber(PciCore core, Process process, PciDevice device, PciSriov sriov, string text)
    {
        const string function = "sriov_numvfs_store";
        if (!PciFiles.TryParse(text, out ulong number))
        {
            return process.Refuse(Errno.EINVAL, function, "it is no number");
        }

        if (number > (ulong)sriov.TotalVfs)
        {
            return process.Refuse(Errno.ERANGE, function, $"the function has {sriov.TotalVfs} at most");
        }

        int count = (int)number;
        if (count == sriov.Functions.Count)
        {
            return text.Length;
        }

        if (device.Driver is not PciDriver driver)
        {
            return process.Refuse(Errno.ENOENT, function, "no driver is bound to the device; cannot configure SR-IOV");
        }

        if (driver.ConfigureSriov is not { } configure)
        {
            return process.Refuse(
                Errno.ENOENT,
                function,
                $"{driver.Name} does not support SR-IOV configuration via sysfs"
            );
        }

        if (count == 0 && FindUsers(sriov) is { } users)
        {
            return Attempt.Block(users);
        }

        if (count > 0 && sriov.Functions.Count > 0)
        {
            string enabled = sriov.Functions.Count.ToString(CultureInfo.InvariantCulture);
            string wanted = count.ToString(CultureInfo.InvariantCulture);
            core.Warn(device, $"{enabled} VFs already enabled. Disable before enabling {wanted} VFs");
            return process.Refuse(
                Errno.EBUSY,
                function,
                $"{sriov.Functions.Count} VFs already enabled. Disable before enabling {count} VFs"
            );
        }

        long result = configure(device, count);
        return result < 0
            ? process.Refuse((Errno)(-result), function, $"{driver.Name} could not set up {count} virtual functions")
            : text.Length;
    }

    /// <summary>Where one must wait for programs that use a virtual function before it can be taken away.</summary>
    internal static WaitQueue? FindUsers(PciSriov sriov)
    {
        foreach (PciDevice function in sriov.Functions)
        {
            if (function.Driver?.PrepareRemoval(function) is { } users)
            {
                function.IsLeavingDriver = true;
                return users;
            }
        }

        return null;
    }

    private static long StoreAutoProbe(Process process, PciSriov sriov, string text)
    {
        string word = text.TrimEnd('\n');
        if (word.Length == 0 || !"01yYnN".Contains(word[0], StringComparison.Ordinal))
        {
            return process.Refuse(Errno.EINVAL, "sriov_drivers_autoprobe_store", $"'{word}' is neither yes nor no");
        }

        sriov.DriversAutoProbe = word[0] is '1' or 'y' or 'Y';
        return text.Length;
    }

    private static void Show(DirectoryInode directory, string name, Func<string> show) =>
        directory.AddAttribute(name, AttributeMode.ReadOnly, show);

    private static string Decimal(int value) => value.ToString(CultureInfo.InvariantCulture) + "\n";
}
