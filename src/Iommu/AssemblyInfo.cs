using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Emulator.Iommu.Tests")]
[assembly: InternalsVisibleTo("Emulator.Bench")]
