using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// One run of random system calls of several processes on the booted board, and what must be true of a kernel after it.
/// A run is its seed: the same seed makes the same calls.
/// </summary>
internal sealed partial class SyscallFuzz
{
    private const int Slots = 5;
    private const ulong Page = 4096;
    private const string DmaDevice = "2c0a0000.dma";

    /// <summary>It is on the amba bus, which has no driver_override yet.</summary>
    private const string OtherDevice = "2c0a1000.dma";

    private readonly Random _random;
    private readonly bool _isWild;
    private readonly Kernel _kernel = BootedKernel.Boot();
    private readonly TestProcess _root;
    private readonly TestProcess _bystander;
    private readonly byte[] _canary = [.. Enumerable.Repeat((byte)0xA5, 8192)];
    private readonly Process?[] _slots = new Process?[Slots];
    private readonly List<string> _paths = [];
    private readonly string _before;

    public SyscallFuzz(int seed)
    {
        // A wild run may unbind the SMMU's driver and remove device nodes, which a system does not recover from by itself.
        _random = new Random(seed);
        _isWild = seed % 4 == 3;
        _before = Inventory();
        _root = new TestProcess(_kernel);
        _bystander = new TestProcess(_kernel);
        _bystander.Poke(_canary);
        _root.Echo("vfio-platform", $"/sys/bus/platform/devices/{DmaDevice}/driver_override").Should().BePositive();
        _root.Echo(DmaDevice, "/sys/bus/platform/drivers_probe").Should().BePositive();

        AddPaths(_kernel.Files.Root, depth: 0);
    }

    private Syscalls Calls => _kernel.Calls;

    private Simulation Simulation => _kernel.Simulation;

    public SortedDictionary<string, int> Succeeded { get; } = new(StringComparer.Ordinal);

    public string Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            int slot = _random.Next(Slots);
            if (_slots[slot] is not { HasExited: false } process)
            {
                _slots[slot] = NewProcess();
                continue;
            }

            switch (_random.Next(80))
            {
                case 0:
                    process.Exit(9);
                    break;
                case 1:
                    Simulation.RunFor(_random.Next(2_000_000));
                    break;
                case 2 or 3:
                    StartProgram(process);
                    break;
                default:
                    Step(process);
                    break;
            }
        }

        return Simulation.Now + " " + string.Join(' ', Succeeded);
    }

    /// <summary>Everybody leaves; then the kernel must be as it was before anybody came.</summary>
    public void CheckTheEnd()
    {
        foreach (Process process in _kernel.Processes.Values.Where(IsFuzzed).OrderBy(_ => _random.Next()).ToArray())
        {
            process.Exit(0);
        }

        Simulation.RunFor(VirtualTime.Millisecond);
        _bystander.Peek(_canary.Length).Should().Equal(_canary);
        if (!_isWild)
        {
            GuideFlow();
        }

        foreach (Device device in _kernel.Drivers.Buses["platform"].Devices)
        {
            _root.Echo(device.Name, "/sys/bus/platform/drivers/vfio-platform/unbind");
        }

        // A program may have taken a DMA controller from its driver.
        foreach (Device device in _kernel.Drivers.Buses["amba"].Devices)
        {
            _root.Echo(device.Name, "/sys/bus/amba/drivers_probe");
        }

        _bystander.Process.Exit(0);
        _root.Process.Exit(0);
        foreach (int zombie in _kernel.Processes.Keys.Where(id => id != _kernel.Init.Id).ToArray())
        {
            Calls.Wait(_kernel.Init, zombie, noHang: true).Value.Should().BeGreaterThanOrEqualTo(0);
        }

        if (!_isWild)
        {
            Inventory().Should().Be(_before);
        }

        _kernel.Pages.FreePages.Should().Be(ulong.Parse(_before[.._before.IndexOf(' ')]));
        _kernel.Vfio!.Groups.Should().BeEmpty();
    }

    private bool IsFuzzed(Process process) =>
        process != _kernel.Init && process != _root.Process && process != _bystander.Process;

    private string Inventory()
    {
        IEnumerable<string> actions = _kernel.Interrupts.Descriptors.SelectMany(line =>
            line.Actions.Select(action => $"{line.Number}:{action.Name}/{line.DisableDepth}")
        );
        return $"{_kernel.Pages.FreePages} pages, {_kernel.Processes.Count} processes, "
            + $"{Simulation.Scheduler.Processes.Count} threads, {_kernel.Sleepers.Waiters.Count} sleepers, "
            + $"{string.Join(' ', actions)}";
    }

    /// <summary>The guide's story in short: whatever happened before, a program can still have the device and copy a page.</summary>
    private void GuideFlow()
    {
        var user = new TestProcess(_kernel);
        if (_kernel.Drivers.Buses["platform"].FindDevice(DmaDevice)!.Driver is { } driver)
        {
            _root.Echo(DmaDevice, $"/sys/bus/platform/drivers/{driver.Name}/unbind").Should().BePositive();
        }

        // While the device had no vfio driver a program may have made a file or directory of the node's name.
        ulong node = _root.Put("/dev/vfio/0");
        _root.Do(_ => Calls.Unlink(_root.Process, node));
        _root.Do(_ => Calls.RmDir(_root.Process, node));
        _root.Echo("vfio-platform", $"/sys/bus/platform/devices/{DmaDevice}/driver_override").Should().BePositive();
        _root.Echo(DmaDevice, "/sys/bus/platform/drivers/vfio-platform/bind").Should().BePositive();
        DmaCopy.Run(user).Should().BeTrue();
        user.Process.Exit(0);
    }

    private void AddPaths(DirectoryInode directory, int depth)
    {
        foreach (Inode child in directory.Children)
        {
            // The guide's test module leaks its buffers, as the real one does.
            if (child.Name is "vosys_dmatest")
            {
                continue;
            }

            _paths.Add(child.Path);
            if (child is DirectoryInode inner && depth < 7 && _paths.Count < 6000)
            {
                AddPaths(inner, depth + 1);
            }
        }
    }

    private Process NewProcess()
    {
        Process[] alive =
        [
            .. _kernel.Processes.Values.Where(process => !process.HasExited && process != _root.Process),
        ];
        Process parent = _random.Next(2) == 0 ? _kernel.Init : Pick(alive);
        Process process = _kernel.CreateProcess("fuzz", parent);
        foreach ((int number, Descriptor descriptor) in parent.Descriptors)
        {
            if (_random.Next(3) == 0 && IsFuzzed(parent))
            {
                descriptor.File.Get();
                process.Replace(number, descriptor.File, closeOnExec: false);
            }
        }

        if (_random.Next(3) == 0)
        {
            process.UserId = 1000;
            process.Capabilities = Pick(Capabilities.None, Capabilities.IpcLock, Capabilities.DacOverride);
        }

        process.MemlockLimitBytes = Pick<ulong>(0, 64 << 10, 1 << 20);
        Map(process, 8 * Page);
        Map(process, 16 * Page);
        long container = Open(process, "/dev/vfio/vfio", OpenFlags.ReadWrite);
        long group = Open(process, $"/dev/vfio/{_random.Next(2)}", OpenFlags.ReadWrite);
        if (_random.Next(3) > 0)
        {
            Ioctl(process, group, VfioIoctl.GroupSetContainer, (int)container);
            Take("ioctl", process, Calls.Ioctl(process, (int)container, VfioIoctl.SetIommu, Pick(1UL, 3UL)));
            Put(process, Encoding.UTF8.GetBytes(Pick(DmaDevice, OtherDevice) + "\0"));
            Take("device", process, Calls.Ioctl(process, (int)group, VfioIoctl.GroupGetDeviceFd, Buffer(process)));
        }

        return process;
    }

    /// <summary>A process that waits in a real wait, to be woken, killed or ended there.</summary>
    private void StartProgram(Process parent)
    {
        if (_kernel.Processes.Count > 40)
        {
            return;
        }

        Process child = _kernel.CreateProcess("waiter", parent);
        Map(child, 2 * Page);
        foreach ((int number, Descriptor descriptor) in parent.Descriptors)
        {
            descriptor.File.Get();
            child.Replace(number, descriptor.File, closeOnExec: false);
        }

        int descriptorNumber = _random.Next(12);
        long until = Simulation.Now + _random.Next(5_000_000);
        int act = _random.Next(5);
        Put(child, [.. Enumerable.Range(0, 6).SelectMany(n => new byte[] { (byte)n, 0, 0, 0, 1, 0, 0, 0 })]);
        child.Run(async () =>
        {
            long result = await child.Thread.Do(reason =>
                child.PendingSignal != 0
                    ? -(long)Errno.EINTR
                    : act switch
                    {
                        0 => Calls.Sleep(child, until, reason),
                        1 => Calls.Poll(child, Buffer(child), 6, until),
                        2 => Calls.Wait(child, child.Id + 1, noHang: false),
                        3 => Calls.Write(child, descriptorNumber, Buffer(child), 4096),
                        _ => Calls.Read(child, descriptorNumber, Buffer(child), 8),
                    }
            );
            Check("program", child, result);
            return child.PendingSignal;
        });
    }

    private void Step(Process process)
    {
        int file = Descriptor(process);
        ulong address = Address(process);
        long count = Pick(0, 1, 7, 8, 64, 4096, 5000, 70_000, 1L << 31, 1L << 40, long.MaxValue, -1, long.MinValue);
        long position = Pick(0, 1, 4095, 1L << 24, 1L << 31, 1L << 40, (1L << 40) + 0xE00, long.MaxValue, -1);
        string call = Pick(Names);
        ulong path = call is "readlink" or "stat" or "open" or "mkdir" or "exec" or "chdir" ? PutPath(process) : 0;
        ulong own = call is "unlink" or "rmdir" or "chmod" or "symlink" ? PutOwnPath(process) : 0;
        Attempt result = call switch
        {
            "open" => Calls.Open(process, path, Flags(), _random.Next(0x1000)),
            "close" => _random.Next(6) == 0 ? Calls.Close(process, file) : 0,
            "read" => Calls.Read(process, file, address, count),
            "write" => Write(process, file, address, count),
            "pread" => Calls.PRead(process, file, address, count, position),
            "pwrite" => Calls.PWrite(process, file, address, Math.Min(count, 1 << 20), position),
            "lseek" => Calls.LSeek(process, file, position, _random.Next(4)),
            "ioctl" => RandomIoctl(process, file, address),
            "dup" => Calls.Dup(process, file),
            "dup2" => Calls.Dup2(process, file, _random.Next(-1, 20)),
            "dupfrom" => Calls.DupFrom(process, file, Pick(-1, 0, 9, 1023, 1024)),
            "eventfd" => Calls.EventFd(process, (uint)_random.Next(3), Pick(0, 1, 0x800, 0x80800, 7)),
            "pipe" => Calls.Pipe(process, address, Pick(0, 0x800, 0x80000, 3)),
            "poll" => Calls.Poll(process, address, Pick(0, 1, 3, 1024, 1025, -1), Simulation.Now + _random.Next(3)),
            "sleep" => Calls.Sleep(process, Simulation.Now + _random.Next(3), WakeReason.FirstAttempt),
            "wait" => Calls.Wait(process, Id(), noHang: _random.Next(2) == 0),
            "memlock" => Calls.SetMemlockLimit(process, (ulong)count),
            "kill" => Kill(process),
            "symlink" => Calls.SymLink(process, Pick("", "f", "..", "/proc", "/tmp/l", new string('x', 5000)), own),
            "rename" => Calls.Rename(process, OwnPath(), OwnPath()),
            "getcwd" => Calls.GetCwd(process, address, count),
            "mmap" => Mmap(process, file, address, count, position),
            "munmap" => _random.Next(4) == 0 ? Calls.Munmap(process, address, (ulong)count) : 0,
            "mprotect" => Calls.Mprotect(process, address & ~0xFFFUL, (ulong)count, (Protection)_random.Next(8)),
            "stat" => Calls.Stat(process, path, address, _random.Next(2) == 0),
            "fstat" => Calls.FStat(process, file, address),
            "readlink" => Calls.ReadLink(process, path, address, count),
            "getdents" => Calls.GetDents(process, file, address, count),
            "mkdir" => Calls.MkDir(process, path, 0x1FF),
            "unlink" => Calls.Unlink(process, own),
            "rmdir" => Calls.RmDir(process, own),
            "chmod" => Calls.ChMod(process, own, _random.Next(0x1000)),
            "chdir" => Calls.ChDir(process, path),
            "syslog" => Calls.SysLog(process, _random.Next(12), address, (int)count),
            "clock" => Calls.ClockGetTime(process, _random.Next(-1, 3), address),
            "uname" => Calls.UName(process, address),
            "exec" => Calls.Exec(process, path, out _),
            _ => Access(process, address),
        };
        Take(call, process, result);
    }

    private static readonly string[] Names =
    [
        .. "open open open close read write write write pread pwrite lseek ioctl ioctl ioctl ioctl dup dup2 dupfrom".Split(),
        .. "eventfd pipe poll sleep wait memlock kill symlink rename getcwd mmap mmap munmap mprotect stat fstat".Split(),
        .. "readlink getdents mkdir unlink rmdir chmod chdir syslog clock uname exec access access".Split(),
    ];

    /// <summary>A result is a value or a known errno; who waits tries again once or gives up.</summary>
    private void Take(string call, Process process, Attempt result)
    {
        if (result.IsBlocked)
        {
            result.WaitsOn.Should().NotBeNull();
            return;
        }

        Check(call, process, result.Value);
    }

    private void Check(string call, Process process, long result)
    {
        if (result >= 0)
        {
            Succeeded[call] = Succeeded.GetValueOrDefault(call) + 1;
            return;
        }

        Enum.IsDefined((Errno)(-result)).Should().BeTrue($"{call} gave {result}");
        if (call is not ("program" or "wait"))
        {
            // A person can ask of every refusal which check made it.
            process.LastRefusal.Should().NotBeNull($"{call} gave {(Errno)(-result)}");
            process.LastRefusal!.Errno.Should().Be((Errno)(-result), call);
        }
    }

    private Attempt Write(Process process, int file, ulong address, long count)
    {
        if (process.FindFile(file) is OpenAttribute attribute)
        {
            string text = Pick(
                DmaDevice,
                OtherDevice,
                "vfio-platform",
                "arm-smmu",
                "",
                "0",
                "1",
                "add",
                "2c0b0000.smmu"
            );
            bool isFatal = attribute.Description.Contains("arm-smmu") || text is "0" or "2c0b0000.smmu";
            byte[] bytes = Encoding.Latin1.GetBytes(text + Pick("\n", "", "\0", " x\n"));
            return !Put(process, bytes) || (isFatal && !_isWild)
                ? 0
                : Calls.Write(process, file, Buffer(process), bytes.Length);
        }

        return Calls.Write(process, file, address, Math.Min(count, 1 << 20));
    }

    private Attempt RandomIoctl(Process process, int file, ulong address)
    {
        uint command = _random.Next(30) == 0 ? (uint)_random.Next() : VfioIoctl.GetApiVersion + (uint)_random.Next(18);
        if (_random.Next(4) == 0)
        {
            return Calls.Ioctl(process, file, command, Pick(address, 1UL, 3UL));
        }

        ulong vaddr = Area(process)?.Start ?? 0;
        byte[] argument = _random.Next(3) switch
        {
            0 => VfioBench.Pack(
                32,
                _random.Next(4),
                vaddr,
                Page * (ulong)_random.Next(9),
                Page * (ulong)_random.Next(5)
            ),
            1 => VfioBench.Pack(
                24,
                Pick(0x24, 0x21, 0x22, 0x0C, 0x14, 0x11, 0x09),
                _random.Next(9),
                0,
                1,
                Descriptor(process)
            ),
            _ => VfioBench.Pack(
                Pick(24, 8, 16),
                0,
                Page * (ulong)_random.Next(9),
                Page * (ulong)_random.Next(5),
                0UL,
                0UL
            ),
        };
        Put(process, argument);
        return Calls.Ioctl(process, file, command, Buffer(process));
    }

    private Attempt Mmap(Process process, int file, ulong address, long count, long position)
    {
        MapFlags flags = (MapFlags)Pick(1, 2, 0x22, 0x22, 0x21, 0x32, 0x11, 0, 3);
        ulong length = _random.Next(2) == 0 ? Page * (ulong)_random.Next(20) : (ulong)count;
        Protection protection = (Protection)_random.Next(8);
        Attempt result = Calls.Mmap(
            process,
            address & ~0xFFFUL,
            length,
            protection,
            flags,
            file,
            (ulong)position & ~0xFFFUL
        );
        bool isFresh = result.Value > 0 && flags.HasFlag(MapFlags.Anonymous) && protection.HasFlag(Protection.Read);
        if (isFresh)
        {
            // Foreign memory would be seen here first.
            byte[] bytes = new byte[Page];
            process.Memory.TryRead((ulong)result.Value, bytes).Should().BeTrue();
            bytes.Should().OnlyContain(value => value == 0);
            process.Memory.TryWrite((ulong)result.Value, _canary.AsSpan(0, (int)Page));
        }

        return result;
    }

    private Attempt Access(Process process, ulong address)
    {
        int size = Pick(1, 2, 4, 8);
        address &= ~((ulong)size - 1);
        _ =
            _random.Next(2) == 0
                ? process.Memory.TryLoad(address, size, out _, out _)
                : process.Memory.TryStore(address, size, (ulong)_random.Next(4), out _);
        return 0;
    }

    private Attempt Kill(Process process)
    {
        int target = Id();
        bool isOurs = _kernel.Processes.TryGetValue(target, out Process? found) && IsFuzzed(found);
        return isOurs || found is null ? Calls.Kill(process, target, Pick(0, 9, 15, 17, 65, -1)) : 0;
    }
}
