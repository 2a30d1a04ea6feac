using System.Globalization;

namespace Emulator.KernelShim.Tests;

/// <summary>Random system calls over the whole surface: any order, any buffers, several processes.</summary>
public sealed class SyscallFuzzTests
{
    private const int Steps = 400;

    [Fact]
    public void Random_calls_throw_nothing_and_leave_the_kernel_as_it_was()
    {
        var succeeded = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (int seed = FirstSeed; seed < FirstSeed + Runs(200); seed++)
        {
            try
            {
                var fuzz = new SyscallFuzz(seed);
                fuzz.Run(Steps);
                fuzz.CheckTheEnd();
                foreach ((string call, int count) in fuzz.Succeeded)
                {
                    succeeded[call] = succeeded.GetValueOrDefault(call) + count;
                }
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed}: {exception.Message}", exception);
            }
        }

        succeeded.Should().HaveCountGreaterThan(35, "nearly every call gets somewhere");
        succeeded["device"].Should().BePositive();
    }

    [Fact]
    public void The_same_calls_take_the_same_time_and_give_the_same_results()
    {
        for (int seed = 0; seed < 3; seed++)
        {
            new SyscallFuzz(seed).Run(Steps).Should().Be(new SyscallFuzz(seed).Run(Steps));
        }
    }

    /// <summary>For a single run by hand: SYSCALL_SEED.</summary>
    private static int FirstSeed => Number("SYSCALL_SEED", 0);

    /// <summary>For longer runs by hand, SYSCALL_ROUNDS multiplies the runs.</summary>
    private static int Runs(int usual) => usual * Number("SYSCALL_ROUNDS", 1);

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
