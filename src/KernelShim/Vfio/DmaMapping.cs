using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>Pages that follow each other in RAM.</summary>
/// <param name="Offset">Where in the mapping they begin.</param>
/// <param name="Physical">Where they are.</param>
/// <param name="LengthBytes">How long they are.</param>
/// <param name="IsPinned">Whether they are memory of the process, pinned and counted; false for device registers.</param>
internal readonly record struct PhysicalRun(ulong Offset, ulong Physical, ulong LengthBytes, bool IsPinned);

/// <summary>What one MAP_DMA has mapped (struct vfio_dma).</summary>
[DebuggerDisplay("{Iova,h}..{Last,h} from {Vaddr,h}")]
internal sealed class DmaMapping(ulong iova, ulong vaddr, ulong lengthBytes, IommuProtection protection, Process owner)
{
    public ulong Iova { get; } = iova;

    public ulong LengthBytes { get; } = lengthBytes;

    public ulong Last => Iova + LengthBytes - 1;

    public IommuProtection Protection { get; } = protection;

    /// <summary>Whose memory it is.</summary>
    public AddressSpace Memory { get; } = owner.Memory;

    public ulong Vaddr { get; set; } = vaddr;

    /// <summary>UNMAP_DMA with the VADDR flag has taken the address away; MAP_DMA with VADDR gives a new one.</summary>
    public bool IsVaddrInvalid { get; set; }

    /// <summary>The memory behind it, in order.</summary>
    public List<PhysicalRun> Runs { get; } = [];

    /// <summary>Adds a page, to the last run if it follows it.</summary>
    public void AddPage(ulong physical, bool isPinned)
    {
        if (Runs.Count > 0)
        {
            PhysicalRun last = Runs[^1];
            if (last.Physical + last.LengthBytes == physical && last.IsPinned == isPinned)
            {
                Runs[^1] = last with { LengthBytes = last.LengthBytes + PageAllocator.PageBytes };
                return;
            }

            Runs.Add(new PhysicalRun(last.Offset + last.LengthBytes, physical, PageAllocator.PageBytes, isPinned));
            return;
        }

        Runs.Add(new PhysicalRun(0, physical, PageAllocator.PageBytes, isPinned));
    }

    /// <summary>Gives the pages back to the process they are of (vfio_unpin_pages_remote).</summary>
    public void Unpin()
    {
        foreach (PhysicalRun run in Runs)
        {
            for (ulong at = 0; run.IsPinned && at < run.LengthBytes; at += PageAllocator.PageBytes)
            {
                Memory.Unpin(run.Physical + at);
                Memory.LockedPages--;
            }
        }

        Runs.Clear();
    }
}
