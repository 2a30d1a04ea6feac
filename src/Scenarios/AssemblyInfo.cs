using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Emulator.Scenarios.Tests")]
