using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards;

/// <summary>
/// FVP_VE_Cortex-A15x4-A7x4-MMU400-DMA330. Its options carry the names of the Fast Model's parameters
/// (<c>coretile.dmac3_int_base</c>) without the path.
/// </summary>
internal sealed class FvpVe()
    : BoardDefinition(
        new BoardType(
            "fvp-ve",
            "Arm FVP VE Cortex-A15x4-A7x4, four DMA-330 behind an SMMU-400",
            [
                .. Enumerable.Range(0, Dmacs).Select(IntBase),
                new BoardOption(SmmuIrq, 1, "0 leaves the SMMU's interrupt outputs unwired"),
            ]
        )
    )
{
    private const int Dmacs = 4;
    private const string SmmuIrq = "smmu_irq";
    private const ulong HighestSpi = 223;

    protected override void Apply(DeviceTree tree, string option, ulong value)
    {
        if (option is SmmuIrq)
        {
            if (value != 0)
            {
                throw new BoardException($"option {SmmuIrq} is 0 or 1, not {value}");
            }

            tree.FindByLabel("smmu")!.SetCells("emulator,interrupts");
            return;
        }

        if (value > HighestSpi - 7)
        {
            throw new BoardException(
                $"option {option} is the first of eight SPIs, at most {HighestSpi - 7}, not {value}"
            );
        }

        DeviceTreeNode dmac = tree.FindByLabel($"dma{option["dmac".Length]}")!;
        uint[] cells = [.. Enumerable.Range(0, 8).SelectMany(irq => new uint[] { 0, (uint)value + (uint)irq, 4 })];
        dmac.SetCells("emulator,interrupts", cells);
    }

    private static BoardOption IntBase(int dmac) =>
        new(
            string.Create(CultureInfo.InvariantCulture, $"dmac{dmac}_int_base"),
            64 + 32 * (ulong)dmac,
            $"the SPI to which irq[0] of dma{dmac} is wired, irq[1..7] to the next ones"
        );
}
