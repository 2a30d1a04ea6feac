using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// Which device has which stream, for drivers that let one device alone have it (arm_smmu_insert_master of arm-smmu-v3): a
/// function behind a bridge to conventional PCI shares an ID with its neighbours, and only the first gets it.
/// </summary>
internal sealed class StreamOwners(Kernel kernel)
{
    private readonly Dictionary<(object Iommu, uint Id), Device> _owners = [];

    /// <summary>Takes all streams of a device, or none.</summary>
    public bool TryTake(Device device)
    {
        foreach (IommuSpecifier specifier in SpecifiersOf(device))
        {
            uint id = specifier.Id;
            if (_owners.TryAdd((specifier.Iommu, id), device))
            {
                continue;
            }

            Device owner = _owners[(specifier.Iommu, id)];
            if (ReferenceEquals(owner, device))
            {
                continue;
            }

            kernel.Log.Print(
                LogLevel.Warning,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{device.LogPrefix}stream {id} already in tree from dev {owner.Name}"
                )
            );
            Release(device);
            return false;
        }

        return true;
    }

    /// <summary>Gives the streams of a device back.</summary>
    public void Release(Device device)
    {
        foreach (IommuSpecifier specifier in SpecifiersOf(device))
        {
            if (
                _owners.TryGetValue((specifier.Iommu, specifier.Id), out Device? owner)
                && ReferenceEquals(owner, device)
            )
            {
                _owners.Remove((specifier.Iommu, specifier.Id));
            }
        }
    }

    private IReadOnlyList<IommuSpecifier> SpecifiersOf(Device device) => device.Bus!.IommuSpecifiers(kernel, device);
}
