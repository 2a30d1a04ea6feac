using System.Globalization;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Scenarios.Tests;

/// <summary>Numbers as scenario files write them.</summary>
public sealed class ExpressionTests
{
    private static readonly BigInteger Modulus = BigInteger.One << 64;

    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("1_000", 1000)]
    [InlineData("0x8000_0000", 0x8000_0000)]
    [InlineData("0XFF", 0xFF)]
    [InlineData("0xffff_ffff_ffff_ffff", ulong.MaxValue)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("4KiB", 4096)]
    [InlineData("2MiB", 0x20_0000)]
    [InlineData("1GiB", 0x4000_0000)]
    [InlineData("1TiB", 0x100_0000_0000)]
    [InlineData("0x10KiB", 0x4000)]
    [InlineData(" 1 + 2 * 3 ", 7)]
    [InlineData("(1 + 2) * 3", 9)]
    [InlineData("10 - 4 - 3", 3)]
    [InlineData("100 / 7 % 4", 2)]
    [InlineData("1 << 4 + 1", 32)]
    [InlineData("1 | 2 ^ 3 & 6", 1)]
    [InlineData("256 >> 4 >> 1", 8)]
    [InlineData("1 << 64", 0)]
    [InlineData("1 >> 64", 0)]
    [InlineData("-1", ulong.MaxValue)]
    [InlineData("--5", 5)]
    [InlineData("~0 - -1", 0)]
    [InlineData("~0xF & 0xFF", 0xF0)]
    [InlineData("0xffff_ffff_ffff_ffff + 1", 0)]
    [InlineData("$n + n", 10)]
    [InlineData("$(n * 2)", 10)]
    [InlineData("src.iova + src.size", 0x3000)]
    public void Values_follow_the_rules_of_C_in_64_bits_that_wrap(string text, ulong value)
    {
        var variables = new Variables();
        variables.Set("n", 5);
        variables.Set("src.iova", 0x1000);
        variables.Set("src.size", 0x2000);

        Expression.Parse(text).Evaluate(variables).Should().Be(value);
    }

    [Theory]
    [InlineData("", 0, "a number or a variable is expected, found nothing")]
    [InlineData("1 +", 3, "a number or a variable is expected, found nothing")]
    [InlineData("1 + *", 4, "a number or a variable is expected, found '*'")]
    [InlineData("(1", 2, "a ')' is missing")]
    [InlineData("1)", 1, "'1)' is not a number: ')' is left over")]
    [InlineData("1 2", 2, "'1 2' is not a number: '2' is left over")]
    [InlineData("12kb", 0, "'12kb' is not a number; write 4096, 0x1000, 0x8000_0000 or 4KiB (KiB, MiB, GiB, TiB)")]
    [InlineData("0x", 0, "'0x' is not a number; write 4096, 0x1000, 0x8000_0000 or 4KiB (KiB, MiB, GiB, TiB)")]
    [InlineData(
        "18446744073709551616",
        0,
        "'18446744073709551616' is not a number; write 4096, 0x1000, 0x8000_0000 or 4KiB (KiB, MiB, GiB, TiB)"
    )]
    [InlineData(
        "1 + 16777216TiB",
        4,
        "'16777216TiB' is not a number; write 4096, 0x1000, 0x8000_0000 or 4KiB (KiB, MiB, GiB, TiB)"
    )]
    public void A_mistake_is_named_with_its_place(string text, int offset, string message)
    {
        Action parse = () => Expression.Parse(text);

        ExpressionException mistake = parse.Should().Throw<ExpressionException>().Which;
        mistake.Message.Should().Be(message);
        mistake.Offset.Should().Be(offset);
    }

    [Theory]
    [InlineData("7 / 0", 2)]
    [InlineData("7 % (1 - 1)", 2)]
    public void Division_by_zero_has_no_value(string text, int offset)
    {
        Action evaluate = () => Expression.Parse(text).Evaluate(new Variables());

        ExpressionException mistake = evaluate
            .Should()
            .Throw<ExpressionException>()
            .WithMessage("division by zero")
            .Which;
        mistake.Offset.Should().Be(offset);
    }

    [Fact]
    public void An_unknown_variable_has_no_value_and_the_nearest_name_is_offered()
    {
        var variables = new Variables();
        variables.Set("source", 1);
        Action evaluate = () => Expression.Parse("2 * sorce").Evaluate(variables);

        evaluate
            .Should()
            .Throw<ExpressionException>()
            .WithMessage("there is no variable 'sorce'; did you mean 'source'?")
            .Which.Offset.Should()
            .Be(4);
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        Expression.Parse(Nested(30)).Evaluate(new Variables()).Should().Be(1);
        Action tooDeep = () => Expression.Parse(Nested(40));
        tooDeep.Should().Throw<ExpressionException>().WithMessage("an expression is nested deeper than 32 levels");
        Action minuses = () => Expression.Parse(new string('-', 100_000) + "1");
        minuses.Should().Throw<ExpressionException>().WithMessage("an expression is nested deeper than 32 levels");

        static string Nested(int depth) => new string('(', depth) + "1" + new string(')', depth);
    }

    [Fact]
    public void The_number_of_operators_is_bounded_because_evaluation_is_as_deep_as_it()
    {
        Expression.Parse(Sum(101)).Evaluate(new Variables()).Should().Be(101);
        Action tooLong = () => Expression.Parse(Sum(500_000));
        tooLong.Should().Throw<ExpressionException>().WithMessage("an expression has more than 100 operators");

        static string Sum(int terms) => string.Join('+', Enumerable.Repeat("1", terms));
    }

    [Fact]
    public void Random_expressions_agree_with_exact_arithmetic()
    {
        Prop.ForAll(
                Trees(4).ToArbitrary(),
                tree =>
                {
                    var variables = new Variables();
                    variables.Set("a", 3);
                    variables.Set("b", 0xFFFF_FFFF_0000_0001);
                    BigInteger? expected = tree.Value();
                    try
                    {
                        ulong value = Expression.Parse(tree.Text(0)).Evaluate(variables);
                        return expected == value;
                    }
                    catch (ExpressionException exception) when (exception.Message is "division by zero")
                    {
                        return expected is null;
                    }
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("dma$n.CSR$(n + 1)", "dma5.CSR6")]
    [InlineData("$(  (n) * (2)  )$n", "105")]
    public void A_template_stands_for_its_values(string text, string expanded)
    {
        var variables = new Variables();
        variables.Set("n", 5);

        Template.Parse(text).Expand(variables).Should().Be(expanded);
    }

    [Theory]
    [InlineData("$(1", "'$(' is not closed")]
    [InlineData("$", "a number or a variable is expected, found nothing")]
    [InlineData("a$$b", "a number or a variable is expected, found nothing")]
    public void A_broken_template_is_refused(string text, string message)
    {
        Action parse = () => Template.Parse(text);

        parse.Should().Throw<ExpressionException>().WithMessage(message);
    }

    private static Gen<Tree> Trees(int depth)
    {
        Gen<Tree> leaf = Gen.OneOf(
            Gen.Choose(0, int.MaxValue)
                .Select(number => (Tree)new Leaf(number.ToString(CultureInfo.InvariantCulture), number)),
            Gen.Choose(0, 70).Select(number => (Tree)new Leaf($"0x{number:x}", number)),
            Gen.Elements<Tree>(new Leaf("a", 3), new Leaf("$b", 0xFFFF_FFFF_0000_0001), new Leaf("4KiB", 4096))
        );
        if (depth == 0)
        {
            return leaf;
        }

        Gen<Tree> inner = Trees(depth - 1);
        Gen<Tree> binary =
            from symbol in Gen.Elements("|", "^", "&", "<<", ">>", "+", "-", "*", "/", "%")
            from left in inner
            from right in inner
            select (Tree)new Binary(symbol, left, right);
        Gen<Tree> unary =
            from symbol in Gen.Elements('-', '~')
            from operand in inner
            select (Tree)new Unary(symbol, operand);
        return Gen.Frequency((1, leaf), (1, unary), (4, binary));
    }

    private abstract record Tree
    {
        public abstract BigInteger? Value();

        public abstract string Text(int level);

        protected static BigInteger Wrap(BigInteger value) => ((value % Modulus) + Modulus) % Modulus;
    }

    private sealed record Leaf(string Word, BigInteger Number) : Tree
    {
        public override BigInteger? Value() => Number;

        public override string Text(int level) => Word;
    }

    private sealed record Unary(char Symbol, Tree Operand) : Tree
    {
        public override BigInteger? Value() =>
            Operand.Value() is not { } value ? null
            : Symbol == '-' ? Wrap(-value)
            : Modulus - 1 - value;

        public override string Text(int level) => Symbol + Operand.Text(7);
    }

    private sealed record Binary(string Symbol, Tree Left, Tree Right) : Tree
    {
        private int Level =>
            Symbol switch
            {
                "|" => 1,
                "^" => 2,
                "&" => 3,
                "<<" or ">>" => 4,
                "+" or "-" => 5,
                _ => 6,
            };

        public override BigInteger? Value()
        {
            if (Left.Value() is not { } left || Right.Value() is not { } right)
            {
                return null;
            }

            return Symbol switch
            {
                "|" => left | right,
                "^" => left ^ right,
                "&" => left & right,
                "<<" => right > 63 ? 0 : Wrap(left << (int)right),
                ">>" => right > 63 ? 0 : left >> (int)right,
                "+" => Wrap(left + right),
                "-" => Wrap(left - right),
                "*" => Wrap(left * right),
                "/" => right == 0 ? null : left / right,
                _ => right == 0 ? null : left % right,
            };
        }

        public override string Text(int level)
        {
            string text = $"{Left.Text(Level)} {Symbol}{Right.Text(Level + 1)}";
            return Level < level ? $"({text})" : text;
        }
    }
}
