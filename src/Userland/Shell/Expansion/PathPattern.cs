namespace Emulator.Userland;

/// <summary>Expands patterns to the paths that match (XCU 2.13), in ordinal order.</summary>
internal sealed class PathPattern(Libc libc)
{
    private const int MaximumPaths = 16_384;

    private readonly List<string> _paths = [];

    /// <summary>The paths; empty when none matches.</summary>
    public async Task<List<string>> Expand(string pattern)
    {
        int start = 0;
        while (start < pattern.Length && pattern[start] == '/')
        {
            start++;
        }

        string[] parts = pattern[start..].Split('/');
        if (parts.Length <= 64)
        {
            await Walk(pattern[..start], parts, 0);
        }

        _paths.Sort(StringComparer.Ordinal);
        return _paths;
    }

    private async Task Walk(string prefix, string[] parts, int index)
    {
        string part = parts[index];
        bool isLast = index == parts.Length - 1;
        if (!ShellPattern.IsPattern(part))
        {
            string path = prefix + ShellPattern.Unquote(part);
            if (!isLast)
            {
                await Walk(path + "/", parts, index + 1);
            }
            else if ((await libc.Status(path.Length == 0 ? "." : path, follow: part.Length == 0)).Result == 0)
            {
                _paths.Add(path);
            }

            return;
        }

        (_, IReadOnlyList<string> names) = await libc.List(prefix.Length == 0 ? "." : prefix);
        foreach (string name in names)
        {
            bool isHidden = name[0] == '.' && part[0] != '.';
            if (isHidden || _paths.Count >= MaximumPaths || !ShellPattern.Matches(part, name))
            {
                continue;
            }

            if (isLast)
            {
                _paths.Add(prefix + name);
            }
            else if ((await libc.Status(prefix + name)).Status.IsDirectory)
            {
                await Walk(prefix + name + "/", parts, index + 1);
            }
        }
    }
}
