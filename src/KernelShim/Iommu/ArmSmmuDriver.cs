using System.Diagnostics;
using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// The arm-smmu driver as kernels of 3.12 to 3.18 had it (drivers/iommu/arm-smmu.c): stage 2 of SMMUs of version 1, masters
/// from the legacy binding, one group for each master.
/// </summary>
[DebuggerDisplay("{_smmus.Count} SMMUs")]
public sealed class ArmSmmuDriver : Driver, IIommuDriver
{
    private static readonly string[] CompatibleIds = ["arm,smmu-v1", "arm,smmu-v2", "arm,mmu-400", "arm,mmu-500"];

    private readonly Kernel _kernel;
    private readonly List<(ArmSmmuDevice Smmu, Device? Device)> _smmus = [];

    private ArmSmmuDriver(Kernel kernel) => _kernel = kernel;

    /// <inheritdoc/>
    public override string Name => "arm-smmu";

    /// <inheritdoc/>
    public override string BusName => "platform";

    /// <summary>
    /// As the driver of the time says for every SMMU (IOMMU_CAP_INTR_REMAP): message interrupts are writes like others.
    /// </summary>
    public bool IsolatesInterrupts => true;

    /// <inheritdoc/>
    public bool IsCoherent => _smmus.Exists(known => known.Smmu.IsCoherent);

    /// <summary>
    /// Starts the driver (arm_smmu_init). With a driver core it takes its devices from the platform bus; without one it
    /// looks for its nodes in the tree itself. Then the devices behind an SMMU join groups.
    /// </summary>
    public static ArmSmmuDriver Start(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var driver = new ArmSmmuDriver(kernel);
        if (kernel.Drivers is { } core)
        {
            core.Register(driver);
        }
        else
        {
            driver.ProbeTree();
        }

        kernel.Iommus.Register(driver);
        return driver;
    }

    /// <inheritdoc/>
    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Compatible.Any(CompatibleIds.Contains);
    }

    /// <inheritdoc/>
    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Node is null || device.Resources.Count == 0)
        {
            return -(long)Errno.EINVAL;
        }

        DeviceResource registers = device.Resources[0];
        return Probe(
            new ArmSmmuResources(device.Name, device.Node, registers.Start, registers.LengthBytes, device.Interrupts),
            device
        );
    }

    /// <inheritdoc/>
    public override void Remove(Device device)
    {
        int index = _smmus.FindIndex(known => known.Device == device);
        if (index >= 0)
        {
            _smmus[index].Smmu.Remove();
            _smmus.RemoveAt(index);
        }
    }

    /// <inheritdoc/>
    public bool Serves(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return FindSmmu(device) is not null;
    }

    /// <summary>A domain without a context bank, which it takes when the first device is attached.</summary>
    public IommuDomain? CreateDomain() => ArmSmmuDomain.Create(_kernel, this);

    internal ArmSmmuDevice? FindSmmu(Device device) =>
        _smmus.Find(known => known.Smmu.FindMaster(device.Node) is not null).Smmu;

    private void ProbeTree()
    {
        foreach (DeviceTreeNode node in _kernel.Tree.Nodes)
        {
            if (!node.IsEnabled || !node.Compatible.Any(CompatibleIds.Contains))
            {
                continue;
            }

            RegEntry registers = node.ReadPhysicalReg()[0];
            List<int> interrupts = [];
            foreach (InterruptSpecifier specifier in _kernel.Tree.ReadInterrupts(node))
            {
                if (_kernel.Interrupts.Map(specifier) is { } number)
                {
                    interrupts.Add(number);
                }
            }

            string name = string.Create(CultureInfo.InvariantCulture, $"{registers.Address.Value:x}.{node.BaseName}");
            Probe(new ArmSmmuResources(name, node, registers.Address.Value, registers.LengthBytes, interrupts), null);
        }
    }

    private long Probe(ArmSmmuResources resources, Device? device)
    {
        long error;
        try
        {
            if (ArmSmmuDevice.Probe(_kernel, resources, out error) is { } smmu)
            {
                _smmus.Add((smmu, device));
            }
        }
        catch (DeviceTreeException wrong)
        {
            // A tree that only the kernel was given may break rules that the board's own tree was checked for.
            _kernel.Log.Print(LogLevel.Error, $"arm-smmu {resources.Name}: {wrong.Message}");
            error = -(long)Errno.EINVAL;
        }

        return error;
    }
}
