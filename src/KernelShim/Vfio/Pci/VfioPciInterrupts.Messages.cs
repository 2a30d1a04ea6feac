namespace Emulator.KernelShim;

/// <content>MSI and MSI-X: an eventfd for each vector.</content>
internal sealed partial class VfioPciInterrupts
{
    /// <summary>
    /// vfio_msi_enable: messages for so many vectors. A positive answer is how many there could be, and none is set up.
    /// </summary>
    public long EnableMessages(Process process, int count, bool isMsiX)
    {
        const string Function = "vfio_msi_enable";
        if (count == 0)
        {
            return process.Refuse(Errno.ERANGE, "pci_alloc_irq_vectors_affinity", "no vector at all is asked for");
        }

        bool isEnough = owner.WithMemory(() =>
            Kernel.Pci.Messages.TryEnable(Device, count, isMsiX, out _messages) && _messages.Count >= count
        );
        if (!isEnough)
        {
            int got = _messages.Count;
            _messages = [];
            owner.WithMemory(() => Kernel.Pci.Messages.Disable(Device));
            return got > 0 ? got : process.Refuse(Errno.ENOSPC, Function, $"no {count} messages can be had");
        }

        for (int n = 0; n < count; n++)
        {
            _triggers.Add(null);
        }

        Kind = isMsiX ? VfioPciInterruptKind.MsiX : VfioPciInterruptKind.Msi;
        if (!isMsiX)
        {
            owner.Configuration!.SetMsiVectors(count);
        }

        return 0;
    }

    /// <summary>vfio_msi_set_block: all of them, or what was set is taken back.</summary>
    public long SetMessageTriggers(Process process, int start, ReadOnlySpan<int> descriptors)
    {
        if (
            Kernel.Profile.VfioPciChecksVectorsFirst
            && (start >= _triggers.Count || start + descriptors.Length > _triggers.Count)
        )
        {
            return process.Refuse(Errno.EINVAL, "vfio_msi_set_block", $"{_triggers.Count} vectors are set up");
        }

        for (int n = 0; n < descriptors.Length; n++)
        {
            long error = SetMessageTrigger(process, start + n, descriptors[n]);
            if (error == 0)
            {
                continue;
            }

            for (; n >= 0; n--)
            {
                SetMessageTrigger(process, start + n, -1);
            }

            return error;
        }

        return 0;
    }

    /// <summary>As if the messages of some vectors had come.</summary>
    /// <param name="process">Who asks.</param>
    /// <param name="start">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="wanted">Which of them; empty for all.</param>
    public long SendMessages(Process process, int start, int count, ReadOnlySpan<byte> wanted)
    {
        if (Kernel.Profile.VfioPciChecksVectorsFirst && start + count > _triggers.Count)
        {
            return process.Refuse(Errno.EINVAL, "vfio_pci_set_msi_trigger", $"{_triggers.Count} vectors are set up");
        }

        for (int n = 0; n < count && start + n < _triggers.Count; n++)
        {
            if (wanted.IsEmpty || wanted[n] != 0)
            {
                _triggers[start + n]?.Signal();
            }
        }

        return 0;
    }

    /// <summary>vfio_msi_disable.</summary>
    public void DisableMessages()
    {
        for (int n = 0; n < _triggers.Count; n++)
        {
            DropMessage(n);
        }

        owner.WithMemory(() => Kernel.Pci.Messages.Disable(Device));
        if (owner.HasNoInterrupt)
        {
            Device.UpdateWord(PciRegisters.Command, 0, PciRegisters.CommandInterruptDisable);
        }

        _triggers.Clear();
        _messages = [];
        Kind = VfioPciInterruptKind.None;
    }

    /// <summary>vfio_msi_set_vector_signal.</summary>
    private long SetMessageTrigger(Process process, int vector, int descriptor)
    {
        const string Function = "vfio_msi_set_vector_signal";
        DropMessage(vector);
        if (descriptor < 0)
        {
            return 0;
        }

        if (vector >= _triggers.Count)
        {
            return process.Refuse(Errno.EINVAL, Function, $"{_triggers.Count} vectors are set up, and no more can be");
        }

        long error = VirqFd.FindEventFile(process, "eventfd_ctx_fdget", descriptor, out EventFile? file);
        if (error != 0)
        {
            return error;
        }

        string name = $"vfio-msi{(IsMsi ? "" : "x")}[{vector}]({Device.Name})";
        int interrupt = _messages[vector].Interrupt;
        owner.WithMemory(() => Kernel.Pci.Messages.SetActive(Device, vector, isActive: true));
        error = Kernel.Interrupts.Request(
            interrupt,
            name,
            () =>
            {
                file!.Signal();
                return true;
            },
            this
        );
        if (error != 0)
        {
            return process.Refuse((Errno)(-error), "request_irq", $"interrupt {interrupt} is taken");
        }

        _triggers[vector] = file;
        return 0;
    }

    private void DropMessage(int vector)
    {
        if (vector < _triggers.Count && _triggers[vector] is not null)
        {
            _triggers[vector] = null;
            Kernel.Interrupts.Free(_messages[vector].Interrupt, this);
            owner.WithMemory(() => Kernel.Pci.Messages.SetActive(Device, vector, isActive: false));
        }
    }
}
