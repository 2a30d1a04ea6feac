namespace Emulator.Machine.Tests;

/// <summary>A device that writes down its events, and does what a test wants at them.</summary>
internal sealed class Recorder(string name = "recorder") : IEventTarget
{
    public List<(int Code, ulong Argument)> Events { get; } = [];

    public Action<int, ulong> Then { get; set; } = (_, _) => { };

    public string Name { get; } = name;

    public IEnumerable<int> Codes => Events.Select(happened => happened.Code);

    public void OnEvent(int code, ulong argument)
    {
        Events.Add((code, argument));
        Then(code, argument);
    }
}
