namespace Emulator.KernelShim;

/// <summary>
/// Names and tokens (vfio_pci_core_match and vfio_pci_validate_vf_token of drivers/vfio/pci/vfio_pci_core.c): who opens a
/// virtual function must know the token that the user of the physical one has set, because that user can do it harm.
/// </summary>
internal sealed class VfioPciToken
{
    private const string Option = "vf_token=";

    private readonly VfioPciDevice _owner;
    private readonly bool _hasToken;

    /// <summary>
    /// The token of a physical function. Before anybody has set one it is a random number on a real kernel, which nobody knows:
    /// here none, which nothing equals.
    /// </summary>
    private Guid? _token;
    private int _users;

    private VfioPciToken(VfioPciDevice owner)
    {
        _owner = owner;
        _hasToken = owner.Function.Sriov is not null;
    }

    private PciDevice Function => _owner.Function;

    /// <summary>The physical function's, where it is in vfio-pci's hands too.</summary>
    private VfioPciToken? Physical => (Function.PhysicalFunction?.DriverData as VfioPciDevice)?.Tokens;

    /// <summary>vfio_pci_vf_init: functions that can have virtual ones have a token.</summary>
    public static VfioPciToken Create(VfioPciDevice owner) => new(owner);

    /// <summary>Whether a name is the function's and its token fits: 1, 0, or a negative errno.</summary>
    public long Match(Process process, string text)
    {
        const string FunctionName = "vfio_pci_core_match";
        if (!text.StartsWith(Function.Name, StringComparison.Ordinal))
        {
            return 0;
        }

        string rest = text[Function.Name.Length..];
        if (rest.Length > 0 && rest[0] != ' ')
        {
            return 0;
        }

        Guid? given = null;
        for (rest = rest.TrimStart(' '); rest.Length > 0; rest = rest.TrimStart(' '))
        {
            if (given is not null || !rest.StartsWith(Option, StringComparison.Ordinal))
            {
                return process.Refuse(Errno.EINVAL, FunctionName, $"'{rest}' is no option, or given twice");
            }

            rest = rest[Option.Length..];
            if (!TryParse(rest, out Guid token))
            {
                return process.Refuse(Errno.EINVAL, "uuid_parse", $"'{rest}' does not begin with a UUID");
            }

            given = token;
            rest = rest[36..];
        }

        long error = Validate(process, given);
        return error < 0 ? error : 1;
    }

    /// <summary>VFIO_DEVICE_FEATURE_PCI_VF_TOKEN.</summary>
    public long Set(Process process, uint flags, ulong data, uint dataBytes)
    {
        const int uuidBytes = 16;
        if (!_hasToken)
        {
            return process.Refuse(Errno.ENOTTY, "vfio_pci_core_feature_token", $"{Function.Name} has no token");
        }

        if (VfioFeatures.Check(process, flags, dataBytes, VfioFlags.FeatureSet, uuidBytes) is { } result)
        {
            return result;
        }

        Span<byte> uuid = stackalloc byte[uuidBytes];
        if (!process.Memory.TryRead(data, uuid))
        {
            return UserStruct.CannotRead(process, "vfio_pci_core_feature_token");
        }

        _token = new Guid(uuid, bigEndian: true);
        return 0;
    }

    /// <summary>A virtual function's user counts as one of the token's.</summary>
    public void OnOpened()
    {
        if (Physical is { } physical)
        {
            physical._users++;
        }
    }

    /// <summary>It is closed.</summary>
    public void OnClosed()
    {
        if (Physical is { } physical)
        {
            physical._users--;
        }
    }

    /// <summary>uuid_parse: 36 characters, hyphens in their places.</summary>
    private static bool TryParse(string text, out Guid token)
    {
        token = default;
        return text.Length >= 36 && Guid.TryParseExact(text[..36], "D", out token);
    }

    private long Validate(Process process, Guid? given)
    {
        if (Function.PhysicalFunction is not null)
        {
            return ValidateVirtual(process, given);
        }

        if (_hasToken)
        {
            return ValidatePhysical(process, given);
        }

        return given is null ? 0 : Refuse(process, Errno.EINVAL, "VF token incorrectly provided, not a PF or VF");
    }

    private long ValidateVirtual(Process process, Guid? given)
    {
        if (Physical is not { } physical)
        {
            return given is null
                ? 0
                : Refuse(process, Errno.EINVAL, "VF token incorrectly provided, PF not bound to vfio-pci");
        }

        return given is null ? Refuse(process, Errno.EACCES, "VF token required to access device")
            : given != physical._token ? Refuse(process, Errno.EACCES, "Incorrect VF token provided for device")
            : 0;
    }

    /// <summary>While virtual functions are in use their users' token is asked for; otherwise who opens it sets one.</summary>
    private long ValidatePhysical(Process process, Guid? given)
    {
        if (_users > 0)
        {
            return given is null ? Refuse(process, Errno.EACCES, "VF token required to access device")
                : given != _token ? Refuse(process, Errno.EACCES, "Incorrect VF token provided for device")
                : 0;
        }

        _token = given ?? _token;
        return 0;
    }

    private long Refuse(Process process, Errno errno, string text)
    {
        _owner.Kernel.Pci.Info(Function, text);
        return process.Refuse(errno, "vfio_pci_validate_vf_token", text);
    }
}
