using System.Globalization;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Conformance.Linux;

/// <content>Devices of VFIO.</content>
internal sealed partial class OpsRunner
{
    private const uint DeviceInfo = 0x3B6B;
    private const uint RegionInfo = 0x3B6C;
    private const uint IrqInfo = 0x3B6D;
    private const uint SetIrqs = 0x3B6E;
    private const uint Reset = 0x3B6F;
    private const uint HotResetInfo = 0x3B70;
    private const uint HotReset = 0x3B71;
    private const uint Feature = 0x3B75;
    private const int RegionShift = 40;
    private const uint BoolData = 2;
    private const int EduCommand = 0x98;
    private const int EduPolls = 300;

    private long ExecuteDevice(OpsWords words) =>
        words.Verb switch
        {
            "dinfo" => InfoOfDevice(words),
            "rinfo" => InfoOfRegion(words),
            "iinfo" => InfoOfIrq(words),
            "setirqs" => SetInterrupts(words),
            "reset" => _process.Ioctl(words[0], Reset, 0),
            "hotinfo" => InfoOfHotReset(words),
            "hotreset" => ResetHot(words),
            "feature" => _process.Ioctl(
                words[0],
                Feature,
                OpsProcess.Struct(64, words.Number32("argsz", 24), words.Number32("flags", 0))
            ),
            "pread" => Read(words),
            "pwrite" => Write(words),
            "mmap" => MapRegion(words),
            "r32" => Load(words),
            "w32" => Store(words),
            "edudma" => EduDma(words),
            _ => ExecuteIommufd(words),
        };

    private long InfoOfDevice(OpsWords words)
    {
        uint size = words.Number32("argsz", 20);
        byte[] info = OpsProcess.Struct(256, size);
        long result = _process.Ioctl(words[0], DeviceInfo, info);
        if (result >= 0)
        {
            string tail = size >= 20 ? $" cap_offset={Word(info, 16)}" : "";
            _output.Add(
                $"argsz={Word(info, 0)} flags=0x{Word(info, 4):x} num_regions={Word(info, 8)} num_irqs={Word(info, 12)}{tail}"
            );
        }

        return result;
    }

    private long InfoOfRegion(OpsWords words)
    {
        byte[] info = OpsProcess.Struct(4096, words.Number32("argsz", 32), 0, (uint)OpsWords.ParseNumber(words[1]));
        long result = _process.Ioctl(words[0], RegionInfo, info);
        if (result >= 0)
        {
            _output.Add(
                $"argsz={Word(info, 0)} flags=0x{Word(info, 4):x} index={Word(info, 8)} cap_offset={Word(info, 12)} size=0x{BitConverter.ToUInt64(info, 16):x} offset=0x{BitConverter.ToUInt64(info, 24):x}"
            );
            ShowCapabilities(info, Word(info, 12));
        }

        return result;
    }

    private long InfoOfIrq(OpsWords words)
    {
        byte[] info = OpsProcess.Struct(16, words.Number32("argsz", 16), 0, (uint)OpsWords.ParseNumber(words[1]));
        long result = _process.Ioctl(words[0], IrqInfo, info);
        if (result >= 0)
        {
            uint flags = Word(info, 4);
            string[] names = ["EVENTFD", "MASKABLE", "AUTOMASKED", "NORESIZE"];
            string named = string.Concat(names.Where((_, bit) => (flags >> bit & 1) != 0).Select(name => " " + name));
            _output.Add($"argsz={Word(info, 0)} flags=0x{flags:x}{named} index={Word(info, 8)} count={Word(info, 12)}");
        }

        return result;
    }

    private long SetInterrupts(OpsWords words)
    {
        uint flags = words.Number32("flags", 0);
        List<byte> data = [];
        foreach (string part in (words.Option("data") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            bool isFile = part.StartsWith("fd:", StringComparison.Ordinal);
            int value = isFile ? (int)_process.Find(part[3..]) : unchecked((int)OpsWords.ParseNumber(part));
            data.AddRange((flags & BoolData) != 0 && !isFile ? [(byte)value] : BitConverter.GetBytes(value));
        }

        byte[] head = OpsProcess.Struct(
            20,
            words.Number32("argsz", 20 + (uint)data.Count),
            flags,
            words.Number32("index", 0),
            words.Number32("start", 0),
            words.Number32("count", 0)
        );
        return _process.Ioctl(words[0], SetIrqs, [.. head, .. data]);
    }

    private long InfoOfHotReset(OpsWords words)
    {
        byte[] info = OpsProcess.Struct(4096, words.Number32("argsz", 4096));
        long result = _process.Ioctl(words[0], HotResetInfo, info);
        uint count = Word(info, 8);
        if (result < 0)
        {
            _output.Add($"count={count}");
            return result;
        }

        _output.Add($"argsz={Word(info, 0)} flags=0x{Word(info, 4):x} count={count}");
        for (int at = 12; count > 0; count--, at += 8)
        {
            byte function = info[at + 7];
            _output.Add(
                $"group={Word(info, at)} {BitConverter.ToUInt16(info, at + 4):x4}:{info[at + 6]:x2}:{function >> 3:x2}.{function & 7}"
            );
        }

        return result;
    }

    private long ResetHot(OpsWords words)
    {
        string[] groups = (words.Option("groups") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        object[] files = [.. groups.Select(group => (object)(int)_process.Find(group))];
        byte[] reset = OpsProcess.Struct(
            0,
            [
                words.Number32("argsz", 12 + 4 * (uint)files.Length),
                words.Number32("flags", 0),
                (uint)files.Length,
                .. files,
            ]
        );
        return _process.Ioctl(words[0], HotReset, reset);
    }

    /// <summary>rREGION+OFFSET, or a plain offset.</summary>
    private static long Position(string text)
    {
        if (text[0] != 'r')
        {
            return (long)OpsWords.ParseNumber(text);
        }

        int plus = text.IndexOf('+', StringComparison.Ordinal);
        return (long)((OpsWords.ParseNumber(text[1..plus]) << RegionShift) + OpsWords.ParseNumber(text[(plus + 1)..]));
    }

    private long Read(OpsWords words)
    {
        int file = (int)_process.Find(words[0]);
        long count = (long)OpsWords.ParseNumber(words[2]);
        long result = _process.Call(_ =>
            _process.Calls.PRead(_process.Process, file, _process.Scratch, count, Position(words[1]))
        );
        if (result > 0)
        {
            _output.Add(Convert.ToHexStringLower(_process.Peek((int)result)));
        }

        return result;
    }

    private long Write(OpsWords words) => Write(words[0], Position(words[1]), Convert.FromHexString(words[2]));

    private long Write(string name, long position, byte[] data)
    {
        _process.Poke(data);
        int file = (int)_process.Find(name);
        return _process.Call(_ =>
            _process.Calls.PWrite(_process.Process, file, _process.Scratch, data.Length, position)
        );
    }

    private long MapRegion(OpsWords words)
    {
        ulong length = OpsWords.ParseNumber(words[4]);
        ulong offset = (OpsWords.ParseNumber(words[2]) << RegionShift) + OpsWords.ParseNumber(words[3]);
        MapFlags flags = words.Option("share") is "private" ? MapFlags.Private : MapFlags.Shared;
        long file = _process.Find(words[1]);
        long address = _process.Call(_ =>
            _process.Map(length, Protection.Read | Protection.Write, flags, file, offset)
        );
        if (address > 0)
        {
            _process.NameBuffer(words[0], (ulong)address, length);
        }

        return Math.Min(address, 0);
    }

    private long Load(OpsWords words)
    {
        if (!_process.Process.TryLoad(_process.Address(words[0]), 4, out ulong value))
        {
            return -(long)Errno.EFAULT;
        }

        _output.Add($"0x{value:x8}");
        return 0;
    }

    private long Store(OpsWords words) =>
        _process.Process.TryStore(_process.Address(words[0]), 4, OpsWords.ParseNumber(words[1]))
            ? 0
            : -(long)Errno.EFAULT;

    /// <summary>Programs the edu device's DMA, then waits until its command register says that it is done.</summary>
    private long EduDma(OpsWords words)
    {
        int register = 0x80;
        foreach (int index in new[] { 1, 2, 3, 4 })
        {
            byte[] value = BitConverter.GetBytes(OpsWords.ParseNumber(words[index]));
            Write(words[0], register, value[..4]);
            Write(words[0], register + 4, value[4..]);
            register += 8;
        }

        uint command = 1;
        int file = (int)_process.Find(words[0]);
        for (int poll = 0; poll < EduPolls && (command & 1) != 0; poll++)
        {
            Sleep(VirtualTime.Millisecond);
            _process.Call(_ => _process.Calls.PRead(_process.Process, file, _process.Scratch, 4, EduCommand));
            command = Word(_process.Peek(4), 0);
        }

        _output.Add($"cmd register after: 0x{command:x}");
        return 0;
    }

    private static uint Word(byte[] bytes, int at) => BitConverter.ToUInt32(bytes, at);
}
