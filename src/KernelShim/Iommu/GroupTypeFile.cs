namespace Emulator.KernelShim;

/// <summary>/sys/kernel/iommu_groups/N/type: the type of the group's default domain (iommu_group_store_type).</summary>
internal static class GroupTypeFile
{
    private const string Function = "iommu_group_store_type";
    private const Capabilities Needed = Capabilities.SysAdmin | Capabilities.SysRawIo;

    public static long Store(Process process, IommuGroup group, string text)
    {
        if (!process.Has(Needed))
        {
            return process.Refuse(Errno.EACCES, Function, "this needs CAP_SYS_ADMIN and CAP_SYS_RAWIO");
        }

        if (group.DefaultDomain is null)
        {
            return process.Refuse(Errno.EINVAL, Function, $"group {group.Id} has no default domain");
        }

        string wanted = BusType.CString(text).TrimEnd('\n').ToString();
        if (wanted is not ("identity" or "DMA" or "DMA-FQ" or "auto"))
        {
            return process.Refuse(Errno.EINVAL, Function, $"'{wanted}' is none of identity, DMA, DMA-FQ, auto");
        }

        string type = wanted is "auto" ? "DMA" : wanted;
        long error = MayChange(process, group, type);
        if (error == 0 && !string.Equals(type, group.DefaultDomainType, StringComparison.Ordinal))
        {
            error = group.Driver.SetDefaultDomain(group, type);
        }

        return error != 0 ? error : text.Length;
    }

    private static long MayChange(Process process, IommuGroup group, string type)
    {
        // A flush queue can be brought up without tearing down the domain.
        if (type is "DMA-FQ" && group.DefaultDomainType is "DMA")
        {
            return 0;
        }

        if (process.Kernel.Profile.GroupTypeNeedsIdleGroup)
        {
            return group.Devices.Count == 0 || group.IsInUse
                ? process.Refuse(Errno.EPERM, Function, $"group {group.Id} is in use by a driver or a program")
                : 0;
        }

        KernelLog log = process.Kernel.Log;
        if (group.Devices.Count != 1)
        {
            log.Print(LogLevel.Error, "iommu: Cannot change default domain: Group has more than one device");
            return process.Refuse(Errno.EINVAL, Function, $"group {group.Id} has {group.Devices.Count} devices");
        }

        if (group.Devices[0].Driver is { } driver)
        {
            log.Print(LogLevel.Error, "iommu: Device is still bound to driver");
            return process.Refuse(Errno.EBUSY, Function, $"{group.Devices[0].Name} is bound to {driver.Name}");
        }

        return 0;
    }
}
