using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>What an open /dev/iommu holds (struct iommufd_ctx): objects by number, and devices attached to them.</summary>
[DebuggerDisplay("{_objects.Count} objects")]
internal sealed class IommufdContext(Kernel kernel)
{
    private readonly SortedDictionary<uint, IommufdObject> _objects = [];

    /// <summary>The address space that VFIO's own ioctls mean, or null.</summary>
    public Ioas? VfioIoas { get; set; }

    /// <summary>Gives an object the lowest free number, from 1 on.</summary>
    public T Add<T>(T added)
        where T : IommufdObject
    {
        uint id = 1;
        while (_objects.ContainsKey(id))
        {
            id++;
        }

        added.Id = id;
        _objects[id] = added;
        return added;
    }

    public IommufdObject? Find(uint id) => _objects.GetValueOrDefault(id);

    /// <summary>iommufd_vfio_compat_ioas_create: the address space for VFIO, made with the first group.</summary>
    public Ioas EnsureVfioIoas() => VfioIoas ??= Add(new Ioas());

    /// <summary>IOMMU_DESTROY: EBUSY while something is built on it.</summary>
    public long Destroy(Process process, uint id)
    {
        const string Function = "iommufd_destroy";
        if (Find(id) is not { } found)
        {
            return process.Refuse(Errno.ENOENT, Function, $"there is no object {id}");
        }

        bool isBusy = found switch
        {
            Ioas ioas => ioas.Tables.Count > 0,
            IommufdPageTable table => table.Devices.Count > 0,
            _ => true,
        };
        if (isBusy)
        {
            return process.Refuse(Errno.EBUSY, Function, $"object {id} is in use");
        }

        Remove(found);
        return 0;
    }

    /// <summary>iommufd_device_bind: the device's group is this context's from now on.</summary>
    public long Bind(Process process, Device device, out IommufdDevice? bound)
    {
        const string Function = "iommufd_device_bind";
        bound = null;
        IommuGroup group = device.Group!;
        if (!VfioCore.IsViable(group))
        {
            return process.Refuse(
                Errno.EPERM,
                "iommu_device_claim_dma_owner",
                $"group {group.Id} is not viable: a member is bound to an ordinary driver"
            );
        }

        if (group.Owner is not null && group.Owner != this)
        {
            return process.Refuse(Errno.EPERM, "iommu_device_claim_dma_owner", $"group {group.Id} has another owner");
        }

        if (
            !group.Driver.IsIsolated(group)
            && !(kernel.Modules?.Find<IommufdModule>("iommufd")?.AllowsUnsafeInterrupts ?? false)
        )
        {
            return process.Refuse(Errno.EPERM, Function, "interrupts of the device are not isolated");
        }

        group.Owner = this;
        bound = Add(new IommufdDevice(device));
        return 0;
    }

    /// <summary>iommufd_device_unbind.</summary>
    public void Unbind(IommufdDevice device)
    {
        Detach(device);
        _objects.Remove(device.Id);
        IommuGroup? group = device.Device.Group;
        bool isLast = !_objects.Values.OfType<IommufdDevice>().Any(other => other.Device.Group == group);
        if (group is not null && isLast)
        {
            group.Owner = null;
        }
    }

    /// <summary>
    /// iommufd_device_change_pt: attaches a device to an address space or a page table, leaving the one it had.
    /// </summary>
    public long Attach(Process process, IommufdDevice device, uint id, out uint table)
    {
        const string Function = "iommufd_device_change_pt";
        table = 0;
        IommufdObject? target = Find(id);
        if (target is null)
        {
            return process.Refuse(Errno.ENOENT, "iommufd_get_object", $"there is no object {id}");
        }

        if (target is not (Ioas or IommufdPageTable))
        {
            return process.Refuse(Errno.EINVAL, Function, $"object {id} is neither address space nor page table");
        }

        IommufdPageTable? old = device.Table;
        long error = FindTable(process, device, target, out IommufdPageTable? found);
        if (error != 0)
        {
            return error;
        }

        table = found!.Id;
        if (ReferenceEquals(found, old))
        {
            return 0;
        }

        if (old is not null)
        {
            Leave(device, old);
        }

        device.Table = found;
        return 0;
    }

    /// <summary>iommufd_device_detach; of one that is not attached, nothing.</summary>
    public void Detach(IommufdDevice device)
    {
        if (device.Table is not { } table)
        {
            return;
        }

        device.Table = null;
        if (!Others(device).Any())
        {
            foreach (Device member in device.Device.Group!.Devices)
            {
                table.Domain.Detach(member);
            }

            device.Device.Group!.AttachedDomain = null;
        }

        Leave(device, table);
    }

    /// <summary>The last reference to the file is gone: leaves go first.</summary>
    public void Close()
    {
        foreach (Ioas ioas in _objects.Values.OfType<Ioas>())
        {
            ioas.Space.UnmapAll();
        }

        _objects.Clear();
    }

    private IEnumerable<IommufdDevice> Others(IommufdDevice device) =>
        _objects
            .Values.OfType<IommufdDevice>()
            .Where(other =>
                !ReferenceEquals(other, device) && other.Device.Group == device.Device.Group && other.Table is not null
            );

    private void Remove(IommufdObject found)
    {
        _objects.Remove(found.Id);
        if (found is Ioas ioas)
        {
            ioas.Space.UnmapAll();
            VfioIoas = ReferenceEquals(VfioIoas, ioas) ? null : VfioIoas;
        }
    }

    /// <summary>iommufd_device_auto_get_domain: a page table of the address space that takes the device, or a new one.</summary>
    private long FindTable(Process process, IommufdDevice device, IommufdObject target, out IommufdPageTable? found)
    {
        IommuGroup group = device.Device.Group!;
        found = target as IommufdPageTable;
        if (target is Ioas ioas)
        {
            found = ioas.Tables.Find(table => table.Driver == group.Driver);
            if (found is null)
            {
                return MakeTable(process, device, ioas, out found);
            }
        }

        return ReferenceEquals(device.Table, found) ? 0 : Join(process, device, found!);
    }

    private long MakeTable(Process process, IommufdDevice device, Ioas ioas, out IommufdPageTable? made)
    {
        made = null;
        IommuGroup group = device.Device.Group!;
        if (group.Driver.CreateDomain() is not { } domain)
        {
            return process.Refuse(Errno.ENOMEM, "iommufd_hwpt_paging_alloc", "the IOMMU has no room for a domain");
        }

        var table = new IommufdPageTable(ioas, group.Driver, domain);
        long error = Join(process, device, table);
        if (error == 0)
        {
            error = ioas.Space.Reserve(process, table, [(domain.ApertureEnd + 1, ulong.MaxValue)]);
        }

        error = error == 0 ? ioas.Space.AddDomain(process, domain) : error;
        if (error != 0)
        {
            ioas.Space.Release(device);
            ioas.Space.Release(table);
            table.Devices.Clear();
            domain.Free();
            return error;
        }

        ioas.Tables.Add(Add(table));
        made = table;
        return 0;
    }

    /// <summary>iommufd_hw_pagetable_attach: the group's streams go to the table, its reserved ranges are kept free.</summary>
    private static long Join(Process process, IommufdDevice device, IommufdPageTable table)
    {
        IommuGroup group = device.Device.Group!;
        long error = table.Ioas.Space.Reserve(
            process,
            device,
            group.Driver.ReservedRegions.Select(region => (region.Start, region.End))
        );
        if (error != 0)
        {
            return error;
        }

        foreach (Device member in group.Devices)
        {
            error = table.Domain.Attach(member);
            if (error != 0)
            {
                table.Ioas.Space.Release(device);
                return process.Refuse((Errno)(-error), "iommu_attach_group", $"the IOMMU does not take {member.Name}");
            }
        }

        group.AttachedDomain = table.Domain;
        table.Devices.Add(device);
        return 0;
    }

    /// <summary>A page table that was made for devices goes with the last of them.</summary>
    private void Leave(IommufdDevice device, IommufdPageTable table)
    {
        table.Devices.Remove(device);
        table.Ioas.Space.Release(device);
        if (table.Devices.Count > 0)
        {
            return;
        }

        table.Ioas.Space.RemoveDomain(table.Domain);
        table.Ioas.Space.Release(table);
        table.Ioas.Tables.Remove(table);
        _objects.Remove(table.Id);
        table.Domain.Free();
    }
}
