namespace Emulator.KernelShim;

/// <summary>
/// Error numbers (include/uapi/asm-generic/errno-base.h and errno.h). A system call returns them negated.
/// </summary>
public enum Errno
{
    /// <summary>Operation not permitted.</summary>
    EPERM = 1,

    /// <summary>No such file or directory.</summary>
    ENOENT = 2,

    /// <summary>No such process.</summary>
    ESRCH = 3,

    /// <summary>Interrupted system call.</summary>
    EINTR = 4,

    /// <summary>Input/output error.</summary>
    EIO = 5,

    /// <summary>No such device or address.</summary>
    ENXIO = 6,

    /// <summary>Argument list too long.</summary>
    E2BIG = 7,

    /// <summary>Exec format error.</summary>
    ENOEXEC = 8,

    /// <summary>Bad file descriptor.</summary>
    EBADF = 9,

    /// <summary>No child processes.</summary>
    ECHILD = 10,

    /// <summary>Resource temporarily unavailable.</summary>
    EAGAIN = 11,

    /// <summary>Cannot allocate memory.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>Bad address.</summary>
    EFAULT = 14,

    /// <summary>Device or resource busy.</summary>
    EBUSY = 16,

    /// <summary>File exists.</summary>
    EEXIST = 17,

    /// <summary>Invalid cross-device link.</summary>
    EXDEV = 18,

    /// <summary>No such device.</summary>
    ENODEV = 19,

    /// <summary>Not a directory.</summary>
    ENOTDIR = 20,

    /// <summary>Is a directory.</summary>
    EISDIR = 21,

    /// <summary>Invalid argument.</summary>
    EINVAL = 22,

    /// <summary>Too many open files in system.</summary>
    ENFILE = 23,

    /// <summary>Too many open files.</summary>
    EMFILE = 24,

    /// <summary>Inappropriate ioctl for device.</summary>
    ENOTTY = 25,

    /// <summary>File too large.</summary>
    EFBIG = 27,

    /// <summary>No space left on device.</summary>
    ENOSPC = 28,

    /// <summary>Illegal seek.</summary>
    ESPIPE = 29,

    /// <summary>Read-only file system.</summary>
    EROFS = 30,

    /// <summary>Broken pipe.</summary>
    EPIPE = 32,

    /// <summary>Numerical result out of range.</summary>
    ERANGE = 34,

    /// <summary>File name too long.</summary>
    ENAMETOOLONG = 36,

    /// <summary>Function not implemented.</summary>
    ENOSYS = 38,

    /// <summary>Directory not empty.</summary>
    ENOTEMPTY = 39,

    /// <summary>Too many levels of symbolic links.</summary>
    ELOOP = 40,

    /// <summary>Timer expired.</summary>
    ETIME = 62,

    /// <summary>Value too large for defined data type.</summary>
    EOVERFLOW = 75,

    /// <summary>File descriptor in bad state.</summary>
    EBADFD = 77,

    /// <summary>Message too long.</summary>
    EMSGSIZE = 90,

    /// <summary>Operation not supported.</summary>
    EOPNOTSUPP = 95,

    /// <summary>Address already in use.</summary>
    EADDRINUSE = 98,

    /// <summary>Connection timed out.</summary>
    ETIMEDOUT = 110,

    /// <summary>A probe asks to be tried again later. Never leaves the kernel.</summary>
    EPROBE_DEFER = 517,
}

/// <summary>The C library's texts of error numbers.</summary>
public static class ErrnoText
{
    // csharpier-ignore
    private static readonly Dictionary<Errno, string> Texts = new()
    {
        [Errno.EPERM] = "Operation not permitted",            [Errno.ENOENT] = "No such file or directory",
        [Errno.ESRCH] = "No such process",                    [Errno.EINTR] = "Interrupted system call",
        [Errno.EIO] = "Input/output error",                   [Errno.ENXIO] = "No such device or address",
        [Errno.E2BIG] = "Argument list too long",             [Errno.ENOEXEC] = "Exec format error",
        [Errno.EBADF] = "Bad file descriptor",                [Errno.ECHILD] = "No child processes",
        [Errno.EAGAIN] = "Resource temporarily unavailable",  [Errno.ENOMEM] = "Cannot allocate memory",
        [Errno.EACCES] = "Permission denied",                 [Errno.EFAULT] = "Bad address",
        [Errno.EBUSY] = "Device or resource busy",            [Errno.EEXIST] = "File exists",
        [Errno.EXDEV] = "Invalid cross-device link",          [Errno.ENODEV] = "No such device",
        [Errno.ENOTDIR] = "Not a directory",                  [Errno.EISDIR] = "Is a directory",
        [Errno.EINVAL] = "Invalid argument",                  [Errno.ENFILE] = "Too many open files in system",
        [Errno.EMFILE] = "Too many open files",               [Errno.ENOTTY] = "Inappropriate ioctl for device",
        [Errno.EFBIG] = "File too large",                     [Errno.ENOSPC] = "No space left on device",
        [Errno.ESPIPE] = "Illegal seek",                      [Errno.EROFS] = "Read-only file system",
        [Errno.EPIPE] = "Broken pipe",                        [Errno.ERANGE] = "Numerical result out of range",
        [Errno.ENAMETOOLONG] = "File name too long",          [Errno.ENOSYS] = "Function not implemented",
        [Errno.ENOTEMPTY] = "Directory not empty",            [Errno.ELOOP] = "Too many levels of symbolic links",
        [Errno.EOVERFLOW] = "Value too large for defined data type", [Errno.EBADFD] = "File descriptor in bad state",
        [Errno.EMSGSIZE] = "Message too long",                [Errno.EOPNOTSUPP] = "Operation not supported",
        [Errno.EADDRINUSE] = "Address already in use",        [Errno.ETIMEDOUT] = "Connection timed out",
        [Errno.ETIME] = "Timer expired",
    };

    /// <summary>strerror(3).</summary>
    public static string Of(Errno errno) => Texts.GetValueOrDefault(errno) ?? $"Unknown error {(int)errno}";

    /// <summary>strerror(3) of a negated result.</summary>
    public static string Of(long result) => Of((Errno)(-result));
}
