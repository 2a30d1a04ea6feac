using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards.Tests;

/// <summary>The container as an embedder builds it, and small boards from texts.</summary>
internal static class Emulation
{
    public static readonly Dictionary<string, ulong> Defaults = [];

    private static readonly ServiceProvider Provider = new ServiceCollection()
        .AddEmulator()
        .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });

    public static IBoardLibrary Library => Provider.GetRequiredService<IBoardLibrary>();

    public static IEnumerable<DeviceModel> Models => Provider.GetServices<DeviceModel>();

    public static T Service<T>()
        where T : notnull => Provider.GetRequiredService<T>();

    public static Board Create(string name, params (string Option, ulong Value)[] options) =>
        Library.Create(
            name,
            options.ToDictionary(option => option.Option, option => option.Value, StringComparer.Ordinal),
            new Simulation()
        );

    /// <summary>Assembles a board whose root holds <paramref name="nodes"/>, with one address and one size cell.</summary>
    public static Board Assemble(string nodes, params Attachment[] attachments) =>
        Service<IBoardFactory>().Assemble("test", new Simulation(), Tree(nodes), attachments);

    public static DeviceTree Tree(string nodes) =>
        DtsReader.Parse("/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; " + nodes + " };", "test.dts");
}
