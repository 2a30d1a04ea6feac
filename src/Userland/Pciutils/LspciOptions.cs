namespace Emulator.Userland;

/// <summary>What lspci is asked to show.</summary>
internal sealed class LspciOptions
{
    /// <summary>The way to the functions.</summary>
    public required PciAccess Access { get; init; }

    /// <summary>How names are shown.</summary>
    public required PciNames Names { get; init; }

    /// <summary>Which functions.</summary>
    public required PciFilter Filter { get; init; }

    /// <summary>Whether -s or -d was given at all.</summary>
    public bool IsFiltered { get; init; }

    /// <summary>How often -v.</summary>
    public int Verbose { get; init; }

    /// <summary>How often -x.</summary>
    public int Hex { get; init; }

    /// <summary>How often -m.</summary>
    public int Machine { get; init; }

    /// <summary>How often -P.</summary>
    public int Path { get; init; }

    /// <summary>-t.</summary>
    public bool IsTree { get; init; }

    /// <summary>-k.</summary>
    public bool ShowsKernel { get; init; }

    /// <summary>-b.</summary>
    public bool IsBusCentric { get; init; }

    /// <summary>2 with -D, 1 where there is a function in another domain than 0, or 0.</summary>
    public int Domains { get; set; }
}
