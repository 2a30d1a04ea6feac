using System.Text;

namespace Emulator.Userland;

/// <summary>Vital Product Data, read through the kernel's file <c>vpd</c> (PCI Local Bus Specification 2.2, appendix I).</summary>
internal sealed class ProductDataCapability
{
    private const int MaximumAddress = 0x7FFF;
    private const int ChunkBytes = 256;

    // csharpier-ignore
    private static readonly (string Id, Format Format, string Name)[] Items =
    [
        ("CP", Format.Binary,    "Extended capability"),
        ("EC", Format.Text,      "Engineering changes"),
        ("MN", Format.Text,      "Manufacture ID"),
        ("PN", Format.Text,      "Part number"),
        ("RV", Format.Reserved,  "Reserved"),
        ("RW", Format.ReadWrite, "Read-write area"),
        ("SN", Format.Text,      "Serial number"),
        ("YA", Format.Text,      "Asset tag"),
        ("V",  Format.Text,      "Vendor specific"),
        ("Y",  Format.Text,      "System specific"),
        ("CC", Format.Text,      "CCIN"),
        ("FC", Format.Text,      "Feature code"),
        ("FN", Format.Text,      "FRU"),
        ("NA", Format.Text,      "Network address"),
        ("RM", Format.Text,      "Firmware version"),
        ("Z",  Format.Text,      "Product specific"),
        ("",   Format.Binary,    "Unknown"),
    ];

    private readonly CapabilityView _view;
    private byte _sum;

    private ProductDataCapability(CapabilityView view) => _view = view;

    private enum Format
    {
        Binary,
        Text,
        Reserved,
        ReadWrite,
    }

    /// <summary>Writes it.</summary>
    public static async Task Write(CapabilityView view)
    {
        view.Print("Vital Product Data\n");
        if (view.IsDetailed)
        {
            await new ProductDataCapability(view).WriteResources();
        }
    }

    private async Task WriteResources()
    {
        int at = 0;
        while (at <= MaximumAddress && await Read(at, 1) is [var first])
        {
            bool isLarge = (first & 0x80) != 0;
            int length = first & 7;
            int tag = isLarge ? first : first >> 3;
            if (isLarge)
            {
                if (at > MaximumAddress - 2 || await Read(at + 1, 2) is not [var low, var high])
                {
                    break;
                }

                length = low + (high << 8);
            }

            at += isLarge ? 3 : 1;
            if (length > MaximumAddress + 1 - at)
            {
                break;
            }

            if (!await WriteResource(tag, at, length))
            {
                return;
            }

            at += length;
        }

        _view.Print(at == 0 ? "\t\tNot readable\n" : "\t\tNo end tag found\n");
    }

    /// <summary>Writes one resource; false when nothing after it is read.</summary>
    private async Task<bool> WriteResource(int tag, int at, int length)
    {
        switch (tag)
        {
            case 0x0F:
                _view.Print("\t\tEnd\n");
                return false;
            case 0x82:
                _view.Print($"\t\tProduct Name: {await ReadText(at, length)}\n");
                return true;
            case 0x90 or 0x91:
                _view.Print(tag == 0x90 ? "\t\tRead-only fields:\n" : "\t\tRead/write fields:\n");
                await WriteFields(at, length);
                return true;
            default:
                string size = (tag & 0x80) != 0 ? "large" : "small";
                _view.Print($"\t\tUnknown {size} resource type {tag & 0x7F:x2}, will not decode more.\n");
                return false;
        }
    }

    private async Task WriteFields(int start, int length)
    {
        for (int at = 0; at + 3 <= length; )
        {
            if (await Read(start + at, 3) is not [var first, var second, var size])
            {
                return;
            }

            at += 3;
            (_, Format format, string name) = Array.Find(Items, item => IsItem(item.Id, first, second));
            if (size > length - at || await Read(start + at, format == Format.Reserved ? 1 : size) is not { } data)
            {
                return;
            }

            string text = format switch
            {
                Format.Text => TextOf(data),
                Format.Binary => string.Join(' ', data.Select(b => $"{b:x2}")),
                Format.Reserved => $"checksum {(_sum != 0 ? "bad" : "good")}, {size - 1} byte(s) reserved",
                _ => $"{size} byte(s) free",
            };
            _view.Print($"\t\t\t[{TextOf([first, second])}] {name}: {text}\n");
            at += size;
        }
    }

    private static bool IsItem(string id, byte first, byte second) =>
        id.Length == 0 || (id[0] == first && (id.Length == 1 || id[1] == second));

    private static string TextOf(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (int n = 0; n < bytes.Length; n++)
        {
            if (bytes[n] == 0 && n == bytes.Length - 1)
            {
                break;
            }

            text.Append(
                bytes[n] switch
                {
                    (byte)'\\' => "\\\\",
                    < 32 or 127 => $"\\x{bytes[n]:x2}",
                    _ => ((char)bytes[n]).ToString(),
                }
            );
        }

        return text.ToString();
    }

    private async Task<string> ReadText(int at, int length)
    {
        var text = new StringBuilder();
        for (int done = 0; done < length; done += ChunkBytes)
        {
            if (await Read(at + done, Math.Min(ChunkBytes, length - done)) is not { } bytes)
            {
                break;
            }

            text.Append(TextOf(bytes));
        }

        return text.ToString();
    }

    private async Task<byte[]?> Read(int at, int count)
    {
        byte[]? bytes = count == 0 ? [] : await _view.Show.Access.ReadProductData(_view.Function, at, count);
        foreach (byte b in bytes ?? [])
        {
            _sum += b;
        }

        return bytes;
    }
}
