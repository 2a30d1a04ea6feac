using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// vfio_pci: PCI functions for programs (drivers/vfio/pci/vfio_pci.c). disable_vga is no parameter here: it is built for x86
/// alone (CONFIG_VFIO_PCI_VGA).
/// </summary>
internal sealed class VfioPciModule(Kernel kernel) : KernelModule("vfio_pci")
{
    private string _ids = "";
    private VfioPciDriver? _driver;

    public override IReadOnlyList<string> DependsOn => ["vfio_pci_core", "vfio"];

    public override IReadOnlyList<ModuleParameter> Parameters =>
        [
            new ModuleParameter("ids", 0, () => _ids, SetIds),
            ModuleParameter.Bool(
                "nointxmask",
                AttributeMode.ReadWrite,
                () => HasNoInterruptMask,
                value => HasNoInterruptMask = value
            ),
            ModuleParameter.Bool(
                "disable_idle_d3",
                AttributeMode.ReadWrite,
                () => DisablesIdleD3,
                value => DisablesIdleD3 = value
            ),
            ModuleParameter.Bool(
                "enable_sriov",
                AttributeMode.ReadWrite,
                () => EnablesSriov,
                value => EnablesSriov = value
            ),
            ModuleParameter.Bool(
                "disable_denylist",
                AttributeMode.ReadOnly,
                () => DisablesDenylist,
                value => DisablesDenylist = value
            ),
        ];

    /// <summary>nointxmask: functions' interrupts are not masked by DisINTx, and their lines not shared.</summary>
    public bool HasNoInterruptMask { get; private set; }

    /// <summary>disable_idle_d3: functions that nobody uses stay in D0.</summary>
    public bool DisablesIdleD3 { get; private set; }

    /// <summary>enable_sriov: sriov_numvfs works for functions of this driver.</summary>
    public bool EnablesSriov { get; private set; }

    /// <summary>disable_denylist: known bad functions are taken all the same.</summary>
    public bool DisablesDenylist { get; private set; }

    public override long Load()
    {
        _driver = new VfioPciDriver(kernel, this);
        kernel.Drivers.Register(_driver);
        foreach (string id in _ids.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            AddId(_driver, id);
        }

        return 0;
    }

    public override void Unload()
    {
        kernel.Drivers.Unregister(_driver!);
        _ids = "";
        HasNoInterruptMask = DisablesIdleD3 = EnablesSriov = DisablesDenylist = false;
    }

    private long SetIds(string text)
    {
        _ids = text;
        return 0;
    }

    /// <summary>vfio_pci_fill_ids: an entry of <c>ids</c> is as if it were written to new_id.</summary>
    private void AddId(VfioPciDriver driver, string text)
    {
        uint[] fields = [0, 0, uint.MaxValue, uint.MaxValue, 0, 0];
        int count = 0;
        foreach (string word in text.Split(':').Take(fields.Length))
        {
            if (!uint.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint field))
            {
                break;
            }

            fields[count++] = field;
        }

        if (count < 2)
        {
            kernel.Log.Print(LogLevel.Warning, $"vfio_pci: invalid id string \"{text}\"");
            return;
        }

        PciDynamicIds.Add(
            kernel.Pci,
            driver,
            new PciDeviceId(fields[0], fields[1], Any(fields[2]), Any(fields[3]), fields[4], fields[5])
        );
        string shown = string.Create(
            CultureInfo.InvariantCulture,
            $"[{fields[0]:x4}:{fields[1]:x4}[{fields[2]:x4}:{fields[3]:x4}]] class 0x{fields[4]:x6}/{fields[5]:x8}"
        );
        kernel.Log.Print(LogLevel.Info, $"vfio_pci: add {shown}");
    }

    private static uint? Any(uint field) => field == uint.MaxValue ? null : field;
}
