using System.Globalization;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>A place that a load or store goes to: a register or field by name, or an address.</summary>
internal sealed class Location
{
    private readonly TextValue? _name;
    private readonly NumberValue? _address;
    private readonly int? _size;

    private Location(TextValue? name, NumberValue? address, int? size)
    {
        _name = name;
        _address = address;
        _size = size;
    }

    public Place Place => _name?.Place ?? _address!.Place;

    /// <summary>Reads <c>smmu.CB0_FSR</c>, <c>dma$n.CSR0</c> or an address. A dot makes it a name, unless it is a variable's.</summary>
    public static Location Read(ReadingContext context, YamlNode node, int? size)
    {
        string text = (node as YamlScalarNode)?.Value ?? "";
        bool isName = !context.Knows(text) && LooksLikeName(text);
        if (!isName)
        {
            return new Location(null, context.Number(node), size);
        }

        TextValue name = context.Text(node);
        if (name.Template.Literal is { } literal && context.Board is { } board)
        {
            RegisterReference reference = RegisterReference.Find(board, literal);
            if (reference.Problem is { } problem)
            {
                context.Fail(node, problem);
            }
        }

        return new Location(name, null, size);
    }

    /// <summary>Words joined by dots, in which <c>$n</c> and <c>$(expression)</c> may stand for digits.</summary>
    private static bool LooksLikeName(string text)
    {
        int depth = 0;
        bool hasDot = false;
        foreach (char character in text)
        {
            depth += character switch
            {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            if (depth > 0 || character == ')')
            {
                continue;
            }

            hasDot |= character == '.';
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('.' or '_' or '$' or '@'))
            {
                return false;
            }
        }

        return hasDot && !char.IsAsciiDigit(text[0]);
    }

    public Access Resolve(World world)
    {
        if (_name is null)
        {
            ulong address = world.Number(_address!);
            int size = _size ?? 4;
            return new Access(address, size, null, null, _address!.Place);
        }

        string name = world.Text(_name);
        (BoardRegister register, RegisterField? field) = world.Register(name, _name.Place);
        string shown = field is null ? register.Name : $"{register.Name}.{field.Value.Name}";
        return new Access(register.Address, _size ?? register.Register.WidthBits / 8, field, shown, _name.Place);
    }

    /// <summary>A resolved location; a plain address has no <paramref name="Register"/>.</summary>
    internal readonly record struct Access(
        ulong Address,
        int SizeBytes,
        RegisterField? Field,
        string? Register,
        Place Place
    )
    {
        /// <summary>What it is called in messages.</summary>
        public string NameIn(World world) => Register ?? world.Locate(Address);

        public ulong Load(World world)
        {
            ulong value = world.Load(Address, SizeBytes, Place, Register);
            return Field?.Of(value) ?? value;
        }

        public void Store(World world, ulong value)
        {
            if (Field is { } field)
            {
                ulong mask = field.Of(ulong.MaxValue);
                if (value > mask)
                {
                    throw StepFailedException.At(
                        Place,
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{value} does not fit in {NameIn(world)}, which takes 0..{mask}"
                        )
                    );
                }

                ulong others = world.Load(Address, SizeBytes, Place, Register) & ~(mask << field.Low);
                value = others | (value << field.Low);
            }
            else if (SizeBytes < 8 && value >> (SizeBytes * 8) != 0)
            {
                throw StepFailedException.At(
                    Place,
                    $"{Hexadecimal.Format(value)} does not fit in the {SizeBytes * 8} bits of {NameIn(world)}"
                );
            }

            world.Store(Address, SizeBytes, value, Place, Register);
        }
    }
}
