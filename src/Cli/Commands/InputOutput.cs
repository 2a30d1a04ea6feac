namespace Emulator.Cli.Commands;

/// <summary>Files of a command line, where <c>-</c> is standard input or output.</summary>
internal static class InputOutput
{
    /// <summary>The whole of a file.</summary>
    public static byte[] Read(string file)
    {
        if (file is not "-")
        {
            return File.ReadAllBytes(file);
        }

        using Stream input = Console.OpenStandardInput();
        using var buffer = new MemoryStream();
        input.CopyTo(buffer);
        return buffer.ToArray();
    }

    /// <summary>Writes a file anew.</summary>
    public static void Write(string file, byte[] content)
    {
        if (file is not "-")
        {
            File.WriteAllBytes(file, content);
            return;
        }

        using Stream output = Console.OpenStandardOutput();
        output.Write(content);
    }
}
