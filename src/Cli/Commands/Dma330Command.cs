using System.CommandLine;
using System.Globalization;
using System.Text;
using Emulator.Peripherals;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator dma330</c>: turns DMA-330 programs into bytes and back.</summary>
internal static class Dma330Command
{
    private const int BytesOfLine = 16;

    private static readonly string[] Formats = ["hex", "bin", "listing"];

    public static Command Create() =>
        new ExplainedCommand(
            "dma330",
            "Assemble and disassemble programs of the DMA-330.",
            "emulator dma330 asm copy.s",
            "emulator dma330 dis 20 0F 04 08 38 02 00"
        )
        {
            CreateAssemble(),
            CreateDisassemble(),
        };

    private static ExplainedCommand CreateAssemble()
    {
        // csharpier-ignore
        var input = new Argument<string?>("FILE") { Description = "The program's source; - or nothing is standard input", Arity = ArgumentArity.ZeroOrOne };
        // csharpier-ignore
        var outputFile = new Option<string>("--out", "-o") { Description = "Where to write; - is standard output", HelpName = "FILE", DefaultValueFactory = _ => "-" };
        // csharpier-ignore
        var format = new Option<string?>("--format", "-f") { Description = "hex, bin or listing. If not given: bin into a file (hex if it ends in .hex or .txt), hex to standard output", HelpName = "FORMAT" };
        Option<string> address = AddressOption();
        var command = new ExplainedCommand(
            "asm",
            "Assemble a DMA-330 program.",
            "emulator dma330 asm copy.s",
            "emulator dma330 asm copy.s -o copy.bin",
            "emulator dma330 asm copy.s --format listing --at 0x80002000"
        )
        {
            input,
            outputFile,
            format,
            address,
        };
        command.SetAction(parsed =>
            Assemble(
                parsed.GetValue(input) ?? "-",
                parsed.GetRequiredValue(outputFile),
                parsed.GetValue(format),
                ParseAddress(parsed.GetRequiredValue(address))
            )
        );
        return command;
    }

    private static ExplainedCommand CreateDisassemble()
    {
        // csharpier-ignore
        var input = new Argument<string[]>("FILE|HEX") { Description = "A file of bytes (in hexadecimal if it ends in .hex or .txt); - is standard input; or the bytes themselves in hexadecimal", Arity = ArgumentArity.OneOrMore };
        // csharpier-ignore
        var outputFile = new Option<string>("--out", "-o") { Description = "Where to write; - is standard output", HelpName = "FILE", DefaultValueFactory = _ => "-" };
        // csharpier-ignore
        var raw = new Option<bool>("--binary", "-b") { Description = "Take the input for bytes even if it looks like hexadecimal" };
        Option<string> address = AddressOption();
        var command = new ExplainedCommand(
            "dis",
            "Disassemble a DMA-330 program, into a source that assembles to the same bytes.",
            "emulator dma330 dis copy.bin --at 0x80002000",
            "emulator dma330 dis BC 01 05 40 01 00 04 08 00",
            "emulator dma330 dis 200F0408380200"
        )
        {
            input,
            outputFile,
            raw,
            address,
        };
        command.SetAction(parsed =>
        {
            byte[] code = ReadCode(parsed.GetRequiredValue(input), parsed.GetValue(raw));
            string source = Dma330Disassembler.ToListing(code, ParseAddress(parsed.GetRequiredValue(address)));
            InputOutput.Write(parsed.GetRequiredValue(outputFile), Encoding.UTF8.GetBytes(source));
            return ExitCodes.Passed;
        });
        return command;
    }

    private static Option<string> AddressOption() =>
        new("--at")
        {
            Description = "The address of the program's first byte",
            HelpName = "ADDR",
            DefaultValueFactory = _ => "0",
        };

    private static int Assemble(string file, string target, string? format, uint address)
    {
        if (format is not null && !Formats.Contains(format, StringComparer.Ordinal))
        {
            throw new UserErrorException($"a format is hex, bin or listing, not '{format}'");
        }

        Dma330Assembly assembly = Dma330Assembler.Assemble(Encoding.UTF8.GetString(InputOutput.Read(file)), address);
        string name = file is "-" ? "<stdin>" : file;
        foreach (Dma330AssemblyError error in assembly.Errors)
        {
            Console.Error.WriteLine($"{name}:{error}");
        }

        if (!assembly.Succeeded)
        {
            return ExitCodes.WrongInput;
        }

        byte[] output = (format ?? FormatFor(target)) switch
        {
            "bin" => assembly.Code.ToArray(),
            "hex" => Encoding.UTF8.GetBytes(Hex(assembly.Code.Span)),
            _ => Encoding.UTF8.GetBytes(string.Concat(assembly.Listing.Select(line => line.ToString() + '\n'))),
        };
        InputOutput.Write(target, output);
        return ExitCodes.Passed;
    }

    private static string FormatFor(string target) => IsHexName(target) ? "hex" : "bin";

    /// <summary>Whether what is read or written under this name is meant to be text.</summary>
    private static bool IsHexName(string file) =>
        file is "-" || Path.GetExtension(file).ToUpperInvariant() is ".HEX" or ".TXT";

    private static string Hex(ReadOnlySpan<byte> code)
    {
        var text = new StringBuilder();
        for (int at = 0; at < code.Length; at++)
        {
            bool last = at % BytesOfLine == BytesOfLine - 1 || at == code.Length - 1;
            text.Append(CultureInfo.InvariantCulture, $"{code[at]:X2}").Append(last ? '\n' : ' ');
        }

        return text.ToString();
    }

    private static byte[] ReadCode(string[] words, bool raw)
    {
        string first = words[0];
        if (words.Length > 1 || (first is not "-" && !File.Exists(first)))
        {
            string text = string.Join(' ', words);
            return ParseHex(text)
                ?? throw new UserErrorException($"'{text}' is neither a file nor whole bytes in hexadecimal");
        }

        byte[] content = InputOutput.Read(first);
        if (raw || !IsHexName(first))
        {
            return content;
        }

        return ParseHex(Encoding.Latin1.GetString(content))
            ?? (
                first is "-"
                    ? content
                    : throw new UserErrorException($"'{first}' does not hold whole bytes in hexadecimal")
            );
    }

    /// <summary>Bytes of two digits, with or without blanks, commas and 0x between them; null for anything else.</summary>
    private static byte[]? ParseHex(string text)
    {
        var bytes = new List<byte>();
        string[] words = text.Split([' ', ',', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        foreach (string word in words)
        {
            ReadOnlySpan<char> digits = word.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? word[2..] : word;
            if (digits.IsEmpty || digits.Length % 2 != 0)
            {
                return null;
            }

            for (; !digits.IsEmpty; digits = digits[2..])
            {
                if (!char.IsAsciiHexDigit(digits[0]) || !char.IsAsciiHexDigit(digits[1]))
                {
                    return null;
                }

                bytes.Add(byte.Parse(digits[..2], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            }
        }

        return bytes.Count > 0 ? [.. bytes] : null;
    }

    private static uint ParseAddress(string text)
    {
        string digits = text.Replace("_", "", StringComparison.Ordinal);
        bool hex = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(
            hex ? digits[2..] : digits,
            hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture,
            out uint address
        )
            ? address
            : throw new UserErrorException($"--at takes an address of 32 bits such as 0x80002000, not '{text}'");
    }
}
