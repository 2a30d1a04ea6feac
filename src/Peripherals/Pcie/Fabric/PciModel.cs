using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>4096 bytes of configuration space.</summary>
[InlineArray(PciRegister.ExpressLengthBytes)]
public struct PciConfigurationBytes
{
    private byte _first;
}

/// <summary>What a PCI function remembers.</summary>
/// <typeparam name="TOwn">What it remembers besides its configuration space.</typeparam>
public struct PciState<TOwn>
    where TOwn : unmanaged
{
    /// <summary>Configuration space.</summary>
    public PciConfigurationBytes Configuration;

    /// <summary>The bus number of the last configuration write that reached the function.</summary>
    public ulong CapturedBus;

    /// <summary>The device's own state.</summary>
    public TOwn Own;
}

/// <summary>Nothing besides configuration space.</summary>
public struct PciNoState
{
    /// <summary>A struct cannot be empty.</summary>
    public ulong Filler;
}

/// <summary>
/// Base of the PCI functions. A function is a node of hardware facts below its bus's node; <c>reg</c> is the address of its
/// configuration space (IEEE 1275 PCI binding), <c>emulator,multi-function</c> sets bit 7 of the header type.
/// </summary>
/// <typeparam name="TOwn">What the function remembers besides its configuration space.</typeparam>
public abstract class PciModel<TOwn> : Device<PciState<TOwn>>, IPciModel
    where TOwn : unmanaged
{
    private const int ResetTrigger = ExpressCapability.FunctionLevelResetTrigger;

    private readonly IPciModel? _physical;

    /// <summary>Makes a function on the bus of the device that owns its node.</summary>
    /// <exception cref="BoardException">It is on no PCI bus, or its slot is taken.</exception>
    private protected PciModel(DeviceContext context, Func<PciPlace, ConfigurationLayout> layout)
        : base(context)
    {
        if (context.Owner is not IPciBusOwner { OwnedBus: var bus })
        {
            throw new BoardException($"{context.Name}: a PCI function must stand below a PCI bus");
        }

        _physical = (context as VirtualFunctionContext)?.Physical;
        int devfn = (int)(context.Cell("reg", 0) >> 8) & 0xFF;
        var place = new PciPlace(bus, devfn, context.Has("emulator,multi-function"));
        Function = new PciFunction(context.Name, this, bus, devfn, layout(place));
        bus.Add(Function);
    }

    /// <summary>The function on its bus.</summary>
    public PciFunction Function { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows => [];

    Span<byte> IConfigurationBytes.ConfigurationBytes =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref State.Configuration, 1));

    ref ulong IPciModel.CapturedBus => ref State.CapturedBus;

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        Function.Configuration.Reset();
        ResetOwn();
        Function.Bus.Fabric.Changed();
        Function.SetInterrupt(false);
    }

    void IPciModel.ResetFunction() => Reset();

    void IPciModel.ConfigurationWriting(int offset, int sizeBytes, ref uint value) =>
        ConfigurationWriting(offset, sizeBytes, ref value);

    void IPciModel.ConfigurationWritten(int offset, int sizeBytes, uint value)
    {
        int express = Function.Configuration.Layout.ExpressAt;
        bool canReset =
            express != 0
            && (
                Function.Configuration.Get32(express + ExpressCapabilityLayout.DeviceCapabilities)
                & ExpressCapability.FunctionLevelReset
            ) != 0;
        if (
            canReset
            && Covers(offset, sizeBytes, express + ExpressCapabilityLayout.DeviceControl + 1, out int at)
            && ((value >> (8 * at)) & (ResetTrigger >> 8)) != 0
        )
        {
            Reset();
            return;
        }

        Function.SendUnmaskedMsi();
        ConfigurationWritten(offset, sizeBytes);
    }

    BaseAddress? IPciModel.FindVirtualBar(bool isIo, ulong address) => FindVirtualBar(isIo, address);

    IPciModel? IPciModel.VirtualizedBy => _physical;

    /// <summary>Whether a write covers a byte, and at which place of the value.</summary>
    private protected static bool Covers(int offset, int sizeBytes, int wanted, out int place)
    {
        place = wanted - offset;
        return place >= 0 && place < sizeBytes;
    }

    /// <summary>Resets what the device has besides configuration space, and sets the configuration bits that show it.</summary>
    private protected virtual void ResetOwn() { }

    private protected virtual void ConfigurationWriting(int offset, int sizeBytes, ref uint value) { }

    private protected virtual void ConfigurationWritten(int offset, int sizeBytes) { }

    /// <summary>A window that virtual functions have, not the function's own.</summary>
    private protected virtual BaseAddress? FindVirtualBar(bool isIo, ulong address) => null;

    /// <summary>Adds a base address register.</summary>
    private protected BaseAddress AddBar(
        int index,
        PciBarKind kind,
        ulong lengthBytes,
        IBusTarget target,
        bool isPrefetchable = false
    )
    {
        var bar = new BaseAddress(Function.Configuration.Layout, index, kind, isPrefetchable, lengthBytes, target);
        Function.Add(bar);
        return bar;
    }

    /// <summary>Adds an expansion ROM; without contents it is empty.</summary>
    private protected void AddRom(ulong lengthBytes, IBusTarget? contents = null) =>
        Function.Add(
            BaseAddress.Rom(
                Function.Configuration.Layout,
                lengthBytes,
                contents ?? new UnmodelledMemory(Name, "ROM", Trace)
            )
        );
}

/// <summary>Where a function is.</summary>
/// <param name="Bus">The bus.</param>
/// <param name="Devfn">Device number times 8 plus function number.</param>
/// <param name="IsMultiFunction">Whether the header says that the device has several functions.</param>
public readonly record struct PciPlace(PciBus Bus, int Devfn, bool IsMultiFunction)
{
    /// <summary>Whether the function is integrated in the root complex.</summary>
    public bool IsOnRootBus => Bus.Bridge is null;

    /// <summary>What an express endpoint calls itself there.</summary>
    public ExpressPortType EndpointType => IsOnRootBus ? ExpressPortType.IntegratedEndpoint : ExpressPortType.Endpoint;
}
