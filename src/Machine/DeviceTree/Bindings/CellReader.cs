namespace Emulator.Machine.DeviceTrees;

/// <summary>Takes numbers of a property's value one after the other.</summary>
internal struct CellReader(DeviceTreeNode node, DeviceTreeProperty property)
{
    private readonly uint[] _cells = property.ReadCells();
    private int _position = 0;

    public readonly bool AtEnd => _position >= _cells.Length;

    public uint Take() =>
        AtEnd ? throw Wrong($"ends in the middle of an entry, after {_cells.Length} cells") : _cells[_position++];

    public uint[] Take(int count)
    {
        uint[] taken = new uint[
            count <= _cells.Length - _position
                ? count
                : throw Wrong($"ends in the middle of an entry, after {_cells.Length} cells")
        ];
        Array.Copy(_cells, _position, taken, 0, count);
        _position += count;
        return taken;
    }

    public ulong TakeNumber(int cells)
    {
        ulong value = 0;
        for (int i = 0; i < cells; i++)
        {
            value = (value << 32) | Take();
        }
        return value;
    }

    public BusAddress TakeAddress(int cells)
    {
        uint? high = cells == 3 ? Take() : null;
        return new BusAddress(TakeNumber(Math.Min(cells, 2)), high);
    }

    public readonly void CheckMultiple(int cells, string reason)
    {
        if (cells == 0 ? _cells.Length > 0 : _cells.Length % cells != 0)
        {
            throw Wrong($"has {_cells.Length} cells, but an entry needs {cells}: {reason}");
        }
    }

    public readonly DeviceTreeException Wrong(string message) =>
        DeviceTreeException.ForProperty(node, property.Name, message);
}
