using Emulator.KernelShim;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Userland;

/// <summary>dtc on files of the simulated tree; <c>-I fs</c> is not supported.</summary>
internal static class DtcCommand
{
    public static IProgram Program { get; } = new ToolProgram("dtc", "I:O:o:b:qfs@AV:R:S:p:i:W:E:", 0, Run);

    private static async Task Run(Tool tool, Options options)
    {
        string input = options.Operands.FirstOrDefault() ?? "-";
        long file = await tool.Open(input, "FATAL ERROR: Couldn't open \"{0}\"");
        if (file < 0)
        {
            return;
        }

        (long result, byte[] data) = await WholeFile.Read(tool.Libc, file);
        await tool.Close(file);
        if (result < 0)
        {
            await tool.Error(input, result);
            return;
        }

        DtcResult converted;
        try
        {
            converted = DtcFacade.Convert(
                data,
                new DtcOptions
                {
                    InputFormat = options.Value("I") switch
                    {
                        null => null,
                        "dts" => DtcFormat.Dts,
                        "dtb" => DtcFormat.Dtb,
                        var other => throw new NotSupportedException($"Unknown input format \"{other}\""),
                    },
                    OutputFormat = options.Value("O") switch
                    {
                        null or "dtb" => DtcFormat.Dtb,
                        "dts" => DtcFormat.Dts,
                        var other => throw new NotSupportedException($"Unknown output format \"{other}\""),
                    },
                    InputName = input is "-" ? "<stdin>" : input,
                    OutputName = options.Value("o") ?? "<stdout>",
                    Sort = options["s"],
                    GenerateSymbols = options["@"],
                    GenerateAliases = options["A"],
                    Quiet = options["q"],
                }
            );
        }
        catch (Exception exception) when (exception is DeviceTreeException or NotSupportedException)
        {
            string text = exception is NotSupportedException ? "FATAL ERROR: " + exception.Message : exception.Message;
            await tool.Libc.Print(2, text + "\n");
            tool.Status = 1;
            return;
        }

        foreach (string warning in converted.Warnings)
        {
            await tool.Libc.Print(2, warning + "\n");
        }

        await Write(tool, options.Value("o") ?? "-", converted.Output);
    }

    private static async Task Write(Tool tool, string path, byte[] output)
    {
        if (path is "-")
        {
            await tool.Print(output);
            return;
        }

        long file = await tool.Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, 0x1A4);
        if (file < 0)
        {
            await tool.Error($"FATAL ERROR: Couldn't open output file {path}", file);
            return;
        }

        for (int done = 0; done < output.Length; )
        {
            long result = await tool.Libc.Write(file, output.AsSpan(done));
            if (result <= 0)
            {
                await tool.Error("write error", result);
                break;
            }

            done += (int)result;
        }

        await tool.Libc.Close(file);
    }
}
