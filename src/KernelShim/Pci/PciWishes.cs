namespace Emulator.KernelShim;

/// <summary>Resources that want more than they need, the last noted first (realloc_head of setup-bus.c).</summary>
internal sealed class PciWishes
{
    private readonly List<Wish> _wishes = [];

    /// <summary>The wishes, the last noted first, as list_add leaves them.</summary>
    public IReadOnlyList<Wish> All => [.. _wishes.AsEnumerable().Reverse()];

    public bool IsEmpty => _wishes.Count == 0;

    public void Add(PciDevice device, PciResource resource, ulong size, ulong align) =>
        _wishes.Add(new Wish(device, resource, size, align));

    public void Remove(PciResource resource)
    {
        int at = _wishes.FindLastIndex(wish => ReferenceEquals(wish.Resource, resource));
        if (at >= 0)
        {
            _wishes.RemoveAt(at);
        }
    }

    public ulong SizeOf(PciResource resource) => Find(resource)?.Size ?? 0;

    public ulong AlignOf(PciResource resource) => Find(resource)?.Align ?? 0;

    private Wish? Find(PciResource resource) => _wishes.FindLast(wish => ReferenceEquals(wish.Resource, resource));

    /// <summary>How much more, and how aligned.</summary>
    public sealed record Wish(PciDevice Device, PciResource Resource, ulong Size, ulong Align);
}
