using System.Text;

namespace Emulator.Userland;

/// <summary>
/// stdout of C: buffered by lines on a terminal, by 4096 bytes elsewhere. What is still in it when a signal ends the program
/// is lost, as it is on Linux.
/// </summary>
public sealed class StandardOutput
{
    private const int BufferBytes = 4096;

    private readonly List<byte> _buffer = [];
    private bool? _isTerminal;

    /// <summary>printf(3).</summary>
    /// <param name="libc">The library of the thread that prints.</param>
    /// <param name="text">What it prints.</param>
    public async Task Print(Libc libc, string text)
    {
        ArgumentNullException.ThrowIfNull(libc);
        _isTerminal ??= await libc.IsTerminal(1);
        _buffer.AddRange(Encoding.UTF8.GetBytes(text));
        int newline = _buffer.LastIndexOf((byte)'\n');
        if (_isTerminal.Value && newline >= 0)
        {
            await Write(libc, newline + 1);
        }

        while (_buffer.Count >= BufferBytes)
        {
            await Write(libc, BufferBytes);
        }
    }

    /// <summary>fflush(3), and what exit(3) does.</summary>
    public Task Flush(Libc libc) => Write(libc, _buffer.Count);

    private async Task Write(Libc libc, int count)
    {
        byte[] bytes = [.. _buffer.Take(count)];
        _buffer.RemoveRange(0, count);
        for (int done = 0; done < bytes.Length; )
        {
            long result = await libc.Write(1, bytes.AsSpan(done));
            if (result < 0)
            {
                return;
            }

            done += (int)result;
        }
    }
}
