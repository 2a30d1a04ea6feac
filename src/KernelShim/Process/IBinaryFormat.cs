namespace Emulator.KernelShim;

/// <summary>What runs the program that an executable file names (struct linux_binfmt): the floor above provides it.</summary>
public interface IBinaryFormat
{
    /// <summary>Whether there is a program of this name.</summary>
    bool CanRun(string program);
}
