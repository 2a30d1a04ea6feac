using System.Globalization;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// What the fault registers of an SMMU are to show, in words. Software learns of a fault by reading these registers, and
/// so does this: FSR, FSYNR0, FAR and CBFRSYNRA of a context bank, or sGFSR and its syndrome (Arm IHI 0062).
/// </summary>
internal sealed class SmmuFaultExpectation
{
    // csharpier-ignore
    private static readonly (string Word, int Bit)[] ContextFaults =
    [
        ("translation", 1), ("access-flag", 2), ("permission", 3), ("external", 4), ("tlb-conflict", 5), ("tlb-lock", 6),
        ("address-size", 7),
    ];

    // csharpier-ignore
    private static readonly (string Word, int Bit)[] GlobalFaults =
    [
        ("invalid-context", 0), ("unidentified-stream", 1), ("stream-conflict", 2), ("unimplemented-bank", 3),
        ("unimplemented-interrupt", 4), ("configuration-access", 5), ("external", 6),
    ];

    private const int MultiBit = 31;
    private const int StalledBit = 30;
    private const ulong ContextFaultBits = 0x1FE;

    private readonly Place _place;
    private TextValue _on = TextValue.Empty;
    private NumberValue? _bank;
    private string _kind = "none";
    private bool? _write;
    private bool? _multiple;
    private bool? _stalled;
    private NumberValue? _address;
    private NumberValue? _level;
    private NumberValue? _stream;

    private SmmuFaultExpectation(Place place) => _place = place;

    public static SmmuFaultExpectation Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "fault");
        var expectation = new SmmuFaultExpectation(map.Place)
        {
            _on = map.RequiredText("on"),
            _bank = map.Number("bank"),
        };
        string[] words =
        [
            "none",
            .. (expectation._bank is null ? GlobalFaults : ContextFaults).Select(fault => fault.Word),
        ];
        if (!map.Has("kind"))
        {
            context.Fail(map.Place, $"fault needs 'kind:', one of: {string.Join(", ", words)}");
        }

        expectation._kind = map.Choice("kind", "none", words);
        expectation._write = map.Has("write") ? map.Flag("write", otherwise: false) : null;
        expectation._multiple = map.Has("multiple") ? map.Flag("multiple", otherwise: false) : null;
        expectation._address = map.Number("address");
        expectation._stream = map.Number("stream");
        if (expectation._bank is not null)
        {
            expectation._stalled = map.Has("stalled") ? map.Flag("stalled", otherwise: false) : null;
            expectation._level = map.Number("level");
        }

        map.Finish();
        if (context.Board is { } board && expectation._on.Template.Literal is { Length: > 0 } name)
        {
            RegisterReference reference = RegisterReference.Find(board, name + ".sGFSR");
            if (reference.Problem is { } problem)
            {
                context.Fail(expectation._on.Place, problem);
            }
        }

        return expectation;
    }

    public void Check(World world)
    {
        string device = world.Text(_on);
        var expected = new List<string>();
        var found = new List<string>();
        if (_bank is null)
        {
            CheckGlobal(world, device, expected, found);
        }
        else
        {
            CheckBank(world, device, world.Number(_bank), expected, found);
        }

        if (!expected.SequenceEqual(found, StringComparer.Ordinal))
        {
            throw new StepFailedException(
                new StepFailure(_place, $"the fault registers of {device} show something else", expected, found)
            );
        }
    }

    private void CheckGlobal(World world, string device, List<string> expected, List<string> found)
    {
        ulong status = Load(world, device, "sGFSR");
        Compare(expected, found, "kind", _kind, KindOf(status, GlobalFaults));
        if (_kind is "none")
        {
            return;
        }

        ulong syndrome = Load(world, device, "sGFSYNR0");
        CompareFlag(expected, found, "write", _write, (syndrome >> 1) & 1);
        CompareFlag(expected, found, "multiple", _multiple, (status >> MultiBit) & 1);
        CompareNumber(world, expected, found, "address", _address, () => Load(world, device, "sGFAR"));
        CompareNumber(world, expected, found, "stream", _stream, () => Load(world, device, "sGFSYNR1") & 0x7FFF);
    }

    private void CheckBank(World world, string device, ulong bank, List<string> expected, List<string> found)
    {
        string Name(string register) => string.Create(CultureInfo.InvariantCulture, $"CB{bank}_{register}");

        ulong status = Load(world, device, Name("FSR"));
        Compare(expected, found, "kind", _kind, KindOf(status & ContextFaultBits, ContextFaults));
        if (_kind is "none")
        {
            return;
        }

        ulong syndrome = Load(world, device, Name("FSYNR0"));
        string stream = string.Create(CultureInfo.InvariantCulture, $"CBFRSYNRA{bank}");
        CompareFlag(expected, found, "write", _write, (syndrome >> 4) & 1);
        CompareFlag(expected, found, "multiple", _multiple, (status >> MultiBit) & 1);
        CompareFlag(expected, found, "stalled", _stalled, (status >> StalledBit) & 1);
        CompareNumber(world, expected, found, "address", _address, () => Load(world, device, Name("FAR")));
        CompareNumber(world, expected, found, "level", _level, () => syndrome & 3);
        CompareNumber(world, expected, found, "stream", _stream, () => Load(world, device, stream) & 0x7FFF);
    }

    private static string KindOf(ulong status, (string Word, int Bit)[] kinds)
    {
        IEnumerable<string> set = kinds.Where(kind => ((status >> kind.Bit) & 1) != 0).Select(kind => kind.Word);
        string words = string.Join(" + ", set);
        return words.Length == 0 ? "none" : words;
    }

    private static void Compare(List<string> expected, List<string> found, string what, string wanted, string value)
    {
        expected.Add($"{what}: {wanted}");
        found.Add($"{what}: {value}");
    }

    private static void CompareFlag(List<string> expected, List<string> found, string what, bool? wanted, ulong bit)
    {
        if (wanted is { } flag)
        {
            Compare(expected, found, what, flag ? "true" : "false", bit != 0 ? "true" : "false");
        }
    }

    private static void CompareNumber(
        World world,
        List<string> expected,
        List<string> found,
        string what,
        NumberValue? wanted,
        Func<ulong> value
    )
    {
        if (wanted is not null)
        {
            Compare(expected, found, what, Hexadecimal.Format(world.Number(wanted)), Hexadecimal.Format(value()));
        }
    }

    private ulong Load(World world, string device, string register)
    {
        (BoardRegister found, _) = world.Register($"{device}.{register}", _on.Place);
        return world.Load(found.Address, found.Register.WidthBits / 8, _place, found.Name);
    }
}
