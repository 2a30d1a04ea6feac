using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>A descriptor that was redirected, and the copy of what it was; -1 when it was closed.</summary>
internal readonly record struct SavedDescriptor(int Descriptor, long Copy);

/// <content>Redirections (XCU 2.7), with ash's words for what fails.</content>
internal sealed partial class ShellExecutor
{
    private const int FirstCopy = 10;
    private const int DirectPipeBytes = 32 << 10;

    /// <summary>Redirects; null when one failed, which was reported, and nothing is redirected then.</summary>
    private async Task<List<SavedDescriptor>?> ApplyRedirections(IReadOnlyList<Redirection> redirections)
    {
        var saved = new List<SavedDescriptor>();
        foreach (Redirection redirection in redirections)
        {
            string? mistake;
            try
            {
                mistake = await Apply(redirection, saved);
            }
            catch (ShellException)
            {
                await Restore(saved);
                throw;
            }

            if (mistake is not null)
            {
                await Restore(saved);
                await Report(mistake);
                return null;
            }
        }

        return saved;
    }

    private async Task<string?> Apply(Redirection redirection, List<SavedDescriptor> saved)
    {
        switch (redirection.Kind)
        {
            case RedirectionKind.HereDocument:
                return await Place(await HereDocument(redirection.Target), redirection.Descriptor, saved);
            case RedirectionKind.Duplicate:
                return await Duplicate(redirection, saved);
        }

        List<string> names = await _expander.Fields([redirection.Target]);
        string name = names.Count == 1 ? names[0] : await _expander.Text(redirection.Target);
        bool creates = redirection.Kind != RedirectionKind.Read;
        OpenFlags flags = redirection.Kind switch
        {
            RedirectionKind.Read => OpenFlags.ReadOnly,
            RedirectionKind.Write => OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate,
            RedirectionKind.Append => OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append,
            _ => OpenFlags.ReadWrite | OpenFlags.Create,
        };
        long opened = await _libc.Open(name, flags | OpenFlags.CloseOnExec, 0x1A4);
        if (opened < 0)
        {
            bool isMissing = (Errno)(-opened) is Errno.ENOENT or Errno.ENOTDIR;
            return creates
                ? $"can't create {name}: {(isMissing ? "nonexistent directory" : ErrnoText.Of(opened))}"
                : $"can't open {name}: {(isMissing ? "no such file" : ErrnoText.Of(opened))}";
        }

        string? mistake = await Place(opened, redirection.Descriptor, saved);
        if (mistake is null && redirection.WithErrors)
        {
            await Save(2, saved);
            await _libc.Dup2(redirection.Descriptor, 2);
        }

        return mistake;
    }

    private async Task<string?> Duplicate(Redirection redirection, List<SavedDescriptor> saved)
    {
        string target = await _expander.Text(redirection.Target);
        if (target is "-")
        {
            await Save(redirection.Descriptor, saved);
            await _libc.Close(redirection.Descriptor);
            return null;
        }

        if (!int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out int source))
        {
            throw new ShellException("syntax error: bad fd number", 2);
        }

        if (_libc.Process.FindFile(source) is null)
        {
            return $"{target}: {ErrnoText.Of(Errno.EBADF)}";
        }

        await Save(redirection.Descriptor, saved);
        await _libc.Dup2(source, redirection.Descriptor);
        return null;
    }

    private async Task<string?> Place(long opened, int descriptor, List<SavedDescriptor> saved)
    {
        if (opened < 0)
        {
            return $"can't create here-document: {ErrnoText.Of(opened)}";
        }

        if (opened == descriptor)
        {
            saved.Add(new SavedDescriptor(descriptor, -1));
            long copy = await _libc.DupFrom(opened, FirstCopy);
            await _libc.Dup2(copy, descriptor);
            await _libc.Close(copy);
            return null;
        }

        await Save(descriptor, saved);
        long result = await _libc.Dup2(opened, descriptor);
        await _libc.Close(opened);
        return result < 0 ? $"{descriptor}: {ErrnoText.Of(result)}" : null;
    }

    private async Task Save(int descriptor, List<SavedDescriptor> saved)
    {
        bool isOpen = _libc.Process.FindFile(descriptor) is not null;
        saved.Add(new SavedDescriptor(descriptor, isOpen ? await _libc.DupFrom(descriptor, FirstCopy) : -1));
    }

    private async Task<long> HereDocument(Word body)
    {
        byte[] text = Encoding.UTF8.GetBytes(await _expander.Text(body));
        (long result, int reader, int writer) = await _libc.Pipe();
        if (result < 0)
        {
            return result;
        }

        if (text.Length <= DirectPipeBytes)
        {
            await _libc.Write(writer, text);
        }
        else
        {
            string whole = Encoding.UTF8.GetString(text);
            long child = await ForkWriter(async executor => await executor._libc.Print(1, whole), reader, writer);
            State.Jobs.Add(new Job(0, (int)child, "here-document"));
        }

        await _libc.Close(writer);
        return reader;
    }

    private async Task Restore(List<SavedDescriptor> saved)
    {
        for (int n = saved.Count - 1; n >= 0; n--)
        {
            if (saved[n].Copy < 0)
            {
                await _libc.Close(saved[n].Descriptor);
                continue;
            }

            await _libc.Dup2(saved[n].Copy, saved[n].Descriptor);
            await _libc.Close(saved[n].Copy);
        }
    }

    private async Task Forget(List<SavedDescriptor> saved)
    {
        foreach (SavedDescriptor descriptor in saved)
        {
            if (descriptor.Copy >= 0)
            {
                await _libc.Close(descriptor.Copy);
            }
        }
    }
}
