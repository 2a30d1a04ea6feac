using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Machine;

/// <summary>A device model: what <c>compatible</c> it answers to and how one is made. Registered once per process.</summary>
/// <param name="Compatible">The string in device trees.</param>
/// <param name="Title">The part's name, for people: <c>PrimeCell Real Time Clock (PL031)</c>.</param>
/// <param name="Create">Makes one for a node.</param>
public sealed record DeviceModel(string Compatible, string Title, Func<DeviceContext, IDevice> Create);

/// <summary>Registers device models.</summary>
public static class DeviceModelServices
{
    /// <summary>Registers a model as a keyed singleton descriptor, found by <c>compatible</c>.</summary>
    public static IServiceCollection AddDeviceModel(
        this IServiceCollection services,
        string compatible,
        string title,
        Func<DeviceContext, IDevice> create
    )
    {
        var model = new DeviceModel(compatible, title, create);
        services.AddKeyedSingleton(compatible, model);
        return services.AddSingleton(model);
    }
}

/// <summary>A device that stands between masters and the bus: masters are wired to its upstream side.</summary>
public interface IIommu
{
    /// <summary>Where translated masters' transactions enter. Addresses there are I/O virtual addresses.</summary>
    IBusTarget Upstream { get; }
}
