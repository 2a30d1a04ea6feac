using System.Globalization;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>kill.</summary>
internal static class KillCommand
{
    public static async Task<int> Run(Libc libc, IReadOnlyList<string> words, string who)
    {
        int signal = 15;
        int at = 1;
        if (words.Count > 1 && words[1] is "-l")
        {
            await libc.Print(1, Signals.All());
            return 0;
        }

        if (words.Count > 1 && words[1].StartsWith('-') && words[1].Length > 1)
        {
            bool isSeparate = words[1] is "-s" && words.Count > 2;
            string name = isSeparate ? words[2] : words[1][1..];
            at = isSeparate ? 3 : 2;
            if (Signals.Parse(name) is not { } known)
            {
                await libc.Print(2, $"{who}: bad signal name '{name}'\n");
                return 1;
            }

            signal = known;
        }

        if (at >= words.Count)
        {
            await libc.Print(2, $"{who}: you need to specify whom to kill\n");
            return 1;
        }

        int status = 0;
        foreach (string target in words.Skip(at))
        {
            if (!int.TryParse(target, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int id))
            {
                await libc.Print(2, $"{who}: invalid number '{target}'\n");
                status = 1;
                continue;
            }

            long result = await libc.Kill(id, signal);
            if (result < 0)
            {
                await libc.Print(2, $"{who}: can't kill pid {target}: {ErrnoText.Of(result)}\n");
                status = 1;
            }
        }

        return status;
    }
}
