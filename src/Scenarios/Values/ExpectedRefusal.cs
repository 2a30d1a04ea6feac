using System.Globalization;
using Emulator.KernelShim;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>fails:</c> the errno that a system call must give, and perhaps the check of the kernel that must give it.</summary>
internal sealed class ExpectedRefusal
{
    private readonly Errno _errno;
    private readonly string? _check;
    private readonly Place _place;

    private ExpectedRefusal(Errno errno, string? check, Place place)
    {
        _errno = errno;
        _check = check;
        _place = place;
    }

    /// <summary>Reads <c>fails: EBUSY</c> or <c>fails: { errno: EBUSY, by: kernel_function }</c>; null when it is not there.</summary>
    public static ExpectedRefusal? Read(ReadingContext context, MapReader map)
    {
        if (map.Node("fails") is not { } node)
        {
            return null;
        }

        string? check = null;
        YamlNode errno = node;
        if (node is YamlMappingNode)
        {
            MapReader parts = map.Map("fails", "fails")!;
            check = parts.RequiredWords("by");
            errno = parts.Node("errno") ?? node;
            parts.RequiredWords("errno");
            parts.Finish();
        }

        string name = (errno as YamlScalarNode)?.Value ?? "";
        if (errno is YamlScalarNode && Enum.TryParse(name, out Errno value) && Enum.IsDefined(value) && name[0] == 'E')
        {
            return new ExpectedRefusal(value, check, ReadingContext.PlaceOf(errno));
        }

        if (errno is not YamlMappingNode)
        {
            context.Fail(
                errno,
                $"'fails:' takes the name of an error number, such as EBUSY, not {ReadingContext.Describe(errno)}"
                    + Words.DidYouMean(name, Enum.GetNames<Errno>())
            );
        }

        return null;
    }

    /// <summary>Fails the step unless the call ended as it should.</summary>
    /// <param name="expected">What was expected; null for success.</param>
    /// <param name="process">Who called.</param>
    /// <param name="outcome">What came.</param>
    /// <param name="place">The step.</param>
    public static void Check(ExpectedRefusal? expected, UserProcess process, CallOutcome outcome, Place place)
    {
        Refusal? refusal = process.Process.LastRefusal;
        if (outcome.Result >= 0 || refusal is null || -(long)refusal.Errno != outcome.Result)
        {
            refusal = null;
        }

        bool isRight = expected is null
            ? outcome.Result >= 0
            : outcome.Result == -(long)expected._errno
                && (
                    expected._check is null
                    || string.Equals(expected._check, refusal?.Function, StringComparison.Ordinal)
                );
        if (isRight)
        {
            return;
        }

        string wanted =
            expected is null ? "success"
            : expected._check is null ? expected._errno.ToString()
            : $"{expected._errno} by {expected._check}";
        string[] found =
            outcome.Result >= 0 ? [string.Create(CultureInfo.InvariantCulture, $"success ({outcome.Result})")]
            : refusal is null ? [Describe(outcome.Result)]
            : [$"{Describe(outcome.Result)} by {refusal.Function}", refusal.Reason];
        string message = outcome.Result < 0 ? $"{outcome.Call} was refused" : $"{outcome.Call} was not refused";
        throw new StepFailedException(new StepFailure(expected?._place ?? place, message, [wanted], found));
    }

    private static string Describe(long result) => $"{(Errno)(-result)} ({ErrnoText.Of(result)})";
}
