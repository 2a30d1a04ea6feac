using System.Reflection;
using System.Runtime.CompilerServices;
using Emulator.Iommu;
using Emulator.Machine;
using Emulator.Peripherals;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards.Tests;

/// <summary>What every device remembers is one value: unmanaged, without padding, so that bytes can be compared and kept.</summary>
public sealed class StateTests
{
    public static TheoryData<Type> States =>
        [
            .. new[] { typeof(Dma330).Assembly, typeof(Smmu400).Assembly }
                .SelectMany(assembly => assembly.GetTypes())
                .Where(type => !type.IsAbstract)
                .Select(StateOf)
                .OfType<Type>(),
        ];

    public static TheoryData<string> Boards
    {
        get
        {
            using ServiceProvider services = Services();
            return [.. services.GetRequiredService<IBoardLibrary>().Boards.Select(board => board.Name)];
        }
    }

    [Fact]
    public void There_are_states_to_look_at() => States.Should().HaveCountGreaterThanOrEqualTo(8);

    [Theory]
    [MemberData(nameof(States))]
    public void A_state_is_unmanaged_and_has_no_padding(Type state)
    {
        state.IsValueType.Should().BeTrue();
        FieldBytes(state).Should().Be(SizeOf(state), "{0} must not have padding", state);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_reset_gives_the_same_state_again_and_on_every_board(string name)
    {
        using ServiceProvider services = Services();
        IBoardLibrary library = services.GetRequiredService<IBoardLibrary>();
        Board first = library.Create(name, options: null, new Simulation());
        Board second = library.Create(name, options: null, new Simulation());
        foreach ((BoardDevice left, BoardDevice right) in first.Devices.Zip(second.Devices))
        {
            if (left.Device is not IStateful one || right.Device is not IStateful other)
            {
                continue;
            }

            one.StateHash.Should().Be(other.StateHash, left.Name);
            byte[] saved = one.StateBytes.ToArray();
            one.StateBytes.Clear();
            saved.CopyTo(one.StateBytes);
            one.StateHash.Should().Be(other.StateHash, left.Name);
        }
    }

    private static ServiceProvider Services() => new ServiceCollection().AddEmulator().BuildServiceProvider();

    private static Type? StateOf(Type type)
    {
        for (Type? at = type; at is not null; at = at.BaseType)
        {
            if (at.IsGenericType && at.GetGenericTypeDefinition() == typeof(Device<>))
            {
                return at.GetGenericArguments()[0];
            }
        }

        return null;
    }

    private static int FieldBytes(Type type)
    {
        if (type.IsPrimitive || type.IsEnum)
        {
            return SizeOf(type);
        }

        type.IsValueType.Should().BeTrue("{0} may hold no reference", type);
        int sum = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Sum(part => FieldBytes(part.FieldType));
        return sum * (type.GetCustomAttribute<InlineArrayAttribute>()?.Length ?? 1);
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
