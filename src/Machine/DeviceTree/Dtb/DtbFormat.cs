namespace Emulator.Machine.DeviceTrees;

/// <summary>Numbers of the flattened format, Devicetree Specification v0.4, chapter 5.</summary>
internal static class DtbFormat
{
    public const uint Magic = 0xd00d_feed;
    public const uint Version = 17;
    public const uint LastCompatibleVersion = 16;
    public const int HeaderLengthBytes = 40;
    public const int Version16HeaderLengthBytes = 36;
    public const int ReservationLengthBytes = 16;

    public const uint BeginNode = 1;
    public const uint EndNode = 2;
    public const uint Property = 3;
    public const uint Nop = 4;
    public const uint End = 9;
}
