using System.CommandLine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator dtc</c>: converts device trees, with the option names of dtc.</summary>
internal static class DtcCommand
{
    public static Command Create()
    {
        // csharpier-ignore
        var input = new Argument<string?>("FILE") { Description = "The tree to read; - or nothing is standard input", Arity = ArgumentArity.ZeroOrOne };
        // csharpier-ignore
        var inputFormat = new Option<string?>("--in-format", "-I") { Description = "dts or dtb; found out if not given", HelpName = "FORMAT" };
        // csharpier-ignore
        var outputFormat = new Option<string?>("--out-format", "-O") { Description = "dts or dtb", HelpName = "FORMAT" };
        // csharpier-ignore
        var outputFile = new Option<string>("--out", "-o") { Description = "Where to write; - is standard output", HelpName = "FILE", DefaultValueFactory = _ => "-" };
        // csharpier-ignore
        var version = new Option<int>("--out-version", "-V") { Description = "Blob version", HelpName = "N", DefaultValueFactory = _ => 17 };
        // csharpier-ignore
        var reserve = new Option<int>("--reserve", "-R") { Description = "Room for N more memory reservations", HelpName = "N" };
        // csharpier-ignore
        var space = new Option<int>("--space", "-S") { Description = "Make the blob at least N bytes", HelpName = "N" };
        // csharpier-ignore
        var pad = new Option<int>("--pad", "-p") { Description = "Add N bytes of padding", HelpName = "N" };
        // csharpier-ignore
        var align = new Option<int>("--align", "-a") { Description = "Align the blob's size to N bytes", HelpName = "N" };
        // csharpier-ignore
        var cpu = new Option<uint?>("--boot-cpu", "-b") { Description = "Set the physical boot CPU", HelpName = "N" };
        // csharpier-ignore
        var sort = new Option<bool>("--sort", "-s") { Description = "Sort nodes and properties" };
        // csharpier-ignore
        var symbols = new Option<bool>("--symbols", "-@") { Description = "Generate /__symbols__" };
        // csharpier-ignore
        var aliases = new Option<bool>("--auto-alias", "-A") { Description = "Generate /aliases from labels" };
        // csharpier-ignore
        var include = new Option<string[]>("--include", "-i") { Description = "A folder to search for included files", HelpName = "DIR" };
        // csharpier-ignore
        var quiet = new Option<bool>("--quiet", "-q") { Description = "No warnings" };
        var command = new ExplainedCommand(
            "dtc",
            "Convert device trees between source (dts) and blob (dtb).",
            "emulator dtc -I dts -O dtb -o board.dtb board.dts",
            "emulator dtc -I dtb -O dts board.dtb"
        )
        {
            input,
            inputFormat,
            outputFormat,
            outputFile,
            version,
            reserve,
            space,
            pad,
            align,
            cpu,
            sort,
            symbols,
            aliases,
            include,
            quiet,
        };
        command.SetAction(parsed =>
        {
            string file = parsed.GetValue(input) ?? "-";
            string target = parsed.GetRequiredValue(outputFile);
            string[] folders =
            [
                file is "-" ? "."
                : Path.GetDirectoryName(file) is { Length: > 0 } folder ? folder
                : ".",
                .. parsed.GetValue(include) ?? [],
            ];
            var options = new DtcOptions
            {
                InputFormat = ParseFormat(parsed.GetValue(inputFormat)),
                OutputFormat = ParseFormat(parsed.GetValue(outputFormat)) ?? DtcFormat.Dtb,
                InputName = file is "-" ? "<stdin>" : file,
                OutputName = target is "-" ? "<stdout>" : target,
                BootCpuId = parsed.GetValue(cpu),
                Blob = DtbWriterOptions.Default with
                {
                    Version = parsed.GetValue(version),
                    ExtraReservations = parsed.GetValue(reserve),
                    MinimumLengthBytes = parsed.GetValue(space),
                    PaddingBytes = parsed.GetValue(pad),
                    AlignmentBytes = parsed.GetValue(align),
                },
                Sort = parsed.GetValue(sort),
                GenerateSymbols = parsed.GetValue(symbols),
                GenerateAliases = parsed.GetValue(aliases),
                Quiet = parsed.GetValue(quiet),
                IncludeResolver = DtcFacade.SearchIn(folders, ReadIfThere),
            };
            return Convert(file, target, options);
        });
        return command;
    }

    private static int Convert(string file, string target, DtcOptions options)
    {
        try
        {
            DtcResult result = DtcFacade.Convert(InputOutput.Read(file), options);
            foreach (string warning in result.Warnings)
            {
                Console.Error.WriteLine(warning);
            }

            InputOutput.Write(target, result.Output);

            return ExitCodes.Passed;
        }
        catch (DeviceTreeException exception)
        {
            foreach (DeviceTreeError error in exception.Errors)
            {
                Console.Error.WriteLine(error);
            }

            return ExitCodes.WrongInput;
        }
    }

    private static DtcFormat? ParseFormat(string? name) =>
        name switch
        {
            null => null,
            "dts" => DtcFormat.Dts,
            "dtb" => DtcFormat.Dtb,
            _ => throw new UserErrorException($"a format is dts or dtb, not '{name}'"),
        };

    private static byte[]? ReadIfThere(string path) => File.Exists(path) ? File.ReadAllBytes(path) : null;
}
