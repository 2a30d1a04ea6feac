using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// A parameter of a module (kernel/params.c): set when it is loaded, and by its file where the mode lets it. What it takes and
/// how it is shown is its kind's.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="permissions">The mode of its file, 0 for none.</param>
/// <param name="show">Its text, without the newline.</param>
/// <param name="trySet">Takes a text; 0 or a negative errno.</param>
public sealed class ModuleParameter(string name, int permissions, Func<string> show, Func<string, long> trySet)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>The mode of its file, 0 for none.</summary>
    public int Permissions { get; } = permissions;

    /// <summary>Its text, without the newline.</summary>
    public string Show() => show();

    /// <summary>Sets it: 0 or a negative errno.</summary>
    public long Set(string text) => trySet(text);

    /// <summary>A parameter of type bool (param_set_bool, param_get_bool).</summary>
    public static ModuleParameter Bool(string name, int permissions, Func<bool> get, Action<bool> set) =>
        new(
            name,
            permissions,
            () => get() ? "Y" : "N",
            text =>
            {
                if (ParseBool(text) is not { } value)
                {
                    return -(long)Errno.EINVAL;
                }

                set(value);
                return 0;
            }
        );

    /// <summary>A parameter of type uint (param_set_uint): a number, base 0.</summary>
    public static ModuleParameter UnsignedInteger(string name, int permissions, Func<uint> get, Action<uint> set) =>
        new(
            name,
            permissions,
            () => get().ToString(CultureInfo.InvariantCulture),
            text =>
            {
                long error = KernelStrings.TryParse(text, uint.MaxValue, out ulong value);
                if (error == 0)
                {
                    set((uint)value);
                }

                return error;
            }
        );

    /// <summary>Adds its file to a module's directory.</summary>
    internal void AddFile(DirectoryInode directory)
    {
        bool isWritable = (Permissions & AttributeMode.WriteOnly) != 0;
        directory.AddAttribute(Name, Permissions, () => Show() + "\n", isWritable ? Store : null);
    }

    /// <summary>kstrtobool: the first letter decides, two of them for on and off; an empty text is true (param_set_bool).</summary>
    private static bool? ParseBool(string text)
    {
        string start = text.Length > 1 ? text[..2].ToUpperInvariant() : text.ToUpperInvariant();
        return start switch
        {
            "" => true,
            "ON" => true,
            "OF" => false,
            _ => start[0] switch
            {
                'Y' or '1' => true,
                'N' or '0' => false,
                _ => null,
            },
        };
    }

    /// <summary>param_attr_store.</summary>
    private long Store(Process process, string text)
    {
        long error = Set(BusType.CString(text).ToString());
        return error == 0
            ? text.Length
            : process.Refuse((Errno)(-error), "param_attr_store", $"'{text.TrimEnd('\n')}' is no value of {Name}");
    }
}
