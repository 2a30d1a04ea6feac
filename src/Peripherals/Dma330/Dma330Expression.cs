namespace Emulator.Peripherals;

/// <summary>A sum of numbers, labels and the current address, kept until all labels are known.</summary>
internal sealed class Dma330Expression(int column)
{
    private readonly List<Term> _terms = [];

    /// <summary>Where the expression starts.</summary>
    public int Column { get; } = column;

    private readonly record struct Term(bool Negative, string? Label, ulong Value, bool IsAddress, int Column);

    /// <summary>Parses an expression; on failure tells where and why.</summary>
    public static Dma330Expression? Parse(Dma330Tokens tokens, uint here, out Dma330Token culprit)
    {
        var expression = new Dma330Expression(tokens.Current.Column);
        tokens.TryTake(Dma330TokenKind.Hash);
        do
        {
            var negative = false;
            while (tokens.Current.Kind is Dma330TokenKind.Plus or Dma330TokenKind.Minus)
            {
                negative ^= tokens.Take().Kind == Dma330TokenKind.Minus;
            }

            culprit = tokens.Current;
            if (culprit.Kind == Dma330TokenKind.Number)
            {
                expression._terms.Add(new Term(negative, null, culprit.Value, IsAddress: false, culprit.Column));
            }
            else if (culprit.Kind == Dma330TokenKind.Name && string.Equals(culprit.Text, ".", StringComparison.Ordinal))
            {
                expression._terms.Add(new Term(negative, null, here, IsAddress: true, culprit.Column));
            }
            else if (culprit.Kind == Dma330TokenKind.Name)
            {
                expression._terms.Add(new Term(negative, culprit.Text, 0, IsAddress: true, culprit.Column));
            }
            else
            {
                return null;
            }

            tokens.Take();
        } while (tokens.Current.Kind is Dma330TokenKind.Plus or Dma330TokenKind.Minus);

        return expression;
    }

    /// <summary>The sum, and whether it is an address (a label, or a label and a distance) rather than a number.</summary>
    public Int128 Evaluate(Dictionary<string, uint> labels, out bool isAddress, out (string Name, int Column)? unknown)
    {
        var sum = Int128.Zero;
        var addresses = 0;
        unknown = null;
        foreach (var term in _terms)
        {
            Int128 value = term.Value;
            if (term.Label is not null)
            {
                if (labels.TryGetValue(term.Label, out var address))
                {
                    value = address;
                }
                else
                {
                    unknown ??= (term.Label, term.Column);
                }
            }

            sum += term.Negative ? -value : value;
            addresses += term.IsAddress ? (term.Negative ? -1 : 1) : 0;
        }

        isAddress = addresses == 1;
        return sum;
    }
}
