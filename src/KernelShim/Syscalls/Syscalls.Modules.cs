using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>Loading and unloading modules.</content>
public sealed partial class Syscalls
{
    private const int MaximumModuleName = 56;

    /// <summary>finit_module(2) without flags: loads the module in an open file, with its parameters.</summary>
    public Attempt FInitModule(Process process, int descriptor, ulong parameters)
    {
        Attempt result = FInitModuleCore(process, descriptor, parameters);
        return Done(process, result, $"finit_module({descriptor}, {Path(process, parameters)}, 0)");
    }

    /// <summary>delete_module(2) with O_NONBLOCK: unloads a module that nobody uses.</summary>
    public Attempt DeleteModule(Process process, ulong name)
    {
        Attempt result = DeleteModuleCore(process, name);
        return Done(process, result, $"delete_module({Path(process, name)}, O_NONBLOCK)");
    }

    private Attempt FInitModuleCore(Process process, int descriptor, ulong parameters)
    {
        Enter(process, "finit_module");
        if (!process.Has(Capabilities.SysModule))
        {
            return process.Refuse(Errno.EPERM, "may_init_module", "this needs CAP_SYS_MODULE");
        }

        if (File(process, "finit_module", descriptor, out OpenFile file) is { } refused)
        {
            return refused;
        }

        if (ReadString(process, parameters, PageAllocator.PageBytes, Errno.EINVAL, out string text) is { } unreadable)
        {
            return unreadable;
        }

        if (!file.IsReadable || file.Inode is not RegularInode content)
        {
            return process.Refuse(Errno.EINVAL, "kernel_read_file", $"{file.Description} is no file that can be read");
        }

        return _kernel.Modules?.Load(process, content, text)
            ?? process.Refuse(Errno.ENOSYS, "sys_finit_module", "this kernel loads no modules");
    }

    private Attempt DeleteModuleCore(Process process, ulong name)
    {
        Enter(process, "delete_module");
        if (!process.Has(Capabilities.SysModule))
        {
            return process.Refuse(Errno.EPERM, "sys_delete_module", "this needs CAP_SYS_MODULE");
        }

        if (ReadString(process, name, MaximumModuleName, Errno.ENOENT, out string text) is { } refused)
        {
            return refused;
        }

        return _kernel.Modules?.Unload(process, text)
            ?? process.Refuse(Errno.ENOSYS, "sys_delete_module", "this kernel loads no modules");
    }
}
