namespace Emulator.KernelShim;

/// <content>The boot (init/main.c).</content>
public sealed partial class Kernel
{
    /// <summary>When the boot began, in picoseconds.</summary>
    public long BootTime { get; private set; }

    /// <summary>The steps of the boot that drivers and subsystems add before <see cref="Boot"/>.</summary>
    public IList<IInitCall> InitCalls { get; } = [];

    /// <summary>The command line: bootargs of /chosen, else the profile's.</summary>
    public string CommandLine =>
        Tree.Root.FindChild("chosen")?.FindProperty("bootargs") is { LooksLikeStrings: true } arguments
            ? arguments.ReadString()
            : Profile.DefaultCommandLine;

    /// <summary>
    /// Boots: the first log lines, the driver core, procfs and the device tree in sysfs, then the init calls in the order of
    /// their levels; devices appear from the device tree at <see cref="InitLevel.Arch"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has been booted.</exception>
    public void Boot()
    {
        if (Drivers is not null)
        {
            throw new InvalidOperationException("The kernel has been booted.");
        }

        BootTime = Simulation.Now;
        Log.StartClock();
        Log.Print(LogLevel.Info, "Booting Linux on physical CPU 0x0");
        Log.Print(LogLevel.Notice, ProcFiles.Banner(this));
        if (Tree.Root.FindProperty("model") is { LooksLikeStrings: true } model)
        {
            Log.Print(LogLevel.Info, $"Machine model: {model.ReadStrings()[0]}");
        }

        Log.Print(LogLevel.Notice, $"Kernel command line: {CommandLine}");
        DeviceTreeFiles.Add(this);
        var drivers = new DriverCore(this);
        Drivers = drivers;
        ProcFiles.Add(this);
        AddSysctls();
        // OrderBy is stable: within a level the order of addition counts, and the population comes last in its own.
        IInitCall populate = new InitCall("of_platform_populate", InitLevel.Arch, PlatformPopulation.Populate);
        foreach (IInitCall call in InitCalls.Append(populate).OrderBy(call => call.Level).ToArray())
        {
            call.Run(this);
        }
    }
}
