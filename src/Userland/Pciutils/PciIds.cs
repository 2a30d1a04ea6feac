using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>A list of names in the format of pci.ids.</summary>
internal sealed class PciIds
{
    private const string Resource = "Pciutils/pci.ids";

    private readonly Dictionary<(Kind Kind, int A, int B, int C, int D), string> _names = [];

    private enum Kind
    {
        Vendor,
        Device,
        Subsystem,
        GenericSubsystem,
        Class,
        Subclass,
        ProgIf,
        Unknown,
    }

    /// <summary>The list that every system here has.</summary>
    public static PciIds Embedded { get; } = Parse(ReadResource());

    /// <summary>Reads a list; lines that make no sense are passed over.</summary>
    public static PciIds Parse(string text)
    {
        var ids = new PciIds();
        var place = (Kind: Kind.Unknown, A: 0, B: 0);
        foreach (string line in text.Split('\n'))
        {
            string entry = line.TrimEnd('\r', ' ', '\t');
            string content = entry.TrimStart('\t', ' ');
            if (content.Length > 0 && content[0] != '#')
            {
                ids.Add(entry, ref place);
            }
        }

        return ids;
    }

    public string? Vendor(int vendor) => Find(Kind.Vendor, vendor);

    public string? Device(int vendor, int device) => Find(Kind.Device, vendor, device);

    /// <summary>A subsystem's name: that of the device with it, a generic one, or the device's own when it is its own subsystem.</summary>
    public string? Subsystem(int vendor, int device, int subVendor, int subDevice) =>
        (vendor > 0 && device > 0 ? Find(Kind.Subsystem, vendor, device, subVendor, subDevice) : null)
        ?? Find(Kind.GenericSubsystem, subVendor, subDevice)
        ?? (vendor == subVendor && device == subDevice ? Device(vendor, device) : null);

    public string? Class(int baseClass) => Find(Kind.Class, baseClass);

    public string? Subclass(int baseClass, int subclass) => Find(Kind.Subclass, baseClass, subclass);

    public string? ProgIf(int baseClass, int subclass, int progIf) => Find(Kind.ProgIf, baseClass, subclass, progIf);

    private static string ReadResource()
    {
        using Stream stream = typeof(PciIds).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static int? Hex(string text, int at, int digits) =>
        at + digits <= text.Length
        && int.TryParse(
            text.AsSpan(at, digits),
            NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture,
            out int value
        )
            ? value
            : null;

    private string? Find(Kind kind, int a, int b = 0, int c = 0, int d = 0) =>
        _names.GetValueOrDefault((kind, a, b, c, d));

    private void Add(string line, ref (Kind Kind, int A, int B) place)
    {
        int depth = line.TakeWhile(c => c == '\t').Count();
        string text = line[depth..];
        switch (depth)
        {
            case 0:
                place = AddTop(text);
                break;
            case 1 when place.Kind is Kind.Vendor or Kind.GenericSubsystem && Hex(text, 0, 4) is { } id:
                place.B = id;
                Put(place.Kind == Kind.Vendor ? Kind.Device : Kind.GenericSubsystem, place.A, id, 0, 0, text[4..]);
                break;
            case 1 when place.Kind == Kind.Class && Hex(text, 0, 2) is { } subclass:
                place.B = subclass;
                Put(Kind.Subclass, place.A, subclass, 0, 0, text[2..]);
                break;
            case 2 when place.Kind == Kind.Vendor && Hex(text, 0, 4) is { } vendor && Hex(text, 5, 4) is { } device:
                Put(Kind.Subsystem, place.A, place.B, vendor, device, text[9..]);
                break;
            case 2 when place.Kind == Kind.Class && Hex(text, 0, 2) is { } progIf:
                Put(Kind.ProgIf, place.A, place.B, progIf, 0, text[2..]);
                break;
        }
    }

    private (Kind Kind, int A, int B) AddTop(string text)
    {
        if (text.StartsWith("C ", StringComparison.Ordinal) && Hex(text, 2, 2) is { } baseClass)
        {
            Put(Kind.Class, baseClass, 0, 0, 0, text[4..]);
            return (Kind.Class, baseClass, 0);
        }

        if (text.StartsWith("S ", StringComparison.Ordinal) && Hex(text, 2, 4) is { } generic)
        {
            return (Kind.GenericSubsystem, generic, 0);
        }

        bool isOther = text.Length > 1 && text[0] is >= 'A' and <= 'Z' && text[1] == ' ';
        if (isOther || Hex(text, 0, 4) is not { } vendor)
        {
            return (Kind.Unknown, 0, 0);
        }

        Put(Kind.Vendor, vendor, 0, 0, 0, text[4..]);
        return (Kind.Vendor, vendor, 0);
    }

    private void Put(Kind kind, int a, int b, int c, int d, string name) =>
        _names.TryAdd((kind, a, b, c, d), name.TrimStart(' ', '\t'));
}
