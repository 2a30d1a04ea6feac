using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>The grammar of property values: cells, bytes, strings, references and included files, with labels between them.</summary>
internal sealed class DtsValueParser(DtsTokenStream tokens, DtsIncludeResolver? resolver)
{
    public DtsExpression Expression { get; } = new(tokens);

    /// <summary>Parses what follows a property's name, up to and with the semicolon.</summary>
    public DeviceTreeProperty ParseProperty(in DtsToken name)
    {
        DtsValueBuilder value = new();
        if (!tokens.Current.Is(";"))
        {
            tokens.Expect("=", "or ';' after a property's name, or '{' after a node's");
            do
            {
                TakeLabels(value);
                ParsePart(value);
                TakeLabels(value);
            } while (tokens.TryTake(","));
        }
        tokens.Expect(";", "after the property");
        return value.Build(name.Text, name.Location.To(tokens.Last));
    }

    private void TakeLabels(DtsValueBuilder value)
    {
        while (tokens.Current.Kind == DtsTokenKind.Label)
        {
            value.Mark(PropertyMarkerKind.Label, tokens.Take().Text);
        }
    }

    private void ParsePart(DtsValueBuilder value)
    {
        DtsToken token = tokens.Current;
        if (token.Kind == DtsTokenKind.String)
        {
            value.Mark(PropertyMarkerKind.String);
            value.Append(tokens.Take().Data);
            value.Append([0]);
        }
        else if (token.Kind == DtsTokenKind.Reference)
        {
            value.Mark(PropertyMarkerKind.String, token.Text);
            value.Mark(PropertyMarkerKind.PathReference, tokens.Take().Text);
        }
        else if (tokens.TryTake("<"))
        {
            ParseArray(value, 32);
        }
        else if (tokens.TryTake("["))
        {
            ParseBytes(value);
        }
        else if (tokens.TryTake("/bits/"))
        {
            DtsToken bits = tokens.Expect(DtsTokenKind.Literal, "8, 16, 32 or 64 after /bits/");
            int width = bits.Number is 8 or 16 or 32 or 64 ? (int)bits.Number : 0;
            if (width == 0)
            {
                tokens.Report(bits.Location, "array elements must have 8, 16, 32 or 64 bits");
            }
            tokens.Expect("<", "after the number of bits");
            ParseArray(value, width == 0 ? 32 : width);
        }
        else if (tokens.TryTake("/incbin/"))
        {
            ParseIncludedBytes(value, token.Location);
        }
        else
        {
            throw tokens.Unexpected("a value: <cells>, \"string\", [bytes] or &reference");
        }
    }

    private void ParseArray(DtsValueBuilder value, int bits)
    {
        value.Mark(
            bits switch
            {
                8 => PropertyMarkerKind.UInt8,
                16 => PropertyMarkerKind.UInt16,
                32 => PropertyMarkerKind.UInt32,
                _ => PropertyMarkerKind.UInt64,
            }
        );
        while (!tokens.TryTake(">"))
        {
            DtsToken token = tokens.Current;
            if (token.Kind == DtsTokenKind.Reference)
            {
                _ = tokens.Take();
                if (bits == 32)
                {
                    value.Mark(PropertyMarkerKind.PhandleReference, token.Text);
                }
                else
                {
                    tokens.Report(token.Location, "references are only allowed in arrays of 32-bit cells");
                }
                value.AppendInteger(ulong.MaxValue, bits);
            }
            else if (token.Kind == DtsTokenKind.Label)
            {
                TakeLabels(value);
            }
            else
            {
                ulong number = Expression.TryPrimary() ?? throw tokens.Unexpected("a number, a reference or '>'");
                CheckRange(number, bits, token.Location.To(tokens.Last));
                value.AppendInteger(number, bits);
            }
        }
    }

    /// <summary>The bits above the element are all zero, or all one with a negative number (dtc tests no more than the bits above).</summary>
    private void CheckRange(ulong number, int bits, in SourceLocation at)
    {
        if (bits == 64)
        {
            return;
        }
        ulong mask = (1ul << bits) - 1;
        if (number > mask && (number | mask) != ulong.MaxValue)
        {
            tokens.Report(
                at,
                $"0x{number:x} does not fit into an element of {bits} bits{(bits == 32 ? ": write it as two cells" : "")}"
            );
        }
    }

    private void ParseBytes(DtsValueBuilder value)
    {
        value.Mark(PropertyMarkerKind.UInt8);
        while (!tokens.TryTake("]"))
        {
            if (tokens.Current.Kind == DtsTokenKind.Label)
            {
                TakeLabels(value);
                continue;
            }
            DtsToken token = tokens.Expect(DtsTokenKind.Byte, "two hex digits or ']'");
            value.Append([(byte)token.Number]);
        }
    }

    private void ParseIncludedBytes(DtsValueBuilder value, in SourceLocation at)
    {
        tokens.Expect("(", "after /incbin/");
        DtsToken name = tokens.Expect(DtsTokenKind.String, "the name of a file in quotes");
        ulong offset = 0;
        ulong? length = null;
        if (tokens.TryTake(","))
        {
            offset = Expression.Primary("as the offset into the file");
            tokens.Expect(",", "and a length after the offset");
            length = Expression.Primary("as the length");
        }
        tokens.Expect(")", "to close /incbin/");
        string path = Encoding.UTF8.GetString(name.Data);
        if (resolver?.Invoke(path, at.File) is not { } file)
        {
            throw tokens.Fatal(name.Location, $"cannot find the file \"{path}\" of /incbin/");
        }
        ulong available = (ulong)file.Content.Length;
        if (offset > available || (length is { } wanted && wanted > available - offset))
        {
            throw tokens.Fatal(at, $"\"{path}\" has only {available} bytes");
        }
        value.AppendUntyped(file.Content.Span.Slice((int)offset, (int)(length ?? (available - offset))));
    }
}
