namespace Emulator.Machine;

/// <summary>A device that can say in words what is wrong with it right now, for the report of a failure.</summary>
public interface IExplainsState
{
    /// <summary>The sentences; none when nothing is wrong. Asking changes nothing.</summary>
    IEnumerable<string> Explain();
}
