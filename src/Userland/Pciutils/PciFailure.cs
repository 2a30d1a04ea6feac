namespace Emulator.Userland;

/// <summary>What ends lspci or setpci with a message and status 1.</summary>
internal sealed class PciFailure(string message) : Exception(message);
