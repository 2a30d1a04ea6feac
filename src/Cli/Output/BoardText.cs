using System.Globalization;
using Emulator.Machine;

namespace Emulator.Cli.Output;

/// <summary>Writes what a board is made of.</summary>
internal static class BoardText
{
    public static void Write(TextWriter output, Board board)
    {
        output.WriteLine($"{board.Name}: {board.Cpus.Count} CPU ports, {board.Devices.Count} devices");
        output.WriteLine("\nmemory map");
        foreach (BusRegion region in board.Bus.Regions)
        {
            BoardDevice? device = board.Devices.FirstOrDefault(candidate => candidate.Regions.Contains(region));
            string what =
                device is null ? "RAM"
                : device.IsStub ? $"stub: {device.Compatible[0]}"
                : device.Title!;
            output.WriteLine($"  {Range(region), -28} {region.Name, -18} {what}");
        }

        WriteInterrupts(output, board);
        WriteMasters(output, board);
        foreach (string warning in board.Warnings)
        {
            output.WriteLine($"\nwarning: {warning}");
        }

        string[] stubs = [.. board.Devices.Where(device => device.IsStub).Select(device => device.Name)];
        output.WriteLine(
            stubs.Length == 0
                ? "\nevery device is modelled"
                : $"\nnot modelled (accesses are reported, reads give 0): {string.Join(", ", stubs)}"
        );
    }

    public static void WriteRegisters(TextWriter output, BoardDevice device)
    {
        if (device.IsStub)
        {
            output.WriteLine($"{device.Name} is not modelled: {string.Join(", ", device.Compatible)}");
            return;
        }

        output.WriteLine($"{device.Name}: {device.Title}");
        foreach (BusRegion region in device.Regions)
        {
            if (region.Target is not IRegisterWindow window)
            {
                output.WriteLine($"\n{Range(region)} memory");
                continue;
            }

            output.WriteLine($"\n{window.BlockName} at {Hexadecimal.Format(region.Start)}");
            foreach (RegisterDescription register in window.Registers)
            {
                output.WriteLine(Line(register));
            }
        }
    }

    private static void WriteInterrupts(TextWriter output, Board board)
    {
        output.WriteLine("\ninterrupts");
        foreach (BoardDevice device in board.Devices)
        {
            foreach (InterruptLine line in device.Interrupts)
            {
                output.WriteLine($"  {device.Name, -12} {line.Name, -16} {line.Input?.Name ?? "unconnected"}");
            }
        }
    }

    private static void WriteMasters(TextWriter output, Board board)
    {
        output.WriteLine("\nDMA masters");
        foreach (BoardDevice device in board.Devices)
        {
            foreach (MasterPort port in device.Ports)
            {
                string streams = string.Join(", ", port.StreamIds.Select(id => Hexadecimal.Format(id)));
                string ids = streams.Length == 0 ? "" : $"  stream IDs {streams}";
                output.WriteLine($"  {device.Name, -12} -> {port.TargetName}{ids}");
            }
        }
    }

    private static string Range(BusRegion region) =>
        $"{Hexadecimal.Format(region.Start)}..{Hexadecimal.Format(region.Last)}";

    private static string Line(RegisterDescription register)
    {
        string access = register.Access switch
        {
            RegisterAccess.ReadWrite => "RW",
            RegisterAccess.ReadOnly => "RO",
            RegisterAccess.WriteOnly => "WO",
            _ => "not modelled",
        };
        string name =
            register.Count == 1
                ? register.Name
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{register.NameOf(0)}..{register.NameOf(register.Count - 1)} (every 0x{register.StrideBytes:x})"
                );
        string reset = register.Reset == 0 ? "" : $" reset {Hexadecimal.Format(register.Reset)}";
        string fields = register.FieldText.Length == 0 ? "" : $"  {register.FieldText}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"  0x{register.Offset:x4} {register.WidthBits, 2} {access, -2} {name}{reset}{fields}"
        );
    }
}
