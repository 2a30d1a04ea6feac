using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>memory:</c> names a stretch of memory and puts bytes there, by the CPU's stores.</summary>
internal sealed class MemoryStep : Step
{
    private readonly NumberValue _at;
    private readonly NumberValue? _size;
    private readonly NumberValue? _iova;
    private readonly string? _as;
    private readonly BytePattern? _content;

    private MemoryStep(
        Place place,
        NumberValue at,
        NumberValue? size,
        NumberValue? iova,
        string? name,
        BytePattern? content
    )
        : base(place)
    {
        _at = at;
        _size = size;
        _iova = iova;
        _as = name;
        _content = content;
    }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        if (context.Kernel is not null)
        {
            return ProcessMemoryStep.Read(context, node);
        }

        var map = new MapReader(context, node, "memory");
        NumberValue at = map.RequiredNumber("at");
        NumberValue? size = map.Number("size");
        NumberValue? iova = map.Number("iova");
        string? name = map.NewName("as");
        BytePattern? content = BytePattern.Read(context, map);
        context.DefineRegion(name);
        bool isBroken = !map.Has("at") || (content is null && BytePattern.IsIn(map));
        if (isBroken)
        {
            // Said already.
        }
        else if (size is null && content?.LengthBytes is null)
        {
            context.Fail(map.Place, "memory needs 'size:'");
        }
        else if (name is null && content is null)
        {
            context.Fail(
                map.Place,
                $"memory does nothing: give it a name with 'as:' or bytes with {string.Join(", ", BytePattern.Keys)}"
            );
        }

        map.Finish();
        return new MemoryStep(map.Place, at, size, iova, name, content);
    }

    public override void Run(World world)
    {
        ulong address = world.Number(_at);
        ulong size = _size is null ? (ulong)(_content?.LengthBytes ?? 0) : world.Number(_size);
        if (_as is not null)
        {
            world.Name(new Region(_as, address, size), _iova is null ? address : world.Number(_iova));
        }

        if (_content is null)
        {
            return;
        }

        byte[] bytes = _content.Make(world, World.BoundedSize(size, Place));
        if ((ulong)bytes.Length > size)
        {
            throw StepFailedException.At(Place, $"{bytes.Length} bytes do not fit in the {size} bytes of this memory");
        }

        world.StoreBytes(null, address, bytes, Place);
        world.SpendOnMemory(bytes.Length, Place);
    }
}
