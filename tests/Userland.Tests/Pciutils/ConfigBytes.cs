using System.Buffers.Binary;

namespace Emulator.Userland.Tests;

/// <summary>A configuration space made by hand: a header, and capabilities one behind the other.</summary>
internal sealed class ConfigBytes
{
    private readonly byte[] _bytes;
    private int _lastPointer = 0x34;
    private int _next = 0x40;
    private int _lastExtended = -1;
    private int _nextExtended = 0x100;

    /// <summary>Makes the header of a function.</summary>
    public ConfigBytes(int vendor, int device, int code, int headerType = 0, int bytes = 4096)
    {
        _bytes = new byte[bytes];
        Word(0x00, vendor);
        Word(0x02, device);
        Word(0x0A, code >> 8);
        _bytes[0x09] = (byte)code;
        _bytes[0x0E] = (byte)headerType;
    }

    /// <summary>The bytes.</summary>
    public byte[] Bytes => _bytes;

    /// <summary>Sets a byte.</summary>
    public ConfigBytes Byte(int at, int value)
    {
        _bytes[at] = (byte)value;
        return this;
    }

    /// <summary>Sets 16 bits.</summary>
    public ConfigBytes Word(int at, int value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(at), (ushort)value);
        return this;
    }

    /// <summary>Sets 32 bits.</summary>
    public ConfigBytes Long(int at, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(at), value);
        return this;
    }

    /// <summary>Adds a capability; its bytes are those behind the ID and the pointer.</summary>
    public ConfigBytes Capability(int id, params byte[] bytes)
    {
        _bytes[0x06] |= 0x10;
        _bytes[_lastPointer] = (byte)_next;
        _bytes[_next] = (byte)id;
        bytes.CopyTo(_bytes, _next + 2);
        _lastPointer = _next + 1;
        _next = (_next + 2 + bytes.Length + 3) & ~3;
        return this;
    }

    /// <summary>Adds an extended capability; its bytes are those behind the header.</summary>
    public ConfigBytes Extended(int id, int version, params byte[] bytes)
    {
        if (_lastExtended >= 0)
        {
            Word(_lastExtended + 2, (BitConverter.ToUInt16(_bytes, _lastExtended + 2) & 0xF) | (_nextExtended << 4));
        }

        Word(_nextExtended, id);
        Word(_nextExtended + 2, version);
        bytes.CopyTo(_bytes, _nextExtended + 4);
        _lastExtended = _nextExtended;
        _nextExtended = (_nextExtended + 4 + bytes.Length + 3) & ~3;
        return this;
    }
}
