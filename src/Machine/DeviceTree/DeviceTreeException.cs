namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// One thing that is wrong with a device tree. <paramref name="Line"/> and <paramref name="Column"/> count from 1 and are 0
/// where the tree did not come from a source file.
/// </summary>
public sealed record DeviceTreeError(string File, int Line, int Column, string Message)
{
    /// <summary>The error as <c>file:line:column: text</c>, without the parts that are not known.</summary>
    public override string ToString()
    {
        if (Line > 0)
        {
            return $"{File}:{Line}:{Column}: {Message}";
        }
        return File.Length > 0 ? $"{File}: {Message}" : Message;
    }
}

/// <summary>
/// A device tree that cannot be read, resolved, merged or understood. The only exception that text or bytes from outside can cause
/// in this namespace.
/// </summary>
public sealed class DeviceTreeException : Exception
{
    /// <summary>Creates the exception for the given errors, of which there must be at least one.</summary>
    public DeviceTreeException(IReadOnlyList<DeviceTreeError> errors)
        : base(string.Join('\n', errors)) => Errors = errors;

    internal DeviceTreeException(string message)
        : this([new DeviceTreeError("", 0, 0, message)]) { }

    internal DeviceTreeException(in SourceLocation location, string message)
        : this([At(location, message)]) { }

    /// <summary>All errors found, in the order in which they were found.</summary>
    public IReadOnlyList<DeviceTreeError> Errors { get; }

    internal static DeviceTreeError At(in SourceLocation location, string message) =>
        new(location.File ?? "", location.Line, location.Column, message);

    internal static DeviceTreeException ForNode(DeviceTreeNode node, string message) =>
        new(node.Location, $"{node.Path}: {message}");

    internal static DeviceTreeException ForProperty(DeviceTreeNode node, string property, string message) =>
        new(node.FindProperty(property)?.Location ?? node.Location, $"{node.Path}: property '{property}': {message}");
}
