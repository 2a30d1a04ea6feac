using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Emulator.Boards;
using Emulator.KernelShim;

namespace Emulator.Cli.Output;

/// <summary>The PCI tree and its groups as a drawing and as JSON.</summary>
internal static class GroupDrawing
{
    private const int RowHeight = 30;
    private const int Indent = 28;
    private const int BoxWidth = 330;
    private const int BoxHeight = 22;
    private const int Margin = 14;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>An SVG: a box for each function, joined as the buses join them, in the colour of its group.</summary>
    public static string Draw(GroupStudy study)
    {
        IReadOnlyList<PciGroupMember> functions = study.Report.Functions;
        var rows = new Dictionary<string, (int X, int Y)>(StringComparer.Ordinal);
        var text = new StringBuilder();
        for (int n = 0; n < functions.Count; n++)
        {
            PciGroupMember member = functions[n];
            int parentX =
                member.Parent is { } above && rows.TryGetValue(above, out (int X, int Y) place) ? place.X : -1;
            int x = parentX < 0 ? Margin : parentX + Indent;
            int y = Margin + n * RowHeight;
            rows[member.Name] = (x, y);
            if (parentX >= 0)
            {
                int from = rows[member.Parent!].Y + BoxHeight;
                int middle = y + BoxHeight / 2;
                Put(text, $"  <path d=\"M{parentX + 10} {from} V{middle} H{x}\" fill=\"none\" stroke=\"#555\"/>\n");
            }

            string group = member.Group is { } number ? $"group {number}" : "no group";
            string label = WebUtility.HtmlEncode($"{member.Name} {member.Kind} [{member.Ids}] {group}");
            string why = WebUtility.HtmlEncode(string.Join("\n", PciGroupReport.Explain(member)));
            Put(
                text,
                $"  <g><title>{why}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BoxWidth}\" height=\"{BoxHeight}\" "
            );
            Put(text, $"rx=\"4\" fill=\"{Colour(member.Group)}\" stroke=\"#333\"/>");
            Put(text, $"<text x=\"{x + 8}\" y=\"{y + 15}\">{label}</text></g>\n");
        }

        int width = 2 * Margin + BoxWidth + rows.Values.Max(place => place.X);
        int height = 2 * Margin + functions.Count * RowHeight;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"monospace\" font-size=\"11\">\n{text}</svg>\n"
        );
    }

    /// <summary>Everything that is known, as JSON.</summary>
    public static string Json(GroupStudy study) =>
        JsonSerializer.Serialize(
            new
            {
                functions = study.Report.Functions.Select(member => new
                {
                    name = member.Name,
                    parent = member.Parent,
                    kind = member.Kind,
                    ids = member.Ids,
                    driver = member.Driver,
                    group = member.Group,
                    why = member.Why,
                }),
                groups = study.Report.Groups.Select(group => new
                {
                    group = group.Key,
                    members = group.Select(member => member.Name),
                    together = group.Where(member => !member.IsBridge).Select(member => member.Name),
                }),
                reached = study.Reached.Select(pair => new { from = pair.From, to = pair.To }),
                differences = study.Differences(),
            },
            Indented
        );

    /// <summary>Colours of equal lightness, far apart for neighbouring numbers.</summary>
    private static string Colour(int? group) =>
        group is { } number
            ? string.Create(CultureInfo.InvariantCulture, $"hsl({number * 137 % 360}, 70%, 82%)")
            : "#eee";

    private static void Put(StringBuilder text, FormattableString what) =>
        text.Append(what.ToString(CultureInfo.InvariantCulture));
}
