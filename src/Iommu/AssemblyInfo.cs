using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Emulator.Iommu.Tests")]
