using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>MAP_DMA, UNMAP_DMA, GET_INFO and dirty tracking (facts 3.6 to 3.8).</summary>
public sealed class VfioType1Tests
{
    private const ulong Page = 4096;
    private const long Einval = -(long)Errno.EINVAL;

    /// <summary>argsz, flags, vaddr from the start of the process's four pages, iova, size; errno before and since.</summary>
    public static TheoryData<uint, uint, ulong, ulong, ulong, Errno, Errno> MapMisuse =>
        new()
        {
            { 31, 3, 0, 0, Page, Errno.EINVAL, Errno.EINVAL },
            { 32, 8, 0, 0, Page, Errno.EINVAL, Errno.EINVAL },
            { 32, 0, 0, 0, Page, Errno.EINVAL, Errno.EINVAL },
            { 32, 5, 0, 0, Page, Errno.EINVAL, Errno.EINVAL },
            { 32, 4, 0, 0, Page, Errno.EINVAL, Errno.ENOENT },
            { 32, 3, 0, 0, 0, Errno.EINVAL, Errno.EINVAL },
            { 32, 3, 0, 0, 0x800, Errno.EINVAL, Errno.EINVAL },
            { 32, 3, 0, 0x10, Page, Errno.EINVAL, Errno.EINVAL },
            { 32, 3, 0x10, 0, Page, Errno.EINVAL, Errno.EINVAL },
            { 32, 3, 0, 0xFFFF_FFFF_FFFF_F000, 2 * Page, Errno.EINVAL, Errno.EOVERFLOW },
            { 32, 3, 0, 0, 0xFFFF_FFFF_FFFF_F000, Errno.EINVAL, Errno.EOVERFLOW },
            { 32, 3, 0, 0x10_0000, Page, Errno.EEXIST, Errno.EEXIST },
            { 32, 3, 0, 0xF_F000, 2 * Page, Errno.EEXIST, Errno.EEXIST },
            { 32, 3, 0, 0xF_F000, 4 * Page, Errno.EEXIST, Errno.EEXIST },
            { 32, 3, 0, 0x100_0000_0000, Page, Errno.ERANGE, Errno.EINVAL },
            { 32, 3, 0, 0x0800_0000, Page, (Errno)0, Errno.EINVAL },
            { 32, 3, 0x7FFF_0000 - 0x4000_0000, 0, Page, Errno.EFAULT, Errno.EFAULT },
            { 32, 3, 2 * Page, 0, 4 * Page, Errno.EFAULT, Errno.EFAULT },
            { 32, 2, 3 * Page, 0, Page, Errno.EFAULT, Errno.EFAULT },
            { 32, 1, 3 * Page, 0, Page, (Errno)0, (Errno)0 },
        };

    [Theory]
    [MemberData(nameof(MapMisuse))]
    public void Each_misuse_of_MAP_DMA_has_its_errno_and_leaves_nothing(
        uint argsz,
        uint flags,
        ulong vaddr,
        ulong iova,
        ulong size,
        Errno old,
        Errno recent
    )
    {
        foreach (bool isOld in new[] { true, false })
        {
            var bench = new VfioBench(
                isOld ? KernelProfiles.VosysV6 : VfioBench.Modern with { Type1ReturnsEoverflowOnWrap = true }
            );
            bench.Iommu.ReservedRegions = [new ReservedRegion(0x0800_0000, 0x080F_FFFF, "msi")];
            (long container, _, _) = bench.Connect(3);
            ulong memory = FourPages(bench);
            bench.Map(container, memory, 0x10_0000, 2 * Page).Should().Be(0);

            long result = bench.Ioctl(container, VfioIoctl.IommuMapDma, argsz, flags, memory + vaddr, iova, size);

            result.Should().Be(-(long)(isOld ? old : recent));
            bench.Iommu.Domains[0].Pages.Count.Should().Be(result == 0 ? 3 : 2);
            bench.User.Process.Memory.LockedPages.Should().Be(result == 0 ? 3 : 2);
        }
    }

    [Fact]
    public void A_mapping_is_the_pages_of_the_process()
    {
        var bench = new VfioBench();
        (long container, _, _) = bench.Connect();
        ulong memory = (ulong)bench.User.Mmap(4 * Page);
        for (ulong page = 0; page < 4; page++)
        {
            // Touched backwards, so that they do not follow each other in RAM.
            ulong at = memory + (3 - page) * Page;
            bench.User.Process.Memory.TryWrite(at, [(byte)(3 - page)]).Should().BeTrue();
        }

        bench.Map(container, memory, 0x8000, 4 * Page, flags: 1).Should().Be(0);
        for (ulong page = 0; page < 4; page++)
        {
            bench.Kernel.Board.Cpu.Load(bench.Iommu.Domains[0].Translate(0x8000 + page * Page)!.Value, 1, out ulong v);
            v.Should().Be(page);
        }

        bench.Iommu.Domains[0].Pages.Values.Should().OnlyContain(p => p.Protection.HasFlag(IommuProtection.Read));
        bench.Iommu.Domains[0].Pages.Values.Should().OnlyContain(p => !p.Protection.HasFlag(IommuProtection.Write));
    }

    [Fact]
    public void Pinned_pages_outlive_munmap_and_are_given_back_by_UNMAP()
    {
        var bench = new VfioBench();
        (long container, _, _) = bench.Connect();
        ulong free = bench.Kernel.Pages.FreePages;
        ulong memory = (ulong)bench.User.Mmap(4 * Page);
        bench.Map(container, memory, 0, 4 * Page).Should().Be(0);
        bench.User.Do(_ => bench.User.Calls.Munmap(bench.User.Process, memory, 4 * Page)).Should().Be(0);
        bench.Kernel.Pages.FreePages.Should().Be(free - 4);

        bench.Unmap(container, 0, 4 * Page).Should().Be(0);
        bench.Kernel.Pages.FreePages.Should().Be(free);
    }

    [Fact]
    public void The_page_tables_error_is_returned_and_nothing_stays_in_any_domain()
    {
        var bench = new VfioBench();
        (long container, _, _) = bench.Connect();
        bench.Bind("c.other");
        bench.SetContainer(bench.OpenGroup("c.other"), container).Should().Be(0);
        bench.OtherIommu.PageLimit = 3;
        ulong memory = (ulong)bench.User.Mmap(4 * Page);

        bench.Map(container, memory, 0, 4 * Page).Should().Be(-(long)Errno.ENOMEM);
        bench.Iommu.Domains[0].Pages.Should().BeEmpty();
        bench.OtherIommu.Domains[0].Pages.Should().BeEmpty();
        bench.User.Process.Memory.LockedPages.Should().Be(0);
    }

    [Theory]
    [InlineData(true, "vfio_pin_pages: RLIMIT_MEMLOCK (8192) exceeded")]
    [InlineData(false, "vfio_pin_pages_remote: RLIMIT_MEMLOCK (8192) exceeded")]
    public void Locked_memory_is_limited_without_CAP_IPC_LOCK(bool isOld, string line)
    {
        var bench = new VfioBench(isOld ? KernelProfiles.VosysV6 : VfioBench.Modern);
        (long container, _, _) = bench.Connect();
        ulong memory = (ulong)bench.User.Mmap(4 * Page);
        bench.User.Process.Capabilities = Capabilities.None;
        bench.User.Process.MemlockLimitBytes = 2 * Page;

        bench.Map(container, memory, 0, 3 * Page).Should().Be(-(long)Errno.ENOMEM);
        bench.Log.Should().Contain(line);
        bench.Map(container, memory, 0, Page).Should().Be(0);
        bench.Map(container, memory, Page, Page).Should().Be(0, "the same memory counts twice");
        bench.Map(container, memory, 2 * Page, Page).Should().Be(-(long)Errno.ENOMEM);
        bench.Unmap(container, 0, Page).Should().Be(0);
        bench.Map(container, memory, 2 * Page, Page).Should().Be(0);
        bench.User.Process.Capabilities = Capabilities.IpcLock;
        bench.Map(container, memory, 3 * Page, Page).Should().Be(0);
    }

    /// <summary>Mappings at 1..2 and 4..6 (pages): what an unmap of first page and count gives in v1 and v2.</summary>
    [Theory]
    [InlineData(0, 1, 0, 0)]
    [InlineData(1, 2, 2, 2)]
    [InlineData(1, 1, 2, -1)]
    [InlineData(2, 1, 0, -1)]
    [InlineData(2, 5, 0, -1)]
    [InlineData(0, 8, 5, 5)]
    [InlineData(1, 6, 5, 5)]
    [InlineData(1, 4, 5, -1)]
    [InlineData(3, 4, 3, 3)]
    [InlineData(7, 9, 0, 0)]
    public void Type1_v1_takes_whole_mappings_and_v2_refuses_to_cut_them(ulong first, ulong count, int v1, int v2)
    {
        foreach ((ulong type, int expected) in new[] { (1UL, v1), (3UL, v2) })
        {
            var bench = new VfioBench();
            (long container, _, _) = bench.Connect(type);
            ulong memory = (ulong)bench.User.Mmap(8 * Page);
            bench.Map(container, memory, Page, 2 * Page).Should().Be(0);
            bench.Map(container, memory, 4 * Page, 3 * Page).Should().Be(0);

            bench.Unmap(container, first * Page, count * Page).Should().Be(expected < 0 ? Einval : 0);
            bench.Long(16).Should().Be((expected < 0 ? count : (ulong)expected) * Page, "the size is written back");
            bench.Iommu.Domains[0].Pages.Count.Should().Be(5 - Math.Max(expected, 0));
            bench.User.Process.Memory.LockedPages.Should().Be(5 - Math.Max(expected, 0));
        }
    }

    /// <summary>argsz, flags, iova, size; results of an old and a recent kernel.</summary>
    [Theory]
    [InlineData(23, 0, 0, Page, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 3, 0, Page, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 8, 0, Page, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 1, 0, Page, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 0, 0x10, Page, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 0, 0, 0, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 0, 0, 0x10, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 0, 0xFFFF_FFFF_FFFF_F000, 2 * Page, Errno.EINVAL, Errno.EOVERFLOW)]
    [InlineData(24, 2, 0, 0, Errno.EINVAL, (Errno)0)]
    [InlineData(24, 2, 0, Page, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 2, Page, 0, Errno.EINVAL, Errno.EINVAL)]
    [InlineData(24, 4, 0, Page, Errno.EINVAL, (Errno)0)]
    public void Each_misuse_of_UNMAP_DMA_has_its_errno(
        uint argsz,
        uint flags,
        ulong iova,
        ulong size,
        Errno old,
        Errno recent
    )
    {
        foreach (bool isOld in new[] { true, false })
        {
            var bench = new VfioBench(
                isOld ? KernelProfiles.VosysV6 : VfioBench.Modern with { Type1ReturnsEoverflowOnWrap = true }
            );
            (long container, _, _) = bench.Connect(3);
            bench.Map(container, FourPages(bench), 0, Page).Should().Be(0);

            long result = bench.Ioctl(container, VfioIoctl.IommuUnmapDma, argsz, flags, iova, size);

            result.Should().Be(-(long)(isOld ? old : recent));
            bench.Iommu.Domains[0].Pages.Count.Should().Be(result == 0 && flags == 2 ? 0 : 1);
        }
    }

    [Fact]
    public void An_address_can_be_taken_from_a_mapping_and_given_again()
    {
        var bench = new VfioBench(VfioBench.Modern);
        (long container, _, _) = bench.Connect(3);
        ulong memory = FourPages(bench);
        bench.Map(container, memory, 0, 2 * Page).Should().Be(0);

        bench.Map(container, memory, 0, 2 * Page, flags: 4).Should().Be(Einval);
        bench.Unmap(container, 0, 2 * Page, flags: 4).Should().Be(0);
        bench.Unmap(container, 0, 2 * Page, flags: 4).Should().Be(Einval);
        bench.Map(container, memory, 0, Page, flags: 4).Should().Be(Einval);
        bench.Map(container, memory, 0, 2 * Page, flags: 4).Should().Be(0);
        bench.Unmap(container, 0, 2 * Page, flags: 4).Should().Be(0);
    }

    [Fact]
    public void A_container_takes_so_many_mappings_and_no_more()
    {
        var bench = new VfioBench(VfioBench.Modern with { Type1MappingLimit = 2 });
        (long container, _, _) = bench.Connect(3);
        ulong memory = FourPages(bench);
        bench.Map(container, memory, 0, Page).Should().Be(0);
        bench.Map(container, memory, Page, Page).Should().Be(0);
        bench.Map(container, memory, 2 * Page, Page).Should().Be(-(long)Errno.ENOSPC);
    }

    [Fact]
    public void Old_kernels_tell_page_sizes_and_nothing_else()
    {
        var bench = new VfioBench();
        (long container, _, _) = bench.Connect();

        bench.Ioctl(container, VfioIoctl.IommuGetInfo, 15, 0, 0UL).Should().Be(Einval);
        bench.Ioctl(container, VfioIoctl.IommuGetInfo, 8UL).Should().Be(-(long)Errno.EFAULT);
        bench.Ioctl(container, VfioIoctl.IommuGetInfo, 24, 9, 0UL, 0x55, 0x66).Should().Be(0);
        bench.User.Peek(24).Should().Equal(VfioBench.Pack(24, 1, 0x4020_1000UL, 0x55, 0x66));
    }

    [Fact]
    public void Recent_kernels_tell_capabilities_when_there_is_room()
    {
        var bench = new VfioBench(VfioBench.Modern);
        bench.Iommu.ReservedRegions =
        [
            new ReservedRegion(0x0800_0000, 0x080F_FFFF, "msi"),
            new ReservedRegion(0x0A00_0000, 0x0A0F_FFFF, "direct-relaxable"),
        ];
        (long container, _, _) = bench.Connect(3);

        bench.Ioctl(container, VfioIoctl.IommuGetInfo, 24, 0, 0UL, 0, 0).Should().Be(0);
        uint needed = bench.Word(0);
        needed.Should().Be(24 + 32 + 16 + 16 + 2 * 16);
        bench.User.Peek(20, 4).Should().Equal(VfioBench.Pack(3, 0x4020_1000UL, 0, 0));

        bench.Ioctl(container, VfioIoctl.IommuGetInfo, needed, 0, 0UL, 0, 0).Should().Be(0);
        bench
            .User.Peek((int)needed)
            .Should()
            .Equal(
                VfioBench.Pack([
                    needed,
                    3,
                    0x4020_1000UL,
                    24,
                    0,
                    0x1_0002,
                    56,
                    0UL,
                    0x1000UL,
                    256UL << 20,
                    0x1_0003,
                    72,
                    65_535,
                    0,
                    0x1_0001,
                    0,
                    2,
                    0,
                    0UL,
                    0x7FF_FFFFUL,
                    0x810_0000UL,
                    0xFF_FFFF_FFFFUL,
                ])
            );
    }

    [Fact]
    public void Dirty_tracking_reports_every_mapped_page()
    {
        var bench = new VfioBench(VfioBench.Modern);
        (long container, _, _) = bench.Connect(3);
        ulong memory = FourPages(bench);
        bench.Map(container, memory, 2 * Page, 2 * Page).Should().Be(0);
        ulong bitmap = bench.User.Buffer + 0x1000;
        object[] get = [48, 4, 0UL, 8 * Page, Page, 8UL, bitmap];

        bench.Ioctl(container, VfioIoctl.IommuDirtyPages, get).Should().Be(Einval);
        bench.Ioctl(container, VfioIoctl.IommuDirtyPages, 8, 3).Should().Be(Einval);
        bench.Ioctl(container, VfioIoctl.IommuDirtyPages, 8, 1).Should().Be(0);
        bench.Ioctl(container, VfioIoctl.IommuDirtyPages, get).Should().Be(0);
        bench.Long(0x1000).Should().Be(0b1100);
        get[3] = 3 * Page;
        bench.Ioctl(container, VfioIoctl.IommuDirtyPages, get).Should().Be(Einval);
        bench.User.Poke(new byte[8], 0x1000);
        object[] unmap = [48, 1, 2 * Page, 2 * Page, Page, 8UL, bitmap];
        bench.Ioctl(container, VfioIoctl.IommuUnmapDma, unmap).Should().Be(0);
        bench.Long(0x1000).Should().Be(0b11);
        bench.Ioctl(container, VfioIoctl.IommuDirtyPages, 8, 2).Should().Be(0);

        var v1 = new VfioBench(VfioBench.Modern);
        v1.Ioctl(v1.Connect().Container, VfioIoctl.IommuDirtyPages, 8, 1).Should().Be(-(long)Errno.EACCES);
        var old = new VfioBench();
        old.Ioctl(old.Connect(3).Container, VfioIoctl.IommuDirtyPages, 8, 1).Should().Be(-(long)Errno.ENOTTY);
    }

    [Fact]
    public void Registers_that_a_process_has_mapped_can_be_mapped_for_DMA_and_are_not_counted()
    {
        var bench = new VfioBench();
        (long container, _, long device) = bench.Connect();
        TestProcess user = bench.User;
        long registers = user.Do(_ =>
            user.Calls.Mmap(user.Process, 0, Page, Protection.Read | Protection.Write, MapFlags.Shared, (int)device, 0)
        );

        bench.Map(container, (ulong)registers, 0, Page).Should().Be(0);
        bench.Iommu.Domains[0].Translate(0).Should().Be(bench.Registers);
        user.Process.Memory.LockedPages.Should().Be(0);
        bench.Unmap(container, 0, Page).Should().Be(0);
    }

    /// <summary>Four pages at an address that is always the same: three of them may be written, one only read.</summary>
    private static ulong FourPages(VfioBench bench)
    {
        ulong memory = (ulong)bench.User.Mmap(4 * Page);
        TestProcess user = bench.User;
        user.Do(_ => user.Calls.Mprotect(user.Process, memory + 3 * Page, Page, Protection.Read)).Should().Be(0);
        return memory;
    }
}
