using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// The type1 backend of a container (drivers/vfio/vfio_iommu_type1.c): process memory is pinned and mapped for devices, in
/// page tables that the IOMMU's driver keeps in RAM.
/// </summary>
[DebuggerDisplay("type1{_isV2 ? \"v2\" : \"\",nq}: {_mappings.Count} mappings, {_domains.Count} domains")]
internal sealed partial class VfioType1(VfioCore core, bool isV2) : IVfioBackend
{
    /// <summary>dma_entry_limit when the container got its type (dma_avail).</summary>
    private readonly int? _mappingLimit = core.Type1?.EntryLimit;

    private const ulong PageBytes = PageAllocator.PageBytes;

    private readonly bool _isV2 = isV2;
    private readonly List<Domain> _domains = [];

    /// <summary>The mappings in order of device address; they never overlap.</summary>
    private readonly DmaMappings _mappings = [];

    /// <summary>Whether every domain is cache coherent.</summary>
    public bool IsCoherent => _domains.Count > 0 && _domains.TrueForAll(domain => domain.Driver.EnforcesCoherency);

    private KernelProfile Profile => core.Kernel.Profile;

    /// <summary>The page sizes all domains take; what is smaller than a page counts as a page (vfio_update_pgsize_bitmap).</summary>
    private ulong PageSizes
    {
        get
        {
            ulong sizes = ulong.MaxValue;
            foreach (Domain domain in _domains)
            {
                sizes &= domain.Iommu.PageSizes;
            }

            ulong folded = sizes & ~(PageBytes - 1);
            return (sizes & (PageBytes - 1)) != 0 ? folded | PageBytes : folded;
        }
    }

    private ulong SmallestPage => PageSizes & (~PageSizes + 1);

    /// <inheritdoc/>
    public string? Module => "vfio_iommu_type1";

    /// <inheritdoc/>
    public long CheckExtension(ulong extension) => CheckExtension(core, this, extension);

    /// <summary>vfio_iommu_type1_check_extension, for a container's own backend or, before it has one, for any.</summary>
    public static long CheckExtension(VfioCore core, VfioType1? backend, ulong extension)
    {
        KernelProfile profile = core.Kernel.Profile;
        return extension switch
        {
            VfioExtension.Type1 or VfioExtension.Type1V2 => 1,
            VfioExtension.CacheCoherent => backend is { IsCoherent: true } ? 1 : 0,
            VfioExtension.Type1Nesting => profile.Type1HasNesting ? 1 : 0,
            VfioExtension.UnmapAll => (profile.Type1UnmapFlags & VfioFlags.UnmapAll) != 0 ? 1 : 0,
            VfioExtension.UpdateVaddr => backend is not null && profile.Type1HasVaddrUpdate ? 1 : 0,
            _ => 0,
        };
    }

    /// <summary>vfio_iommu_type1_ioctl.</summary>
    public long Ioctl(Process process, uint command, ulong argument) =>
        command switch
        {
            VfioIoctl.IommuGetInfo => GetInfo(process, argument),
            VfioIoctl.IommuMapDma => MapDma(process, argument),
            VfioIoctl.IommuUnmapDma => UnmapDma(process, argument),
            VfioIoctl.IommuDirtyPages when Profile.Type1HasDirtyTracking => DirtyPages(process, argument),
            _ => process.Refuse(
                Errno.ENOTTY,
                "vfio_iommu_type1_ioctl",
                $"0x{command:x} is no ioctl of a type1 container"
            ),
        };

    /// <summary>
    /// A group joins: it shares a domain with groups of the same IOMMU, or gets one with all mappings in it
    /// (vfio_iommu_type1_attach_group).
    /// </summary>
    public long Attach(Process process, IommuGroup group)
    {
        const string Function = "vfio_iommu_type1_attach_group";
        if (
            Profile.Type1ChecksInterruptIsolation
            && !group.Driver.IsIsolated(group)
            && core.Type1 is { AllowsUnsafeInterrupts: false }
        )
        {
            core.Kernel.Log.Print(
                LogLevel.Warning,
                $"{Function}: No interrupt remapping support.  Use the module param \"allow_unsafe_interrupts\" to enable VFIO IOMMU support on this platform"
            );
            return process.Refuse(
                Errno.EPERM,
                Function,
                "the platform does not isolate interrupts and allow_unsafe_interrupts is off"
            );
        }

        // A domain of another IOMMU of the same driver does not take the group; then it gets one of its own.
        if (_domains.Exists(domain => domain.Driver == group.Driver && AttachDevices(process, domain, group) == 0))
        {
            return 0;
        }

        if (group.Driver.CreateDomain() is not { } iommu)
        {
            return process.Refuse(Errno.EIO, "iommu_domain_alloc", "the IOMMU has no room for another domain");
        }

        var added = new Domain(iommu, group.Driver);
        long error = AttachDevices(process, added, group);
        if (error == 0)
        {
            _domains.Add(added);
            error = CheckRanges(process) ?? Replay(process, added);
            if (error != 0)
            {
                _domains.Remove(added);
                DetachDevices(added, group);
            }
        }

        if (error != 0)
        {
            iommu.Free();
        }

        return error;
    }

    /// <summary>
    /// A group leaves (vfio_iommu_type1_detach_group): its streams first, so that what they still do meets whatever the IOMMU
    /// does with streams of no domain; then, with the last group, the mappings; the domain last.
    /// </summary>
    public void Detach(IommuGroup group)
    {
        Domain domain = _domains.Find(candidate => candidate.Groups.Contains(group))!;
        DetachDevices(domain, group);
        if (domain.Groups.Count > 0)
        {
            return;
        }

        if (_domains.Count == 1)
        {
            foreach (DmaMapping mapping in _mappings)
            {
                Remove(mapping);
            }

            _mappings.Clear();
        }

        _domains.Remove(domain);
        domain.Iommu.Free();
    }

    private static long AttachDevices(Process process, Domain domain, IommuGroup group)
    {
        for (int index = 0; index < group.Devices.Count; index++)
        {
            Device device = group.Devices[index];
            long error = domain.Iommu.Attach(device);
            if (error == 0)
            {
                continue;
            }

            while (--index >= 0)
            {
                domain.Iommu.Detach(group.Devices[index]);
            }

            return process.Refuse((Errno)(-error), "iommu_attach_group", $"the IOMMU does not take {device.Name}");
        }

        domain.Groups.Add(group);
        group.AttachedDomain = domain.Iommu;
        return 0;
    }

    private static void DetachDevices(Domain domain, IommuGroup group)
    {
        group.AttachedDomain = null;
        foreach (Device device in group.Devices)
        {
            domain.Iommu.Detach(device);
        }

        domain.Groups.Remove(group);
    }

    /// <summary>Existing mappings must be possible for a group that joins (vfio_iommu_aper_conflict, vfio_iommu_resv_conflict).</summary>
    private long? CheckRanges(Process process)
    {
        if (!Profile.Type1ChecksIovaRanges)
        {
            return null;
        }

        DmaMapping? conflict = _mappings.FirstOrDefault(mapping => !IsPermitted(mapping.Iova, mapping.Last));
        return conflict is null
            ? null
            : process.Refuse(
                Errno.EINVAL,
                "vfio_iommu_resv_conflict",
                $"the mapping at 0x{conflict.Iova:x} is not possible for the group that joins"
            );
    }

    private long Replay(Process process, Domain domain)
    {
        foreach (DmaMapping mapping in _mappings)
        {
            foreach (PhysicalRun run in mapping.Runs)
            {
                long error = MapRun(domain, mapping, run);
                if (error != 0)
                {
                    foreach (DmaMapping done in _mappings)
                    {
                        domain.Iommu.Unmap(done.Iova, done.LengthBytes);
                    }

                    return process.Refuse(
                        (Errno)(-error),
                        "vfio_iommu_replay",
                        $"the mapping at 0x{mapping.Iova:x} cannot be made in the new domain"
                    );
                }
            }
        }

        return 0;
    }

    private static long MapRun(Domain domain, DmaMapping mapping, in PhysicalRun run) =>
        domain.Iommu.Map(
            mapping.Iova + run.Offset,
            run.Physical,
            run.LengthBytes,
            mapping.Protection | (domain.Driver.IsCoherent ? IommuProtection.Cache : IommuProtection.None)
        );

    /// <summary>Takes a mapping out of every domain, then gives its pages back (vfio_unmap_unpin).</summary>
    private void Remove(DmaMapping mapping)
    {
        foreach (Domain domain in _domains)
        {
            domain.Iommu.Unmap(mapping.Iova, mapping.LengthBytes);
        }

        mapping.Unpin();
    }

    /// <summary>An IOMMU domain and the groups in it (struct vfio_domain).</summary>
    private sealed class Domain(IommuDomain iommu, IIommuDriver driver)
    {
        public IommuDomain Iommu { get; } = iommu;

        public IIommuDriver Driver { get; } = driver;

        public List<IommuGroup> Groups { get; } = [];
    }
}
