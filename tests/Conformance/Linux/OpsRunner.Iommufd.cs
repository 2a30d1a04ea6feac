namespace Emulator.Conformance.Linux;

/// <content>iommufd and the device node (include/uapi/linux/iommufd.h).</content>
internal sealed partial class OpsRunner
{
    private const uint BindIommufd = 0x3B76;
    private const uint AttachPageTable = 0x3B77;
    private const uint DetachPageTable = 0x3B78;
    private const uint Destroy = 0x3B80;
    private const uint AllocateAddressSpace = 0x3B81;
    private const uint IovaRanges = 0x3B84;
    private const uint MapMemory = 0x3B85;
    private const uint UnmapMemory = 0x3B86;
    private const uint VfioAddressSpace = 0x3B88;
    private const int MostRanges = 16;

    private readonly SortedDictionary<string, uint> _objects = new(StringComparer.Ordinal);

    private long ExecuteIommufd(OpsWords words) =>
        words.Verb switch
        {
            "ifd.bind" => Bind(words),
            "ifd.attach" => Attach(words),
            "ifd.detach" => _process.Ioctl(words[0], DetachPageTable, OpsProcess.Struct(8, 8u, 0)),
            "ifd.destroy" => _process.Ioctl(words[0], Destroy, OpsProcess.Struct(8, 8u, Object(words[1]))),
            "ifd.ioas_alloc" => Allocate(words),
            "ifd.ranges" => Ranges(words),
            "ifd.map" => MapObject(words),
            "ifd.unmap" => UnmapObject(words),
            "ifd.vfio_ioas" => AddressSpaceOfVfio(words),
            _ => throw new NotSupportedException($"no operation '{words.Verb}'"),
        };

    /// <summary>The number of an object: a name of the script, <c>#N</c>, or a number.</summary>
    private uint Object(string text) =>
        _objects.TryGetValue(text, out uint known) ? known
        : text.StartsWith('#') ? (uint)OpsWords.ParseNumber(text[1..])
        : char.IsAsciiDigit(text[0]) ? (uint)OpsWords.ParseNumber(text)
        : 0;

    private long Bind(OpsWords words)
    {
        byte[] bind = OpsProcess.Struct(
            16,
            words.Number32("argsz", 16),
            words.Number32("flags", 0),
            (int)_process.Find(words[1]),
            0
        );
        long result = _process.Ioctl(words[0], BindIommufd, bind);
        return Shown(result, $"out_devid={Word(bind, 12)}");
    }

    private long Attach(OpsWords words)
    {
        byte[] attach = OpsProcess.Struct(12, 12u, words.Number32("flags", 0), Object(words[1]));
        long result = _process.Ioctl(words[0], AttachPageTable, attach);
        return Shown(result, $"pt_id={Word(attach, 8)}");
    }

    private long Allocate(OpsWords words)
    {
        byte[] allocate = OpsProcess.Struct(12, words.Number32("size", 12), words.Number32("flags", 0), 0);
        long result = _process.Ioctl(words[0], AllocateAddressSpace, allocate);
        if (result >= 0)
        {
            _objects[words[1]] = Word(allocate, 8);
        }

        return Shown(result, $"out_ioas_id={Word(allocate, 8)}");
    }

    private long Ranges(OpsWords words)
    {
        const int Array = 64;
        byte[] ranges = OpsProcess.Struct(
            Array + MostRanges * 16,
            32u,
            Object(words[1]),
            (uint)MostRanges,
            0,
            _process.Scratch + Array,
            0UL
        );
        long result = _process.Ioctl(words[0], IovaRanges, ranges);
        uint count = Word(ranges, 8);
        var text = new System.Text.StringBuilder(
            $"num_iovas={count} alignment=0x{BitConverter.ToUInt64(ranges, 24):x}"
        );
        for (int n = 0; n < Math.Min(count, MostRanges); n++)
        {
            ulong start = BitConverter.ToUInt64(ranges, Array + n * 16);
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $" [0x{start:x}-0x{BitConverter.ToUInt64(ranges, Array + 8 + n * 16):x}]"
            );
        }

        return Shown(result, text.ToString());
    }

    /// <summary>IOMMU_IOAS_MAP: at a fixed address, readable and writable, unless told otherwise.</summary>
    private long MapObject(OpsWords words)
    {
        byte[] map = OpsProcess.Struct(
            40,
            40u,
            words.Number32("flags", 7),
            Object(words[1]),
            0,
            _process.Address(words.Option("vaddr") ?? "0"),
            words.Number("size", 0),
            words.Number("iova", 0)
        );
        long result = _process.Ioctl(words[0], MapMemory, map);
        return Shown(result, $"iova=0x{BitConverter.ToUInt64(map, 32):x}");
    }

    private long UnmapObject(OpsWords words)
    {
        byte[] unmap = OpsProcess.Struct(24, 24u, Object(words[1]), words.Number("iova", 0), words.Number("size", 0));
        long result = _process.Ioctl(words[0], UnmapMemory, unmap);
        _output.Add($"length=0x{BitConverter.ToUInt64(unmap, 16):x}");
        return result;
    }

    /// <summary>IOMMU_VFIO_IOAS: operation 0 gets, 1 sets, 2 clears.</summary>
    private long AddressSpaceOfVfio(OpsWords words)
    {
        uint operation = (uint)OpsWords.ParseNumber(words[1]);
        byte[] argument = OpsProcess.Struct(12, 12u, words.Positional.Count > 2 ? Object(words[2]) : 0u, operation);
        long result = _process.Ioctl(words[0], VfioAddressSpace, argument);
        return Shown(result, $"ioas_id={Word(argument, 4)}");
    }

    private long Shown(long result, string text)
    {
        if (result >= 0)
        {
            _output.Add(text);
        }

        return result;
    }
}
