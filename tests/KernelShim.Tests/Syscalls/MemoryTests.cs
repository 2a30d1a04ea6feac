using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.KernelShim.Tests;

public sealed class MemoryTests
{
    private const long Page = PageAllocator.PageBytes;

    private readonly TestProcess _process = new();

    [Fact]
    public void A_mapping_is_zero_holds_what_is_written_and_is_RAM_of_the_board()
    {
        ulong address = (ulong)_process.Mmap(3 * Page);
        byte[] data = [1, 2, 3, 4];
        _process.Process.Memory.TryWrite(address + Page - 2, data).Should().BeTrue();

        byte[] back = new byte[6];
        _process.Process.Memory.TryRead(address + Page - 3, back).Should().BeTrue();
        back.Should().Equal(0, 1, 2, 3, 4, 0);
        _process.Process.Memory.TryPin(address, forWriting: true, out ulong physical).Should().BeTrue();
        byte[] seen = new byte[2];
        _process.Kernel.Board.Cpu.Load(physical + Page - 2, seen);
        seen.Should().Equal(1, 2);
    }

    [Theory]
    [InlineData(0, Errno.EINVAL)]
    [InlineData(1L << 40, Errno.ENOMEM)]
    public void A_length_that_cannot_be_mapped_is_refused(long length, Errno errno) =>
        _process.Mmap((ulong)length).Should().Be(-(long)errno);

    [Fact]
    public void Memory_that_is_not_mapped_or_not_writable_faults_and_a_call_on_it_is_EFAULT()
    {
        ulong address = (ulong)_process.Mmap(Page, Protection.Read);

        _process.Process.Memory.TryWrite(address, [1]).Should().BeFalse();
        _process.Process.Memory.TryRead(0x10, new byte[1]).Should().BeFalse();
        _process
            .Do(_ => _process.Calls.Open(_process.Process, 0x10, OpenFlags.ReadOnly, 0))
            .Should()
            .Be(-(long)Errno.EFAULT);
        _process.Process.Memory.TryPin(address, forWriting: true, out _).Should().BeFalse();
    }

    [Fact]
    public void A_pinned_page_outlives_its_mapping_and_is_freed_by_the_last_unpin()
    {
        ulong free = _process.Kernel.Pages.FreePages;
        ulong address = (ulong)_process.Mmap(Page);
        _process.Process.Memory.TryPin(address, forWriting: true, out ulong physical);
        _process.Do(_ => _process.Calls.Munmap(_process.Process, address, Page)).Should().Be(0);

        _process.Kernel.Pages.FreePages.Should().Be(free - 1);
        _process.Process.Memory.Unpin(physical);
        _process.Kernel.Pages.FreePages.Should().Be(free);
    }

    [Fact]
    public void The_middle_of_a_mapping_can_be_protected_and_unmapped()
    {
        ulong address = (ulong)_process.Mmap(4 * Page);
        _process.Process.Memory.TryWrite(address + Page, [7]);
        _process
            .Do(_ => _process.Calls.Mprotect(_process.Process, address + Page, Page, Protection.Read))
            .Should()
            .Be(0);
        _process.Do(_ => _process.Calls.Munmap(_process.Process, address + 2 * Page, Page)).Should().Be(0);

        AddressSpace memory = _process.Process.Memory;
        memory.TryWrite(address, [1]).Should().BeTrue();
        memory.TryWrite(address + Page, [1]).Should().BeFalse();
        byte[] back = new byte[1];
        memory.TryRead(address + Page, back).Should().BeTrue();
        back[0].Should().Be(7);
        memory.TryRead(address + 2 * Page, back).Should().BeFalse();
        memory.TryWrite(address + 3 * Page, [1]).Should().BeTrue();
    }

    [Fact]
    public void The_end_of_a_process_gives_all_its_memory_back()
    {
        ulong free = _process.Kernel.Pages.FreePages;
        var other = new TestProcess(_process.Kernel);
        ulong address = (ulong)other.Mmap(16 * Page);
        other.Process.Memory.TryWrite(address, new byte[16 * Page]).Should().BeTrue();

        other.Process.Exit(0);

        _process.Kernel.Pages.FreePages.Should().Be(free);
    }

    [Fact]
    public void Mappings_behave_like_a_map_of_pages()
    {
        Gen<(int Operation, int Page, int Count)> operation =
            from kind in Gen.Choose(0, 3)
            from page in Gen.Choose(0, 15)
            from count in Gen.Choose(1, 6)
            select (kind, page, count);
        Prop.ForAll(Gen.ListOf(operation, 30).ToArbitrary(), Agrees).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    private static void Agrees(IEnumerable<(int Operation, int Page, int Count)> operations)
    {
        const ulong Base = 0x5000_0000;
        var process = new TestProcess();
        var model = new Dictionary<int, (bool Writable, byte Value)>();
        foreach ((int operation, int page, int count) in operations)
        {
            ulong address = Base + (ulong)(page * Page);
            ulong length = (ulong)(count * Page);
            switch (operation)
            {
                case 0:
                    const MapFlags Flags = MapFlags.Private | MapFlags.Anonymous | MapFlags.Fixed;
                    process.Do(_ =>
                        process.Calls.Mmap(
                            process.Process,
                            address,
                            length,
                            Protection.Read | Protection.Write,
                            Flags,
                            -1,
                            0
                        )
                    );
                    ForEach(page, count, n => model[n] = (true, 0));
                    break;
                case 1:
                    process.Do(_ => process.Calls.Munmap(process.Process, address, length));
                    ForEach(page, count, n => model.Remove(n));
                    break;
                case 2:
                    long result = process.Do(_ =>
                        process.Calls.Mprotect(process.Process, address, length, Protection.Read)
                    );
                    int mapped = 0;
                    while (mapped < count && model.ContainsKey(page + mapped))
                    {
                        model[page + mapped] = (false, model[page + mapped].Value);
                        mapped++;
                    }

                    (result == 0).Should().Be(mapped == count);
                    break;
                default:
                    bool written = process.Process.Memory.TryWrite(address, [(byte)count]);
                    written
                        .Should()
                        .Be(model.TryGetValue(page, out (bool Writable, byte Value) found) && found.Writable);
                    if (written)
                    {
                        model[page] = (true, (byte)count);
                    }

                    break;
            }
        }

        for (int page = 0; page < 24; page++)
        {
            byte[] value = new byte[1];
            bool read = process.Process.Memory.TryRead(Base + (ulong)(page * Page), value);
            read.Should().Be(model.ContainsKey(page));
            if (read)
            {
                value[0].Should().Be(model[page].Value);
            }
        }
    }

    private static void ForEach(int first, int count, Action<int> action)
    {
        for (int n = first; n < first + count; n++)
        {
            action(n);
        }
    }
}
