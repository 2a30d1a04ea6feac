using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>Counts the bytes of a state struct that belong to no field: such bytes would make equal states compare unequal.</summary>
internal static class StatePadding
{
    public static void MustBeAbsent(IStateful device) =>
        BytesOfFields(device.StateType).Should().Be(device.StateBytes.Length);

    private static int BytesOfFields(Type type)
    {
        if (type.IsPrimitive || type.IsEnum)
        {
            return SizeOf(type);
        }

        int length = type.GetCustomAttribute<InlineArrayAttribute>()?.Length ?? 1;
        return length
            * type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Sum(field => BytesOfFields(field.FieldType));
    }

    private static int SizeOf(Type type) =>
        type == typeof(bool) ? 1
        : type == typeof(char) ? 2
        : Marshal.SizeOf(type.IsEnum ? Enum.GetUnderlyingType(type) : type);
}
