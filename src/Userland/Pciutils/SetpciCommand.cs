using System.Buffers.Binary;

namespace Emulator.Userland;

/// <summary>setpci of pciutils 3.9: reads and writes registers in configuration spaces.</summary>
internal sealed class SetpciCommand
{
    private const string Usage = """
        Usage: setpci [<options>] (<device>+ <reg>[=<values>]*)*

        General options:
        -f		Don't complain if there's nothing to do
        -v		Be verbose
        -D		List changes, don't commit them
        -r		Use raw access without bus scan if possible
        --dumpregs	Dump all known register names and exit

        PCI access options:
        -A <method>	Use the specified PCI access method (see `-A help' for a list)
        -O <par>=<val>	Set PCI access parameter (see `-O help' for a list)
        -F <file>	Read PCI configuration dump from a given file

        Setting commands:
        <device>:	-s [[[<domain>]:][<bus>]:][<slot>][.[<func>]]
        		-d [<vendor>]:[<device>]
        <reg>:		<base>[+<offset>][.(B|W|L)][@<number>]
        <base>:		<address>
        		<named-register>
        		[E]CAP_<capability-name>
        		[E]CAP<capability-number>
        <values>:	<value>[,<value>...]
        <value>:	<hex>
        		<hex>:<mask>

        """;

    private readonly Tool _tool;
    private readonly PciAccessOptions _options;
    private readonly List<(PciFilter Filter, List<SetpciOperation> Operations)> _groups = [];
    private PciAccess _access = null!;
    private bool _isVerbose;
    private bool _isForced;
    private bool _isDemo;
    private bool _isRaw;

    private SetpciCommand(Tool tool)
    {
        _tool = tool;
        _options = new PciAccessOptions(tool.Libc);
    }

    /// <summary>The program.</summary>
    public static IProgram Program { get; } = new RawProgram("setpci", Main);

    private static async Task<int> Main(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "setpci");
        try
        {
            await Start(tool, words);
        }
        catch (PciFailure failure)
        {
            await tool.Error(failure.Message);
        }
        catch (SetpciMistake mistake)
        {
            await tool.Error($"{mistake.Message}.\nTry `setpci --help' for more information.");
        }

        return await tool.Finish();
    }

    private static async Task Start(Tool tool, IReadOnlyList<string> words)
    {
        switch (words)
        {
            case [_, "--help"]:
                await tool.Libc.Print(2, Usage);
                break;
            case [_, "--version"]:
                await tool.Print("setpci version 3.9.0\n");
                break;
            case [_, "--dumpregs"]:
                await tool.Print(SetpciRegisters.Dump());
                break;
            default:
                await new SetpciCommand(tool).Run(words);
                break;
        }
    }

    private async Task Run(IReadOnlyList<string> words)
    {
        int first = TakeOptions(words);
        if (_options.Help is not null)
        {
            await _tool.Print(_options.Help);
            return;
        }

        TakeOperations(words, first);
        bool writes = !_isDemo && _groups.Exists(group => group.Operations.Exists(op => op.Values.Count > 0));
        _access = await _options.Open(isBusCentric: false, writes);
        await Execute();
        await _access.Close();
    }

    /// <summary>Takes the options at the beginning; which word is the first after them.</summary>
    private int TakeOptions(IReadOnlyList<string> words)
    {
        int at = 1;
        while (at < words.Count && words[at].StartsWith('-'))
        {
            string word = words[at++];
            for (int n = 1; n < word.Length; n++)
            {
                if (TakeFlag(word[n]))
                {
                    continue;
                }

                int known = word[n] == ':' ? -1 : PciAccessOptions.Letters.IndexOf(word[n], StringComparison.Ordinal);
                if (known < 0)
                {
                    return n == 1 ? at - 1 : throw new SetpciMistake($"Invalid or misplaced option -{word[n]}");
                }

                if (PciAccessOptions.Letters[known + 1] == ':')
                {
                    string argument =
                        n + 1 < word.Length ? word[(n + 1)..]
                        : at < words.Count ? words[at++]
                        : throw new SetpciMistake($"Option -{word[n]} requires an argument");
                    _options.Take(word[n], argument);
                    break;
                }
            }
        }

        return at;
    }

    private bool TakeFlag(char letter)
    {
        switch (letter)
        {
            case 'v':
                return _isVerbose = true;
            case 'f':
                return _isForced = true;
            case 'D':
                return _isDemo = true;
            case 'r':
                return _isRaw = true;
            default:
                return false;
        }
    }

    private void TakeOperations(IReadOnlyList<string> words, int at)
    {
        while (at < words.Count)
        {
            string word = words[at++];
            if (!word.StartsWith('-'))
            {
                (
                    _groups.Count > 0
                        ? _groups[^1].Operations
                        : throw new SetpciMistake("Filter specification expected")
                ).Add(SetpciOperation.Parse(word));
                continue;
            }

            if (_groups.Count == 0 || _groups[^1].Operations.Count > 0)
            {
                _groups.Add((new PciFilter(), []));
            }

            TakeFilter(words, word, ref at, _groups[^1].Filter);
        }

        if (_groups.Count == 0)
        {
            throw new SetpciMistake("No operation specified");
        }
    }

    private static void TakeFilter(IReadOnlyList<string> words, string word, ref int at, PciFilter filter)
    {
        if (word.Length < 2 || word[1] is not ('s' or 'd'))
        {
            throw new SetpciMistake($"Invalid option -{(word.Length > 1 ? word[1..2] : "")}");
        }

        string text =
            word.Length > 2 ? word[(word[2] == '=' ? 3 : 2)..]
            : at < words.Count ? words[at++]
            : throw new SetpciMistake($"Option -{word[1]} requires an argument");
        string? mistake = word[1] == 's' ? filter.ParseSlot(text) : filter.ParseId(text);
        if (mistake is not null)
        {
            throw new SetpciMistake($"Unable to parse filter -{word[1]} {mistake}");
        }
    }

    private async Task Execute()
    {
        IReadOnlyList<PciFunction>? all = null;
        for (int n = 0; n < _groups.Count; n++)
        {
            (PciFilter filter, List<SetpciOperation> operations) = _groups[n];
            IReadOnlyList<PciAddress> chosen =
                _isRaw && filter.Single is { } single
                    ? [single]
                    : [.. (all ??= await Scan()).Where(filter.Matches).Select(function => function.Address)];
            if (chosen.Count == 0 && !_isForced)
            {
                await _tool.Flush();
                await _tool.Libc.Print(2, $"setpci: Warning: No devices selected for operation group {n + 1}.\n");
            }

            foreach (PciAddress address in chosen)
            {
                foreach (SetpciOperation operation in operations)
                {
                    await Execute(operation, address);
                }
            }
        }
    }

    private async Task<IReadOnlyList<PciFunction>> Scan()
    {
        PciFunction[] functions = [.. (await _access.Scan()).OrderBy(function => function.Address.Order)];
        foreach (PciFunction function in functions)
        {
            function.HasNoConfig = !await function.Config.Fetch(0, 64);
            await _access.FillIdentity(function);
        }

        return functions;
    }

    private async Task Execute(SetpciOperation operation, PciAddress device)
    {
        await Trace($"{device} ");
        int at = operation.Register.Address + await CapabilityOf(operation, device);
        await Trace($"@{at:x2}");
        if ((at & (operation.Bytes - 1)) != 0)
        {
            throw new PciFailure($"{device}: Unaligned access of width {operation.Bytes} to register {at:x4}");
        }

        if (at + operation.Bytes > PciConfig.MaximumBytes)
        {
            throw new PciFailure($"{device}: Access of width {operation.Bytes} to register {at:x4} out of range");
        }

        await CheckHeader(operation.Register, device);
        if (operation.Values.Count == 0)
        {
            await Trace(" = ");
            await _tool.Print(Hex(await Read(device, at, operation.Bytes), operation.Bytes) + "\n");
            return;
        }

        foreach ((uint value, uint mask) in operation.Values)
        {
            await Write(operation.Bytes, device, at, value, mask);
            at += operation.Bytes;
        }

        await Trace("\n");
    }

    /// <summary>Some registers are in some types of header only.</summary>
    private async Task CheckHeader(SetpciRegister register, PciAddress device)
    {
        const int cardBus = 2;
        int type = register.HeaderTypes == 0 ? 0 : (int)(await Read(device, 0x0E, 1) & 0x7F);
        if (register.HeaderTypes != 0 && (type > cardBus || ((register.HeaderTypes >> type) & 1) == 0))
        {
            throw new PciFailure($"{device}: Does not have register {register.Name}.");
        }
    }

    private async Task Write(int bytes, PciAddress device, int at, uint value, uint mask)
    {
        uint ones = SetpciOperation.Ones(bytes);
        uint result = value;
        if ((mask & ones) == ones)
        {
            await Trace(" " + Hex(value & ones, bytes));
        }
        else
        {
            uint old = await Read(device, at, bytes);
            result = (old & ~mask) | value;
            await Trace($" {Hex(old, bytes)}->({Hex(value, bytes)}:{Hex(mask, bytes)})->{Hex(result, bytes)}");
        }

        if (!_isDemo)
        {
            byte[] data = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(data, result);
            await _access.WriteConfig(device, at, data[..bytes]);
        }
    }

    /// <summary>Where the capability begins that a register is counted from; 0 when it is counted from none.</summary>
    private async Task<int> CapabilityOf(SetpciOperation operation, PciAddress device)
    {
        SetpciRegister register = operation.Register;
        if (register.Kind == CapabilityKind.None)
        {
            return 0;
        }

        bool isExtended = register.Kind == CapabilityKind.Extended;
        var config = new PciConfig((at, count) => _access.ReadConfig(device, at, count));
        IReadOnlyList<int> found = isExtended
            ? await PciConfigFacts.FindExtendedCapabilities(config, register.Id)
            : await PciConfigFacts.FindCapabilities(config, register.Id);
        if (operation.Instance < found.Count)
        {
            int at = found[operation.Instance];
            await Trace(isExtended ? $"(ecap {register.Id:x4} @{at:x3}) " : $"(cap {register.Id:x2} @{at:x2}) ");
            return at;
        }

        string kind = isExtended ? "Extended capability" : "Capability";
        string there = found.Count switch
        {
            0 => "there are no capabilities with that id",
            1 => "there is only 1 capability with that id",
            var count => $"there are only {count} capabilities with that id",
        };
        throw new PciFailure(
            $"{device}: Instance #{operation.Instance} of {kind} {register.Id:x4} not found - {there}."
        );
    }

    /// <summary>Reads a register; what cannot be read is all ones.</summary>
    private async Task<uint> Read(PciAddress device, int at, int bytes)
    {
        if (await _access.ReadConfig(device, at, bytes) is not { } data)
        {
            return SetpciOperation.Ones(bytes);
        }

        byte[] whole = new byte[4];
        data.CopyTo(whole, 0);
        return BinaryPrimitives.ReadUInt32LittleEndian(whole);
    }

    private static string Hex(uint value, int bytes) => value.ToString($"x{2 * bytes}", null);

    private Task Trace(string text) => _isVerbose ? _tool.Print(text) : Task.CompletedTask;
}
