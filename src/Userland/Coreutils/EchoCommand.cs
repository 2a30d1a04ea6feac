using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>echo: one write(2) with the whole line, so that an attribute gets it as one store.</summary>
internal static class EchoCommand
{
    public static async Task<int> Run(Libc libc, IReadOnlyList<string> words, string who)
    {
        int at = 1;
        bool newline = true;
        bool escapes = false;
        for (; at < words.Count && IsOption(words[at]); at++)
        {
            newline &= !words[at].Contains('n', StringComparison.Ordinal);
            escapes |= words[at].Contains('e', StringComparison.Ordinal);
        }

        string text = string.Join(' ', words.Skip(at));
        bool stop = false;
        byte[] bytes = escapes ? Escapes.Bytes(text, out stop) : Encoding.UTF8.GetBytes(text);
        return await WriteAll(libc, newline && !stop ? [.. bytes, (byte)'\n'] : bytes, who);
    }

    /// <summary>Writes bytes, in one call where they fit; nothing is written for none.</summary>
    public static async Task<int> WriteAll(Libc libc, byte[] bytes, string who)
    {
        for (int done = 0; done < bytes.Length; )
        {
            long result = await libc.Write(1, bytes.AsSpan(done));
            if (result <= 0)
            {
                await libc.Print(2, $"{who}: write error: {ErrnoText.Of(result)}\n");
                return 1;
            }

            done += (int)result;
        }

        return 0;
    }

    private static bool IsOption(string word) =>
        word.Length > 1 && word[0] == '-' && word.AsSpan(1).IndexOfAnyExcept("neE") < 0;
}
