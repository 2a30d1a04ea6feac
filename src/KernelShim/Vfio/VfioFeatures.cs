namespace Emulator.KernelShim;

/// <summary>VFIO_DEVICE_FEATURE, as far as every kind of device has it (drivers/vfio/vfio_main.c).</summary>
internal static class VfioFeatures
{
    /// <summary>The length of the head: argsz and flags.</summary>
    public const int HeadBytes = 8;

    private const uint Known =
        VfioFlags.FeatureIndexMask | VfioFlags.FeatureGet | VfioFlags.FeatureSet | VfioFlags.FeatureProbe;

    /// <summary>vfio_ioctl_device_feature: what is wrong with the head; null when nothing is.</summary>
    public static long? CheckHead(Process process, ulong argument, out VfioDeviceFeature feature)
    {
        const string Function = "vfio_ioctl_device_feature";
        if (UserStruct.Take(process, argument, Function, HeadBytes, out feature) is { } refused)
        {
            return refused;
        }

        if ((feature.Flags & ~Known) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"flags 0x{feature.Flags:x} hold unknown bits");
        }

        const uint both = VfioFlags.FeatureGet | VfioFlags.FeatureSet;
        return (feature.Flags & VfioFlags.FeatureProbe) == 0 && (feature.Flags & both) == both
            ? process.Refuse(Errno.EINVAL, Function, "GET and SET go together with PROBE only")
            : null;
    }

    /// <summary>vfio_check_feature: the result where nothing is left to do, null where the feature's own part follows.</summary>
    /// <param name="process">Who asks.</param>
    /// <param name="flags">What is asked.</param>
    /// <param name="dataBytes">How much data there is behind the head.</param>
    /// <param name="supported">GET and SET, as far as the feature has them.</param>
    /// <param name="requiredBytes">How much data it needs.</param>
    public static long? Check(Process process, uint flags, uint dataBytes, uint supported, int requiredBytes)
    {
        const string Function = "vfio_check_feature";
        uint asked = flags & (VfioFlags.FeatureGet | VfioFlags.FeatureSet);
        if ((asked & ~supported) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, "the feature cannot be got, or not set");
        }

        if ((flags & VfioFlags.FeatureProbe) != 0)
        {
            return 0;
        }

        return asked == 0 ? process.Refuse(Errno.EINVAL, Function, "neither GET nor SET is asked for")
            : dataBytes < requiredBytes ? UserStruct.TooSmall(process, Function, dataBytes, requiredBytes)
            : null;
    }
}
