using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <content>The builtins on jobs.</content>
internal sealed partial class ShellExecutor
{
    private IReadOnlyList<string> ResolveJobs(IReadOnlyList<string> words) =>
        [
            .. words.Select(word =>
                word.StartsWith('%') && FindJob(word[1..]) is { } job
                    ? job.ProcessId.ToString(CultureInfo.InvariantCulture)
                    : word
            ),
        ];

    private Job? FindJob(string number) =>
        number is "" or "%" or "+" ? State.Jobs.LastOrDefault()
        : int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int n)
            ? State.Jobs.Find(job => job.Number == n)
        : null;

    private async Task<int> WaitBuiltin(IReadOnlyList<string> words)
    {
        bool isForeground = words[0] is "fg";
        IReadOnlyList<string> targets = ResolveJobs([.. words.Skip(1)]);
        if (isForeground && targets.Count == 0)
        {
            targets = ResolveJobs(["%"]);
        }

        int status = 0;
        IEnumerable<int> children =
            targets.Count == 0
                ? State.Jobs.Select(job => job.ProcessId)
                : targets.Select(target =>
                    int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : -1
                );
        foreach (int child in children.ToArray())
        {
            if (_finishedJobs.Remove(child, out int finished))
            {
                status = finished;
                continue;
            }

            Job? job = State.Jobs.Find(other => other.ProcessId == child);
            if (job is null)
            {
                if (isForeground)
                {
                    throw new ShellException("fg: no such job", 2);
                }

                status = 127;
                continue;
            }

            Foreground.Add(child);
            status = await WaitFor(child);
            Foreground.Clear();
            State.Jobs.Remove(job);
        }

        return targets.Count == 0 ? 0 : status;
    }

    private async Task<int> ListJobs()
    {
        var text = new StringBuilder();
        Job[] all = [.. State.Jobs];
        await ReapJobs();
        foreach (Job job in all.Where(job => job.Number > 0))
        {
            char mark = job == all[^1] ? '+' : ' ';
            string state = State.Jobs.Contains(job) ? "Running" : "Done";
            text.Append(CultureInfo.InvariantCulture, $"[{job.Number}]{mark}  {state, -26} {job.Text}\n");
        }

        return await Print(text.ToString());
    }
}
