using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.Userland;

/// <summary>setpci of pciutils 3.9.0: reads and writes configuration registers of the devices that a filter names.</summary>
internal static class SetpciCommand
{
    private const string Help = ".\nTry `setpci --help' for more information.\n";

    public static IProgram Program { get; } = new RawProgram("setpci", Run);

    private static async Task<int> Run(Libc libc, IReadOnlyList<string> arguments)
    {
        var request = new Request();
        if (request.Parse(arguments) is { } mistake)
        {
            await libc.Print(2, $"setpci: {mistake}{Help}");
            return 1;
        }

        var sysfs = new PciSysfs(libc, "setpci");
        if (await sysfs.Scan(64) is not { } devices)
        {
            return 1;
        }

        for (int n = 0; n < request.Groups.Count; n++)
        {
            Group group = request.Groups[n];
            List<PciSysfsDevice> chosen = [.. devices.Where(group.Filter.Matches)];
            if (chosen.Count == 0 && !request.IsForced)
            {
                await libc.Print(2, $"setpci: Warning: No devices selected for operation group {n + 1}.\n");
            }

            foreach (PciSysfsDevice device in chosen)
            {
                foreach (Operation operation in group.Operations)
                {
                    if (!await new Execution(libc, sysfs, request, device).Run(operation))
                    {
                        return 1;
                    }
                }
            }
        }

        return 0;
    }

    /// <summary>A register and what is written to it, and to the ones after it; nothing where it is read.</summary>
    private sealed record Operation(SetpciRegister Register, IReadOnlyList<(uint Value, uint Mask)> Values);

    /// <summary>Devices, and what is done to each of them.</summary>
    private sealed class Group
    {
        public PciFilter Filter { get; } = new();

        public List<Operation> Operations { get; } = [];
    }

    /// <summary>A command line.</summary>
    private sealed class Request
    {
        public List<Group> Groups { get; } = [];

        public bool IsForced { get; private set; }

        public bool IsVerbose { get; private set; }

        public bool OnlyShows { get; private set; }

        /// <summary>Reads it; what is wrong, or null.</summary>
        public string? Parse(IReadOnlyList<string> words)
        {
            int at = 1;
            while (at < words.Count && words[at] is ['-', not ('s' or 'd'), ..])
            {
                if (ReadOptions(words[at++]) is { } mistake)
                {
                    return mistake;
                }
            }

            while (at < words.Count)
            {
                string? mistake = words[at].StartsWith('-') ? ReadFilter(words, ref at) : ReadOperation(words[at++]);
                if (mistake is not null)
                {
                    return mistake;
                }
            }

            return Groups.Count == 0 ? "No operation specified" : null;
        }

        private string? ReadOptions(string word)
        {
            foreach (char letter in word.Skip(1))
            {
                switch (letter)
                {
                    case 'f':
                        IsForced = true;
                        break;
                    case 'v':
                        IsVerbose = true;
                        break;
                    case 'D':
                        OnlyShows = true;
                        break;
                    case 'r':
                        break;
                    default:
                        return $"Invalid or misplaced option -{letter}";
                }
            }

            return null;
        }

        private string? ReadFilter(IReadOnlyList<string> words, ref int at)
        {
            string word = words[at++];
            if (word.Length < 2 || word[1] is not ('s' or 'd'))
            {
                return $"Invalid option {word}";
            }

            if (word.Length == 2 && at == words.Count)
            {
                return $"Option -{word[1]} requires an argument";
            }

            string value = word.Length == 2 ? words[at++] : word[2..].TrimStart('=');
            if (Groups.Count == 0 || Groups[^1].Operations.Count > 0)
            {
                Groups.Add(new Group());
            }

            PciFilter filter = Groups[^1].Filter;
            string? mistake = word[1] == 's' ? filter.ParseSlot(value) : filter.ParseId(value);
            return mistake is null ? null : $"Unable to parse filter -{word[1]} {mistake}";
        }

        private string? ReadOperation(string word)
        {
            if (Groups.Count == 0)
            {
                return "Filter specification expected";
            }

            string[] parts = word.Split('=', 2);
            if (SetpciRegister.Parse(parts[0], out string mistake) is not { } register)
            {
                return mistake;
            }

            var values = new List<(uint, uint)>();
            if (parts.Length == 2 && ReadValues(parts[1], register.WidthBytes, values) is { } wrong)
            {
                return wrong;
            }

            Groups[^1].Operations.Add(new Operation(register, values));
            return null;
        }

        private static string? ReadValues(string text, int width, List<(uint Value, uint Mask)> values)
        {
            if (text.Length == 0)
            {
                return "Missing value";
            }

            uint most = width == 4 ? uint.MaxValue : (1u << (8 * width)) - 1;
            foreach (string item in text.Split(','))
            {
                string[] halves = item.Split(':', 2);
                if (!SetpciRegister.TryHex(halves[0], out int value))
                {
                    return $"Invalid value \"{item}\"";
                }

                if ((uint)value > most && (uint)value < uint.MaxValue - most)
                {
                    return $"Value \"{item}\" is out of range";
                }

                int mask = -1;
                if (halves.Length == 2 && !SetpciRegister.TryHex(halves[1], out mask))
                {
                    return $"Invalid mask \"{halves[1]}\"";
                }

                if ((uint)mask > most && (uint)mask < uint.MaxValue - most)
                {
                    return $"Mask \"{halves[1]}\" is out of range";
                }

                values.Add(((uint)value & (uint)mask, (uint)mask));
            }

            return null;
        }
    }

    /// <summary>What is done to one device.</summary>
    private sealed class Execution(Libc libc, PciSysfs sysfs, Request request, PciSysfsDevice device)
    {
        private const int SpaceBytes = 4096;

        public async Task<bool> Run(Operation operation)
        {
            SetpciRegister register = operation.Register;
            byte[] space = await sysfs.ReadConfiguration(device.Name, SpaceBytes);
            Array.Resize(ref space, SpaceBytes);
            string trace = $"{device.SlotName(withDomain: true)} ";
            int at = 0;
            if (register.Capability is { } id)
            {
                if (Find(space, id, register.IsExtended, register.Instance, out int count) is not { } found)
                {
                    await Die(NotFound(register, id, count));
                    return false;
                }

                at = found;
                trace += register.IsExtended ? Text($"(ecap {id:x4} @{at:x3}) ") : Text($"(cap {id:x2} @{at:x2}) ");
            }

            at += register.Offset;
            trace += Text($"@{at:x2}");
            int width = register.WidthBytes;
            int header = space[0x0E] & 0x7F;
            string? mistake =
                at % width != 0 ? Text($"Unaligned access of width {width} to register {at:x4}")
                : at + width > SpaceBytes ? Text($"Access of width {width} to register {at:x4} out of range")
                : register.Headers != 0 && (header > 2 || (register.Headers >> header & 1) == 0)
                    ? $"Does not have register {register.Name}."
                : null;
            if (mistake is not null)
            {
                await Die(mistake);
                return false;
            }

            return operation.Values.Count == 0
                ? await Show(trace, space, at, width)
                : await Write(trace, space, at, width, operation.Values);
        }

        private async Task<bool> Show(string trace, byte[] space, int at, int width)
        {
            await libc.Print(
                1,
                $"{(request.IsVerbose ? trace + " = " : "")}{Number(Value(space, at, width), width)}\n"
            );
            return true;
        }

        private async Task<bool> Write(
            string trace,
            byte[] space,
            int at,
            int width,
            IReadOnlyList<(uint Value, uint Mask)> values
        )
        {
            uint all = width == 4 ? uint.MaxValue : (1u << (8 * width)) - 1;
            foreach ((uint value, uint mask) in values)
            {
                uint written = value;
                if ((mask & all) == all)
                {
                    trace += " " + Number(value, width);
                }
                else
                {
                    uint before = Value(space, at, width);
                    written = (before & ~mask) | value;
                    trace +=
                        $" {Number(before, width)}->({Number(value, width)}:{Number(mask, width)})->{Number(written, width)}";
                }

                byte[] bytes = new byte[4];
                BinaryPrimitives.WriteUInt32LittleEndian(bytes, written);
                if (!request.OnlyShows && !await sysfs.Write(device, at, bytes[..width]))
                {
                    return false;
                }

                at += width;
            }

            if (request.IsVerbose)
            {
                await libc.Print(1, trace + "\n");
            }

            return true;
        }

        private static uint Value(byte[] space, int at, int width) =>
            width switch
            {
                1 => space[at],
                2 => BinaryPrimitives.ReadUInt16LittleEndian(space.AsSpan(at)),
                _ => BinaryPrimitives.ReadUInt32LittleEndian(space.AsSpan(at)),
            };

        private static string Number(uint value, int width) =>
            value.ToString(
                width switch
                {
                    1 => "x2",
                    2 => "x4",
                    _ => "x8",
                },
                CultureInfo.InvariantCulture
            );

        private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

        private static int? Find(byte[] space, uint id, bool isExtended, int instance, out int count)
        {
            count = 0;
            int? found = null;
            int at =
                isExtended ? 0x100
                : (space[6] & 0x10) != 0 ? space[0x34] & ~3
                : 0;
            for (int hops = 0; at >= 0x40 && hops < 1024; hops++)
            {
                uint head = isExtended ? Value(space, at, 4) : Value(space, at, 2);
                if (head is 0 or uint.MaxValue)
                {
                    break;
                }

                if ((isExtended ? head & 0xFFFF : head & 0xFF) == id)
                {
                    found = count == instance ? at : found;
                    count++;
                }

                at = (int)(isExtended ? head >> 20 : head >> 8) & ~3;
            }

            return found;
        }

        private static string NotFound(SetpciRegister register, uint id, int count)
        {
            string what = register.IsExtended ? "Extended capability" : "Capability";
            string there =
                count == 0 ? "there are no capabilities with that id."
                : count == 1 ? "there is only 1 capability with that id."
                : Text($"there are only {count} capabilities with that id.");
            return Text($"Instance #{register.Instance} of {what} {id:x4} not found - {there}");
        }

        private Task<long> Die(string message) =>
            libc.Print(2, $"setpci: {device.SlotName(withDomain: true)}: {message}\n");
    }
}
