using System.Diagnostics;
using Emulator.KernelShim;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Scenarios;

/// <summary>A scenario, read and checked, that can be run any number of times.</summary>
[DebuggerDisplay("{Name,nq} ({File,nq})")]
public sealed class Scenario
{
    internal Scenario(
        string file,
        string name,
        string board,
        IReadOnlyDictionary<string, ulong> options,
        DeviceTree? tree,
        KernelProfile? kernel,
        DeviceTree? kernelTree,
        IReadOnlyList<string> sourceLines,
        IReadOnlyList<Step> steps
    )
    {
        File = file;
        Name = name;
        Board = board;
        Options = options;
        Tree = tree;
        Kernel = kernel;
        KernelTree = kernelTree;
        SourceLines = sourceLines;
        Steps = steps;
    }

    /// <summary>The file, as the user named it.</summary>
    public string File { get; }

    /// <summary>What it tells, in a line.</summary>
    public string Name { get; }

    /// <summary>The board it runs on.</summary>
    public string Board { get; }

    /// <summary>The board's hardware options.</summary>
    public IReadOnlyDictionary<string, ulong> Options { get; }

    /// <summary>The user's own device tree, when the board is one.</summary>
    public DeviceTree? Tree { get; }

    /// <summary>The kernel that runs on it; null on bare metal.</summary>
    public KernelProfile? Kernel { get; }

    /// <summary>The device tree that the kernel is told; null for the board's own.</summary>
    public DeviceTree? KernelTree { get; }

    /// <summary>Whether firmware describes the board to the kernel by ACPI instead of the device tree.</summary>
    public bool BootsByAcpi { get; init; }

    /// <summary>The text, for the report of a failure.</summary>
    public IReadOnlyList<string> SourceLines { get; }

    internal IReadOnlyList<Step> Steps { get; }
}
