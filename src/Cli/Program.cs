using System.CommandLine;
using Emulator.Boards;
using Emulator.Cli;
using Emulator.Cli.Commands;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

using CancellationTokenSource interrupted = new();
Console.CancelKeyPress += (_, pressed) =>
{
    // The first Ctrl-C ends the run in order; a second one ends the process.
    pressed.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
};

var services = new Lazy<ServiceProvider>(() => new ServiceCollection().AddEmulator().BuildServiceProvider());
var root = new RootCommand(
    "Emulator: boards for Linux device pass-through, without the hardware.\n"
        + "Scenario files say what happens on a board and what must be true."
)
{
    RunCommand.Create(services, interrupted.Token),
    CheckCommand.Create(services),
    BoardsCommand.Create(services),
    KernelsCommand.Create(),
    GroupsCommand.Create(services),
    DtcCommand.Create(),
    Dma330Command.Create(),
};
CommandHelp.Install(
    root,
    "emulator run scenarios                 run every scenario below a folder",
    "emulator run page-copy.yaml --step     see every DMA instruction",
    "emulator check scenarios               look for mistakes without running",
    "emulator boards show fvp-ve            a board's memory map and wiring"
);

ParseResult parsed = root.Parse(
    args.Length == 0 ? ["--help"] : args,
    new ParserConfiguration { ResponseFileTokenReplacer = null }
);
bool asksForHelp = parsed.Action is CommandHelp;
try
{
    IReadOnlyList<string> mistakes = asksForHelp ? [] : CommandMistakes.Find(parsed);
    if (mistakes.Count == 0)
    {
        int code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return args.Length == 0 ? ExitCodes.WrongInput : code;
    }

    foreach (string mistake in mistakes)
    {
        Console.Error.WriteLine($"emulator: {mistake}");
    }

    Console.Error.WriteLine(CommandMistakes.SeeAlso(parsed));
    return ExitCodes.WrongInput;
}
catch (UserErrorException wrong)
{
    Console.Error.WriteLine($"emulator: {wrong.Message}");
    return ExitCodes.WrongInput;
}
catch (BoardException wrong)
{
    Console.Error.WriteLine($"emulator: {wrong.Message}");
    return ExitCodes.WrongInput;
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"emulator: {exception.Message}");
    return ExitCodes.WrongInput;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("emulator: interrupted");
    return ExitCodes.Interrupted;
}
catch (Exception exception)
{
    Console.Error.WriteLine($"emulator: a fault of the emulator itself: {exception.Message}");
    Console.Error.WriteLine("Please report it with the scenario file and these lines:");
    foreach (string line in (exception.StackTrace ?? "").Split('\n').Take(6))
    {
        Console.Error.WriteLine($"  {line.Trim()}");
    }

    return ExitCodes.InternalFault;
}
