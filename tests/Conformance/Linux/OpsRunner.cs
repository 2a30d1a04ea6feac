using System.Globalization;
using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Conformance.Linux;

/// <summary>
/// Runs the operations of a recording: each is one system call, or the small fixed sequence that the README names, made by a
/// process of the simulated kernel. Files here, VFIO in the other parts.
/// </summary>
internal sealed partial class OpsRunner
{
    /// <summary>How long the world goes on after each operation, so that interrupts are taken and their lines logged.</summary>
    private const long Settle = 20 * VirtualTime.Millisecond;

    private readonly OpsMachine _machine;
    private readonly OpsProcess _process;
    private readonly List<string> _output = [];
    private long _loggedLines;

    public OpsRunner(OpsMachine machine)
    {
        _machine = machine;
        _process = new OpsProcess(machine.Kernel);
        _loggedLines = machine.Kernel.Log.Count;
    }

    private Kernel Kernel => _machine.Kernel;

    /// <summary>Runs one operation.</summary>
    public OpsOutcome Run(string operation)
    {
        _output.Clear();
        var words = new OpsWords(operation);
        long result = Execute(words);
        Kernel.Simulation.RunUntil(Kernel.Simulation.Now + Settle);
        bool isDescriptor = result >= 0 && words.Verb is "open" or "dup" or "eventfd" or "getdev" && result >= 0;
        string? errno = result < 0 ? ((Errno)(-result)).ToString() : null;
        string text =
            isDescriptor ? "fd"
            : result < 0 ? "-1"
            : result.ToString(CultureInfo.InvariantCulture);
        return new OpsOutcome(text, errno, [.. _output], NewLogLines());
    }

    private long Execute(OpsWords words) =>
        words.Verb switch
        {
            "wr" => WriteFile(words),
            "rd" => ReadFile(words[0]),
            "rl" => ReadLink(words[0]),
            "ls" => List(words[0]),
            "stat" => Stat(words[0]),
            "sh" => _machine.Shell(_process.Process, words.Rest, _output),
            "open" => Named(words[0], _process.Open(words[1])),
            "close" => _process.Close(_process.Find(words[0])),
            "dup" => Named(
                words[0],
                _process.Call(_ => _process.Calls.Dup(_process.Process, (int)_process.Find(words[1])))
            ),
            "buf" => MakeBuffer(words, Protection.Read | Protection.Write),
            "bufro" => MakeBuffer(words, Protection.Read),
            "munmap" => Unmap(words[0]),
            "fill" => Fill(words),
            "show" => Show(words),
            "eventfd" => Named(words[0], _process.Call(_ => _process.Calls.EventFd(_process.Process, 0, 0))),
            "efread" => ReadEvent(words),
            "sleep" => Sleep(long.Parse(words[0], CultureInfo.InvariantCulture) * VirtualTime.Second),
            "rlimit" => _process.Call(_ =>
                _process.Calls.SetMemlockLimit(_process.Process, OpsWords.ParseNumber(words[0]))
            ),
            "dropcaps" => DropCapabilities(),
            _ => ExecuteVfio(words),
        };

    private long Named(string name, long result)
    {
        _process.Name(name, result);
        return result;
    }

    private long WriteFile(OpsWords words)
    {
        int space = words.Rest.IndexOf(' ', StringComparison.Ordinal);
        string path = space < 0 ? words.Rest : words.Rest[..space];
        byte[] data = OpsWords.Unescape(space < 0 ? "" : words.Rest[(space + 1)..]);
        long file = _process.Open(path, OpenFlags.WriteOnly);
        if (file < 0)
        {
            _output.Add("open failed");
            return file;
        }

        _process.Poke(data);
        long result = _process.Call(_ =>
            _process.Calls.Write(_process.Process, (int)file, _process.Scratch, data.Length)
        );
        _process.Close(file);
        return result;
    }

    private long ReadFile(string path)
    {
        long file = _process.Open(path, OpenFlags.ReadOnly);
        if (file < 0)
        {
            _output.Add("open failed");
            return file;
        }

        long result = _process.Call(_ => _process.Calls.Read(_process.Process, (int)file, _process.Scratch, 64 << 10));
        if (result >= 0)
        {
            _output.Add(OpsWords.Quote(_process.Peek((int)result)));
        }

        _process.Close(file);
        return result;
    }

    private long ReadLink(string path)
    {
        _process.Poke(path);
        ulong buffer = _process.Scratch + 8192;
        long result = _process.Call(_ => _process.Calls.ReadLink(_process.Process, _process.Scratch, buffer, 4096));
        if (result < 0)
        {
            return result;
        }

        _output.Add("-> " + Encoding.UTF8.GetString(_process.Peek((int)result, 8192)));
        return 0;
    }

    private long Stat(string path)
    {
        _process.Poke(path);
        ulong buffer = _process.Scratch + 8192;
        long result = _process.Call(_ => _process.Calls.Stat(_process.Process, _process.Scratch, buffer));
        if (result < 0)
        {
            return result;
        }

        byte[] stat = _process.Peek(144, 8192);
        uint mode = BitConverter.ToUInt32(stat, 16);
        ulong device = BitConverter.ToUInt64(stat, 32);
        _output.Add(
            string.Create(
                CultureInfo.InvariantCulture,
                $"mode={Convert.ToString(mode, 8)} size={BitConverter.ToInt64(stat, 48)} uid={BitConverter.ToUInt32(stat, 24)} gid={BitConverter.ToUInt32(stat, 28)} rdev={device >> 8}:{device & 0xFF}"
            )
        );
        return 0;
    }

    private long List(string path)
    {
        long directory = _process.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);
        if (directory < 0)
        {
            return directory;
        }

        List<string> names = Names(directory);
        _process.Close(directory);
        foreach (string name in names.Order(StringComparer.Ordinal))
        {
            _output.Add(Entry(path, name));
        }

        return names.Count;
    }

    private List<string> Names(long directory)
    {
        List<string> names = [];
        long length;
        while (
            (
                length = _process.Call(_ =>
                    _process.Calls.GetDents(_process.Process, (int)directory, _process.Scratch, 64 << 10)
                )
            ) > 0
        )
        {
            byte[] bytes = _process.Peek((int)length);
            for (int at = 0; at < bytes.Length; at += BitConverter.ToUInt16(bytes, at + 16))
            {
                ReadOnlySpan<byte> name = bytes.AsSpan(at + 19);
                string text = Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]);
                if (text is not ("." or ".."))
                {
                    names.Add(text);
                }
            }
        }

        return names;
    }

    /// <summary>A name as the recorder shows it: where a link leads, and a slash behind a directory.</summary>
    private string Entry(string path, string name)
    {
        string full = $"{path}/{name}";
        _process.Poke(full);
        ulong buffer = _process.Scratch + 8192;
        _process.Call(_ => _process.Calls.Stat(_process.Process, _process.Scratch, buffer, follow: false));
        var kind = (InodeKind)(BitConverter.ToUInt32(_process.Peek(144, 8192), 16) & 0xF000);
        if (kind == InodeKind.SymbolicLink)
        {
            long length = _process.Call(_ => _process.Calls.ReadLink(_process.Process, _process.Scratch, buffer, 4096));
            return $"{name} -> {Encoding.UTF8.GetString(_process.Peek((int)Math.Max(0, length), 8192))}";
        }

        return kind == InodeKind.Directory ? name + "/" : name;
    }

    private long MakeBuffer(OpsWords words, Protection protection)
    {
        ulong length = OpsWords.ParseNumber(words[1]);
        long address = _process.Call(_ =>
            _process.Map(length, protection, MapFlags.Private | MapFlags.Anonymous, -1, 0)
        );
        if (address < 0)
        {
            return address;
        }

        _process.NameBuffer(words[0], (ulong)address, length);
        if (words.Option("fill") is { } fill)
        {
            byte[] bytes = new byte[length];
            Array.Fill(bytes, (byte)OpsWords.ParseNumber(fill));
            _process.Process.Memory.TryWrite((ulong)address, bytes);
        }

        return 0;
    }

    private long Unmap(string name)
    {
        (ulong address, ulong length) = _process.Buffer(name);
        return _process.Call(_ => _process.Calls.Munmap(_process.Process, address, length));
    }

    private long Fill(OpsWords words)
    {
        byte[] bytes = new byte[OpsWords.ParseNumber(words[1])];
        ulong seed = OpsWords.ParseNumber(words[2]);
        for (int n = 0; n < bytes.Length; n++)
        {
            bytes[n] = (byte)(seed + (ulong)n);
        }

        return _process.Process.Memory.TryWrite(_process.Address(words[0]), bytes) ? 0 : -(long)Errno.EFAULT;
    }

    private long Show(OpsWords words)
    {
        byte[] bytes = new byte[OpsWords.ParseNumber(words[1])];
        _process.Process.Memory.TryRead(_process.Address(words[0]), bytes);
        _output.Add(Convert.ToHexStringLower(bytes));
        return 0;
    }

    /// <summary>Polls an eventfd, then reads it: EAGAIN when nothing came in time.</summary>
    private long ReadEvent(OpsWords words)
    {
        long file = _process.Find(words[0]);
        long deadline = Kernel.Simulation.Now + (long)words.Number("ms", 1000) * VirtualTime.Millisecond;
        _process.Poke(OpsProcess.Struct(8, (int)file, 1));
        long ready = _process.Call(_ => _process.Calls.Poll(_process.Process, _process.Scratch, 1, deadline));
        if (ready <= 0)
        {
            return ready < 0 ? ready : -(long)Errno.EAGAIN;
        }

        long result = _process.Call(_ => _process.Calls.Read(_process.Process, (int)file, _process.Scratch, 8));
        if (result == 8)
        {
            _output.Add(
                string.Create(CultureInfo.InvariantCulture, $"count={BitConverter.ToUInt64(_process.Peek(8), 0)}")
            );
        }

        return result;
    }

    private long Sleep(long duration)
    {
        long until = Kernel.Simulation.Now + duration;
        return _process.Call(reason => _process.Calls.Sleep(_process.Process, until, reason));
    }

    private long DropCapabilities()
    {
        _process.Process.Capabilities = Capabilities.None;
        return 0;
    }

    private List<OpsLogLine> NewLogLines()
    {
        KernelLog log = Kernel.Log;
        int count = (int)Math.Min(log.Count - _loggedLines, log.Lines.Count);
        _loggedLines = log.Count;
        return [.. log.Lines.TakeLast(count).Select(line => new OpsLogLine((int)line.Level, Escape(line.Text)))];
    }

    /// <summary>/dev/kmsg writes what cannot be printed as \xNN.</summary>
    private static string Escape(string text) => text.Replace("\t", "\\x09", StringComparison.Ordinal);
}
