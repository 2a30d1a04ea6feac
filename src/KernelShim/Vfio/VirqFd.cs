namespace Emulator.KernelShim;

/// <summary>
/// An eventfd that makes the kernel act whenever it is signalled (struct virqfd of drivers/vfio/virqfd.c); it ends when the
/// eventfd is closed.
/// </summary>
internal sealed class VirqFd
{
    private readonly EventFile _file;
    private readonly Action _action;

    private VirqFd(EventFile file, Action action)
    {
        _file = file;
        _action = action;
        file.Signalled += Act;
    }

    private bool IsAlive => _file.References > 0;

    /// <summary>vfio_virqfd_enable: one at a time; an eventfd that has been signalled acts at once.</summary>
    public static long Enable(Process process, int descriptor, ref VirqFd? present, Action action)
    {
        const string Function = "vfio_virqfd_enable";
        long error = FindEventFile(process, Function, descriptor, out EventFile? file);
        if (error != 0)
        {
            return error;
        }

        if (present is { IsAlive: true })
        {
            return process.Refuse(Errno.EBUSY, Function, "an eventfd is registered for this already");
        }

        present?.Stop();
        present = new VirqFd(file!, action);
        if (file!.Count > 0)
        {
            action();
        }

        return 0;
    }

    /// <summary>vfio_virqfd_disable.</summary>
    public static void Disable(ref VirqFd? present)
    {
        present?.Stop();
        present = null;
    }

    /// <summary>eventfd_ctx_fdget: 0, or a negative errno.</summary>
    public static long FindEventFile(Process process, string function, int descriptor, out EventFile? file)
    {
        OpenFile? found = process.FindFile(descriptor);
        file = found as EventFile;
        return file is not null ? 0
            : found is null ? process.Refuse(Errno.EBADF, function, $"descriptor {descriptor} is not open")
            : process.Refuse(Errno.EINVAL, function, $"descriptor {descriptor} is no eventfd but {found.Description}");
    }

    private void Stop() => _file.Signalled -= Act;

    /// <summary>virqfd_wakeup: the count is taken, so that the next signal is one of its own.</summary>
    private void Act()
    {
        _file.Drain();
        _action();
    }
}
