using System.Globalization;
using System.Text;

namespace Emulator.Machine.Tests.DeviceTrees;

/// <summary>Writes valid sources that use most of the language, the same one for the same seed.</summary>
internal sealed class RandomSources(int seed)
{
    private static readonly string[] PropertyNames =
    [
        "reg",
        "compatible",
        "#address-cells",
        "address-cells",
        "cells",
        "interrupts",
        "status",
        "a",
        "b,c",
        "linux,x",
        "0x1",
        "clock-names",
        "names",
        "s",
    ];

    private readonly Random _random = new(seed);
    private readonly StringBuilder _text = new();
    private readonly List<string> _paths = ["/"];
    private readonly List<string> _labels = [];
    private readonly List<string> _deletable = [];
    private int _names;
    private int _valueLabels;

    public string Source()
    {
        _text.Append("/dts-v1/;\n");
        for (int i = _random.Next(3); i > 0; i--)
        {
            _text.Append(CultureInfo.InvariantCulture, $"/memreserve/ {Number(64)} {Expression(2)};\n");
        }
        List<string> references = [];
        string root = Node("", 0);
        _text.Append("/ ").Append(root).Append(";\n");
        for (int i = _random.Next(5); i > 0; i--)
        {
            string target = Reference();
            string label = _random.Next(4) == 0 ? $"x{_names++}: " : "";
            _text.Append(CultureInfo.InvariantCulture, $"{label}{target} {Extension()};\n");
            references.Add(target);
        }
        string text = _text.ToString();
        // References are chosen once all nodes are known.
        StringBuilder filled = new();
        foreach (char c in text)
        {
            filled.Append(c == '\u00a7' ? Reference() : c.ToString());
        }
        return filled.ToString();
    }

    public string Expression(int depth)
    {
        if (depth == 0 || _random.Next(4) == 0)
        {
            return Number(_random.Next(2) == 0 ? 8 : 64);
        }
        return "(" + Inner(depth) + ")";
    }

    public string Inner(int depth)
    {
        string[] operators = ["+", "-", "*", "&", "|", "^", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "&&", "||"];
        return _random.Next(6) switch
        {
            0 => $"{Expression(depth - 1)} ? {Expression(depth - 1)} : {Expression(depth - 1)}",
            1 => $"{"-~!"[_random.Next(3)]}{Expression(depth - 1)}",
            2 => $"{Expression(depth - 1)} {"/%"[_random.Next(2)]} {_random.Next(1, 1000)}",
            3 =>
                $"{Expression(depth - 1)} {Pick(operators)} {Expression(depth - 1)} {Pick(operators)} -{Expression(depth - 1)} {Pick(operators)} {Number(6)}",
            _ => $"{Expression(depth - 1)} {Pick(operators)} {Expression(depth - 1)}",
        };
    }

    private string Pick(string[] from) => from[_random.Next(from.Length)];

    private string Number(int bits)
    {
        ulong value = (ulong)_random.NextInt64() & (bits == 64 ? ulong.MaxValue : (1ul << bits) - 1);
        return _random.Next(4) switch
        {
            0 => value.ToString(CultureInfo.InvariantCulture),
            1 => "0" + Convert.ToString((long)(value >> 1), 8),
            2 => $"0X{value:X}ULL",
            _ => $"0x{value:x}",
        };
    }

    private string Reference()
    {
        int index = _random.Next(_labels.Count + _paths.Count);
        return index < _labels.Count ? $"&{_labels[index]}" : $"&{{{_paths[index - _labels.Count]}}}";
    }

    private string Node(string path, int depth)
    {
        StringBuilder text = new("{\n");
        text.Append(Properties(6));
        if (depth < 4)
        {
            for (int i = _random.Next(depth == 0 ? 6 : 4); i > 0; i--)
            {
                string name = _random.Next(2) == 0 ? $"node{_names++}" : $"n-{_names++}@{_random.Next(4096):x}";
                string child = $"{path}/{name}";
                _paths.Add(child);
                for (int labels = _random.Next(3); labels > 0; labels--)
                {
                    _labels.Add($"l{_names++}");
                    text.Append(_labels[^1]).Append(": ");
                }
                if (_random.Next(12) == 0)
                {
                    text.Append("/omit-if-no-ref/ ");
                    // dtc's own order of removing and of later references is not the subject here.
                    text.Append(name).Append(Node(child, 4)).Append(";\n");
                    continue;
                }
                text.Append(name).Append(' ').Append(Node(child, depth + 1)).Append(";\n");
            }
        }
        return text.Append('}').ToString();
    }

    private string Extension()
    {
        StringBuilder text = new("{\n");
        text.Append(Properties(3));
        if (_random.Next(2) == 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"/delete-property/ {Pick(PropertyNames)};\n");
        }
        if (_random.Next(2) == 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"more{_names++} {{ {Properties(2)} }};\n");
        }
        if (_random.Next(3) == 0)
        {
            _deletable.Add($"none{_names++}");
            text.Append(CultureInfo.InvariantCulture, $"/delete-node/ {_deletable[^1]};\n");
        }
        return text.Append('}').ToString();
    }

    private string Properties(int most)
    {
        StringBuilder text = new();
        foreach (string name in PropertyNames.OrderBy(_ => _random.Next()).Take(_random.Next(most)))
        {
            string label = _random.Next(8) == 0 ? $"p{_valueLabels++}: " : "";
            text.Append(label).Append(name);
            if (_random.Next(8) > 0)
            {
                text.Append(" = ");
                text.AppendJoin(", ", Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Part()));
            }
            text.Append(";\n");
        }
        return text.ToString();
    }

    private string Part()
    {
        string label = _random.Next(10) == 0 ? $"v{_valueLabels++}: " : "";
        string inner = _random.Next(10) == 0 ? $"v{_valueLabels++}: " : "";
        return label
            + _random.Next(8) switch
            {
                0 =>
                    $"[{inner}{string.Concat(Enumerable.Range(0, _random.Next(1, 9)).Select(_ => $"{_random.Next(256):x2}"))}]",
                1 => $"/bits/ 64 <{Number(64)} {inner}{Expression(3)}>",
                2 => $"/bits/ 16 <{Number(16)} {inner}({Number(8)} + {Number(8)})>",
                3 => $"/bits/ 8 <{Number(8)} 'x' {inner}>",
                4 or 5 => $"\"{Text()}\"",
                6 => "\u00a7",
                _ => $"<{Number(32)} {inner}\u00a7 {Number(31)} \u00a7>",
            };
    }

    private string Text()
    {
        string[] pieces = ["arm,", "pl330", " ", "\\n", "\\\\", "\\\"", "\\x01", "\\177", "~", "\\t", "a", "okay"];
        return string.Concat(Enumerable.Range(0, _random.Next(1, 6)).Select(_ => Pick(pieces)));
    }
}
