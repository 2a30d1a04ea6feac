using System.Globalization;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland.Tests.ShellTests;

/// <summary>
/// Real scripts with mistakes in them: whatever is deleted, doubled, swapped or put in, a script ends or is ended, and gives
/// back all it had. A run is its seed.
/// </summary>
public sealed class ScriptFuzzTests
{
    private static readonly string[] Scripts =
    [
        """
            DEV=2c0a0000.dma
            BUS=$(basename $(readlink /sys/bus/platform/devices/$DEV/subsystem))
            group=$(readlink /sys/bus/platform/devices/$DEV/iommu_group | sed 's/.*iommu_groups\///')
            if [ ! -e /sys/bus/$BUS/devices/$DEV/driver_override ]; then
                echo "driver_override of $DEV is missing" >&2
                exit 1
            fi
            echo vfio-platform > /sys/bus/$BUS/devices/$DEV/driver_override
            [ -d /sys/bus/$BUS/devices/$DEV/driver ] && echo $DEV > /sys/bus/$BUS/devices/$DEV/driver/unbind
            echo $DEV > /sys/bus/$BUS/drivers_probe
            """,
        """
            i=0
            for path in $(find /sys/bus/platform/devices/ /sys/bus/amba/devices/ 2> /dev/null); do
                if test -d "$path/iommu_group"; then
                    i=$((i + 1))
                    echo "$i) ${path##*/}"
                fi
            done
            read -r choice < /dev/null || choice=1
            case $choice in
                [0-9]*) echo "chose $choice" ;;
                '' | *[!0-9]*) echo none; exit 1 ;;
            esac
            """,
        """
            copy() {
                local from=$1 to="$2"
                while read -r line; do
                    printf '%-20s|%5d\n' "$line" ${#line}
                done < "$from" > "$to"
                return 3
            }
            seq 1 9 | tr 1-9 a-i > /tmp/in
            copy /tmp/in /tmp/out || echo "status $?"
            grep -c '^[a-e] *|' /tmp/out; sort -r /tmp/out | head -n 3 | cut -d '|' -f 1
            """,
        """
            trap 'rm -f /tmp/lock; echo bye' EXIT
            set -eu
            mkdir -p /tmp/a/b/c; cd /tmp/a
            ln -s b/c short; ls -l short > /dev/null; (cd short && pwd)
            cat <<END | while read -r word rest; do echo "$rest $word"; done
            one $((1 + 2 * 3)) $(expr 7 % 4)
            two `echo x` "${HOME:-none}"
            END
            for n in 1 2 3; do (sleep 0.0$n; echo $n) & done; wait
            x=$(dmesg | tail -n 2); test -n "${x:-y}" && ! false
            kill -9 $! 2>/dev/null || :
            """,
    ];

    // csharpier-ignore
    private static readonly string[] Insertions =
    [
        "'", "\"", "`", "$(", ")", "${", "}", "$((", "))", "\\", "\n", ";", "&", "|", ">", "<<E\n", "<&-", "2>&1", ">&9", "*", "[", "]",
        "if ", "fi", "do ", "done", "case ", "esac", "{ ", "(", "!", "#", "~", "%", "=", "-", "--", "\0", "é", "\uFFFD", "exec ", "eval ",
        "/dev/zero", "/dev/full", "/proc/interrupts", "9223372036854775808", "-9223372036854775808", " -1", "$!", "$$", "$#", "${#@}",
        "tail -n -9223372036854775808 ", "head -c 99999999999 ", "printf '%*s' ", "sed -n '$p;' ", "exit 300", "kill $$", "wait", "cd ..",
    ];

    [Fact]
    public void Mutated_scripts_end_and_give_back_what_they_had()
    {
        for (int seed = Number("SCRIPT_SEED", 0), end = seed + 150 * Number("SCRIPT_ROUNDS", 1); seed < end; seed++)
        {
            string script = Mutated(new Random(seed));
            try
            {
                Outcome first = Run(script);
                if (seed % 8 == 0)
                {
                    Run(script).Should().Be(first, "the same script does the same");
                }
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed}: {exception.Message}\n{script}", exception);
            }
        }
    }

    [Theory]
    [InlineData("seq 3 | tail -n -9223372036854775808")]
    [InlineData("seq 3 | tail -n-9223372036854775808")]
    [InlineData("seq 3 | tail -n +-9223372036854775808")]
    [InlineData("printf '%*d' -9223372036854775808 1")]
    [InlineData("seq 3 | head -c -9223372036854775808")]
    [InlineData("cut -c -9223372036854775808 /proc/none; seq 3 | cut -f -9223372036854775808")]
    [InlineData("echo $((-9223372036854775808 / -1)) $((1 << 99)); expr -9223372036854775808 / -1")]
    [InlineData("exit -9223372036854775808")]
    [InlineData("sleep -1; sleep 99999999999999999999; sleep 1e400")]
    [InlineData("kill -9 -9223372036854775808; kill -99999999999 1; exec 99999999999>&1")]
    [InlineData("exec 1000000>/tmp/f; exec 1>&1000000; cat <&1023")]
    public void Numbers_at_the_ends_of_their_ranges_throw_nothing(string script) =>
        Run(script).Status.Should().BeGreaterThanOrEqualTo(-1);

    [Fact]
    public void A_count_with_a_minus_behind_n_is_a_count() =>
        Run("seq 9 | tail -n -2; seq 9 | tail -1").Output.Should().Be("8\n9\n9\n");

    private static Outcome Run(string script)
    {
        Shell.Check(script);
        var system = new SimulatedSystem();
        ulong free = system.Kernel.Pages.FreePages;
        Outcome outcome = system.Run(script, 30 * VirtualTime.Millisecond);
        foreach (Process process in system.Kernel.Processes.Values.Where(p => p != system.Kernel.Init).ToArray())
        {
            process.Exit(9);
        }

        system.Simulation.RunFor(VirtualTime.Millisecond);
        system.Kernel.Pages.FreePages.Should().Be(free);
        system.Kernel.Sleepers.Waiters.Should().BeEmpty();
        system.Simulation.Scheduler.Processes.Should().HaveCount(1, "only the first process is left");
        return outcome;
    }

    private static string Mutated(Random random)
    {
        string script = Scripts[random.Next(Scripts.Length)];
        for (int mistakes = random.Next(1, 6); mistakes > 0; mistakes--)
        {
            int at = random.Next(script.Length + 1);
            int length = Math.Min(random.Next(1, 12), script.Length - at);
            string piece = script.Substring(at, length);
            int there = random.Next(script.Length + 1);
            script = random.Next(6) switch
            {
                0 => script.Remove(at, length),
                1 => script.Insert(there, piece),
                2 => script.Insert(at, Scripts[random.Next(Scripts.Length)].Substring(random.Next(100), 30)),
                3 => script[..at],
                _ => script.Insert(at, Insertions[random.Next(Insertions.Length)]),
            };
        }

        return script;
    }

    /// <summary>For longer runs by hand, SCRIPT_ROUNDS multiplies the runs; SCRIPT_SEED is the first seed.</summary>
    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
