namespace Emulator.Conformance.Linux;

/// <summary>What two texts have in common, in order: the longest common sequence of lines.</summary>
internal static class LineDifferences
{
    /// <summary>How many lines agree, and which of each side have no partner.</summary>
    public static (int Agreed, IReadOnlyList<string> Missing, IReadOnlyList<string> Extra) Compare(
        string[] recorded,
        string[] ours
    )
    {
        int[,] common = new int[recorded.Length + 1, ours.Length + 1];
        for (int a = recorded.Length - 1; a >= 0; a--)
        {
            for (int b = ours.Length - 1; b >= 0; b--)
            {
                common[a, b] = string.Equals(recorded[a], ours[b], StringComparison.Ordinal)
                    ? common[a + 1, b + 1] + 1
                    : Math.Max(common[a + 1, b], common[a, b + 1]);
            }
        }

        var missing = new List<string>();
        var extra = new List<string>();
        int left = 0;
        int right = 0;
        while (left < recorded.Length || right < ours.Length)
        {
            if (
                left < recorded.Length
                && right < ours.Length
                && string.Equals(recorded[left], ours[right], StringComparison.Ordinal)
            )
            {
                left++;
                right++;
            }
            else if (
                right == ours.Length
                || (left < recorded.Length && common[left + 1, right] >= common[left, right + 1])
            )
            {
                missing.Add(recorded[left++]);
            }
            else
            {
                extra.Add(ours[right++]);
            }
        }

        return (common[0, 0], missing, extra);
    }
}
