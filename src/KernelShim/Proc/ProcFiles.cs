using System.Globalization;
using System.Text;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>The files of /proc that are about the whole system (fs/proc).</summary>
internal static class ProcFiles
{
    /// <summary>Adds them.</summary>
    public static void Add(Kernel kernel)
    {
        DirectoryInode proc = kernel.Files.Proc;
        Add(proc, "cmdline", () => kernel.CommandLine + "\n");
        Add(proc, "interrupts", () => ProcInterrupts.Show(kernel));
        Add(proc, "iomem", () => kernel.Profile.DriversRequestRegions ? ProcMemory.Show(kernel) : Memory(kernel));
        Add(proc, "meminfo", () => MemoryInformation(kernel));
        Add(proc, "modules", () => kernel.Modules?.Show() ?? "");
        Add(proc, "mounts", () => Mounts);
        Add(proc, "uptime", () => Uptime(kernel));
        Add(proc, "version", () => Banner(kernel) + "\n");
    }

    /// <summary>linux_banner: the second line of the log and /proc/version.</summary>
    public static string Banner(Kernel kernel) =>
        $"Linux version {kernel.Profile.Release} {kernel.Profile.BuiltBy} {kernel.Profile.Version}";

    private const string Mounts = """
        tmpfs / tmpfs rw,relatime 0 0
        sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
        proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
        devtmpfs /dev devtmpfs rw,relatime 0 0
        debugfs /sys/kernel/debug debugfs rw,relatime 0 0

        """;

    private static void Add(DirectoryInode proc, string name, Func<string> show) =>
        proc.AddAttribute(name, AttributeMode.ReadOnly, show);

    private static string Uptime(Kernel kernel)
    {
        long hundredths = (kernel.Simulation.Now - kernel.BootTime) / (VirtualTime.Second / 100);
        long idle = hundredths * kernel.Board.Cpus.Count;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{hundredths / 100}.{hundredths % 100:00} {idle / 100}.{idle % 100:00}\n"
        );
    }

    /// <summary>meminfo_proc_show, as far as there is something to count.</summary>
    private static string MemoryInformation(Kernel kernel)
    {
        const ulong PageKilobytes = PageAllocator.PageBytes / 1024;
        PageAllocator pages = kernel.Pages;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"MemTotal:       {pages.TotalPages * PageKilobytes, 8} kB\nMemFree:        {pages.FreePages * PageKilobytes, 8} kB\n"
        );
    }

    /// <summary>
    /// The memory and the devices' resources, by address, where nothing is known of what a kernel's drivers request.
    /// </summary>
    private static string Memory(Kernel kernel)
    {
        IEnumerable<(DeviceResource Resource, string Name)> ram = kernel
            .Tree.ReadMemory()
            .Select(entry => (new DeviceResource(entry.Address.Value, entry.LengthBytes), "System RAM"));
        IEnumerable<(DeviceResource Resource, string Name)> devices = kernel
            .Drivers.Buses.Values.SelectMany(bus => bus.Devices)
            .SelectMany(device => device.Resources.Select(resource => (resource, device.Name)));
        var text = new StringBuilder();
        foreach ((DeviceResource resource, string name) in ram.Concat(devices).OrderBy(line => line.Resource.Start))
        {
            text.Append(CultureInfo.InvariantCulture, $"{resource.Start:x8}-{resource.End:x8} : {name}\n");
        }

        return text.ToString();
    }
}
