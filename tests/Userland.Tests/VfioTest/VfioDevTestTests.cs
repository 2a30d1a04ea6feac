using Emulator.KernelShim;

namespace Emulator.Userland.Tests.VfioTests;

/// <summary>Whole runs of vfio_dev_test on the guide's board.</summary>
public sealed class VfioDevTestTests
{
    private const string Folder = "cd ~/vfio-host-test/src_test; ";
    private const string Program = "vfio_dev_test";

    private const string Regions = """
        dma-mapping some memory to the device
        dma-map successful

        Num regions: 1
            region #0:
                size: 4096
                offset: 0x0
                flags: 0x0
                Successful MMAP to address 0x40120000

        """;

    private const string NotOnTheBus = """
                *** The device seems to be an AMBA device, but it's not ***
                ***          attached to an AMBA bus (or viceversa)     ***

        """;

    // csharpier-ignore
    private static readonly string[] UpToTheRegions =
    [
        "open(\"/dev/vfio/vfio\", O_RDWR) = 3",
        "ioctl(3, VFIO_GET_API_VERSION, 0) = 0",
        "ioctl(3, VFIO_CHECK_EXTENSION, 0x1) = 1",
        "open(\"/dev/vfio/0\", O_RDWR) = 4",
        "ioctl(4, VFIO_GROUP_GET_STATUS, P) = 0",
        "ioctl(4, VFIO_GROUP_SET_CONTAINER, P) = 0",
        "ioctl(3, VFIO_SET_IOMMU, 0x1) = 0",
        "ioctl(1, TCGETS, P) = 0",
        "mmap2(NULL, 1048576, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, 0, 0) = P",
        "ioctl(3, VFIO_DEVICE_PCI_HOT_RESET or VFIO_IOMMU_MAP_DMA, P) = 0",
        "ioctl(3, VFIO_IOMMU_UNMAP_DMA, P) = -1 EINVAL",
        "ioctl(4, VFIO_GROUP_GET_DEVICE_FD, \"2c0a0000.dma\") = 5",
        "ioctl(5, VFIO_DEVICE_GET_INFO, P) = 0",
        "ioctl(5, VFIO_DEVICE_GET_REGION_INFO, P) = 0",
        "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = P",
        "munmap(P, 4096) = 0",
    ];

    private readonly GuideSystem _system = new GuideSystem().Bind();

    [Fact]
    public void The_general_test_passes_and_finds_a_PrimeCell_on_the_platform_bus() =>
        _system.Run(Folder + "./vfio_dev_test 2c0a0000.dma 0 0 platform").Should().Be((0, Regions + NotOnTheBus));

    [Fact]
    public void Said_to_be_on_the_AMBA_bus_it_is_what_it_seems() =>
        _system.Run(Folder + "./vfio_dev_test 2c0a0000.dma 0 0 amba").Should().Be((0, Regions));

    [Fact]
    public void Each_interrupt_gets_an_eventfd_that_is_not_raised()
    {
        (int status, string output) = _system.Run(Folder + "./vfio_dev_test 2c0a0000.dma 0 1 amba");

        status.Should().Be(0);
        IEnumerable<string> irqs = Enumerable
            .Range(0, 8)
            .Select(n => $"    irq #{n}:\n        flags: 0x7\n        count: 1\n");
        output.Should().Be(Regions + "\nNum irqs: 8\n" + string.Concat(irqs));
        // csharpier-ignore
        string[] one =
        [
            "eventfd2(0, EFD_NONBLOCK|EFD_CLOEXEC) = 6",
            "ioctl(5, VFIO_DEVICE_SET_IRQS, P) = 0",
            "read(6, P, 8) = -1 EAGAIN",
            "ioctl(5, VFIO_DEVICE_SET_IRQS, P) = 0",
            "close(6) = 0",
        ];
        _system
            .CallsOf(Program)
            .Should()
            .Equal([
                .. UpToTheRegions,
                .. Enumerable.Repeat("ioctl(5, VFIO_DEVICE_GET_IRQ_INFO, P) = 0", 8),
                .. Enumerable.Repeat(one, 8).SelectMany(calls => calls),
                "exit_group(0) = ?",
            ]);
    }

    [Theory]
    [InlineData(
        "",
        "Usage: ./vfio_dev_test device_name iommu_group test_irq bus_name\n"
            + "\texample: ./vfio_dev_test 2c0a0000.dma 0 1 amba\n"
    )]
    [InlineData("2c0a0000.dma x 0 amba", "error while parsing iommu group\n")]
    [InlineData("2c0a0000.dma -1 0 amba", "error while parsing iommu group\n")]
    [InlineData("2c0a0000.dma 0 yes amba", "error while parsing irq test flag: yes\n")]
    [InlineData("2c0a1000.dma 1 0 amba", "the group is not viable\n")]
    [InlineData(
        "2c0b0000.dma 0 0 amba",
        "dma-mapping some memory to the device\ndma-map successful\nunable to get device fd\n"
    )]
    public void A_mistake_is_told_in_the_programs_words(string arguments, string output) =>
        _system.Run($"{Folder}./vfio_dev_test {arguments}").Should().Be((1, output));

    [Fact]
    public void Memory_beyond_the_limit_is_not_mapped_and_the_test_goes_on()
    {
        _system.Run("chmod 666 /dev/vfio/0");
        _system.LogIn(process =>
        {
            process.UserId = 1000;
            process.Capabilities = Capabilities.None;
        });

        (int status, string output) = _system.Run(Folder + "./vfio_dev_test 2c0a0000.dma 0 0 amba");

        status.Should().Be(0);
        output.Should().StartWith("dma-mapping some memory to the device\nerror while dma-mapping\n\nNum regions: 1\n");
        _system
            .CallsOf(Program)
            .Should()
            .Contain("ioctl(3, VFIO_DEVICE_PCI_HOT_RESET or VFIO_IOMMU_MAP_DMA, P) = -1 ENOMEM")
            .And.NotContain(call => call.Contains("UNMAP_DMA"));
    }
}
