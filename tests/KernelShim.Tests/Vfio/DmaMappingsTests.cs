namespace Emulator.KernelShim.Tests;

public sealed class DmaMappingsTests
{
    private const ulong Page = 4096;

    private readonly Process _process = new TestProcess().Process;
    private readonly DmaMappings _mappings = new();

    private DmaMapping Add(ulong page, ulong pages = 1)
    {
        var mapping = new DmaMapping(page * Page, 0, pages * Page, IommuProtection.Read, _process);
        _mappings.Add(mapping);
        return mapping;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_added_and_removed_is_found_as_in_a_plain_list(int seed)
    {
        var random = new Random(seed);
        var plain = new SortedDictionary<ulong, DmaMapping>();
        for (int round = 0; round < 20_000; round++)
        {
            ulong page = (ulong)random.Next(6000) * 4;
            bool grows = random.Next(1 + plain.Count) < 1500;
            if (!plain.TryGetValue(page, out DmaMapping? present))
            {
                plain[page] = Add(page, (ulong)random.Next(1, 5));
            }
            else if (!grows)
            {
                plain.Remove(page);
                _mappings.Remove(present);
            }

            if (round % 50 == 0)
            {
                ulong first = (ulong)random.Next(24_000) * Page;
                ulong last = first + (ulong)random.Next(1 << 22);
                _mappings
                    .Within(first, last)
                    .Should()
                    .Equal(plain.Values.Where(mapping => mapping.Iova <= last && mapping.Last >= first));
                _mappings
                    .Find(first)
                    .Should()
                    .BeSameAs(plain.Values.FirstOrDefault(mapping => mapping.Iova <= first && mapping.Last >= first));
            }
        }

        _mappings.Count.Should().Be(plain.Count);
        _mappings.Should().Equal(plain.Values);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_thousand_in_order_or_in_reverse_are_all_there(bool reverse)
    {
        for (ulong n = 0; n < 10_000; n++)
        {
            Add(reverse ? 10_000 - n : n);
        }

        _mappings.Count.Should().Be(10_000);
        _mappings.Select(mapping => mapping.Iova).Should().BeInAscendingOrder().And.HaveCount(10_000);
        _mappings.Clear();
        _mappings.Should().BeEmpty();
        _mappings.Find(Page).Should().BeNull();
    }
}
