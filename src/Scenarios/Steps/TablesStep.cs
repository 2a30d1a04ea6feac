using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>tables:</c> lays out translation tables in RAM by the CPU's stores, or changes some that it laid out before.
/// </summary>
internal sealed class TablesStep : Step
{
    private const ulong DefaultRoom = 64UL << 10;

    private readonly List<Mapping> _map = [];
    private readonly List<(NumberValue Iova, NumberValue Size)> _unmap = [];
    private NumberValue? _at;
    private NumberValue? _room;
    private NumberValue? _inputBits;
    private TablesFormat _format = TablesFormat.LpaeStage2;
    private string? _as;
    private string? _edit;

    private TablesStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "tables");
        var step = new TablesStep(map.Place);
        string[] formats = [.. TablesFormat.All.Select(format => format.Word)];
        string word = map.Choice("format", TablesFormat.LpaeStage2.Word, formats);
        step._format = TablesFormat.All.First(format => string.Equals(format.Word, word, StringComparison.Ordinal));
        if (map.OneOf("at", "edit") is "edit")
        {
            step._edit = map.NewName("edit");
            if (step._edit is not null && !context.Knows(step._edit + ".tcr"))
            {
                context.Fail(map.PlaceOf("edit"), $"no 'tables:' step before this one has 'as: {step._edit}'");
            }
        }
        else
        {
            step._at = map.Number("at");
            step._as = map.NewName("as");
            if (step._as is null)
            {
                context.Fail(map.Place, "tables needs 'as:', the name under which other steps find them");
            }

            step._room = map.Number("room");
            step._inputBits = map.Number("input-bits");
            context.Define(step._as);
            context.Define(step._as + ".tcr");
            context.Define(step._as + ".end");
        }

        foreach (YamlNode item in map.List("map"))
        {
            step._map.Add(Mapping.Read(context, item));
        }

        foreach (YamlNode item in map.List("unmap"))
        {
            var entry = new MapReader(context, item, "unmap");
            step._unmap.Add((entry.RequiredNumber("iova"), entry.RequiredNumber("size")));
            entry.Finish();
        }

        map.Finish();
        return step;
    }

    public override void Run(World world)
    {
        TranslationTables tables = _edit is null ? Create(world) : TranslationTables.Find(world, _edit);
        foreach ((NumberValue iova, NumberValue size) in _unmap)
        {
            tables.Unmap(world.Number(iova), world.Number(size), Place);
        }

        foreach (Mapping mapping in _map)
        {
            mapping.Apply(world, tables);
        }

        world.Spend(World.MemoryAccessTime, Place);
    }

    private TranslationTables Create(World world)
    {
        ulong bits = _inputBits is null ? (ulong)_format.UsualBits : world.Number(_inputBits);
        if (bits < 25 || bits > (ulong)_format.MostBits)
        {
            throw StepFailedException.At(
                _inputBits?.Place ?? Place,
                $"'input-bits:' is 25 to {_format.MostBits}, not {bits}"
            );
        }

        ulong room = _room is null ? DefaultRoom : world.Number(_room);
        return TranslationTables.Create(world, _as!, _format, world.Number(_at!), room, (int)bits, Place);
    }

    /// <summary>One item of <c>map:</c>.</summary>
    private sealed class Mapping
    {
        // csharpier-ignore
        private static readonly string[] Accesses = ["rw", "ro", "wo", "none"];

        private NumberValue _iova = NumberValue.Zero;
        private NumberValue _to = NumberValue.Zero;
        private NumberValue _size = NumberValue.Zero;
        private NumberValue? _block;
        private string _access = "rw";
        private bool _accessed;
        private bool _contiguous;
        private Place _place;

        public static Mapping Read(ReadingContext context, YamlNode node)
        {
            var map = new MapReader(context, node, "map");
            var mapping = new Mapping
            {
                _place = map.Place,
                _iova = map.RequiredNumber("iova"),
                _to = map.RequiredNumber("to"),
                _size = map.RequiredNumber("size"),
                _block = map.Number("block"),
                _access = map.Choice("access", "rw", Accesses),
                _accessed = map.Flag("accessed", otherwise: true),
                _contiguous = map.Flag("contiguous", otherwise: false),
            };
            map.Finish();
            return mapping;
        }

        public void Apply(World world, TranslationTables tables)
        {
            ulong attributes =
                tables.Format.Attributes(mayRead: _access is "rw" or "ro", mayWrite: _access is "rw" or "wo")
                | (_accessed ? TranslationTables.AccessFlag : 0)
                | (_contiguous ? TranslationTables.Contiguous : 0);
            ulong block = _block is null ? TranslationTables.PageBytes : world.Number(_block);
            tables.Map(world.Number(_iova), world.Number(_to), world.Number(_size), block, attributes, _place);
        }
    }
}
