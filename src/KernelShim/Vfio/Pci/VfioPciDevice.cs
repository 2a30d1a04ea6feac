using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// A PCI function in the hands of programs (struct vfio_pci_core_device of drivers/vfio/pci/vfio_pci_core.c). The first user
/// enables and resets it, the last leaves it as it was found, without bus mastering.
/// </summary>
internal sealed partial class VfioPciDevice : VfioDevice, IEventTarget
{
    /// <summary>VFIO_PCI_NUM_IRQS.</summary>
    public const int IrqIndexes = 5;

    private const int RequestEvent = 0;
    private const long RequestInterval = 10 * VirtualTime.Second;
    private const uint RequestsBetweenLines = 10;

    private readonly VfioPciModule _module;
    private readonly VfioPciSetIrqs _irqs;
    private readonly bool[] _canMap = new bool[PciDevice.RomResource];
    private PciSavedState? _savedState;
    private EventHandle _nextRequest;
    private bool _isRequested;
    private uint _requests;

    public VfioPciDevice(VfioCore core, VfioPciModule module, PciDevice function)
        : base(core, function)
    {
        _module = module;
        Function = function;
        Interrupts = new VfioPciInterrupts(this);
        Power = new VfioPciPower(core.Kernel.Pci, function);
        Tokens = VfioPciToken.Create(this);
        _irqs = new VfioPciSetIrqs(this);
    }

    string IEventTarget.Name => "vfio-pci " + Function.Name;

    /// <summary>The function.</summary>
    public PciDevice Function { get; }

    public Kernel Kernel => Core.Kernel;

    /// <summary>Its INTx, MSI or MSI-X.</summary>
    public VfioPciInterrupts Interrupts { get; }

    /// <summary>Its power state.</summary>
    public VfioPciPower Power { get; }

    /// <summary>Who may open it where SR-IOV makes users depend on each other.</summary>
    public VfioPciToken Tokens { get; }

    /// <summary>Configuration space as programs see it, while it is open.</summary>
    public VfioPciConfiguration? Configuration { get; private set; }

    /// <summary>Whether its INTx is not to be used at all (nointx).</summary>
    public bool HasNoInterrupt { get; private set; }

    /// <summary>Whether a reset worked when it was opened.</summary>
    public bool CanReset { get; private set; }

    /// <summary>Whether a program lets it sleep (pm_runtime_engaged).</summary>
    private bool IsLowPower { get; set; }

    internal override long Ioctl(Process process, uint command, ulong argument) =>
        command switch
        {
            VfioIoctl.DeviceGetInfo => GetInfo(process, argument),
            VfioIoctl.DeviceGetRegionInfo => GetRegionInfo(process, argument),
            VfioIoctl.DeviceGetIrqInfo => GetIrqInfo(process, argument),
            VfioIoctl.DeviceSetIrqs => _irqs.Run(process, argument),
            VfioIoctl.DeviceReset => Reset(process),
            VfioIoctl.DeviceGetPciHotResetInfo => new VfioPciHotReset(this).GetInfo(process, argument),
            VfioIoctl.DevicePciHotReset => new VfioPciHotReset(this).Run(process, argument),
            VfioIoctl.DeviceIoEventFd => SetIoEvent(process, argument),
            VfioIoctl.DeviceFeature => Feature(process, argument),
            _ => process.Refuse(Errno.ENOTTY, "vfio_pci_core_ioctl", $"0x{command:x} is no ioctl of a PCI function"),
        };

    /// <summary>vfio_pci_core_match: the name may be followed by a token.</summary>
    internal override long Match(Process process, string name) => Tokens.Match(process, name);

    /// <summary>
    /// vfio_pci_core_request: programs are asked for the device at once and every ten seconds until they have closed it.
    /// </summary>
    public void AskForRelease()
    {
        if (!_isRequested)
        {
            _isRequested = true;
            _requests = 0;
            AskOnce();
        }
    }

    void IEventTarget.OnEvent(int code, ulong argument) => AskOnce();

    /// <summary>pci_try_reset_function.</summary>
    public bool TryResetFunction()
    {
        Power.TrySet(VfioPciPower.D0);
        return PciReset.TryReset(Kernel.Pci, Function);
    }

    /// <summary>
    /// Does something that needs the function's memory, whether or not the program has it decoded
    /// (vfio_pci_memory_lock_and_enable).
    /// </summary>
    public void WithMemory(Action action) =>
        WithMemory(() =>
        {
            action();
            return true;
        });

    /// <summary>As the other, with a result.</summary>
    public bool WithMemory(Func<bool> action)
    {
        ushort command = Function.ReadWord(PciRegisters.Command);
        bool isOff = (command & PciRegisters.CommandMemory) == 0;
        if (isOff)
        {
            Function.WriteWord(PciRegisters.Command, (ushort)(command | PciRegisters.CommandMemory));
        }

        bool result = action();
        if (isOff)
        {
            // What the action has changed of the command register is lost, as on a real kernel.
            Function.WriteWord(PciRegisters.Command, command);
        }

        return result;
    }

    /// <summary>vfio_pci_core_enable.</summary>
    private protected override long Enable(Process process)
    {
        Power.Resume();
        Function.UpdateWord(PciRegisters.Command, PciRegisters.CommandMaster, 0);
        Power.TrySet(VfioPciPower.D0);
        long error = Kernel.Pci.Enable(Function);
        if (error != 0)
        {
            Power.Suspend();
            return process.Refuse((Errno)(-error), "pci_enable_device", $"{Function.Name} has no addresses");
        }

        CanReset = TryResetFunction();
        _savedState = PciSavedState.Save(Kernel.Pci, Function);
        SetUpInterrupt();
        Configuration = VfioPciConfiguration.Create(this);
        FindMessageTable();
        FindMappable();
        Tokens.OnOpened();
        _isRequested = false;
        return 0;
    }

    /// <summary>vfio_pci_core_disable and vfio_pci_core_close_device.</summary>
    private protected override void Disable()
    {
        Kernel.Simulation.Cancel(_nextRequest);
        Tokens.OnClosed();
        IsLowPower = false;
        Power.TrySet(VfioPciPower.D0);
        Function.UpdateWord(PciRegisters.Command, PciRegisters.CommandMaster, 0);
        Interrupts.Close();
        StopIoEvents();
        Configuration = null;
        Array.Clear(_canMap);
        Function.WriteWord(PciRegisters.Command, PciRegisters.CommandInterruptDisable);
        if (CanReset)
        {
            PciReset.TryResetLocked(Kernel.Pci, Function);
        }

        _savedState?.Restore();
        _savedState = null;
        Kernel.Pci.Disable(Function);
        _irqs.Close();
        Power.Suspend();
    }

    /// <summary>
    /// Whether DisINTx works is found out by writing it (pci_intx_mask_supported); with nointxmask nobody looks, and the
    /// line must be the function's alone.
    /// </summary>
    private void SetUpInterrupt()
    {
        HasNoInterrupt = false;
        Interrupts.MasksAtDevice = false;
        if (_module.HasNoInterruptMask)
        {
            return;
        }

        const ushort bit = PciRegisters.CommandInterruptDisable;
        ushort command = Function.ReadWord(PciRegisters.Command);
        Function.WriteWord(PciRegisters.Command, (ushort)(command ^ bit));
        Interrupts.MasksAtDevice = ((Function.ReadWord(PciRegisters.Command) ^ command) & bit) != 0;
        Function.WriteWord(PciRegisters.Command, command);
        if (Interrupts.MasksAtDevice && (command & bit) != 0)
        {
            Function.WriteWord(PciRegisters.Command, (ushort)(command & ~bit));
        }
    }

    private void AskOnce()
    {
        if (OpenCount == 0)
        {
            return;
        }

        if (_irqs.Request is { } request)
        {
            if (_requests % RequestsBetweenLines == 0)
            {
                string number = _requests.ToString(CultureInfo.InvariantCulture);
                Kernel.Log.Print(LogLevel.Notice, $"{Function.LogPrefix}Relaying device request to user (#{number})");
            }

            request.Signal();
        }
        else if (_requests == 0)
        {
            Kernel.Pci.Warn(Function, "No device request channel registered, blocked until released by user");
        }

        _requests++;
        _nextRequest = Kernel.Simulation.ScheduleAfter(RequestInterval, this, RequestEvent);
    }

    /// <summary>vfio_pci_ioctl_reset.</summary>
    private long Reset(Process process)
    {
        if (!CanReset)
        {
            return process.Refuse(Errno.EINVAL, "vfio_pci_ioctl_reset", $"{Function.Name} cannot be reset by itself");
        }

        TryResetFunction();
        return 0;
    }
}
