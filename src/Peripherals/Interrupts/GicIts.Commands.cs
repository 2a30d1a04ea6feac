using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The commands, after IHI 0069 chapter 5.3. A command that makes no sense is left out with a warning; the queue goes on.</content>
public sealed partial class GicIts
{
    private const int CommandBytes = 32;

    private static readonly TraceKind Runs = new("its.command", Severity.Info, "{command} {operands}");

    private static readonly TraceKind BadCommand = new(
        "its.bad-command",
        Severity.Warning,
        "command {command} at {address} is left out: {problem}"
    );

    // csharpier-ignore
    private static readonly Dictionary<byte, Command> Commands = new()
    {
        [0x01] = new("MOVI",    (its, in c) => its.MoveEvent(c),         "DeviceID EventID ICID"),
        [0x03] = new("INT",     (its, in c) => its.SetEvent(c, true),    "DeviceID EventID"),
        [0x04] = new("CLEAR",   (its, in c) => its.SetEvent(c, false),   "DeviceID EventID"),
        [0x05] = new("SYNC",    (_, in _) => null,                       "RDbase"),
        [0x08] = new("MAPD",    (its, in c) => its.MapDevice(c),         "DeviceID Size ITT Valid"),
        [0x09] = new("MAPC",    (its, in c) => its.MapCollection(c),     "ICID RDbase Valid"),
        [0x0A] = new("MAPTI",   (its, in c) => its.MapEvent(c, c.Interrupt), "DeviceID EventID Interrupt ICID"),
        [0x0B] = new("MAPI",    (its, in c) => its.MapEvent(c, c.EventId), "DeviceID EventID ICID"),
        [0x0C] = new("INV",     (its, in c) => its.Invalidate(c),        "DeviceID EventID"),
        [0x0D] = new("INVALL",  (its, in c) => its.InvalidateAll(c),     "ICID"),
        [0x0E] = new("MOVALL",  (its, in c) => its.MoveAll(c),           "RDbase RDbase2"),
        [0x0F] = new("DISCARD", (its, in c) => its.Discard(c),           "DeviceID EventID"),
    };

    private delegate string? Carry(GicIts its, in CommandWords command);

    /// <summary>Carries out what is in the queue between GITS_CREADR and GITS_CWRITER.</summary>
    private void RunCommands()
    {
        ref Registers state = ref State;
        ulong queueBytes = ((state.CommandBase & 0xFF) + 1) * 0x1000;
        if (state.WriteOffset >= queueBytes)
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[CommandBytes];
        while (
            (state.Control & EnabledBit) != 0
            && (state.CommandBase & ValidBit) != 0
            && (state.ReadOffset & StalledBit) == 0
            && state.ReadOffset != state.WriteOffset
        )
        {
            ulong address = (state.CommandBase & AddressMask) + state.ReadOffset;
            if (!IsOkay(_memory.Read(address, bytes, _signals), address))
            {
                state.ReadOffset |= StalledBit;
                return;
            }

            Run(new CommandWords(bytes), address);
            state.ReadOffset = (state.ReadOffset + CommandBytes) % queueBytes;
        }
    }

    private void Run(in CommandWords words, ulong address)
    {
        if (!Commands.TryGetValue(words.Number, out Command? command))
        {
            Report($"0x{words.Number:x2}", address, "there is no such command");
            return;
        }

        if (Trace.IsOn)
        {
            Trace.Emit(
                Runs,
                Name,
                TraceField.Of("command", command.Name),
                TraceField.Of("operands", words.Show(command.Operands))
            );
        }

        if (command.Carry(this, words) is { } problem)
        {
            Report($"{command.Name} {words.Show(command.Operands)}", address, problem);
        }
    }

    private void Report(string command, ulong address, string problem) =>
        Trace.Emit(
            BadCommand,
            Name,
            TraceField.Of("command", command),
            TraceField.Hex("address", address),
            TraceField.Of("problem", problem)
        );

    private string? MapDevice(in CommandWords words)
    {
        if (!TryFindEntry(DeviceTable, words.DeviceId, out ulong address))
        {
            return "the device table has no entry for the device";
        }

        if (words.IsValid && words.Size >= IdBits)
        {
            return $"an EventID has at most {IdBits} bits";
        }

        ulong entry = words.IsValid ? ValidBit | words.TableAddress | (uint)words.Size : 0;
        return TryStore(address, 8, entry) ? null : "the device table cannot be written";
    }

    private string? MapCollection(in CommandWords words)
    {
        if (words.IsValid && words.Processor >= (uint)_redistributors.CpuCount)
        {
            return "there is no such processor";
        }

        return !TryFindEntry(CollectionTable, words.Collection, out ulong address)
                ? "the collection table has no such entry"
            : TryStore(address, 8, words.IsValid ? ValidBit | words.Processor : 0) ? null
            : "the collection table cannot be written";
    }

    private string? MapEvent(in CommandWords words, uint interrupt)
    {
        if (interrupt is < GicV3.FirstLpi or >= 1 << IdBits)
        {
            return "the interrupt is no LPI";
        }

        return FindTable(words.DeviceId, words.EventId, out ulong address)
            ?? StoreEvent(address, interrupt, words.Collection);
    }

    private string? StoreEvent(ulong address, uint interrupt, uint collection) =>
        TryStore(address, 4, 1u << 31) && TryStore(address + 4, 4, collection) && TryStore(address + 8, 4, interrupt)
            ? null
            : "the interrupt translation table cannot be written";

    private string? MoveEvent(in CommandWords words)
    {
        int to = 0;
        string? problem =
            Resolve(words.DeviceId, words.EventId, out Event found, out int from)
            ?? FindCpu(words.Collection, out to)
            ?? FindTable(words.DeviceId, words.EventId, out ulong address)
            ?? StoreEvent(address, found.Interrupt, words.Collection);
        if (problem is null)
        {
            _redistributors.Move(found.Interrupt, from, to);
        }

        return problem;
    }

    private string? SetEvent(in CommandWords words, bool isPending)
    {
        string? problem = Resolve(words.DeviceId, words.EventId, out Event found, out int cpu);
        if (problem is null)
        {
            _redistributors.SetPending(cpu, found.Interrupt, isPending);
        }

        return problem;
    }

    private string? Discard(in CommandWords words)
    {
        string? problem = SetEvent(words, false);
        if (problem is null)
        {
            FindTable(words.DeviceId, words.EventId, out ulong address);
            TryStore(address, 4, 0);
        }

        return problem;
    }

    private string? Invalidate(in CommandWords words)
    {
        string? problem = Resolve(words.DeviceId, words.EventId, out _, out int cpu);
        if (problem is null)
        {
            _redistributors.Reconsider(cpu);
        }

        return problem;
    }

    private string? InvalidateAll(in CommandWords words)
    {
        string? problem = FindCpu(words.Collection, out int cpu);
        if (problem is null)
        {
            _redistributors.Reconsider(cpu);
        }

        return problem;
    }

    private string? MoveAll(in CommandWords words)
    {
        uint count = (uint)_redistributors.CpuCount;
        if (words.Processor >= count || words.SecondProcessor >= count)
        {
            return "there is no such processor";
        }

        _redistributors.MoveAll((int)words.Processor, (int)words.SecondProcessor);
        return null;
    }

    private sealed record Command(string Name, Carry Carry, string Operands);

    /// <summary>A command as it lies in the queue: four doublewords, little-endian.</summary>
    private readonly struct CommandWords
    {
        private readonly ulong _word0;
        private readonly ulong _word1;
        private readonly ulong _word2;
        private readonly ulong _word3;

        public CommandWords(ReadOnlySpan<byte> bytes)
        {
            _word0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            _word1 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
            _word2 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
            _word3 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        }

        public byte Number => (byte)_word0;

        public uint DeviceId => (uint)(_word0 >> 32);

        public uint EventId => (uint)_word1;

        public uint Interrupt => (uint)(_word1 >> 32);

        /// <summary>MAPD: the number of EventID bits less one.</summary>
        public int Size => (int)(_word1 & 0x1F);

        public ulong TableAddress => _word2 & 0x000F_FFFF_FFFF_FF00;

        public uint Collection => (uint)(_word2 & 0xFFFF);

        /// <summary>RDbase with GITS_TYPER.PTA = 0: a processor number.</summary>
        public uint Processor => (uint)(_word2 >> 16);

        public uint SecondProcessor => (uint)(_word3 >> 16);

        public bool IsValid => (_word2 & ValidBit) != 0;

        public string Show(string operands)
        {
            var parts = new List<string>();
            foreach (string operand in operands.Split(' '))
            {
                parts.Add(
                    operand switch
                    {
                        "DeviceID" => $"DeviceID 0x{DeviceId:x}",
                        "EventID" => $"EventID {EventId}",
                        "Interrupt" => $"LPI {Interrupt}",
                        "ICID" => $"ICID {Collection}",
                        "RDbase" => $"cpu {Processor & 0x7FFF_FFFF}",
                        "RDbase2" => $"cpu {SecondProcessor}",
                        "Size" => $"Size {Size}",
                        "ITT" => $"ITT 0x{TableAddress:x}",
                        _ => IsValid ? "V 1" : "V 0",
                    }
                );
            }

            return string.Join(' ', parts);
        }
    }
}
