using System.Diagnostics;

namespace Emulator.Cli.Tests;

/// <summary>What a run of the command gave.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Errors)
{
    public string[] Lines => Output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
}

/// <summary>Starts the built command as a user does, in a folder of its own.</summary>
internal sealed class EmulatorProcess : IDisposable
{
    public const string Header = "board: fvp-ve\nkernel: none\nsteps:\n";

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "emulator.dll");

    public string Folder { get; } = Directory.CreateTempSubdirectory("emulator").FullName;

    public static byte[] ReadAll(Stream stream)
    {
        using var buffer = new MemoryStream();
        stream.CopyTo(buffer);
        return buffer.ToArray();
    }

    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public void WriteScenario(string file, string steps) => Write(file, $"name: story of {file}\n{Header}{steps}\n");

    public void WriteGood(string file) => WriteScenario(file, "  - mmio: { read: smmu.sCR0, equals: 1 }");

    public void WriteFailing(string file) => WriteScenario(file, "  - expect: { value: 1, equals: 2 }");

    public void WriteBroken(string file) => WriteScenario(file, "  - expekt: { value: 1, equals: 2 }");

    public string Read(string name) => File.ReadAllText(Path.Combine(Folder, name));

    public Outcome Run(params string[] arguments) => RunWith("", arguments);

    public Outcome RunWith(string input, params string[] arguments)
    {
        using Process process = Start(arguments);
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit(60_000).Should().BeTrue("the command ends");
        return new Outcome(process.ExitCode, output, errors.GetAwaiter().GetResult());
    }

    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TERM"] = "xterm-256color";
        start.Environment.Remove("NO_COLOR");
        foreach (string argument in (string[])["exec", Program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
