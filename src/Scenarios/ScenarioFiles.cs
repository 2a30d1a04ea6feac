using System.Text;

namespace Emulator.Scenarios;

/// <summary>Finds scenario files on the host, and reads what lies beside them.</summary>
public static class ScenarioFiles
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>
    /// The scenario files that a path means: the file itself, or every <c>.yaml</c> and <c>.yml</c> below a folder, in
    /// ordinal order of their paths. Links are not followed, and what is hidden (<c>.github</c>) is left out. Null when there is no such file or folder.
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
            AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden,
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

            string text = StrictUtf8.GetString(WithoutByteOrderMark(File.ReadAllBytes(path)));
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
        new(null, [new ScenarioError(path, 1, 1, message)]) { Name = path };

    private static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> text) =>
        text.StartsWith("\uFEFF"u8) ? text[3..] : text;

    private static byte[]? ReadBeside(string folder, string name)
    {
        string path = folder;
        try
        {
            foreach (string part in name.Split('/'))
            {
                path = Path.Combine(path, part);
                if (new FileInfo(path).LinkTarget is not null)
                {
                    return null;
                }
            }

            // Pipes and devices have no length, and opening one may wait for ever: what has none is never opened.
            var info = new FileInfo(path);
            return !info.Exists || info.Length > ScenarioReader.MaximumFileBytes ? null
                : info.Length == 0 ? []
                : File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
