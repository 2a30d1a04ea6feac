using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Iommu;
using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Boards.Tests;

/// <summary>What devices remember is a value: no padding, the same bytes after every reset, saved and restored by copying.</summary>
public sealed class StatesTests
{
    public static TheoryData<string> Boards => new(Emulation.Library.Boards.Select(board => board.Name));

    public static TheoryData<Type> Devices =>
        new(
            new[] { typeof(Pl031).Assembly, typeof(Smmu).Assembly, typeof(Ram).Assembly }
                .SelectMany(assembly => assembly.GetTypes())
                .Where(type => !type.IsAbstract && StateOf(type) is not null)
        );

    [Theory]
    [MemberData(nameof(Devices))]
    public void The_state_of_a_device_has_no_padding(Type device)
    {
        Type state = StateOf(device)!;
        Call<bool>(nameof(HoldsReferences), state).Should().BeFalse();
        BytesOfFields(state).Should().Be(Call<int>(nameof(SizeOf), state));
    }

    [Fact]
    public void There_are_devices_to_look_at() => Devices.Should().HaveCountGreaterThanOrEqualTo(8);

    [Fact]
    public void The_count_of_bytes_sees_padding_and_arrays()
    {
        BytesOfFields(typeof(Padded)).Should().BeLessThan(Unsafe.SizeOf<Padded>());
        BytesOfFields(typeof(FiveOf)).Should().Be(Unsafe.SizeOf<FiveOf>());
        BytesOfFields(typeof(Overlaid)).Should().Be(Unsafe.SizeOf<Overlaid>());
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_new_device_is_as_after_one_reset_or_two(string name)
    {
        Board board = Emulation.Create(name);
        foreach (IStateful device in Stateful(board).Where(device => device is not Dma330))
        {
            byte[] fresh = device.StateBytes.ToArray();
            for (int time = 0; time < 2; time++)
            {
                ((IDevice)device).Reset();
                device.StateBytes.SequenceEqual(fresh).Should().BeTrue($"of {((IDevice)device).Name}");
            }
        }
    }

    /// <summary>
    /// A DMA-330 numbers the lives of its threads, so that an answer to a transaction from before a reset is not taken for
    /// one from after it; that number is all a reset may change.
    /// </summary>
    [Theory]
    [MemberData(nameof(Boards))]
    public void Software_sees_the_same_in_a_new_device_and_after_one_reset_or_two(string name)
    {
        Board board = Emulation.Create(name);
        List<(string, ulong)> fresh = Registers(board);
        fresh.Should().NotBeEmpty();
        for (int time = 0; time < 2; time++)
        {
            board.Reset();
            Registers(board).Should().Equal(fresh);
        }
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Two_boards_of_a_kind_have_equal_states(string name)
    {
        ulong[] first = [.. Stateful(Emulation.Create(name)).Select(device => device.StateHash)];
        first.Should().NotBeEmpty();
        Stateful(Emulation.Create(name)).Select(device => device.StateHash).Should().Equal(first);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_state_that_is_saved_and_written_back_is_the_same_state(string name)
    {
        Board board = Emulation.Create(name);
        foreach (IStateful device in Stateful(board))
        {
            device.StateBytes.Length.Should().Be(Call<int>(nameof(SizeOf), device.StateType));
            byte[] saved = device.StateBytes.ToArray();
            ulong hash = device.StateHash;
            device.StateBytes.Fill(0xA5);
            device.StateHash.Should().NotBe(hash);
            saved.CopyTo(device.StateBytes);
            device.StateHash.Should().Be(hash);
        }
    }

    private static IEnumerable<IStateful> Stateful(Board board) =>
        board.Devices.Select(device => device.Device).OfType<IStateful>();

    private static List<(string Register, ulong Value)> Registers(Board board)
    {
        var values = new List<(string, ulong)>();
        foreach (BoardDevice device in board.Devices)
        {
            foreach (IRegisterWindow window in device.Device?.Windows ?? [])
            {
                foreach (RegisterDescription row in window.Registers)
                {
                    for (int n = 0; n < row.Count; n++)
                    {
                        if (window.TryPeek(row.Offset + (ulong)n * row.StrideBytes, out ulong value))
                        {
                            values.Add(($"{device.Name}.{row.NameOf(n)}", value));
                        }
                    }
                }
            }
        }

        return values;
    }

    private static Type? StateOf(Type? type)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Device<>))
            {
                return type.GetGenericArguments()[0];
            }
        }

        return null;
    }

    private static int BytesOfFields(Type type)
    {
        if (type.IsPrimitive || type.IsEnum)
        {
            return Call<int>(nameof(SizeOf), type);
        }

        FieldInfo[] fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        if (type.GetCustomAttribute<InlineArrayAttribute>() is { } array)
        {
            return array.Length * BytesOfFields(fields[0].FieldType);
        }

        if (!type.IsExplicitLayout)
        {
            return fields.Sum(field => BytesOfFields(field.FieldType));
        }

        bool[] covered = new bool[Call<int>(nameof(SizeOf), type)];
        foreach (FieldInfo field in fields)
        {
            int offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
            covered.AsSpan(offset, BytesOfFields(field.FieldType)).Fill(true);
        }

        return covered.Count(known => known);
    }

    private static T Call<T>(string method, Type type) =>
        (T)
            typeof(StatesTests)
                .GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic)!
                .MakeGenericMethod(type)
                .Invoke(null, null)!;

    private static int SizeOf<T>() => Unsafe.SizeOf<T>();

    private static bool HoldsReferences<T>() => RuntimeHelpers.IsReferenceOrContainsReferences<T>();

    private readonly record struct Padded(byte Small, ulong Large);

    [InlineArray(5)]
    private struct FiveOf
    {
        private ushort _first;
    }

    [StructLayout(LayoutKind.Explicit)]
    private readonly record struct Overlaid(
        [field: FieldOffset(0)] ulong Whole,
        [field: FieldOffset(0)] uint Low,
        [field: FieldOffset(4)] uint High
    );
}
