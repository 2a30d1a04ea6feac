namespace Emulator.Cli;

/// <summary>The exit codes of the command. Few, documented in docs/command-line.md, and never others.</summary>
internal static class ExitCodes
{
    public const int Passed = 0;
    public const int ExpectationFailed = 1;
    public const int WrongInput = 2;
    public const int InternalFault = 3;
    public const int NothingMatched = 5;
    public const int Interrupted = 130;
}

/// <summary>The user's input is wrong; the message says what and how to mend it.</summary>
internal sealed class UserErrorException(string message) : Exception(message);
