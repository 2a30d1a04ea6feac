using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>Why a kernel is not to be trusted any more (include/linux/panic.h).</summary>
[Flags]
public enum KernelTaint
{
    /// <summary>It is.</summary>
    None = 0,

    /// <summary>TAINT_USER: somebody asked for something unsafe.</summary>
    UserRequest = 1 << 6,

    /// <summary>TAINT_DIE: it has oopsed.</summary>
    Died = 1 << 7,

    /// <summary>TAINT_WARN: a WARN_ON was met.</summary>
    Warning = 1 << 9,
}

/// <content>What taints it.</content>
public sealed partial class Kernel
{
    /// <summary>What has tainted it so far.</summary>
    public KernelTaint Taints { get; private set; }

    /// <summary>How often it has oopsed (die_counter).</summary>
    internal int Oopses { get; set; }

    /// <summary>add_taint.</summary>
    internal void Taint(KernelTaint taint) => Taints |= taint;

    /// <summary>/proc/sys/kernel/tainted and its neighbours, as far as they only tell (kernel/sysctl.c).</summary>
    internal void AddSysctls()
    {
        DirectoryInode kernel = Files.Proc.GetOrAddDirectory("sys").GetOrAddDirectory("kernel");
        kernel.AddAttribute(
            "tainted",
            AttributeMode.ReadOnly,
            () => ((int)Taints).ToString(CultureInfo.InvariantCulture) + "\n"
        );
        kernel.AddAttribute("osrelease", AttributeMode.ReadOnly, () => Profile.Release + "\n");
        kernel.AddAttribute("ostype", AttributeMode.ReadOnly, () => "Linux\n");
        kernel.AddAttribute("version", AttributeMode.ReadOnly, () => Profile.Version + "\n");
        kernel.AddAttribute("hostname", AttributeMode.ReadOnly, () => HostName + "\n");
    }
}
