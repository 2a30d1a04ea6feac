using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Emulator.Boards;
using Emulator.KernelShim;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Bench;

/// <summary>
/// How long it takes to find and group some ten thousand PCI functions: root ports with cards of eight functions, and bridges
/// to conventional buses full of them, behind an IOMMU that has no limits.
/// </summary>
internal static class GroupsBench
{
    private const int Ports = 160;
    private const int Bridges = 35;

    public static void Run(int rounds)
    {
        ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        var times = new List<double>();
        int functions = 0;
        int groups = 0;
        for (int n = 0; n < Math.Min(rounds, 7); n++)
        {
            Board board = services
                .GetRequiredService<IBoardLibrary>()
                .Create("fvp-ve", options: null, new Simulation());
            Kernel kernel = BuiltInDrivers.Boot(board, KernelProfiles.Linux612);
            kernel.Iommus.Register(new LimitlessIommu());
            var tree = new WideTree();
            long start = Stopwatch.GetTimestamp();
            PciHost host = kernel.Pci.AddHost(tree, 0, 0x1000_0000, 0x8000_0000);
            foreach (PciDevice device in kernel.Pci.Devices)
            {
                kernel.Iommus.OnProbe(device);
            }

            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            functions = kernel.Pci.Devices.Count();
            groups = kernel.Iommus.Groups.Count;
            _ = host;
        }

        times.Sort();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"pci groups: {functions} functions found and put into {groups} groups in {times[times.Count / 2]:F0} ms (quartiles {times[times.Count / 4]:F0} to {times[times.Count * 3 / 4]:F0})"
            )
        );
    }

    private sealed class LimitlessIommu : IIommuDriver
    {
        public bool IsolatesInterrupts => true;

        public bool IsCoherent => true;

        public bool Serves(Device device) => device is PciDevice;

        public IommuDomain? CreateDomain() => null;
    }

    /// <summary>Configuration space of the tree, by bus number and function.</summary>
    private sealed class WideTree : IPciConfiguration
    {
        private const int Express = 0x40;
        private const int Acs = 0x100;

        private readonly Dictionary<int, byte[]> _functions = [];

        public WideTree()
        {
            int bus = 1;
            for (int port = 0; port < Ports + Bridges; port++)
            {
                bool hasBridge = port >= Ports;
                AddBridge(0, port, PciExpressType.RootPort, bus, bus + (hasBridge ? 1 : 0), hasAcs: port % 2 == 0);
                if (hasBridge)
                {
                    AddBridge(bus, 0, PciExpressType.PciBridge, bus + 1, bus + 1, hasAcs: false);
                    bus++;
                    for (int devfn = 8; devfn < 256; devfn++)
                    {
                        Add(bus, devfn, null, 0x0200_0000);
                    }
                }
                else
                {
                    for (int function = 0; function < 8; function++)
                    {
                        Add(bus, function, PciExpressType.Endpoint, 0x0200_0000);
                    }
                }

                bus++;
            }
        }

        public uint Read(int bus, int devfn, int register, int sizeBytes)
        {
            if (!_functions.TryGetValue(bus << 8 | devfn, out byte[]? bytes) || register + sizeBytes > bytes.Length)
            {
                return uint.MaxValue >> (32 - 8 * sizeBytes);
            }

            return sizeBytes switch
            {
                1 => bytes[register],
                2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(register)),
                _ => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(register)),
            };
        }

        /// <summary>Bus numbers and the command can be written; a BAR keeps what is above 4 KiB.</summary>
        public void Write(int bus, int devfn, int register, int sizeBytes, uint value)
        {
            if (!_functions.TryGetValue(bus << 8 | devfn, out byte[]? bytes))
            {
                return;
            }

            bool isBridge = (bytes[0x0E] & 0x7F) == 1;
            if (register == 0x10 && !isBridge)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(register), value & 0xFFFF_F000);
            }
            else if (register is 0x04 or 0x3E || (isBridge && register is >= 0x18 and < 0x30))
            {
                for (int n = 0; n < sizeBytes; n++)
                {
                    bytes[register + n] = (byte)(value >> 8 * n);
                }
            }
        }

        private void AddBridge(int bus, int devfn, PciExpressType type, int secondary, int subordinate, bool hasAcs)
        {
            byte[] bytes = Add(bus, devfn, type, 0x0604_0000);
            bytes[0x0E] |= 1;
            bytes[0x18] = (byte)bus;
            bytes[0x19] = (byte)secondary;
            bytes[0x1A] = (byte)subordinate;
            if (hasAcs)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Acs), 0x0001_000D);
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Acs + 4), 0x001D_005F);
            }
        }

        private byte[] Add(int bus, int devfn, PciExpressType? type, uint deviceClass)
        {
            byte[] bytes = new byte[type is null ? 256 : 512];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, 0x0001_1DE0);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x08), deviceClass);
            bytes[0x0E] = 0x80;
            if (type is { } kind)
            {
                bytes[0x06] = 0x10;
                bytes[0x34] = Express;
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Express), 0x10u | (2u | (uint)kind << 4) << 16);
            }

            _functions[bus << 8 | devfn] = bytes;
            return bytes;
        }
    }
}
