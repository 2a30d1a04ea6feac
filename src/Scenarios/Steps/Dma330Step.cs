using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>dma330:</c> puts microcode into memory and starts it, as a driver does: it polls DBGSTATUS, writes DBGINST0 and
/// DBGINST1, and writes 0 to DBGCMD, on bare metal by the boot CPU, under a kernel by the process that has opened the device. It has
/// no other access to the device.
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
    private HostName? _vfio;

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
        if (context.Kernel is null)
        {
            step.CheckDevice(context);
        }
        else
        {
            step._vfio = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        }

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
        UserProcess? owner = _vfio is null ? null : world.Host(Place).Process(_vfio);
        world.StoreBytes(owner, address, program, Place);
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
        Registers registers = _vfio is null
            ? Registers.OfCpu(world, device, _on.Place)
            : Registers.OfProcess(world, _vfio, Place);
        for (int poll = 0; (registers.Load("DBGSTATUS") & 1) != 0; poll++)
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

        registers.Store("DBGINST0", instruction0);
        registers.Store("DBGINST1", instruction1);
        registers.Store("DBGCMD", 0);
    }

    /// <summary>The controller's registers as whoever runs the step reaches them.</summary>
    private sealed record Registers(Func<string, ulong> Load, Action<string, uint> Store)
    {
        public static Registers OfCpu(World world, string device, Place place)
        {
            return new Registers(
                register => Find(register).Load(world),
                (register, value) =>
                {
                    Find(register).Store(world, value);
                    world.Spend(World.RegisterAccessTime, place);
                }
            );

            Location.Access Find(string register)
            {
                (BoardRegister found, _) = world.Register($"{device}.{register}", place);
                return new Location.Access(found.Address, 4, null, found.Name, place);
            }
        }

        public static Registers OfProcess(World world, HostName opened, Place place)
        {
            OpenedDevice user = world.Host(place).Vfio(opened);
            var access = new VfioAccess(user, byFile: false, place);
            string device = VfioRegister.FindDevice(world.Board, user.DeviceName)?.Name ?? user.DeviceName;
            return new Registers(
                register => access.Load(world, Find(register)),
                (register, value) => access.Store(world, Find(register), value)
            );

            VfioRegister.Slot Find(string register)
            {
                (BoardRegister found, _) = world.Register($"{device}.{register}", place);
                return new VfioRegister.Slot(0, found.Address - found.Device.Regions[0].Start, 4, null, found.Name);
            }
        }
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
