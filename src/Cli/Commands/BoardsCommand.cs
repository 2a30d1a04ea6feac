using System.CommandLine;
using System.Globalization;
using Emulator.Cli.Output;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Scenarios;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator boards</c> and <c>emulator boards show NAME</c>.</summary>
internal static class BoardsCommand
{
    public static Command Create(Lazy<ServiceProvider> services)
    {
        var command = new ExplainedCommand(
            "boards",
            "List the boards and their options.",
            "emulator boards",
            "emulator boards show fvp-ve"
        )
        {
            CreateShow(services),
        };
        command.SetAction(_ => List(services.Value.GetRequiredService<IBoardLibrary>()));
        return command;
    }

    private static ExplainedCommand CreateShow(Lazy<ServiceProvider> services)
    {
        // csharpier-ignore
        var name = new Argument<string>("NAME") { Description = "A board of 'emulator boards', or a .dts or .dtb file of your own" };
        // csharpier-ignore
        var options = new Option<string[]>("--option") { Description = "Set an option of the board", HelpName = "NAME=VALUE" };
        // csharpier-ignore
        var registers = new Option<string?>("--registers") { Description = "List the registers of one device", HelpName = "DEVICE" };
        var show = new ExplainedCommand(
            "show",
            "Show a board: memory map, devices, interrupts, stream IDs, what is modelled and what is a stub.",
            "emulator boards show fvp-ve",
            "emulator boards show fvp-ve --registers smmu",
            "emulator boards show fvp-ve --option dmac3_int_base=168",
            "emulator boards show my-board.dts"
        )
        {
            name,
            options,
            registers,
        };
        show.SetAction(parsed =>
        {
            Board board = CreateBoard(
                services.Value.GetRequiredService<IBoardLibrary>(),
                parsed.GetRequiredValue(name),
                parsed.GetValue(options) ?? []
            );
            if (parsed.GetValue(registers) is { } device)
            {
                BoardText.WriteRegisters(Console.Out, FindDevice(board, device));
            }
            else
            {
                BoardText.Write(Console.Out, board);
            }

            return ExitCodes.Passed;
        });
        return show;
    }

    private static int List(IBoardLibrary library)
    {
        foreach (BoardType board in library.Boards)
        {
            Console.WriteLine($"{board.Name, -12} {board.Title}");
            foreach (BoardOption option in board.Options)
            {
                Console.WriteLine(
                    $"  {option.Name + ": " + option.Default.ToString(CultureInfo.InvariantCulture), -22} {option.Description}"
                );
            }
        }

        return ExitCodes.Passed;
    }

    private static Board CreateBoard(IBoardLibrary library, string name, IEnumerable<string> assignments)
    {
        var options = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (string assignment in assignments)
        {
            string[] parts = assignment.Split('=');
            if (parts.Length != 2 || !TryParse(parts[1], out ulong value))
            {
                throw new UserErrorException($"--option takes NAME=VALUE with a number, not '{assignment}'");
            }

            options[parts[0]] = value;
        }

        if (Path.GetExtension(name) is not (".dts" or ".dtb"))
        {
            CheckNames(library, name, options.Keys);
            return library.Create(name, options, new Simulation());
        }

        if (options.Count > 0)
        {
            throw new UserErrorException("a board of your own has no options; change its device tree");
        }

        byte[] content = File.ReadAllBytes(name);
        string folder = Path.GetDirectoryName(name) is { Length: > 0 } parent ? parent : ".";
        try
        {
            DeviceTree tree = DtbReader.IsBlob(content)
                ? DtbReader.Read(content, name)
                : DtsReader.Parse(
                    content,
                    name,
                    DtcFacade.SearchIn([folder], path => File.Exists(path) ? File.ReadAllBytes(path) : null)
                );
            return library.Create(name, tree, new Simulation());
        }
        catch (DeviceTreeException exception)
        {
            throw new UserErrorException(exception.Message);
        }
    }

    private static bool TryParse(string text, out ulong value) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static void CheckNames(IBoardLibrary library, string name, IEnumerable<string> options)
    {
        string[] names = [.. library.Boards.Select(board => board.Name)];
        BoardType type =
            library.Boards.FirstOrDefault(board => string.Equals(board.Name, name, StringComparison.Ordinal))
            ?? throw new UserErrorException(
                $"there is no board '{name}'{Words.DidYouMean(name, "Boards", names)}, or a .dts or .dtb file of your own"
            );
        string[] valid = [.. type.Options.Select(option => option.Name)];
        foreach (string option in options.Where(option => !valid.Contains(option)))
        {
            throw new UserErrorException(
                $"board {name} has no option '{option}'{Words.DidYouMean(option, "Its options", valid)}"
            );
        }
    }

    private static BoardDevice FindDevice(Board board, string name) =>
        board.Find(name)
        ?? throw new UserErrorException(
            $"board {board.Name} has no device '{name}'{Words.DidYouMean(name, "Its devices", [.. board.Devices.Select(d => d.Name)])}"
        );
}
