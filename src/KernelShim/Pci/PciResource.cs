using System.Diagnostics;
using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>Flags of a resource, by their numbers in include/linux/ioport.h, which the file <c>resource</c> shows.</summary>
internal static class ResourceFlags
{
    public const ulong RomEnable = 0x1;
    public const ulong Io = 0x100;
    public const ulong Memory = 0x200;
    public const ulong Prefetch = 0x2000;
    public const ulong ReadOnly = 0x4000;
    public const ulong SizeAlign = 0x4_0000;
    public const ulong StartAlign = 0x8_0000;
    public const ulong Memory64 = 0x10_0000;
    public const ulong Window = 0x20_0000;
    public const ulong Unset = 0x2000_0000;
}

/// <summary>
/// A range of addresses that a device has or wants (struct resource). Assigned resources are children of the window they lie
/// in.
/// </summary>
[DebuggerDisplay("{Text,nq}")]
internal sealed class PciResource(int index = 0)
{
    private readonly List<PciResource> _children = [];

    /// <summary>Its place in its device's list.</summary>
    public int Index { get; } = index;

    public ulong Start { get; set; }

    public ulong End { get; set; }

    public ulong Flags { get; set; }

    /// <summary>The window it is assigned in, or null.</summary>
    public PciResource? Parent { get; private set; }

    /// <summary>resource_size: an unset resource has one byte, as in the kernel.</summary>
    public ulong Size => unchecked(End - Start + 1);

    public bool IsIo => (Flags & ResourceFlags.Io) != 0;

    public bool IsMemory => (Flags & ResourceFlags.Memory) != 0;

    public bool IsPrefetchable => (Flags & ResourceFlags.Prefetch) != 0;

    public bool Is64Bit => (Flags & ResourceFlags.Memory64) != 0;

    /// <summary>As the kernel prints it (%pR): <c>[mem 0x10000000-0x100fffff 64bit pref]</c>.</summary>
    public string Text
    {
        get
        {
            if ((Flags & ResourceFlags.Unset) != 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"[{Kind} size 0x{Size:x4}{Suffix}]");
            }

            return IsIo
                ? string.Create(CultureInfo.InvariantCulture, $"[io  0x{Start:x4}-0x{End:x4}{Suffix}]")
                : string.Create(CultureInfo.InvariantCulture, $"[{Kind} 0x{Start:x8}-0x{End:x8}{Suffix}]");
        }
    }

    private string Kind =>
        IsIo ? "io "
        : IsMemory ? "mem"
        : "???";

    private string Suffix =>
        (Is64Bit ? " 64bit" : "")
        + (IsMemory && IsPrefetchable ? " pref" : "")
        + ((Flags & ResourceFlags.Window) != 0 ? " window" : "");

    /// <summary>How its start must be aligned (resource_alignment); 0 when nothing says.</summary>
    public ulong Alignment =>
        (Flags & ResourceFlags.SizeAlign) != 0 ? Size
        : (Flags & ResourceFlags.StartAlign) != 0 ? Start
        : 0;

    /// <summary>Forgets what it was (reset_resource).</summary>
    public void Reset()
    {
        Start = 0;
        End = 0;
        Flags = 0;
    }

    /// <summary>Takes a resource of this one's range as a child. False when it lies outside or another one is there.</summary>
    public bool TryInsert(PciResource child)
    {
        if (child.Start < Start || child.End > End || child.End < child.Start)
        {
            return false;
        }

        int place = PlaceOf(child.Start);
        if (
            (place > 0 && _children[place - 1].End >= child.Start)
            || (place < _children.Count && _children[place].Start <= child.End)
        )
        {
            return false;
        }

        _children.Insert(place, child);
        child.Parent = this;
        return true;
    }

    /// <summary>Gives its range back (release_resource).</summary>
    public void Release()
    {
        Parent?._children.Remove(this);
        Parent = null;
    }

    /// <summary>Whether nobody else is within so many bytes of a child's beginning.</summary>
    public bool IsFreeAfter(PciResource child, ulong lengthBytes) =>
        child.Start + lengthBytes - 1 <= End
        && _children.TrueForAll(other =>
            ReferenceEquals(other, child) || other.End < child.Start || other.Start > child.Start + lengthBytes - 1
        );

    /// <summary>Gives back what lies in it, all the way down (release_child_resources).</summary>
    public void ReleaseChildren()
    {
        foreach (PciResource child in _children.ToArray())
        {
            child.ReleaseChildren();
            child.Release();
        }
    }

    /// <summary>The lowest free place for a child between two addresses (find_resource_space); null when there is none.</summary>
    public ulong? FindSpace(ulong size, ulong align, ulong lowest, ulong highest)
    {
        ulong from = Math.Max(Start, lowest);
        ulong last = Math.Min(End, highest);
        for (int n = 0; n <= _children.Count; n++)
        {
            ulong holeEnd = n < _children.Count ? _children[n].Start : ulong.MaxValue;
            if (n == _children.Count || holeEnd > 0)
            {
                ulong end = n == _children.Count ? last : Math.Min(last, holeEnd - 1);
                ulong start = AlignUp(from, align);
                if (start >= from && start <= end && end - start >= size - 1)
                {
                    return start;
                }
            }

            if (n < _children.Count)
            {
                from = Math.Max(from, unchecked(_children[n].End + 1));
            }
        }

        return null;
    }

    /// <summary>The next multiple of a power of two.</summary>
    public static ulong AlignUp(ulong value, ulong align) =>
        align <= 1 ? value : unchecked((value + align - 1) & ~(align - 1));

    private int PlaceOf(ulong start)
    {
        int low = 0;
        int high = _children.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_children[middle].Start < start)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
