using System.CommandLine;
using System.Globalization;
using Emulator.Boards;
using Emulator.Cli.Output;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator groups</c>: the PCI tree of a board with its IOMMU groups, and why they are as they are.</summary>
internal static class GroupsCommand
{
    public static Command Create(Lazy<ServiceProvider> services)
    {
        // csharpier-ignore
        var board = new Option<string>("--board", "-b") { Description = "The board", HelpName = "BOARD", DefaultValueFactory = _ => "virt" };
        // csharpier-ignore
        var device = new Option<string[]>("--device", "-d") { Description = "A PCI device that is plugged in, as QEMU's -device names it", HelpName = "DEVICE" };
        // csharpier-ignore
        var option = new Option<string[]>("--option", "-o") { Description = "A hardware option of the board: NAME=NUMBER", HelpName = "OPTION" };
        // csharpier-ignore
        var kernel = new Option<string>("--kernel", "-k") { Description = "The kernel profile", HelpName = "KERNEL", DefaultValueFactory = _ => "6.12" };
        // csharpier-ignore
        var acpi = new Option<bool>("--acpi") { Description = "The kernel is told of the board by ACPI, not by a device tree" };
        // csharpier-ignore
        var why = new Option<string?>("--why", "-w") { Description = "Only why this function is in its group", HelpName = "BDF" };
        // csharpier-ignore
        var json = new Option<bool>("--json") { Description = "As JSON" };
        // csharpier-ignore
        var svg = new Option<string?>("--svg") { Description = "Draw the tree into this file", HelpName = "FILE" };
        // csharpier-ignore
        var lspci = new Option<string?>("--lspci") { Description = "Instead of a board: what 'lspci -vvv' printed on a machine; - is standard input", HelpName = "FILE" };
        var command = new ExplainedCommand(
            "groups",
            "Show the PCI tree of a board with its IOMMU groups, and why they are as they are.",
            "emulator groups --device pcie-root-port,id=r1,chassis=1 --device edu,bus=r1",
            "emulator groups --device edu,addr=2.0,multifunction=on --device edu,addr=2.1 --why 00:02.1",
            "lspci -vvvnn | emulator groups --lspci -"
        )
        {
            board,
            device,
            option,
            kernel,
            acpi,
            why,
            json,
            svg,
            lspci,
        };
        command.SetAction(parsed =>
        {
            IBoardLibrary library = services.Value.GetRequiredService<IBoardLibrary>();
            KernelProfile profile = FindKernel(parsed.GetRequiredValue(kernel));
            if (parsed.GetValue(lspci) is { } dump)
            {
                return ShowDump(library, dump, profile, parsed.GetValue(why));
            }

            string name = parsed.GetRequiredValue(board);
            DeviceTree tree = library.Tree(name, ReadOptions(parsed.GetValue(option) ?? []));
            if (parsed.GetValue(device) is { Length: > 0 } devices)
            {
                library.Plug(tree, devices);
            }

            GroupStudy study = GroupStudy.Of(library, name, tree, profile, parsed.GetValue(acpi));
            return Show(study, parsed.GetValue(why), parsed.GetValue(json), parsed.GetValue(svg));
        });
        return command;
    }

    private static int ShowDump(IBoardLibrary library, string file, KernelProfile profile, string? why)
    {
        string text = file is "-" ? Console.In.ReadToEnd() : File.ReadAllText(file);
        IReadOnlyList<string> lines = LspciStudy.Of(library, text, profile, why).Lines;
        if (lines.Count == 0)
        {
            throw new UserErrorException($"the dump has no function '{why}'");
        }

        Print(lines);
        return ExitCodes.Passed;
    }

    private static int Show(GroupStudy study, string? why, bool asJson, string? svg)
    {
        if (study.Report.Functions.Count == 0)
        {
            throw new UserErrorException("the board has no PCI functions that this kernel finds");
        }

        if (svg is not null)
        {
            File.WriteAllText(svg, GroupDrawing.Draw(study));
        }

        if (why is not null)
        {
            PciGroupMember member =
                study.Report.Find(why)
                ?? throw new UserErrorException(
                    $"there is no function '{why}'; functions: {string.Join(", ", study.Report.Functions.Select(one => one.Name))}"
                );
            Print(PciGroupReport.Explain(member));
            return ExitCodes.Passed;
        }

        if (asJson)
        {
            Console.WriteLine(GroupDrawing.Json(study));
            return ExitCodes.Passed;
        }

        if (svg is null)
        {
            Print(study.Report.Lines());
            Print(study.Differences());
            foreach (PciGroupMember member in study.Report.Functions)
            {
                Console.WriteLine();
                Print(PciGroupReport.Explain(member));
            }
        }

        return ExitCodes.Passed;
    }

    private static void Print(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            Console.WriteLine(line);
        }
    }

    private static KernelProfile FindKernel(string name) =>
        KernelProfiles.Find(name)
        ?? throw new UserErrorException(
            $"kernel '{name}' is not modelled; kernels: {string.Join(", ", KernelProfiles.All.Select(profile => profile.Name))}"
        );

    private static Dictionary<string, ulong> ReadOptions(string[] texts)
    {
        var options = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            string[] parts = text.Split('=', 2);
            if (parts.Length < 2 || !ulong.TryParse(parts[1], CultureInfo.InvariantCulture, out ulong value))
            {
                throw new UserErrorException($"--option '{text}' is not NAME=NUMBER");
            }

            options[parts[0]] = value;
        }

        return options;
    }
}
