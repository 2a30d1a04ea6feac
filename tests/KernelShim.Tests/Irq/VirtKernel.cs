using Emulator.Boards;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>A kernel booted on the virt board.</summary>
internal sealed class VirtKernel
{
    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    public VirtKernel(KernelProfile? profile = null, Dictionary<string, ulong>? options = null)
    {
        Board = Services.Value.GetRequiredService<IBoardLibrary>().Create("virt", options, new Simulation());
        Kernel = BuiltInDrivers.Boot(Board, profile ?? KernelProfiles.Linux61);
        User = new TestProcess(Kernel);
    }

    public Board Board { get; }

    public Kernel Kernel { get; }

    public TestProcess User { get; }

    public IEnumerable<string> Log => Kernel.Log.Lines.Select(line => line.Text);
}
