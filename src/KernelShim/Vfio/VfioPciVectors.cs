using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>The messages of a function that programs have set up, each with an eventfd (vfio_msi_enable and what follows).</summary>
internal sealed class VfioPciVectors(Kernel kernel, PciDevice device)
{
    private readonly List<Vector> _vectors = [];
    private string _kind = "";

    /// <summary>How many there are.</summary>
    public int Count => _vectors.Count;

    /// <summary>vfio_msi_enable.</summary>
    public bool TryEnable(int count, bool isExtended)
    {
        if (!kernel.Pci.Messages.TryEnable(device, count, out IReadOnlyList<PciMessage> messages, isExtended))
        {
            return false;
        }

        _kind = isExtended ? "msix" : "msi";
        _vectors.AddRange(messages.Take(count).Select(message => new Vector(message.Interrupt)));
        return _vectors.Count == count;
    }

    /// <summary>vfio_msi_disable.</summary>
    public void Disable()
    {
        foreach (Vector vector in _vectors)
        {
            Release(vector);
        }

        _vectors.Clear();
        kernel.Pci.Messages.Disable(device);
    }

    /// <summary>vfio_msi_set_vector_signal; a negative descriptor leaves the vector without an eventfd.</summary>
    public long Set(Process process, int number, int descriptor)
    {
        const string function = "vfio_msi_set_vector_signal";
        Vector vector = _vectors[number];
        Release(vector);
        if (descriptor < 0)
        {
            return 0;
        }

        long error = VfioPciInterrupts.FindEventFile(process, function, descriptor, out EventFile? file);
        if (error != 0)
        {
            return error;
        }

        vector.Trigger = file;
        string name = string.Create(CultureInfo.InvariantCulture, $"vfio-{_kind}[{number}]({device.Name})");
        error = kernel.Interrupts.Request(vector.Interrupt, name, vector.Handle, vector);
        if (error != 0)
        {
            vector.Trigger = null;
            return process.Refuse((Errno)(-error), "request_irq", $"interrupt {vector.Interrupt} is taken");
        }

        return 0;
    }

    /// <summary>Tells the program as if the message had come.</summary>
    public void Signal(int number) => _vectors[number].Trigger?.Signal();

    private void Release(Vector vector)
    {
        if (vector.Trigger is not null)
        {
            vector.Trigger = null;
            kernel.Interrupts.Free(vector.Interrupt, vector);
        }
    }

    private sealed class Vector(int interrupt)
    {
        public int Interrupt { get; } = interrupt;

        public EventFile? Trigger { get; set; }

        public bool Handle()
        {
            Trigger?.Signal();
            return true;
        }
    }
}
