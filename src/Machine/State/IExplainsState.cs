namespace Emulator.Machine;

/// <summary>A device that can say in words what is wrong with it right now: a recorded fault, a faulting channel.</summary>
public interface IExplainsState
{
    /// <summary>Sentences; none when all is well.</summary>
    IEnumerable<string> Explain();
}
