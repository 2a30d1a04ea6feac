using System.Globalization;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>An interrupt of the GIC as device trees and people name it: <c>SPI 64</c>, <c>PPI 13</c>, <c>SGI 1</c>.</summary>
internal sealed record InterruptName(string Kind, NumberValue Number, Place Place)
{
    public static InterruptName Read(ReadingContext context, YamlNode node)
    {
        Place place = ReadingContext.PlaceOf(node);
        string text = (node as YamlScalarNode)?.Value ?? "";
        foreach (string kind in new[] { "SPI", "PPI", "SGI", "LPI", "INTID" })
        {
            if (!text.StartsWith(kind + " ", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            int before = kind.Length + 1;
            Place numberPlace = place with { Column = place.Column + before };
            try
            {
                var expression = Expression.Parse(text[before..]);
                context.CheckNames(expression.Names, place);
                return new InterruptName(kind, new NumberValue(expression, numberPlace), place);
            }
            catch (ExpressionException exception)
            {
                context.Fail(numberPlace with { Column = numberPlace.Column + exception.Offset }, exception.Message);
                return new InterruptName(kind, NumberValue.Zero, place);
            }
        }

        context.Fail(
            node,
            $"an interrupt is written 'SPI 64', 'PPI 13', 'SGI 1' or 'INTID 96', not {ReadingContext.Describe(node)}"
        );
        return new InterruptName("INTID", NumberValue.Zero, place);
    }

    /// <summary>The number that the GIC uses (IHI 0048, 2.2.1).</summary>
    public ulong Resolve(World world)
    {
        ulong number = world.Number(Number);
        (ulong first, ulong count) = Kind switch
        {
            "SPI" => (32UL, 988UL),
            "PPI" => (16UL, 16UL),
            "SGI" => (0UL, 16UL),
            "LPI" => (0UL, 1UL << 24),
            _ => (0UL, 1020UL),
        };
        return number < count
            ? first + number
            : throw StepFailedException.At(Place, $"{Kind} takes 0..{count - 1}, not {number}");
    }

    public static string Show(ulong id) =>
        id switch
        {
            < 16 => string.Create(CultureInfo.InvariantCulture, $"SGI {id}"),
            < 32 => string.Create(CultureInfo.InvariantCulture, $"PPI {id - 16}"),
            < 1020 => string.Create(CultureInfo.InvariantCulture, $"SPI {id - 32}"),
            1023 => "none (1023, spurious)",
            >= 8192 => string.Create(CultureInfo.InvariantCulture, $"LPI {id}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"INTID {id}"),
        };
}
