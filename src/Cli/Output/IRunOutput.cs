using Emulator.Cli.Commands;

namespace Emulator.Cli.Output;

/// <summary>Shows a run to a person.</summary>
internal interface IRunOutput
{
    void Start(int files);

    void Show(FileOutcome outcome);

    void Finish(IReadOnlyList<FileOutcome> outcomes);
}
