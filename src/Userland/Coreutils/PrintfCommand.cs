using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>printf (XCU printf): %d %i %u %x %X %o %c %s %b %%, widths, precisions; the format is used again while arguments last.</summary>
internal sealed class PrintfCommand
{
    private const int MaximumBytes = 1 << 20;
    private const int MaximumWidth = 4096;

    private readonly List<byte> _output = [];
    private readonly List<string> _mistakes = [];
    private readonly IReadOnlyList<string> _arguments;
    private int _next;
    private bool _stop;

    private PrintfCommand(IReadOnlyList<string> arguments) => _arguments = arguments;

    public static async Task<int> Run(Libc libc, IReadOnlyList<string> words, string who)
    {
        if (words.Count < 2)
        {
            await libc.Print(2, $"{who}: printf: not enough arguments\n");
            return 2;
        }

        var command = new PrintfCommand([.. words.Skip(2)]);
        do
        {
            int before = command._next;
            command.Format(words[1]);
            if (command._next == before)
            {
                break;
            }
        } while (command._next < command._arguments.Count && !command._stop && command._output.Count < MaximumBytes);

        int status = await EchoCommand.WriteAll(libc, [.. command._output], who);
        foreach (string mistake in command._mistakes)
        {
            await libc.Print(2, $"{who}: {mistake}\n");
            status = 1;
        }

        return status;
    }

    private string? Next() => _next < _arguments.Count ? _arguments[_next++] : null;

    private void Format(string format)
    {
        for (int at = 0; at < format.Length && !_stop; )
        {
            int percent = format.IndexOf('%', at);
            string plain = format[at..(percent < 0 ? format.Length : percent)];
            _output.AddRange(Escapes.Bytes(plain, out bool stop));
            _stop |= stop;
            if (percent < 0)
            {
                return;
            }

            at = percent + 1;
            if (at < format.Length && format[at] == '%')
            {
                _output.Add((byte)'%');
                at++;
                continue;
            }

            if (!TryConversion(format, ref at))
            {
                _mistakes.Add($"{format[percent..Math.Min(format.Length, at + 1)]}: invalid format");
                _stop = true;
            }
        }
    }

    private bool TryConversion(string format, ref int at)
    {
        int start = at;
        while (at < format.Length && "-+ 0#".Contains(format[at], StringComparison.Ordinal))
        {
            at++;
        }

        string flags = format[start..at];
        int width = TakeNumber(format, ref at) ?? 0;
        int? precision = null;
        if (at < format.Length && format[at] == '.')
        {
            at++;
            precision = TakeNumber(format, ref at) ?? 0;
        }

        while (at < format.Length && format[at] is 'l' or 'h' or 'z')
        {
            at++;
        }

        if (at >= format.Length)
        {
            return false;
        }

        char conversion = format[at++];
        byte[]? bytes = Convert(conversion, flags, precision);
        if (bytes is null)
        {
            at--;
            return false;
        }

        bool left = flags.Contains('-', StringComparison.Ordinal) || width < 0;
        bool zero =
            flags.Contains('0', StringComparison.Ordinal)
            && !left
            && precision is null
            && "diuxXo".Contains(conversion, StringComparison.Ordinal);
        int padding = Math.Max(0, Math.Min(Math.Abs(width), MaximumWidth) - bytes.Length);
        int sign = zero && bytes.Length > 0 && bytes[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        if (left)
        {
            _output.AddRange(bytes);
            _output.AddRange(Enumerable.Repeat((byte)' ', padding));
        }
        else
        {
            _output.AddRange(bytes.Take(sign));
            _output.AddRange(Enumerable.Repeat(zero ? (byte)'0' : (byte)' ', padding));
            _output.AddRange(bytes.Skip(sign));
        }

        return true;
    }

    private int? TakeNumber(string format, ref int at)
    {
        if (at < format.Length && format[at] == '*')
        {
            at++;
            return (int)Math.Clamp(Number(Next()), -MaximumWidth, MaximumWidth);
        }

        int start = at;
        while (at < format.Length && char.IsAsciiDigit(format[at]))
        {
            at++;
        }

        return at == start ? null
            : int.TryParse(
                format.AsSpan(start, at - start),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out int value
            )
                ? value
            : MaximumWidth;
    }

    private byte[]? Convert(char conversion, string flags, int? precision)
    {
        switch (conversion)
        {
            case 's' or 'b' or 'c':
                byte[] text =
                    conversion == 'b' ? Escapes.Bytes(Next() ?? "", out _stop) : Encoding.UTF8.GetBytes(Next() ?? "");
                return conversion == 'c'
                    ? text[..Math.Min(1, text.Length)]
                    : text[..Math.Min(precision ?? text.Length, text.Length)];
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                long number = Number(Next());
                string digits = conversion switch
                {
                    'd' or 'i' => number.ToString(CultureInfo.InvariantCulture).TrimStart('-'),
                    'u' => unchecked((ulong)number).ToString(CultureInfo.InvariantCulture),
                    'x' => number.ToString("x", CultureInfo.InvariantCulture),
                    'X' => number.ToString("X", CultureInfo.InvariantCulture),
                    _ => System.Convert.ToString(number, 8),
                };
                digits = digits.PadLeft(Math.Min(precision ?? 0, MaximumWidth), '0');
                bool isSigned = conversion is 'd' or 'i';
                string prefix =
                    isSigned && number < 0 ? "-"
                    : isSigned && flags.Contains('+', StringComparison.Ordinal) ? "+"
                    : flags.Contains('#', StringComparison.Ordinal) && number != 0
                        ? conversion switch
                        {
                            'x' => "0x",
                            'X' => "0X",
                            'o' => "0",
                            _ => "",
                        }
                    : "";
                return Encoding.ASCII.GetBytes(prefix + digits);
            default:
                return null;
        }
    }

    private long Number(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return 0;
        }

        if (text[0] is '"' or '\'')
        {
            return text.Length > 1 ? text[1] : 0;
        }

        try
        {
            return new Arithmetic(text, _ => throw new ArithmeticException(""), (_, _) => { }).Evaluate();
        }
        catch (ArithmeticException)
        {
            _mistakes.Add($"{text}: invalid number");
            return 0;
        }
    }
}
