namespace Emulator.Scenarios.Tests;

/// <summary>Expectations look, and change nothing.</summary>
public sealed class ExpectationTests
{
    [Fact]
    public void An_expectation_on_a_file_takes_no_pid_no_page_and_no_time()
    {
        const string Look =
            "  - host: |\n      # sh -c 'echo $$'; grep MemFree /proc/meminfo; cat /proc/uptime\n      wrong\n";
        const string Expect = """
              - expect: { path: /proc/interrupts, holds: "...\n/.*arm-smmu.*/\n..." }
              - expect: { path: /proc/device-tree, link: /sys/firmware/devicetree/base }
              - expect: { path: /dev/vfio/vfio, exists: true }
              - expect: { irqs: { SPI 60: 0 } }

            """;

        Found(Expect + Look).Should().Equal(Found(Look));
    }

    [Fact]
    public void A_failure_under_a_kernel_tells_which_check_refused_last()
    {
        StepFailure failure = Bench
            .Run(
                "name: t\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n"
                    + "  - host: \"# echo nobody > /sys/bus/platform/drivers_probe\"\n"
            )
            .Failure!;

        failure.Explanations.Should().Contain(text => text.StartsWith("refused: ") && text.Contains("-ENODEV: "));
    }

    private static IReadOnlyList<string> Found(string steps) =>
        Bench.Run("name: t\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n" + steps.ReplaceLineEndings("\n")).Failure!.Found;
}
