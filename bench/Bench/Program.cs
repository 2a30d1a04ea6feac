using System.Globalization;
using Emulator.Bench;

// dotnet run -c Release --project bench/Bench -- [mmio|dma|dma-instructions|smmu|vfio|groups]... [--rounds N] [--command PATH] [--scenario PATH]
int rounds = 21;
string? command = null;
string? scenario = null;
var wanted = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--rounds" when i + 1 < args.Length:
            rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--command" when i + 1 < args.Length:
            command = args[++i];
            break;
        case "--scenario" when i + 1 < args.Length:
            scenario = args[++i];
            break;
        default:
            wanted.Add(args[i]);
            break;
    }
}

bool Wants(string name) => wanted.Count == 0 || wanted.Contains(name, StringComparer.Ordinal);

if (Wants("mmio"))
{
    MmioBench.Run(rounds);
}

if (Wants("dma"))
{
    DmaBench.Run(rounds);
}

if (Wants("dma-instructions"))
{
    DmaBench.RunInstructions(rounds);
}

if (Wants("smmu"))
{
    SmmuBench.Run(rounds);
}

if (Wants("vfio"))
{
    VfioBench.Run(rounds);
}

if (Wants("groups"))
{
    GroupsBench.Run(rounds);
}

if (command is not null && scenario is not null)
{
    StartupBench.Run(rounds, command, scenario);
}

return 0;
