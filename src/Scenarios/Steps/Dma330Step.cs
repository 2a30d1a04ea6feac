using System.Globalization;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>dma330:</c> puts microcode into memory and starts it, as a driver does: it polls DBGSTATUS, writes DBGINST0 and
/// DBGINST1, and writes 0 to DBGCMD. It has no other access to the device.
/// </summary>
internal sealed class Dma330Step : Step
{
    private const long PollInterval = 100 * VirtualTime.Nanosecond;
    private const int MaximumPolls = 10_000;

    private readonly ReadingPlaces _places;
    private TextValue _on = TextValue.Empty;
    private NumberValue _channel = NumberValue.Zero;
    private bool _nonSecure;
    private bool _kill;
    private bool _start;
    private NumberValue? _at;
    private NumberValue? _pc;
    private TextValue? _program;
    private byte[]? _bytes;
    private string? _region;

    private Dma330Step(Place place, ReadingPlaces places)
        : base(place) => _places = places;

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "dma330");
        var places = new ReadingPlaces(
            map.PlaceOf("program"),
            IsBlock(map.Node("program")) ? context.IndentationAfter(map.PlaceOf("program")) : null
        );
        var step = new Dma330Step(map.Place, places)
        {
            _on = map.RequiredText("on"),
            _channel = map.Number("channel") ?? NumberValue.Zero,
            _nonSecure = map.Flag("ns", otherwise: true),
            _start = map.Flag("start", otherwise: true),
            _kill = map.Flag("kill", otherwise: false),
        };
        step.CheckDevice(context);
        if (step._kill)
        {
            map.Finish();
            return step;
        }

        step._at = map.RequiredNumber("at");
        step._pc = map.Number("pc");
        string atText = (map.Node("at") as YamlScalarNode)?.Value ?? "";
        step._region = context.Knows(atText + ".iova") ? atText : null;
        string? source = map.OneOf("program", "bytes");
        step._program = map.Text("program");
        if (source is "bytes")
        {
            step._bytes = BytePattern.ParseHex(map.RequiredWords("bytes"));
            if (step._bytes is null)
            {
                context.Fail(
                    map.PlaceOf("bytes"),
                    "'bytes:' takes pairs of hexadecimal digits such as 'BC 01 F9 42 BE 00'"
                );
            }
        }

        map.Finish();
        step.CheckProgram(context);
        return step;
    }

    public override void Run(World world)
    {
        string device = world.Text(_on);
        ulong channel = world.Number(_channel);
        if (channel > 7)
        {
            throw StepFailedException.At(_channel.Place, $"the DMA-330 has channels 0..7, not {channel}");
        }

        if (_kill)
        {
            Debug(world, device, 0x0001_0001 | ((uint)channel << 8), 0);
            return;
        }

        ulong address = world.Number(_at!);
        ulong seen = _region is null ? address : Iova(world, _region);
        ulong pc = _pc is null ? seen : world.Number(_pc);
        byte[] program = _bytes ?? Assemble(world, seen);
        world.StoreBytes(address, program, Place);
        world.SpendOnMemory(program.Length, Place);
        if (!_start)
        {
            return;
        }

        if (pc > uint.MaxValue)
        {
            throw StepFailedException.At(
                Place,
                $"the DMA-330 has 32-bit addresses; it cannot start at {Hexadecimal.Format(pc)}"
            );
        }

        uint dmago = 0x00A0_0000U | (_nonSecure ? 0x0002_0000U : 0) | ((uint)channel << 24);
        Debug(world, device, dmago, (uint)pc);
    }

    private static bool IsBlock(YamlNode? node) =>
        node is YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Literal or YamlDotNet.Core.ScalarStyle.Folded };

    private static ulong Iova(World world, string region) =>
        world.Variables.TryGet(region + ".iova", out ulong iova) ? iova : 0;

    private void CheckDevice(ReadingContext context)
    {
        if (context.Board is { } board && _on.Template.Literal is { Length: > 0 } name)
        {
            RegisterReference reference = RegisterReference.Find(board, name + ".DBGCMD");
            if (reference.Problem is { } problem)
            {
                context.Fail(_on.Place, problem);
            }
        }
    }

    private void CheckProgram(ReadingContext context)
    {
        if (_program?.Template.Literal is { } text && context.Dma330Assembler is { } assembler)
        {
            foreach (ProgramError error in assembler.Assemble(text, 0, out _))
            {
                context.Fail(_places.Of(error), error.Message);
            }
        }
    }

    private byte[] Assemble(World world, ulong address)
    {
        string text = world.Text(_program!);
        IReadOnlyList<ProgramError> errors = world.Dma330Assembler.Assemble(text, address, out byte[] program);
        return errors.Count == 0 ? program : throw StepFailedException.At(_places.Of(errors[0]), errors[0].Message);
    }

    private void Debug(World world, string device, uint instruction0, uint instruction1)
    {
        Location.Access status = Register(world, device, "DBGSTATUS");
        for (int poll = 0; (status.Load(world) & 1) != 0; poll++)
        {
            if (poll == MaximumPolls)
            {
                string waited = VirtualTime.Format(MaximumPolls * PollInterval);
                throw StepFailedException.At(
                    Place,
                    $"{device}.DBGSTATUS stays busy (polled for {waited})",
                    "0 (idle)",
                    "1 (busy)"
                );
            }

            world.Spend(PollInterval, Place);
        }

        Store(world, device, "DBGINST0", instruction0);
        Store(world, device, "DBGINST1", instruction1);
        Store(world, device, "DBGCMD", 0);
    }

    private void Store(World world, string device, string register, uint value)
    {
        Register(world, device, register).Store(world, value);
        world.Spend(World.RegisterAccessTime, Place);
    }

    private Location.Access Register(World world, string device, string register)
    {
        (BoardRegister found, _) = world.Register(
            string.Create(CultureInfo.InvariantCulture, $"{device}.{register}"),
            _on.Place
        );
        return new Location.Access(found.Address, 4, null, found.Name, _on.Place);
    }

    /// <summary>Turns a place in the program's text into one in the file.</summary>
    /// <param name="Start">Where the value of <c>program:</c> stands.</param>
    /// <param name="Indentation">The indentation of a block scalar; null for a text on one line.</param>
    private readonly record struct ReadingPlaces(Place Start, int? Indentation)
    {
        /// <summary>The text of a block scalar begins on the line after its '|'; its indentation is not in the text.</summary>
        public Place Of(ProgramError error) =>
            Indentation is { } blanks ? new Place(Start.Line + error.Line, blanks + error.Column) : Start;
    }
}
