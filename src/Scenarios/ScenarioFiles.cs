using System.Text;

namespace Emulator.Scenarios;

/// <summary>Finds scenario files on the host, and reads what lies beside them.</summary>
public static class ScenarioFiles
{
    /// <summary>
    /// The scenario files that a path means: the file itself, or every <c>.yaml</c> and <c>.yml</c> below a folder, in
    /// ordinal order of their paths. Links are not followed. Null when there is no such file or folder.
    /// </summary>
    public static IReadOnlyList<string>? Find(string path)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        if (!Directory.Exists(path))
        {
            return null;
        }

        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.System,
        };
        return
        [
            .. Directory
                .EnumerateFiles(path, "*", options)
                .Where(file => Path.GetExtension(file) is ".yaml" or ".yml")
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Reads and checks a scenario file.</summary>
    public static ScenarioReading Read(ScenarioReader reader, string path)
    {
        ArgumentNullException.ThrowIfNull(reader);
        try
        {
            var info = new FileInfo(path);
            if (info.Length > ScenarioReader.MaximumFileBytes)
            {
                return Failed(path, $"the file is larger than {ScenarioReader.MaximumFileBytes >> 20} MiB");
            }

            string text = File.ReadAllText(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return reader.Read(text, path, name => ReadBeside(folder, name));
        }
        catch (DecoderFallbackException)
        {
            return Failed(path, "the file is not UTF-8 text");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Failed(path, $"the file cannot be read: {exception.Message}");
        }
    }

    private static ScenarioReading Failed(string path, string message) =>
        new(null, [new ScenarioError(path, 1, 1, message)]);

    private static byte[]? ReadBeside(string folder, string name)
    {
        string path = folder;
        foreach (string part in name.Split('/'))
        {
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null)
            {
                return null;
            }
        }

        try
        {
            var info = new FileInfo(path);
            bool isSmallFile =
                info.Exists
                && (info.Attributes & FileAttributes.Device) != FileAttributes.Device
                && info.Length <= ScenarioReader.MaximumFileBytes;
            return isSmallFile ? File.ReadAllBytes(path) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
