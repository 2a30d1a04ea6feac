using System.CommandLine;
using System.Globalization;
using Emulator.Cli.Output;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator boards</c> and <c>emulator boards show NAME</c>.</summary>
internal static class BoardsCommand
{
    public static Command Create(Lazy<ServiceProvider> services)
    {
        var command = new Command(
            "boards",
            "List the boards.\n\nExamples:\n  emulator boards\n  emulator boards show fvp-ve"
        )
        {
            CreateShow(services),
        };
        command.SetAction(_ => List(services.Value.GetRequiredService<IBoardLibrary>()));
        return command;
    }

    private static Command CreateShow(Lazy<ServiceProvider> services)
    {
        // csharpier-ignore
        var name = new Argument<string>("NAME") { Description = "A board of 'emulator boards', or a .dts or .dtb file of your own" };
        // csharpier-ignore
        var options = new Option<string[]>("--option") { Description = "Set an option of the board", HelpName = "NAME=VALUE" };
        // csharpier-ignore
        var registers = new Option<string?>("--registers") { Description = "List the registers of one device", HelpName = "DEVICE" };
        var show = new Command(
            "show",
            "Show a board: memory map, devices, interrupts, stream IDs, what is modelled and what is a stub.\n\n"
                + "Examples:\n"
                + "  emulator boards show fvp-ve\n"
                + "  emulator boards show fvp-ve --registers smmu\n"
                + "  emulator boards show fvp-ve --option dmac3_int_base=168\n"
                + "  emulator boards show my-board.dts"
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
            if (
                parts.Length != 2
                || !ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            )
            {
                throw new UserErrorException($"--option takes NAME=VALUE with a decimal value, not '{assignment}'");
            }

            options[parts[0]] = value;
        }

        if (Path.GetExtension(name) is not (".dts" or ".dtb"))
        {
            return library.Create(name, options, new Simulation());
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

    private static BoardDevice FindDevice(Board board, string name) =>
        board.Find(name)
        ?? throw new UserErrorException(
            $"board {board.Name} has no device '{name}'{Scenarios.Words.DidYouMean(name, board.Devices.Select(d => d.Name))}"
        );
}
