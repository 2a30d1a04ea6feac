using System.Globalization;
using Emulator.KernelShim;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>ioctl:</c> any ioctl on any descriptor, with a number or a struct as its argument.</summary>
internal sealed class IoctlStep : Step
{
    /// <summary>A struct may be this long.</summary>
    private const int MaximumStruct = 4096;

    private readonly HostName _on;
    private readonly uint? _request;
    private readonly NumberValue? _number;
    private readonly NumberValue? _argument;
    private readonly BytePattern? _struct;
    private readonly BytePattern? _gives;
    private readonly NumberValue? _returns;
    private readonly string? _as;
    private readonly ExpectedRefusal? _fails;

    private IoctlStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Descriptor);
        string request = map.RequiredWords("request");
        _request = VfioIoctlNames.Find(request);
        if (_request is null && request.Length > 0 && !char.IsAsciiDigit(request[0]))
        {
            context.Fail(
                map.PlaceOf("request"),
                $"there is no ioctl '{Words.Shorten(request)}'{Words.DidYouMean(request, VfioIoctlNames.All)}; "
                    + "write a name of VFIO, or a number"
            );
        }
        else if (_request is null)
        {
            _number = map.Number("request");
        }

        _argument = map.Number("arg");
        _struct = BytePattern.Read(context, map);
        if (_argument is not null && _struct is not null)
        {
            context.Fail(map.PlaceOf("arg"), "the argument is a number, or points to a struct, not both");
        }

        if (map.Map("gives", "gives") is { } gives)
        {
            _gives = BytePattern.Read(context, gives);
            gives.Finish();
        }

        _returns = map.Number("returns");
        _as = map.NewName("as");
        _fails = ExpectedRefusal.Read(context, map);
        map.Finish();
        context.Define(_as);
        context.HostNames.Define(_as, HostObjectKind.Descriptor);
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new IoctlStep(context, new MapReader(context, node, "ioctl"));

    public override void Run(World world)
    {
        Host host = world.Host(Place);
        (UserProcess process, int descriptor) = host.Descriptor(_on);
        uint request = _request ?? (uint)Math.Min(world.Number(_number!), uint.MaxValue);
        byte[]? given = _struct?.Make(world, 0);
        byte[] argument = new byte[MaximumStruct];
        if (given?.Length > MaximumStruct)
        {
            throw StepFailedException.At(Place, $"a struct has at most {MaximumStruct} bytes here, not {given.Length}");
        }

        given?.CopyTo(argument, 0);
        long result = 0;
        process.Run(
            world,
            async libc =>
                result = given is null
                    ? await libc.Ioctl(descriptor, request, _argument is null ? 0 : world.Number(_argument))
                    : await libc.Ioctl(descriptor, request, argument),
            ProcessStep.Patience,
            Place
        );
        string call =
            VfioIoctlNames.NameOf(request) ?? string.Create(CultureInfo.InvariantCulture, $"ioctl 0x{request:x}");
        if (_as is not null)
        {
            world.Variables.Set(_as, (ulong)result);
            host.Name(_as, process, (int)result);
        }

        ExpectedRefusal.Check(_fails, process, new CallOutcome(call, result), Place);
        CheckAnswer(world, call, result, argument);
    }

    private void CheckAnswer(World world, string call, long result, byte[] argument)
    {
        if (_returns is not null && result >= 0 && (ulong)result != world.Number(_returns))
        {
            throw StepFailedException.At(
                _returns.Place,
                $"{call} returned something else",
                world.Number(_returns).ToString(CultureInfo.InvariantCulture),
                result.ToString(CultureInfo.InvariantCulture)
            );
        }

        if (_gives?.Make(world, 0) is not { } wanted)
        {
            return;
        }

        byte[] found = argument[..Math.Min(wanted.Length, argument.Length)];
        if (!wanted.AsSpan().SequenceEqual(found))
        {
            throw new StepFailedException(
                new StepFailure(Place, $"{call} gave another struct", ShowWords(wanted), ShowWords(found))
            );
        }
    }

    private static string[] ShowWords(byte[] bytes) =>
        [
            .. bytes
                .Chunk(4)
                .Select(
                    (word, n) =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{n * 4, 3}: 0x{Convert.ToHexString([.. word.Reverse()])}"
                        )
                ),
        ];
}
