using System.Globalization;
using System.Text;

namespace Emulator.KernelShim;

/// <summary>/proc/interrupts (kernel/irq/proc.c, show_interrupts).</summary>
internal static class ProcInterrupts
{
    /// <summary>The whole file.</summary>
    public static string Show(Kernel kernel)
    {
        IReadOnlyList<IrqDescriptor> descriptors = kernel.Interrupts?.Descriptors ?? [];
        int cpus = kernel.Board.Cpus.Count;
        int width = Width(descriptors.Count == 0 ? 0 : descriptors[^1].Number + 1);
        var text = new StringBuilder().Append(' ', width + 8);
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            text.Append("CPU").Append(Number((ulong)cpu).PadRight(8));
        }

        text.Append('\n');
        foreach (IrqDescriptor descriptor in descriptors)
        {
            if (descriptor.Actions.Count > 0)
            {
                AddLine(text, descriptor, width, cpus);
            }
        }

        IReadOnlyList<string> between = kernel.Profile.InterprocessorInterrupts;
        for (int index = 0; index < between.Count; index++)
        {
            text.Append("IPI".PadLeft(width - 1)).Append(Number((ulong)index)).Append(':');
            text.Append(kernel.Profile.InterprocessorRowsHaveBlank || width > 3 ? " " : "");
            AddCounts(text, 0, cpus);
            text.Append(between[index]).Append('\n');
        }

        return text.Append("Err".PadLeft(width))
            .Append(": ")
            .Append(Number(kernel.Interrupts?.ErrorCount ?? 0).PadLeft(10))
            .Append('\n')
            .ToString();
    }

    /// <summary>The simulated kernel takes interrupts on the boot CPU alone: the other columns stay 0.</summary>
    private static void AddLine(StringBuilder text, IrqDescriptor descriptor, int width, int cpus)
    {
        text.Append(Number((ulong)descriptor.Number).PadLeft(width)).Append(": ");
        AddCounts(text, descriptor.Count, cpus);
        text.Append(descriptor.ChipPrintsName ? descriptor.ChipName : ' ' + descriptor.ChipName.PadLeft(8));
        text.Append(' ').Append(Number((ulong)descriptor.HardwareNumber).PadLeft(width));
        text.Append(' ').Append((descriptor.IsLevel ? "Level" : "Edge").PadRight(8));
        text.Append("  ").AppendJoin(", ", descriptor.Actions.Select(action => action.Name)).Append('\n');
    }

    private static void AddCounts(StringBuilder text, ulong first, int cpus)
    {
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            text.Append(Number(cpu == 0 ? first : 0).PadLeft(10)).Append(' ');
        }
    }

    /// <summary>3 digits, more where there are 1000 interrupts or more.</summary>
    private static int Width(int interrupts)
    {
        int width = 3;
        for (int limit = 1000; width < 10 && limit <= interrupts; limit *= 10)
        {
            width++;
        }

        return width;
    }

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
