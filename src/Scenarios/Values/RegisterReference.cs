using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>A register, or a field of one, by name: <c>device.REGISTER</c> or <c>device.REGISTER.FIELD</c>.</summary>
internal sealed record RegisterReference(BoardRegister? Register, RegisterField? Field, string? Problem)
{
    public static RegisterReference Find(Board board, string name)
    {
        string[] parts = name.Split('.');
        if (parts.Length is < 2 or > 3)
        {
            return Wrong(
                $"'{name}' is neither a number nor a register; write device.REGISTER, such as dma0.CSR0, or an address"
            );
        }

        if (board.Find(parts[0]) is not { } device)
        {
            IEnumerable<string> names = board.Devices.Select(candidate => candidate.Name);
            return Wrong(
                $"board {board.Name} has no device '{parts[0]}'{Words.DidYouMean(parts[0], names)}"
                    + (Words.Nearest(parts[0], names) is null ? "; see" : " See")
                    + $": emulator boards show {board.Name}"
            );
        }

        if (device.FindRegister(parts[1]) is not { } register)
        {
            return Wrong(
                device.IsStub
                    ? $"{device.Name} is not modelled, so it has no register names; use an address"
                    : $"{device.Name} has no register '{parts[1]}'{Words.DidYouMean(parts[1], RegistersOf(device))}"
            );
        }

        if (parts.Length == 2)
        {
            return new RegisterReference(register, null, null);
        }

        IReadOnlyList<RegisterField> fields = register.Register.Fields;
        foreach (RegisterField field in fields)
        {
            if (string.Equals(field.Name, parts[2], StringComparison.OrdinalIgnoreCase))
            {
                return new RegisterReference(register, field, null);
            }
        }

        IEnumerable<string> fieldNames = fields.Select(field => field.Name);
        string valid = fields.Count == 0 ? "it has no named fields" : "fields: " + string.Join(", ", fieldNames);
        return Wrong($"{register.Name} has no field '{parts[2]}'{Words.DidYouMean(parts[2], fieldNames)} ({valid})");
    }

    private static RegisterReference Wrong(string problem) => new(null, null, problem);

    private static IEnumerable<string> RegistersOf(BoardDevice device) =>
        from region in device.Regions
        where region.Target is IRegisterWindow
        from register in ((IRegisterWindow)region.Target).Registers
        from index in Enumerable.Range(0, register.Count)
        select register.NameOf(index);
}
