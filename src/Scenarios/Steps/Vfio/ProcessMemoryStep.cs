using System.Globalization;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>memory:</c> under a kernel: a process gets memory by mmap, or stores bytes into some that it has.</summary>
internal sealed class ProcessMemoryStep : Step
{
    private readonly HostName _on;
    private readonly NumberValue? _at;
    private readonly NumberValue? _size;
    private readonly string? _as;
    private readonly BytePattern? _content;

    private ProcessMemoryStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.ReadOwner(context, map);
        _at = map.Number("at");
        _size = map.Number("size");
        _as = map.NewName("as");
        _content = BytePattern.Read(context, map);
        if (_at is null ? _size is null : _content is null || _as is not null)
        {
            context.Fail(
                map.Place,
                "memory of a process is new ('size:', perhaps 'as:' and bytes), or stores bytes 'at:' an address"
            );
        }

        if (_at is not null && _size is null && _content is { LengthBytes: null })
        {
            context.Fail(map.Place, "a fill 'at:' an address needs 'size:'");
        }

        map.Finish();
        context.DefineRegion(_as);
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new ProcessMemoryStep(context, new MapReader(context, node, "memory"));

    public override void Run(World world)
    {
        UserProcess process = world.Host(Place).Process(_on);
        ulong size = _size is null ? (ulong)(_content?.LengthBytes ?? 0) : world.Number(_size);
        if (_at is not null)
        {
            Store(world, process, world.Number(_at), size, _content!, Place);
            return;
        }

        ulong address = Allocate(world, process, size, _content, Place);
        if (_as is not null)
        {
            world.Name(new Region(_as, address, size, process), 0);
        }
    }

    /// <summary>Gives a process anonymous memory, with bytes in it where there are any.</summary>
    public static ulong Allocate(World world, UserProcess process, ulong size, BytePattern? content, Place place)
    {
        World.BoundedSize(size, place);
        long address = 0;
        process.Run(
            world,
            async libc =>
                address = await libc.Mmap(
                    size,
                    Protection.Read | Protection.Write,
                    MapFlags.Private | MapFlags.Anonymous
                ),
            ProcessStep.Patience,
            place
        );
        ExpectedRefusal.Check(null, process, new CallOutcome("mmap", address), place);
        if (content is not null)
        {
            Store(world, process, (ulong)address, size, content, place);
        }

        return (ulong)address;
    }

    private static void Store(
        World world,
        UserProcess process,
        ulong address,
        ulong size,
        BytePattern content,
        Place place
    )
    {
        byte[] bytes = content.Make(world, World.BoundedSize(size, place));
        if ((ulong)bytes.Length > size)
        {
            string message = string.Create(
                CultureInfo.InvariantCulture,
                $"{bytes.Length} bytes do not fit in the {size} bytes of this memory"
            );
            throw StepFailedException.At(place, message);
        }

        world.StoreBytes(process, address, bytes, place);
        world.SpendOnMemory(bytes.Length, place);
    }
}
