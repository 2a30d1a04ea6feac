namespace Emulator.KernelShim;

/// <summary>A line that user space has (struct gpiod_data): direction, value, edge, active_low.</summary>
internal sealed class ExportedGpio(Kernel kernel, GpioLine line)
{
    private static readonly (string Name, GpioEdges Edges)[] Triggers =
    [
        ("none", GpioEdges.None),
        ("falling", GpioEdges.Falling),
        ("rising", GpioEdges.Rising),
        ("both", GpioEdges.Both),
    ];

    private GpioEdges _edges;
    private AttributeInode? _value;

    /// <summary>gpio_groups: edge is there only where the line has an interrupt, which maps it (gpio_is_visible).</summary>
    public void AddFiles(DirectoryInode directory)
    {
        directory.AddAttribute("direction", AttributeMode.ReadWrite, ShowDirection, StoreDirection);
        if (line.Chip.InterruptOf(line.Offset) >= 0)
        {
            directory.AddAttribute(
                "edge",
                AttributeMode.ReadWrite,
                () => Array.Find(Triggers, trigger => trigger.Edges == _edges).Name + "\n",
                StoreEdge
            );
        }

        _value = directory.AddAttribute("value", AttributeMode.ReadWrite, () => line.Value ? "1\n" : "0\n", StoreValue);
        directory.AddAttribute(
            "active_low",
            AttributeMode.ReadWrite,
            () => line.IsActiveLow ? "1\n" : "0\n",
            StoreActiveLow
        );
    }

    /// <summary>gpiod_unexport.</summary>
    public void Close()
    {
        FreeInterrupt();
        _value?.Notify();
    }

    private string ShowDirection() => line.Chip.IsOutput(line.Offset) ? "out\n" : "in\n";

    /// <summary>direction_store. The raw functions do not look whether the line is an interrupt.</summary>
    private long StoreDirection(Process process, string text)
    {
        if (GpioText.IsWord(text, "high"))
        {
            line.Chip.MakeOutput(line.Offset, true);
        }
        else if (GpioText.IsWord(text, "out") || GpioText.IsWord(text, "low"))
        {
            line.Chip.MakeOutput(line.Offset, false);
        }
        else if (GpioText.IsWord(text, "in"))
        {
            line.Chip.MakeInput(line.Offset);
        }
        else
        {
            return process.Refuse(Errno.EINVAL, "direction_store", "a direction is in, out, low or high");
        }

        return text.Length;
    }

    private long StoreValue(Process process, string text)
    {
        if (!line.Chip.IsOutput(line.Offset))
        {
            return process.Refuse(Errno.EPERM, "value_store", "the line is an input");
        }

        if (!GpioText.TryParse(text, out long value))
        {
            return process.Refuse(Errno.EINVAL, "value_store", "it is no number");
        }

        line.SetValue(value != 0);
        return text.Length;
    }

    private long StoreEdge(Process process, string text)
    {
        int index = Array.FindIndex(Triggers, trigger => GpioText.IsWord(text, trigger.Name));
        if (index < 0)
        {
            return process.Refuse(Errno.EINVAL, "edge_store", "an edge is none, rising, falling or both");
        }

        long error = SetEdges(Triggers[index].Edges);
        return error == 0
            ? text.Length
            : process.Refuse((Errno)(-error), "gpio_sysfs_request_irq", "the line can be no interrupt");
    }

    private long StoreActiveLow(Process process, string text)
    {
        if (!GpioText.TryParse(text, out long value))
        {
            return process.Refuse(Errno.EINVAL, "active_low_store", "it is no number");
        }

        line.IsActiveLow = value != 0;
        if (_edges is GpioEdges.Rising or GpioEdges.Falling)
        {
            // gpio_sysfs_set_active_low: an edge of the value is the other edge of the wire now.
            GpioEdges edges = _edges;
            FreeInterrupt();
            SetEdges(edges);
        }

        return text.Length;
    }

    private long SetEdges(GpioEdges edges)
    {
        if (edges == _edges)
        {
            return 0;
        }

        FreeInterrupt();
        if (edges == GpioEdges.None)
        {
            return 0;
        }

        int number = line.Chip.InterruptOf(line.Offset);
        if (number < 0)
        {
            return -(long)Errno.EIO;
        }

        long error = line.LockAsInterrupt(kernel);
        if (error != 0)
        {
            return error;
        }

        GpioEdges wire = line.IsActiveLow && edges != GpioEdges.Both ? edges ^ GpioEdges.Both : edges;
        line.Chip.SetEdges(line.Offset, wire);
        error = kernel.Interrupts.Request(number, "gpiolib", OnInterrupt, this, isShared: true);
        if (error != 0)
        {
            line.IsInterrupt = false;
            return error;
        }

        _edges = edges;
        return 0;
    }

    private void FreeInterrupt()
    {
        if (_edges != GpioEdges.None)
        {
            _edges = GpioEdges.None;
            kernel.Interrupts.Free(line.Chip.InterruptOf(line.Offset), this);
            line.IsInterrupt = false;
        }
    }

    /// <summary>gpio_sysfs_irq: whoever polls the value wakes up.</summary>
    private bool OnInterrupt()
    {
        _value?.Notify();
        return true;
    }
}
