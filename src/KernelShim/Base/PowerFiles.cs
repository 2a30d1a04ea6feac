namespace Emulator.KernelShim;

/// <summary>
/// The directory <c>power</c> of a device (drivers/base/power/sysfs.c). Devices are always on: nothing is suspended.
/// </summary>
internal static class PowerFiles
{
    private static readonly (string Name, int Mode, string Value)[] Runtime =
    [
        ("autosuspend_delay_ms", AttributeMode.ReadWrite, ""),
        ("control", AttributeMode.ReadWrite, "on\n"),
        ("runtime_active_kids", AttributeMode.ReadOnly, "0\n"),
        ("runtime_active_time", AttributeMode.ReadOnly, "0\n"),
        ("runtime_enabled", AttributeMode.ReadOnly, "forbidden\n"),
        ("runtime_status", AttributeMode.ReadOnly, "active\n"),
        ("runtime_suspended_time", AttributeMode.ReadOnly, "0\n"),
        ("runtime_usage", AttributeMode.ReadOnly, "1\n"),
        ("async", AttributeMode.ReadWrite, "enabled\n"),
    ];

    private static readonly string[] WakeUp =
    [
        "wakeup_abort_count",
        "wakeup_active",
        "wakeup_active_count",
        "wakeup_count",
        "wakeup_expire_count",
        "wakeup_last_time_ms",
        "wakeup_max_time_ms",
        "wakeup_total_time_ms",
    ];

    /// <summary>Adds it for a device without callbacks of its own (pm_runtime_no_callbacks).</summary>
    public static void AddSmall(DirectoryInode device)
    {
        DirectoryInode power = device.AddDirectory("power");
        AddValue(power, "async", AttributeMode.ReadWrite, "enabled\n");
        AddValue(power, "runtime_active_kids", AttributeMode.ReadOnly, "0\n");
        AddValue(power, "runtime_enabled", AttributeMode.ReadOnly, "disabled\n");
        AddValue(power, "runtime_status", AttributeMode.ReadOnly, "unsupported\n");
        AddValue(power, "runtime_usage", AttributeMode.ReadOnly, "0\n");
    }

    /// <summary>Adds it for a device that runtime power management does not know.</summary>
    public static void AddUnsupported(DirectoryInode device)
    {
        Add(device, canWakeUp: false);
        var power = (DirectoryInode)device.Find("power")!;
        foreach (
            (string name, string value) in (ReadOnlySpan<(string, string)>)
                [
                    ("async", "disabled\n"),
                    ("control", "auto\n"),
                    ("runtime_enabled", "disabled\n"),
                    ("runtime_status", "unsupported\n"),
                    ("runtime_usage", "0\n"),
                ]
        )
        {
            int mode = power.Find(name)!.Permissions;
            power.Remove(name);
            AddValue(power, name, mode, value);
        }
    }

    /// <summary>Adds it.</summary>
    public static void Add(DirectoryInode device, bool canWakeUp)
    {
        DirectoryInode power = device.AddDirectory("power");
        foreach ((string name, int mode, string value) in Runtime)
        {
            AddValue(power, name, mode, value);
        }

        if (!canWakeUp)
        {
            return;
        }

        AddValue(power, "wakeup", AttributeMode.ReadWrite, "disabled\n");
        foreach (string name in WakeUp)
        {
            power.AddAttribute(name, AttributeMode.ReadOnly, () => "\n");
        }
    }

    private static void AddValue(DirectoryInode power, string name, int mode, string initial)
    {
        string value = initial;
        power.AddAttribute(
            name,
            mode,
            () => value,
            mode == AttributeMode.ReadOnly
                ? null
                : (_, text) =>
                {
                    value = text.TrimEnd('\n') + "\n";
                    return text.Length;
                }
        );
    }
}
