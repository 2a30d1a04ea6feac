using Emulator.Boards;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>Loading and unloading modules by system calls, and what their files say.</summary>
public sealed class ModuleTests
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    private readonly Kernel _kernel;
    private readonly TestProcess _root;

    public ModuleTests()
    {
        Board board = Services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, new Simulation());
        _kernel = BuiltInDrivers.Boot(
            board,
            KernelProfiles.Linux612Oracle with
            {
                Modules = [],
                LoadableModules = ["vfio_platform", "vfio_iommu_type1"],
            }
        );
        _root = new TestProcess(_kernel);
    }

    [Fact]
    public void A_module_is_loaded_with_its_parameters_after_what_it_needs()
    {
        Load("vfio_platform").Should().Be(-(long)Errno.ENOENT, "vfio has the symbols");
        Load("iommufd").Should().Be(0, "vfio of this kernel has its symbols from there");
        Load("vfio").Should().Be(0);
        Load("vfio_platform_base").Should().Be(0);
        Load("vfio_platform", "reset_required=0 nonsense=1").Should().Be(0);

        _root.Cat("/sys/module/vfio_platform/parameters/reset_required").Should().Be("N\n");
        _root.Cat("/sys/module/vfio/refcnt").Should().Be("2\n");
        _root.ReadLink("/sys/module/vfio/holders/vfio_platform").Should().Be("../../vfio_platform");
        _root
            .ReadLink("/sys/bus/platform/drivers/vfio-platform/module")
            .Should()
            .Be("../../../../module/vfio_platform");
        _kernel.Log.Lines.Should().Contain(line => line.Text == "vfio_platform: unknown parameter 'nonsense' ignored");
        Load("vfio").Should().Be(-(long)Errno.EEXIST);
    }

    [Fact]
    public void A_bad_value_of_a_parameter_is_EINVAL_and_nothing_is_loaded()
    {
        Load("iommufd");
        Load("vfio");
        Load("vfio_iommu_type1", "dma_entry_limit=many").Should().Be(-(long)Errno.EINVAL);

        _root.Cat("/proc/modules").Should().NotContain("vfio_iommu_type1");
        Load("vfio_iommu_type1", "dma_entry_limit=0x10").Should().Be(0);
        _root.Cat("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit").Should().Be("16\n");
        const string Parameter = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
        _root.Echo("99999999999", Parameter).Should().Be(-(long)Errno.ERANGE);
        _root.Echo("-1", Parameter).Should().Be(-(long)Errno.EINVAL);
    }

    [Fact]
    public void A_module_that_another_uses_cannot_be_unloaded_and_parameters_are_forgotten()
    {
        Load("iommufd");
        Load("vfio");
        Load("vfio_iommu_type1", "allow_unsafe_interrupts=1");

        Unload("vfio").Should().Be(-(long)Errno.EAGAIN);
        Unload("nosuch").Should().Be(-(long)Errno.ENOENT);
        Unload("vfio_iommu_type1").Should().Be(0);
        _root.Cat("/sys/module/vfio/refcnt").Should().Be("0\n");
        Load("vfio_iommu_type1").Should().Be(0);
        _root.Cat("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts").Should().Be("N\n");
    }

    [Fact]
    public void Nobody_without_the_capability_loads_or_unloads_and_a_file_that_is_no_module_is_refused()
    {
        long nothing = _root.Open("/dev/null");
        _root.Do(_ => _root.Calls.FInitModule(_root.Process, (int)nothing, _root.Put(""))).Should().Be(Einval);
        _root.Do(_ => _root.Calls.FInitModule(_root.Process, 99, _root.Put(""))).Should().Be(-(long)Errno.EBADF);
        _root.Process.Capabilities = Capabilities.None;
        Load("vfio").Should().Be(-(long)Errno.EPERM);
        Unload("vfio").Should().Be(-(long)Errno.EPERM);
    }

    private static long Einval => -(long)Errno.EINVAL;

    private long Load(string name, string parameters = "")
    {
        long file = _root.Open($"/lib/modules/{_kernel.Profile.Release}/kernel/{name}.ko");
        file.Should().BeGreaterThanOrEqualTo(0);
        return _root.Do(_ => _root.Calls.FInitModule(_root.Process, (int)file, _root.Put(parameters)));
    }

    private long Unload(string name) => _root.Do(_ => _root.Calls.DeleteModule(_root.Process, _root.Put(name)));
}
