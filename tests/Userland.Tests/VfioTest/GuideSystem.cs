using System.Text;
using System.Text.RegularExpressions;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Userland.Tests.VfioTests;

/// <summary>The guide's board and kernel with everything that boots, a console, and a trace of all system calls.</summary>
internal sealed partial class GuideSystem : ITraceSink
{
    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    private readonly StringBuilder _screen = new();
    private readonly List<TraceEvent> _calls = [];

    public GuideSystem(Action<Process>? login = null)
    {
        Simulation = new Simulation();
        Board board = Services.Value.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, Simulation);
        Kernel = BuiltInDrivers.Boot(board, KernelProfiles.VosysV6);
        Programs = new ProgramRunner(UserlandPrograms.All);
        Programs.Install(Kernel);
        VfioTestSuite.Install(Kernel, Programs);
        Terminal.Written += bytes => _screen.Append(Encoding.UTF8.GetString(bytes));
        Console = NewConsole(login);
        Simulation.Trace.Add(this);
    }

    public Simulation Simulation { get; }

    public Kernel Kernel { get; }

    public ProgramRunner Programs { get; }

    public ConsoleFile Terminal { get; } = new();

    public ShellConsole Console { get; private set; }

    /// <summary>Traced calls of all processes, in order.</summary>
    public IEnumerable<string> Trace => _calls.Select(call => $"{call.Time} {call.Source} {call.Message}");

    /// <summary>The guide's two lines that bind the first DMAC.</summary>
    public GuideSystem Bind()
    {
        Run("echo vfio-platform > /sys/bus/platform/devices/2c0a0000.dma/driver_override");
        Run("echo 2c0a0000.dma > /sys/bus/platform/drivers_probe");
        return this;
    }

    /// <summary>Somebody else sits down at the console.</summary>
    public void LogIn(Action<Process> login) => Console = NewConsole(login);

    public (int Status, string Output) Run(string command)
    {
        Start(command);
        Simulation.RunUntil(() => Console.IsIdle, Simulation.Now + 20 * VirtualTime.Second);
        Console.IsIdle.Should().BeTrue();
        return (Console.Status, _screen.ToString().ReplaceLineEndings("\n"));
    }

    public void Start(string command)
    {
        _screen.Clear();
        Console.Start(command);
    }

    public string Screen => _screen.ToString();

    /// <summary>
    /// What a program called from its execve on, its writes to the terminal left out, addresses as <c>P</c>.
    /// </summary>
    public IReadOnlyList<string> CallsOf(string program) =>
        [
            .. _calls
                .Where(call => call.Source.StartsWith(program + "[", StringComparison.Ordinal))
                .Select(call => Address().Replace(call.Message, "P"))
                .Where(call => !call.StartsWith("write(1,", StringComparison.Ordinal)),
        ];

    void ITraceSink.Write(TraceEvent traceEvent)
    {
        if (traceEvent.Kind.Name is "kernel.syscall")
        {
            _calls.Add(traceEvent);
        }
    }

    private ShellConsole NewConsole(Action<Process>? login)
    {
        Process parent = Kernel.CreateProcess("login", Kernel.Init);
        login?.Invoke(parent);
        return new ShellConsole(parent, Terminal);
    }

    [GeneratedRegex("0x4[0-9a-f]{7}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();
}
