using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim.Tests;

/// <summary>Interrupts that a test raises and lowers. Numbers from 100 on are edges.</summary>
internal sealed class TestInterrupts : IIrqSubsystem
{
    private readonly SortedDictionary<int, IrqDescriptor> _descriptors = [];
    private readonly HashSet<int> _raised = [];

    public IReadOnlyList<IrqDescriptor> Descriptors => [.. _descriptors.Values];

    public int? Map(InterruptSpecifier specifier) => null;

    public IrqDescriptor Add(int number) =>
        _descriptors[number] = new IrqDescriptor
        {
            Number = number,
            HardwareNumber = number,
            ChipName = "test",
            IsLevel = number < 100,
        };

    public long Request(int number, string name, Func<bool> handle, object owner, bool isShared = false)
    {
        IrqDescriptor descriptor = _descriptors[number];
        if (descriptor.Actions.Count > 0)
        {
            return -(long)Errno.EBUSY;
        }

        descriptor.Actions.Add(new IrqAction(name, handle, owner));
        descriptor.DisableDepth = 0;
        return 0;
    }

    public void Free(int number, object owner)
    {
        IrqDescriptor descriptor = _descriptors[number];
        descriptor.Actions.Remove(descriptor.Actions.Single(action => action.Owner == owner)).Should().BeTrue();
        descriptor.DisableDepth = 1;
    }

    public void Disable(int number) => _descriptors[number].DisableDepth++;

    public void Enable(int number)
    {
        _descriptors[number].DisableDepth--.Should().BePositive("an enabled line is not enabled again");
        Deliver(number);
    }

    public void Raise(int number)
    {
        _raised.Add(number);
        Deliver(number);
    }

    public void Lower(int number) => _raised.Remove(number);

    private void Deliver(int number)
    {
        IrqDescriptor descriptor = _descriptors[number];
        if (!_raised.Contains(number) || descriptor.DisableDepth > 0 || descriptor.Actions.Count == 0)
        {
            return;
        }

        descriptor.Count++;
        descriptor.Actions[0].Handle();
        if (!descriptor.IsLevel)
        {
            _raised.Remove(number);
        }
    }
}
