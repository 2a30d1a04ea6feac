using System.Globalization;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// What VFIO is for: whatever programs map, unmap and have their DMA controllers do, in whatever order, no byte outside the
/// windows of the right container is written or read.
/// </summary>
public sealed class VfioIsolationTests
{
    [Fact]
    public void No_transfer_leaves_the_windows_of_its_container()
    {
        long bursts = 0;
        long faults = 0;
        int runs = Number("ISOLATION_RUNS", 12);
        int first = Number("ISOLATION_SEED", 0);
        for (int seed = first; seed < first + runs; seed++)
        {
            var world = new IsolationWorld(seed);
            try
            {
                world.Run(steps: 60);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed}: {exception.Message}", exception);
            }

            bursts += world.Bursts;
            faults += world.Faults;
        }

        bursts.Should().BeGreaterThan(runs * 500, "transfers run");
        faults.Should().BeGreaterThan(runs, "some leave their windows, or try to");
        TestContext.Current.TestOutputHelper?.WriteLine($"{bursts} bursts begun, {faults} faults logged or counted");
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
