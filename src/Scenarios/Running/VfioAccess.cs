using System.Buffers.Binary;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>Loads and stores of a device's registers by the process that has opened it.</summary>
/// <param name="user">The opened device.</param>
/// <param name="byFile">Whether by read(2) and write(2) of the device's descriptor; by a mapping otherwise.</param>
/// <param name="place">The step.</param>
internal sealed class VfioAccess(OpenedDevice user, bool byFile, Place place)
{
    /// <summary>Loads a register; of a field, its value.</summary>
    public ulong Load(World world, VfioRegister.Slot slot)
    {
        ulong value = Access(world, slot, store: null);
        return slot.Field?.Of(value) ?? value;
    }

    /// <summary>Stores a register; for a field, the register is read, changed and written back.</summary>
    public void Store(World world, VfioRegister.Slot slot, ulong value)
    {
        ulong limit = slot.Field?.Of(ulong.MaxValue) ?? ulong.MaxValue >> (64 - slot.SizeBytes * 8);
        if (value > limit)
        {
            throw StepFailedException.At(
                place,
                $"{Hexadecimal.Format(value)} does not fit in {slot.Name}, which takes 0..{Hexadecimal.Format(limit)}"
            );
        }

        if (slot.Field is { } field)
        {
            ulong others = Access(world, slot, store: null) & ~(limit << field.Low);
            value = others | (value << field.Low);
        }

        Access(world, slot, value);
    }

    private ulong Access(World world, VfioRegister.Slot slot, ulong? store)
    {
        CallOutcome outcome = default;
        ulong value = 0;
        user.Process.Run(
            world,
            async libc =>
                (outcome, value) = byFile ? await ByFile(libc, slot, store) : await ByMapping(libc, slot, store),
            ProcessStep.Patience,
            place
        );
        ExpectedRefusal.Check(null, user.Process, outcome, place);
        return value;
    }

    private async Task<(CallOutcome Outcome, ulong Value)> ByFile(Libc libc, VfioRegister.Slot slot, ulong? store)
    {
        (CallOutcome info, ulong _, ulong start) = await user.RegionInfo(libc, slot.Region);
        if (info.Result < 0)
        {
            return (info, 0);
        }

        byte[] bytes = new byte[8];
        long result;
        if (store is { } written)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, written);
            result = await libc.PWrite(user.Device, bytes.AsSpan(0, slot.SizeBytes), (long)(start + slot.Offset));
            return (new CallOutcome($"pwrite of {slot.Name}", result), 0);
        }

        (result, byte[] data) = await libc.PRead(user.Device, slot.SizeBytes, (long)(start + slot.Offset));
        data.CopyTo(bytes, 0);
        return (new CallOutcome($"pread of {slot.Name}", result), BinaryPrimitives.ReadUInt64LittleEndian(bytes));
    }

    private async Task<(CallOutcome Outcome, ulong Value)> ByMapping(Libc libc, VfioRegister.Slot slot, ulong? store)
    {
        (CallOutcome mapped, ulong address, ulong size) = await user.MapRegion(libc, slot.Region);
        if (mapped.Result < 0)
        {
            return (mapped, 0);
        }

        if (slot.Offset >= size)
        {
            throw StepFailedException.At(
                place,
                $"{slot.Name} is behind the end of region {slot.Region}, which has {Hexadecimal.Format(size)} bytes"
            );
        }

        if (store is { } written)
        {
            await libc.Store(address + slot.Offset, written, slot.SizeBytes);
            return (new CallOutcome("", 0), 0);
        }

        return (new CallOutcome("", 0), await libc.Load(address + slot.Offset, slot.SizeBytes));
    }
}
