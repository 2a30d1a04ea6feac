using Emulator.KernelShim;

namespace Emulator.Scenarios;

/// <summary>Makes a process somebody's, as a login does before it starts the user's program.</summary>
internal static class UserCredentials
{
    /// <summary>The capabilities that the modelled checks ask for, by the names of capabilities(7) without <c>CAP_</c>.</summary>
    // csharpier-ignore
    public static IReadOnlyList<(string Name, Capabilities Value)> Names { get; } =
    [
        ("chown", Capabilities.Chown),
        ("dac_override", Capabilities.DacOverride), ("kill", Capabilities.Kill),
        ("ipc_lock", Capabilities.IpcLock),         ("sys_rawio", Capabilities.SysRawIo),
        ("sys_admin", Capabilities.SysAdmin),       ("sys_resource", Capabilities.SysResource),
    ];

    /// <summary>Sets what is not null; a user other than root has no capabilities unless they are given.</summary>
    public static void Apply(Process process, int? userId, Capabilities? capabilities, ulong? memlockBytes)
    {
        process.UserId = userId ?? process.UserId;
        process.Capabilities = capabilities ?? (process.UserId == 0 ? process.Capabilities : Capabilities.None);
        process.MemlockLimitBytes = memlockBytes ?? process.MemlockLimitBytes;
    }
}
