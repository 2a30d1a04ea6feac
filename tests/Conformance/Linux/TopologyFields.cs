using System.Globalization;
using System.Text.Json;

namespace Emulator.Conformance.Linux;

/// <summary>Compares a recorded function field by field, and its configuration space byte by byte.</summary>
internal static class TopologyFields
{
    private const int InterruptLine = 0x3C;
    private const int MostShown = 12;

    public static string? Compare(JsonElement recorded, TopologyState state)
    {
        string name = recorded.Text("bdf");
        if (!state.Functions.TryGetValue(name, out TopologyFunction? ours))
        {
            return $"{name} is missing";
        }

        List<string> wrong = [];
        void Check(string field, object? wanted, object? have)
        {
            if (!Equals(wanted, have))
            {
                wrong.Add($"{field} recorded {wanted ?? "none"}, ours {have ?? "none"}");
            }
        }

        Check("parent", TextOf(recorded, "parent"), ours.Parent);
        Check("vendor", TextOf(recorded, "vendor"), ours.Vendor);
        Check("device", TextOf(recorded, "device"), ours.Device);
        Check("class", TextOf(recorded, "class"), ours.Class);
        Check("driver", TextOf(recorded, "driver"), ours.Driver);
        Check("physfn", TextOf(recorded, "physfn"), ours.PhysicalFunction);
        Check("port_type", TextOf(recorded, "port_type"), ours.PortType);
        Check("group", NumberOf(recorded, "group"), ours.Group);
        Check("header_type", NumberOf(recorded, "header_type"), ours.HeaderType);
        Check("multifunction_bit", recorded.Flag("multifunction_bit"), ours.IsMultifunction);
        if (recorded.TryGetProperty("secondary_bus", out _))
        {
            Check("secondary_bus", NumberOf(recorded, "secondary_bus"), ours.SecondaryBus);
            Check("subordinate_bus", NumberOf(recorded, "subordinate_bus"), ours.SubordinateBus);
        }

        if (recorded.TryGetProperty("ari_forwarding", out JsonElement forwarding))
        {
            Check("ari_forwarding", forwarding.GetBoolean(), ours.ForwardsAri);
        }

        Check("ari_cap", recorded.TryGetProperty("ari_cap", out JsonElement ari) && ari.GetBoolean(), ours.HasAri);
        Check("acs", AcsOf(recorded), AcsOf(ours));
        return wrong.Count == 0 ? null : $"{name}: {string.Join(", ", wrong)}";
    }

    public static string? CompareDump(int requester, byte[] dump, TopologyState state)
    {
        string name = string.Create(
            CultureInfo.InvariantCulture,
            $"0000:{requester >> 8:x2}:{requester >> 3 & 0x1F:x2}.{requester & 7}"
        );
        if (!state.Functions.TryGetValue(name, out TopologyFunction? ours))
        {
            return $"{name} is missing";
        }

        if (dump.Length != ours.Configuration.Length)
        {
            return $"{name}: recorded {dump.Length} bytes, ours {ours.Configuration.Length}";
        }

        List<string> wrong = [];
        for (int at = 0; at < dump.Length; at++)
        {
            if (dump[at] != ours.Configuration[at] && !IsLinuxNumber(at, dump[at], ours.Configuration[at]))
            {
                wrong.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{at:x3} recorded {dump[at]:x2}, ours {ours.Configuration[at]:x2}"
                    )
                );
            }
        }

        return wrong.Count == 0 ? null : $"{name}: {string.Join(", ", wrong.Take(MostShown))}";
    }

    /// <summary>Interrupt lines hold Linux numbers, which depend on what else the machine has.</summary>
    private static bool IsLinuxNumber(int at, byte wanted, byte have) =>
        at == InterruptLine && wanted is not (0 or 0xFF) && have is not (0 or 0xFF);

    private static string? TextOf(JsonElement element, string field) =>
        element.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static int? NumberOf(JsonElement element, string field) =>
        element.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? value.GetInt32()
            : null;

    private static string AcsOf(JsonElement recorded) =>
        recorded.TryGetProperty("acs", out JsonElement acs) && acs.ValueKind == JsonValueKind.Object
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{acs.GetProperty("cap").GetInt32():x}/{acs.GetProperty("ctrl").GetInt32():x}"
            )
            : "none";

    private static string AcsOf(TopologyFunction ours) =>
        ours.Acs == 0
            ? "none"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{BitConverter.ToUInt16(ours.Configuration, ours.Acs + 4):x}/{BitConverter.ToUInt16(ours.Configuration, ours.Acs + 6):x}"
            );
}
