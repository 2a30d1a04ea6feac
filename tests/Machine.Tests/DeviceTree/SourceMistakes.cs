using System.Text;
using System.Text.RegularExpressions;

namespace Emulator.Machine.Tests.DeviceTrees;

/// <summary>Changes one or two words of a correct source, so that about half of the results are still correct.</summary>
internal static partial class SourceMistakes
{
    public static string Make(string source, int seed)
    {
        Random random = new(seed);
        List<string> words = [.. Words().Matches(source).Select(match => match.Value)];
        for (int i = random.Next(1, 3); i > 0; i--)
        {
            int at = random.Next(words.Count);
            int other = random.Next(words.Count);
            switch (random.Next(4))
            {
                case 0:
                    words.RemoveAt(at);
                    break;
                case 1:
                    words.Insert(at, words[other]);
                    break;
                case 2:
                    words[at] = words[other];
                    break;
                default:
                    words[at] = Mutate(words[at], random);
                    break;
            }
        }
        return string.Concat(words);
    }

    private static string Mutate(string word, Random random)
    {
        const string replacements = "0123456789abcdefxXULg,;:<>[]{}()&/\\\"'#@-+*!~%|^=?. \n_$";
        StringBuilder text = new(word);
        text[random.Next(text.Length)] = replacements[random.Next(replacements.Length)];
        return text.ToString();
    }

    [GeneratedRegex("""\s+|"[^"]*"|&?[\w,.#@-]+:?|.""", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Words();
}
