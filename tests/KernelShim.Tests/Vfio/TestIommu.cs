namespace Emulator.KernelShim.Tests;

/// <summary>An IOMMU whose page tables are a dictionary; it serves devices whose names end in its suffix.</summary>
internal sealed class TestIommu(string suffix) : IIommuDriver
{
    public bool IsolatesInterrupts { get; set; } = true;

    public bool IsCoherent { get; set; } = true;

    public IReadOnlyList<ReservedRegion> ReservedRegions { get; set; } = [];

    /// <summary>How many domains it has room for.</summary>
    public int Room { get; set; } = 8;

    /// <summary>What Attach answers.</summary>
    public long AttachResult { get; set; }

    /// <summary>How many pages a domain takes before Map is ENOMEM.</summary>
    public int PageLimit { get; set; } = int.MaxValue;

    /// <summary>The domains that were not freed.</summary>
    public List<TestDomain> Domains { get; } = [];

    public bool Serves(Device device) => device.Name.EndsWith(suffix, StringComparison.Ordinal);

    public IommuDomain? CreateDomain()
    {
        if (Domains.Count == Room)
        {
            return null;
        }

        var domain = new TestDomain(this);
        Domains.Add(domain);
        return domain;
    }
}

/// <summary>A domain with pages in a dictionary. What a real one would not survive is an exception.</summary>
internal sealed class TestDomain(TestIommu iommu) : IommuDomain
{
    public SortedDictionary<ulong, (ulong Physical, IommuProtection Protection)> Pages { get; } = [];

    public List<Device> Devices { get; } = [];

    public override ulong PageSizes => 0x4020_1000;

    public override ulong ApertureEnd => 0xFF_FFFF_FFFF;

    public override long Map(ulong iova, ulong physical, ulong lengthBytes, IommuProtection protection)
    {
        if (iova + lengthBytes - 1 > ApertureEnd)
        {
            return -(long)Errno.ERANGE;
        }

        if (Pages.Count + (int)(lengthBytes / 4096) > iommu.PageLimit)
        {
            return -(long)Errno.ENOMEM;
        }

        for (ulong at = 0; at < lengthBytes; at += 4096)
        {
            Pages.Add(iova + at, (physical + at, protection));
        }

        return 0;
    }

    public override ulong Unmap(ulong iova, ulong lengthBytes)
    {
        foreach (ulong page in Pages.Keys.Where(page => page >= iova && page - iova < lengthBytes).ToArray())
        {
            Pages.Remove(page);
        }

        return lengthBytes;
    }

    public override ulong? Translate(ulong iova) =>
        Pages.TryGetValue(iova & ~0xFFFUL, out (ulong Physical, IommuProtection) page) ? page.Physical : null;

    /// <summary>Whether it is of another IOMMU than what is attached from now on.</summary>
    public bool RefusesMore { get; set; }

    public override long Attach(Device device)
    {
        if (RefusesMore)
        {
            return -(long)Errno.EINVAL;
        }

        if (iommu.AttachResult == 0)
        {
            Devices.Contains(device).Should().BeFalse();
            Devices.Add(device);
        }

        return iommu.AttachResult;
    }

    public override void Detach(Device device) => Devices.Remove(device).Should().BeTrue();

    public override void Free()
    {
        Devices.Should().BeEmpty();
        iommu.Domains.Remove(this).Should().BeTrue();
    }
}
