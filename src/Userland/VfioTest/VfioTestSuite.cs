using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>
/// The suite virtualopensystems/vfio-host-test, cloned and built in root's home as the PL330 guide has it ("Test Case 1").
/// </summary>
public static class VfioTestSuite
{
    /// <summary>What <see cref="KernelProfile.Packages"/> calls it.</summary>
    public const string Package = "vfio-host-test";

    private const string Directory = "/root/vfio-host-test";

    // csharpier-ignore
    private static readonly (string Path, int Permissions, string Resource)[] Files =
    [
        ("vfio_test_device.sh",        0x1ED, "vfio_test_device.sh"),
        ("README.md",                  0x1A4, "README.md"),
        ("src_test/Makefile",          0x1A4, "Makefile"),
        ("src_test/pl330/Makefile",    0x1A4, "pl330.Makefile"),
    ];

    /// <summary>Puts its files into the tree of a kernel whose profile has the package; else does nothing.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="runner">What is to run its programs.</param>
    public static void Install(Kernel kernel, ProgramRunner runner)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(runner);
        if (!kernel.Profile.Packages.Contains(Package, StringComparer.Ordinal))
        {
            return;
        }

        foreach ((string path, int permissions, string resource) in Files)
        {
            string full = $"{Directory}/{path}";
            int slash = full.LastIndexOf('/');
            var inode = new RegularInode(permissions);
            inode.Content.AddRange(Content(resource));
            kernel.Files.Make(full[..slash]).Add(full[(slash + 1)..], inode);
        }

        runner.Install(kernel, Directory + "/src_test/vfio_dev_test", new VfioDevTest());
        runner.Install(kernel, Directory + "/src_test/pl330/test_pl330_vfio_driver", new Pl330VfioTest());
    }

    private static byte[] Content(string resource)
    {
        using Stream stream = typeof(VfioTestSuite).Assembly.GetManifestResourceStream("VfioTest/" + resource)!;
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
