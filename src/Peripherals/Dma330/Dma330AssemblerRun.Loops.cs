using System.Globalization;

namespace Emulator.Peripherals;

/// <summary>DMALP and DMALPEND: which loop an end closes, which counter it takes, and how far it jumps.</summary>
internal sealed partial class Dma330AssemblerRun
{
    private bool ReadLoopMode()
    {
        var manual = _tokens.TryTakeName("manual");
        if (!manual && !_tokens.TryTakeName("auto"))
        {
            return Expected("manual or auto", ".loops <manual|auto>");
        }

        _manualLoops = manual;
        return true;
    }

    // ---- loops ----

    private bool ReadLoop(Dma330Token word, Dma330Encoding row)
    {
        var named = ReadCounter();
        if (named is null && _manualLoops)
        {
            return Expected("LC0 or LC1 (.loops manual)", row.Syntax);
        }

        var counter = named ?? FreeCounter();
        CheckNesting(word, named);
        _code[_start] |= (byte)(counter << 1);
        OpenLoop(new Loop(counter, _start + row.Length, _line, word.Column));
        return ReadValue(row.Syntax, "the number of iterations", Slot.Iterations, 1);
    }

    /// <summary>Linux's <c>DMALP_1 127</c>: the counter in the name, the operand as encoded.</summary>
    private bool ReadLinuxLoop(Dma330Token word, int counter)
    {
        var row = Dma330InstructionSet.RowsByName["DMALP"];
        _code.Add((byte)(row.Value | (counter << 1)));
        _code.Add(0);
        CheckNesting(word, counter);
        OpenLoop(new Loop(counter, _start + row.Length, _line, word.Column));
        return ReadValue($"{word.Text} <operand>", "the loop operand", Slot.LoopOperand, 1);
    }

    private bool ReadLoopEnd(Dma330Token word, Dma330Encoding row)
    {
        var open = CloseLoop();
        var named = _tokens.TryTakeName("FE") ? Endless : ReadCounter();
        var automatic = _tokens.AtEnd;
        if ((named is null || automatic) && open is null)
        {
            return Error(
                word,
                _manualLoops
                    ? $"after .loops manual {row.Mnemonic} needs a counter and a jump: {row.Syntax}"
                    : $"{row.Mnemonic} closes no open loop"
            );
        }

        SetLoopEnd(row, named ?? open!.Value.Counter);
        if (!automatic)
        {
            return ReadValue(row.Syntax, "the jump", Slot.Jump, 1);
        }

        var loop = open!.Value;
        if (named is not null && named != loop.Counter)
        {
            return Error(
                word,
                $"the innermost open loop, of line {loop.Line}, is counted by {CounterName(loop.Counter)}, "
                    + $"not {CounterName(named.Value)}"
            );
        }

        var jump = _start - loop.Body;
        _code[_start + 1] = (byte)jump;
        return jump <= LongestJump
            || Error(
                word,
                $"the body of the loop of line {loop.Line} has {jump} bytes, but DMALPEND jumps back at most "
                    + $"{LongestJump}"
            );
    }

    /// <summary>Linux's <c>DMALPENDA_1 bjmpto_7</c>: the counter in the name, the distance in hex.</summary>
    private bool ReadLinuxLoopEnd(Dma330Token word, Dma330Encoding row, int counter)
    {
        const string Prefix = "bjmpto_";
        CloseLoop();
        _code.Add(row.Value);
        _code.Add(0);
        SetLoopEnd(row, counter);
        var jump = _tokens.Current.Text;
        if (
            !jump.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || !byte.TryParse(
                jump.AsSpan(Prefix.Length),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var distance
            )
        )
        {
            return Expected("a distance in hex", $"{word.Text} bjmpto_<0 to ff>");
        }

        _tokens.Take();
        _code[_start + 1] = distance;
        return true;
    }

    /// <summary>LC0 or LC1, and the comma after it.</summary>
    private int? ReadCounter()
    {
        for (var counter = 0; counter < CountedLoops; counter++)
        {
            if (_tokens.TryTakeName(CounterName(counter)))
            {
                if (_tokens.Following.Kind != Dma330TokenKind.End)
                {
                    SkipComma();
                }

                return counter;
            }
        }

        return null;
    }

    private int FreeCounter() =>
        _openCounted > 0 && _loops.FindLast(loop => loop.Counter != Endless).Counter == 0 ? 1 : 0;

    private void CheckNesting(Dma330Token word, int? named)
    {
        if (_manualLoops)
        {
            return;
        }

        if (_openCounted >= CountedLoops)
        {
            Error(word, $"counted loops nest at most {CountedLoops} deep: LC0 and LC1 are both in use");
        }
        else if (_loops.FindLastIndex(loop => loop.Counter == named) is >= 0 and var outer)
        {
            var counter = CounterName(_loops[outer].Counter);
            Error(word, $"{counter} already counts the loop opened in line {_loops[outer].Line}");
        }
    }

    private void OpenLoop(Loop loop)
    {
        if (!_manualLoops)
        {
            _loops.Add(loop);
            _openCounted += loop.Counter == Endless ? 0 : 1;
        }
    }

    private Loop? CloseLoop()
    {
        if (_manualLoops || _loops.Count == 0)
        {
            return null;
        }

        var loop = _loops[^1];
        _loops.RemoveAt(_loops.Count - 1);
        _openCounted -= loop.Counter == Endless ? 0 : 1;
        return loop;
    }

    private void SetLoopEnd(Dma330Encoding row, int counter)
    {
        var endless = Dma330InstructionSet.Encodings.First(candidate =>
            candidate.Opcode == row.Opcode && candidate.Condition == row.Condition && candidate.Mask == byte.MaxValue
        );
        _code[_start] = counter == Endless ? endless.Value : (byte)(row.Value | (counter << 2));
    }

    private static string CounterName(int counter) => counter == Endless ? "FE" : $"LC{counter}";
}
