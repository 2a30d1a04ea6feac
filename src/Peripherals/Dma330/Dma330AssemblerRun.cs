using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.Peripherals;

/// <summary>
/// One run of the assembler. The first pass reads every line and lays down its bytes (their number never depends on
/// a label), pairs loops and notes the values still to be put in; the second pass puts them in.
/// </summary>
internal sealed partial class Dma330AssemblerRun(uint origin)
{
    private const int CountedLoops = 2;
    private const int LongestJump = byte.MaxValue;
    private const int Endless = -1;

    private static readonly string[] ReservedNames =
    [
        .. new[] { ".", "SAR", "DAR", "CCR", "LC0", "LC1", "FE", "NS", "INVALID", "SINGLE", "BURST", "PERIPH" },
        .. Dma330InstructionSet.RowsByName.Keys,
        "DMALPFE",
    ];

    /// <summary>Every word an instruction can start with, in the order of the manual, for suggestions.</summary>
    private static readonly string[] Mnemonics =
    [
        .. Dma330InstructionSet.Encodings.Select(row => row.Mnemonic).Distinct(StringComparer.Ordinal),
        "DMALPFE",
        ".byte",
        ".loops",
        "DCB",
    ];

    private readonly List<byte> _code = [];
    private readonly List<Fixup> _fixups = [];
    private readonly List<Loop> _loops = [];
    private readonly List<(uint Address, int Start, int Length, int Line, string Source)> _listing = [];
    private readonly Dictionary<string, uint> _labels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _labelLines = new(StringComparer.Ordinal);
    private readonly List<Dma330AssemblyError> _errors = [];
    private Dma330Tokens _tokens = new("");
    private int _line;
    private int _start;
    private bool _manualLoops;
    private int _openCounted;

    /// <summary>How a value is put into the code.</summary>
    private enum Slot
    {
        Byte,
        Immediate16,
        NegativeImmediate16,
        Immediate32,
        Iterations,
        LoopOperand,
        Channel,
        EventOrPeripheral,
        Jump,
    }

    /// <summary>A value to be put in by the second pass, at an offset of the code.</summary>
    private readonly record struct Fixup(int Line, int Offset, Slot Slot, string What, Dma330Expression Value);

    /// <summary>An open loop: its counter or <see cref="Endless"/>, the offset of its body, and where it was opened.</summary>
    private readonly record struct Loop(int Counter, int Body, int Line, int Column);

    private uint Here => unchecked(origin + (uint)_start);

    public Dma330Assembly Assemble(string source)
    {
        foreach (var text in source.Split('\n'))
        {
            _line++;
            _start = _code.Count;
            _tokens = new Dma330Tokens(text);
            var blank = _tokens.AtEnd;
            ReadLine();
            if (!blank)
            {
                _listing.Add((Here, _start, _code.Count - _start, _line, text.Trim()));
            }
        }

        foreach (var loop in _loops)
        {
            Error(loop.Line, loop.Column, "this loop is never closed: a DMALPEND is missing");
        }

        ResolveFixups();
        CheckSpace();
        var code = _code.ToArray();
        return new Dma330Assembly(
            origin,
            code,
            _listing.ConvertAll(line => new Dma330ListingLine(
                line.Address,
                code.AsMemory(line.Start, line.Length),
                line.Line,
                line.Source
            )),
            _labels,
            [.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column)]
        );
    }

    private void ReadLine()
    {
        SkipAddress();
        while (_tokens.Current.Kind == Dma330TokenKind.Name && _tokens.Following.Kind == Dma330TokenKind.Colon)
        {
            DefineLabel(_tokens.Take());
            _tokens.Take();
        }

        if (_tokens.AtEnd)
        {
            return;
        }

        var word = _tokens.Take();
        if (word.Kind != Dma330TokenKind.Name)
        {
            Error(word, $"expected an instruction, a label or a directive, not '{word.Text}'");
        }
        else if (ReadStatement(word) && !_tokens.AtEnd)
        {
            ReportSurplus(word);
        }
    }

    /// <summary>Linux's driver prints each instruction after its address, as in <c>1c:</c>. It says nothing that is needed.</summary>
    private void SkipAddress()
    {
        if (
            _tokens.Current.Kind is Dma330TokenKind.Number or Dma330TokenKind.BadNumber
            && _tokens.Following.Kind == Dma330TokenKind.Colon
            && _tokens.Current.Text.All(char.IsAsciiHexDigit)
        )
        {
            _tokens.Take();
            _tokens.Take();
        }
    }

    private void DefineLabel(Dma330Token name)
    {
        if (ReservedNames.Contains(name.Text, StringComparer.OrdinalIgnoreCase))
        {
            Error(name, $"'{name.Text}' is a reserved word and cannot be a label");
        }
        else if (!_labels.TryAdd(name.Text, Here))
        {
            Error(name, $"label '{name.Text}' is already defined in line {_labelLines[name.Text]}");
        }
        else
        {
            _labelLines.Add(name.Text, _line);
        }
    }

    /// <summary>Reads what follows the first word. False means that an error was reported.</summary>
    private bool ReadStatement(Dma330Token word)
    {
        var name = word.Text.ToUpperInvariant();
        switch (name)
        {
            case ".BYTE" or "DCB":
                return ReadBytes(word);
            case ".LOOPS":
                return ReadLoopMode();
            case "DMALPFE":
                OpenLoop(new Loop(Endless, _code.Count, _line, word.Column));
                return true;
            case "DMALDP" or "DMASTP":
                return Error(word, $"{name} has no unconditional form: write {name}S or {name}B");
            case "DMALP_0" or "DMALP_1":
                return ReadLinuxLoop(word, counter: name[^1] - '0');
        }

        if (name.StartsWith("DMALP", StringComparison.Ordinal) && name is [.., '_', '0' or '1'])
        {
            var end = name[..^2].Replace("DMALPFE", "DMALPEND", StringComparison.Ordinal);
            if (Dma330InstructionSet.RowsByName.TryGetValue(end, out var endRow))
            {
                var endless = name.StartsWith("DMALPFE", StringComparison.Ordinal);
                return ReadLinuxLoopEnd(word, endRow, endless ? Endless : name[^1] - '0');
            }
        }

        return Dma330InstructionSet.RowsByName.TryGetValue(name, out var row)
            ? ReadInstruction(word, row)
            : Error(word, $"unknown instruction {word.Text}{Dma330Spelling.Hint(word.Text, Mnemonics)}");
    }

    private bool ReadInstruction(Dma330Token word, Dma330Encoding row)
    {
        for (var i = 0; i < row.Length; i++)
        {
            _code.Add(i == 0 ? row.Value : (byte)0);
        }

        return row.Operands switch
        {
            Dma330OperandForm.AddressImmediate16 => ReadAddressAdd(row),
            Dma330OperandForm.Peripheral => ReadNumbered(row, 'P', "the peripheral", Slot.EventOrPeripheral),
            Dma330OperandForm.ChannelAddress => ReadGo(row),
            Dma330OperandForm.LoopCount => ReadLoop(word, row),
            Dma330OperandForm.LoopEnd => ReadLoopEnd(word, row),
            Dma330OperandForm.RegisterImmediate32 => ReadMove(row),
            Dma330OperandForm.Event => ReadNumbered(row, 'E', "the event", Slot.EventOrPeripheral),
            Dma330OperandForm.EventInvalidate => ReadWaitForEvent(row),
            Dma330OperandForm.PeripheralWait => ReadWaitForPeripheral(word, row),
            _ => true,
        };
    }

    // ---- operands ----

    private bool ReadAddressAdd(Dma330Encoding row)
    {
        var name = _tokens.Current;
        if (!ReadRegister(row, out var register))
        {
            return false;
        }

        if (register == (int)Dma330Register.CCR || register > (int)Dma330Register.DAR)
        {
            return Error(name, $"{row.Mnemonic} adds to SAR or DAR only: {row.Syntax}");
        }

        _code[_start] |= (byte)register;
        var slot = row.Opcode == Dma330Opcode.DMAADNH ? Slot.NegativeImmediate16 : Slot.Immediate16;
        return ReadValue(row.Syntax, "the immediate", slot, 1);
    }

    private bool ReadGo(Dma330Encoding row)
    {
        if (
            !ReadNumbered(row, 'C', "the channel", Slot.Channel)
            || !ReadValue(row.Syntax, "the address", Slot.Immediate32, 2)
        )
        {
            return false;
        }

        if (ReadKeyword("ns"))
        {
            _code[_start] |= 2;
        }

        return true;
    }

    private bool ReadMove(Dma330Encoding row)
    {
        if (!ReadRegister(row, out var register))
        {
            return false;
        }

        _code[_start + 1] = (byte)register;
        SkipComma();
        return register == (int)Dma330Register.CCR && _tokens.Current.Kind == Dma330TokenKind.Name
            ? ReadControlFields()
            : ReadValue(row.Syntax, "the value", Slot.Immediate32, 2);
    }

    private bool ReadWaitForEvent(Dma330Encoding row)
    {
        if (!ReadNumbered(row, 'E', "the event", Slot.EventOrPeripheral))
        {
            return false;
        }

        if (ReadKeyword("invalid") || ReadKeyword("I"))
        {
            _code[_start + 1] |= 2;
        }

        return true;
    }

    private bool ReadWaitForPeripheral(Dma330Token word, Dma330Encoding row)
    {
        if (!ReadNumbered(row, 'P', "the peripheral", Slot.EventOrPeripheral))
        {
            return false;
        }

        if (!word.Text.Equals(row.Mnemonic, StringComparison.OrdinalIgnoreCase))
        {
            return true; // DMAWFPS, DMAWFPB and DMAWFPP are rows of their own
        }

        foreach (var kind in Enum.GetValues<Dma330Wait>())
        {
            if (ReadKeyword(kind.ToString()))
            {
                _code[_start] = (byte)((row.Value & ~3) | (byte)kind);
                return true;
            }
        }

        SkipComma();
        return Expected("single, burst or periph", row.Syntax);
    }

    private bool ReadRegister(Dma330Encoding row, out int register)
    {
        var token = _tokens.Current;
        register = token.Text.ToUpperInvariant() switch
        {
            "SAR" or "SA" => (int)Dma330Register.SAR,
            "CCR" => (int)Dma330Register.CCR,
            "DAR" or "DA" => (int)Dma330Register.DAR,
            ['R', >= '0' and <= '7'] => token.Text[1] - '0',
            _ => -1,
        };
        if (register < 0)
        {
            return Expected("a register", row.Syntax);
        }

        _tokens.Take();
        return true;
    }

    /// <summary>A channel, event or peripheral: a value, or its letter and number.</summary>
    private bool ReadNumbered(Dma330Encoding row, char letter, string what, Slot slot)
    {
        var token = _tokens.Current;
        if (
            token.Kind == Dma330TokenKind.Name
            && char.ToUpperInvariant(token.Text[0]) == letter
            && Dma330Tokens.TryReadNumber(token.Text.AsSpan(1), out var number)
        )
        {
            _tokens.Take();
            return Put(_line, token.Column, what, slot, _start + 1, number, isAddress: false);
        }

        return ReadValue(row.Syntax, what, slot, 1);
    }

    /// <summary>A value, put in by the second pass at an offset from the start of the line's code.</summary>
    private bool ReadValue(string syntax, string what, Slot slot, int offset)
    {
        SkipComma();
        if (Dma330Expression.Parse(_tokens, Here, out var culprit) is { } value)
        {
            _fixups.Add(new Fixup(_line, _start + offset, slot, what, value));
            return true;
        }

        return culprit.Kind == Dma330TokenKind.BadNumber
            ? Error(culprit, $"'{culprit.Text}' is not a number")
            : Expected(what, syntax);
    }

    private bool ReadControlFields()
    {
        var word = Dma330ChannelControl.AssemblerDefault;
        var seen = 0U;
        while (!_tokens.AtEnd)
        {
            var token = _tokens.Take();
            var name = token.Text.Length >= 2 ? token.Text[..2].ToUpperInvariant() : token.Text;
            var field = Array.Find(
                Dma330ChannelControl.Fields,
                candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal)
            );
            if (field is null || token.Kind != Dma330TokenKind.Name)
            {
                var names = string.Join(", ", Dma330ChannelControl.Fields.Select(candidate => candidate.Name));
                return Error(token, $"unknown CCR field '{token.Text}': the fields are {names}");
            }

            if ((seen >> field.Shift & 1) != 0)
            {
                return Error(token, $"CCR field {field.Name} is given twice");
            }

            seen |= 1U << field.Shift;
            var written = token.Text.Length > 2 || _tokens.AtEnd ? token.Text[2..] : _tokens.Take().Text;
            if (ControlBits(field, written) is not { } bits)
            {
                return Error(token, $"{field.Name} must be {Dma330ChannelControl.Range(field)}, not '{written}'");
            }

            word = field.Set(word, bits);
            SkipComma();
        }

        Write32(_start + 2, word);
        return true;
    }

    private static uint? ControlBits(Dma330ChannelControl.Field field, string written) =>
        field.Notation == Dma330ChannelControl.Notation.IncrementingOrFixed
            ? written.ToUpperInvariant() switch
            {
                "I" => 1,
                "F" => 0,
                _ => null,
            }
        : Dma330Tokens.TryReadNumber(written, out var number) ? Dma330ChannelControl.Encode(field, number)
        : null;

    private bool ReadKeyword(string keyword)
    {
        if (_tokens.TryTakeName(keyword))
        {
            return true;
        }

        if (
            _tokens.Current.Kind != Dma330TokenKind.Comma
            || !_tokens.Following.Text.Equals(keyword, StringComparison.OrdinalIgnoreCase)
        )
        {
            return false;
        }

        _tokens.Take();
        _tokens.Take();
        return true;
    }

    private void SkipComma() => _tokens.TryTake(Dma330TokenKind.Comma);

    // ---- directives ----

    private bool ReadBytes(Dma330Token word)
    {
        do
        {
            _code.Add(0);
            if (!ReadValue($"{word.Text} <byte>, ...", "the byte", Slot.Byte, _code.Count - 1 - _start))
            {
                return false;
            }
        } while (!_tokens.AtEnd);

        return true;
    }

    // ---- second pass ----

    private void ResolveFixups()
    {
        foreach (var fixup in _fixups)
        {
            var value = fixup.Value.Evaluate(_labels, out var isAddress, out var unknown);
            if (unknown is { } label)
            {
                var hint = Dma330Spelling.Hint(label.Name, _labels.Keys);
                Error(fixup.Line, label.Column, $"unknown label '{label.Name}'{hint}");
            }
            else
            {
                Put(fixup.Line, fixup.Value.Column, fixup.What, fixup.Slot, fixup.Offset, value, isAddress);
            }
        }
    }

    private bool Put(int line, int column, string what, Slot slot, int offset, Int128 value, bool isAddress)
    {
        if (slot == Slot.Jump)
        {
            return PutJump(line, column, offset, value, isAddress);
        }

        (Int128 least, Int128 most) = slot switch
        {
            Slot.Byte => (sbyte.MinValue, byte.MaxValue),
            Slot.Immediate16 => (0, ushort.MaxValue),
            Slot.NegativeImmediate16 => (-0x1_0000, ushort.MaxValue),
            Slot.Immediate32 => (0, uint.MaxValue),
            Slot.Iterations => (1, 256),
            Slot.LoopOperand => (0, byte.MaxValue),
            Slot.Channel => (0, 7),
            _ => ((Int128)0, (Int128)31),
        };
        if (value < least || value > most)
        {
            return Error(line, column, $"{what} must be {Text(least)} to {Text(most)}, not {Text(value)}");
        }

        var bits = unchecked((uint)(long)value);
        switch (slot)
        {
            case Slot.Immediate16 or Slot.NegativeImmediate16:
                _code[offset] = (byte)bits;
                _code[offset + 1] = (byte)(bits >> 8);
                break;
            case Slot.Immediate32:
                Write32(offset, bits);
                break;
            case Slot.Iterations:
                _code[offset] = (byte)(bits - 1);
                break;
            case Slot.EventOrPeripheral:
                _code[offset] |= (byte)(bits << 3);
                break;
            default:
                _code[offset] = (byte)bits;
                break;
        }

        return true;
    }

    /// <summary>A jump is written as the label to go back to, or as the distance, 0 or negative.</summary>
    private bool PutJump(int line, int column, int offset, Int128 value, bool isAddress)
    {
        var instruction = unchecked(origin + (uint)(offset - 1));
        var back = isAddress ? instruction - value : -value;
        if (back < 0)
        {
            return Error(
                line,
                column,
                isAddress
                    ? $"DMALPEND jumps backwards only, and the target is {Text(-back)} bytes ahead"
                    : $"DMALPEND jumps backwards only: write -{Text(value)}"
            );
        }

        if (back > LongestJump)
        {
            return Error(
                line,
                column,
                $"the jump is {Text(back)} bytes long, but DMALPEND jumps back at most {LongestJump}"
            );
        }

        _code[offset] = (byte)back;
        return true;
    }

    private void CheckSpace()
    {
        const ulong End = 1UL << 32;
        var first = _listing.Find(line => origin + (ulong)line.Start + (ulong)line.Length > End);
        if (first.Line != 0)
        {
            Error(first.Line, 1, "the program runs past the end of the 32-bit address space");
        }
    }

    private void Write32(int offset, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        for (var i = 0; i < bytes.Length; i++)
        {
            _code[offset + i] = bytes[i];
        }
    }

    // ---- errors ----

    /// <summary>Small numbers in decimal, large ones in hex.</summary>
    private static string Text(Int128 value)
    {
        var size = Int128.Abs(value);
        var text = size < 1000 ? size.ToString(CultureInfo.InvariantCulture) : $"0x{(UInt128)size:X}";
        return value < 0 ? $"-{text}" : text;
    }

    private void ReportSurplus(Dma330Token word)
    {
        var syntax = Dma330InstructionSet.RowsByName.TryGetValue(word.Text, out var row) ? row.Syntax : null;
        Error(
            _tokens.Current,
            row is { Operands: Dma330OperandForm.Nothing }
                ? $"{row.Mnemonic} takes no operands"
                : $"unexpected '{_tokens.Current.Text}'{(syntax is null ? "" : $" after the operands of {syntax}")}"
        );
    }

    private bool Expected(string what, string syntax)
    {
        var found = _tokens.AtEnd ? "nothing" : $"'{_tokens.Current.Text}'";
        return Error(_tokens.Current, $"expected {what}, found {found}: {syntax}");
    }

    private bool Error(Dma330Token token, string message) => Error(_line, token.Column, message);

    private bool Error(int line, int column, string message)
    {
        _errors.Add(new Dma330AssemblyError(line, column, message));
        return false;
    }
}
