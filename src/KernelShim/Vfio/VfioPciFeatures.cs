namespace Emulator.KernelShim;

/// <summary>VFIO_DEVICE_FEATURE of PCI functions (drivers/vfio/vfio_main.c): no feature is offered.</summary>
internal static class VfioPciFeatures
{
    private const string Function = "vfio_ioctl_device_feature";
    private const uint IndexMask = 0xFFFF;
    private const uint Get = 1 << 16;
    private const uint SetFlag = 1 << 17;
    private const uint Probe = 1 << 18;

    public static long Run(Process process, ulong argument)
    {
        if (UserStruct.Take(process, argument, Function, 8, out VfioDeviceInfo head) is { } refused)
        {
            return refused;
        }

        uint flags = head.Flags;
        bool isBoth = (flags & (Get | SetFlag)) == (Get | SetFlag) && (flags & Probe) == 0;
        return
            (flags & ~(IndexMask | Get | SetFlag | Probe)) != 0 || isBoth
                ? process.Refuse(Errno.EINVAL, Function, $"flags 0x{flags:x} ask for nothing that can be")
            : process.Refuse(Errno.ENOTTY, Function, $"feature {flags & IndexMask} is not offered");
    }
}
