using System.Diagnostics;
using System.Text;

namespace Emulator.Machine.Tests.DeviceTrees;

/// <summary>Runs the dtc and fdtoverlay of this machine; tests that ask for them are skipped where they are missing.</summary>
internal static class DtcOracle
{
    public sealed record Outcome(int ExitCode, byte[] Output, string Errors)
    {
        public string Text => Encoding.Latin1.GetString(Output);
    }

    public static Outcome Dtc(byte[] input, params string[] arguments) => Run("dtc", input, arguments);

    public static Outcome Dtc(string input, params string[] arguments) =>
        Run("dtc", Encoding.UTF8.GetBytes(input), arguments);

    public static byte[] FdtOverlay(byte[] tree, params byte[][] overlays)
    {
        string folder = Directory.CreateTempSubdirectory("devicetree").FullName;
        try
        {
            string input = Path.Combine(folder, "base.dtb");
            string output = Path.Combine(folder, "out.dtb");
            File.WriteAllBytes(input, tree);
            List<string> arguments = ["-i", input, "-o", output];
            for (int i = 0; i < overlays.Length; i++)
            {
                arguments.Add(Path.Combine(folder, $"{i}.dtbo"));
                File.WriteAllBytes(arguments[^1], overlays[i]);
            }
            Outcome outcome = Run("fdtoverlay", [], [.. arguments]);
            outcome.ExitCode.Should().Be(0, outcome.Errors);
            return File.ReadAllBytes(output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Outcome Run(string program, byte[] input, string[] arguments)
    {
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
        if (path is null)
        {
            Assert.Skip($"no {program} on this machine");
        }
        ProcessStartInfo start = new(path, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using MemoryStream output = new();
        Task copying = process.StandardOutput.BaseStream.CopyToAsync(output);
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It gave up before it read all of its input.
        }
        Task.WaitAll(errors, copying);
        process.WaitForExit();
        return new Outcome(process.ExitCode, output.ToArray(), errors.Result);
    }
}
