using System.Globalization;
using System.Text;
using Emulator.KernelShim;

namespace Emulator.Conformance.Linux;

/// <content>Containers and groups.</content>
internal sealed partial class OpsRunner
{
    private const uint ApiVersion = 0x3B64;
    private const uint CheckExtension = 0x3B65;
    private const uint SetIommu = 0x3B66;
    private const uint GroupStatus = 0x3B67;
    private const uint SetContainer = 0x3B68;
    private const uint UnsetContainer = 0x3B69;
    private const uint GetDevice = 0x3B6A;
    private const uint IommuInfo = 0x3B70;
    private const uint MapDma = 0x3B71;
    private const uint UnmapDma = 0x3B72;
    private const ushort RangesCapability = 1;

    private long ExecuteVfio(OpsWords words) =>
        words.Verb switch
        {
            "api" => _process.Ioctl(words[0], ApiVersion, 0),
            "checkext" => _process.Ioctl(words[0], CheckExtension, OpsWords.ParseNumber(words[1])),
            "setiommu" => _process.Ioctl(words[0], SetIommu, OpsWords.ParseNumber(words[1])),
            "ioctl" => _process.Ioctl(words[0], (uint)OpsWords.ParseNumber(words[1]), OpsWords.ParseNumber(words[2])),
            "gstatus" => Status(words),
            "gsetc" => _process.Ioctl(words[0], SetContainer, OpsProcess.Struct(4, (int)_process.Find(words[1]))),
            "gunsetc" => _process.Ioctl(words[0], UnsetContainer, 0),
            "getdev" => DeviceFile(words),
            "iommuinfo" => Info(words),
            "map" => Map(words),
            "unmap" => Unmap(words),
            _ => ExecuteDevice(words),
        };

    private long Status(OpsWords words)
    {
        byte[] status = OpsProcess.Struct(8, words.Number32("argsz", 8), 0);
        long result = _process.Ioctl(words[0], GroupStatus, status);
        if (result >= 0)
        {
            uint flags = BitConverter.ToUInt32(status, 4);
            string text = string.Create(
                CultureInfo.InvariantCulture,
                $"argsz={BitConverter.ToUInt32(status, 0)} flags=0x{flags:x}"
            );
            _output.Add(text + ((flags & 1) != 0 ? " VIABLE" : "") + ((flags & 2) != 0 ? " CONTAINER_SET" : ""));
        }

        return result;
    }

    private long DeviceFile(OpsWords words)
    {
        string[] parts = words.Rest.Split(' ', 3);
        byte[] name = [.. Encoding.UTF8.GetBytes(parts.Length > 2 ? parts[2] : ""), 0];
        return Named(parts[0], _process.Ioctl(parts[1], GetDevice, name));
    }

    private long Info(OpsWords words)
    {
        byte[] info = OpsProcess.Struct(4096, words.Number32("argsz", 4096));
        long result = _process.Ioctl(words[0], IommuInfo, info);
        if (result < 0)
        {
            return result;
        }

        uint capabilities = BitConverter.ToUInt32(info, 16);
        _output.Add(
            string.Create(
                CultureInfo.InvariantCulture,
                $"argsz={BitConverter.ToUInt32(info, 0)} flags=0x{BitConverter.ToUInt32(info, 4):x} iova_pgsizes=0x{BitConverter.ToUInt64(info, 8):x} cap_offset={capabilities}"
            )
        );
        ShowCapabilities(info, capabilities);
        return result;
    }

    private void ShowCapabilities(byte[] info, uint at)
    {
        while (at != 0 && at + 8 <= info.Length)
        {
            ushort id = BitConverter.ToUInt16(info, (int)at);
            uint next = BitConverter.ToUInt32(info, (int)at + 4);
            var text = new StringBuilder();
            text.Append(
                CultureInfo.InvariantCulture,
                $"cap id={id} version={BitConverter.ToUInt16(info, (int)at + 2)}"
            );
            if (id == RangesCapability)
            {
                AppendRanges(text, info, (int)at);
            }
            else
            {
                for (uint word = at + 8; word < next; word += 4)
                {
                    text.Append(CultureInfo.InvariantCulture, $" {BitConverter.ToUInt32(info, (int)word):x8}");
                }
            }

            _output.Add(text.ToString());
            at = next;
        }
    }

    private static void AppendRanges(StringBuilder text, byte[] info, int at)
    {
        uint count = BitConverter.ToUInt32(info, at + 8);
        text.Append(CultureInfo.InvariantCulture, $" nr={count}");
        for (int n = 0; n < count; n++)
        {
            ulong start = BitConverter.ToUInt64(info, at + 16 + n * 16);
            text.Append(
                CultureInfo.InvariantCulture,
                $" [0x{start:x}-0x{BitConverter.ToUInt64(info, at + 24 + n * 16):x}]"
            );
        }
    }

    private long Map(OpsWords words) =>
        _process.Ioctl(
            words[0],
            MapDma,
            OpsProcess.Struct(
                32,
                words.Number32("argsz", 32),
                words.Number32("flags", 3),
                words.Option("vaddr") is { } vaddr ? _process.Address(vaddr) : 0UL,
                words.Number("iova", 0),
                words.Number("size", 0)
            )
        );

    private long Unmap(OpsWords words)
    {
        byte[] unmap = OpsProcess.Struct(
            24,
            words.Number32("argsz", 24),
            words.Number32("flags", 0),
            words.Number("iova", 0),
            words.Number("size", 0)
        );
        long result = _process.Ioctl(words[0], UnmapDma, unmap);
        _output.Add(string.Create(CultureInfo.InvariantCulture, $"size=0x{BitConverter.ToUInt64(unmap, 16):x}"));
        return result;
    }
}
