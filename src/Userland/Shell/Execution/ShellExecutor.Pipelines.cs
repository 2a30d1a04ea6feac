using Emulator.KernelShim;

namespace Emulator.Userland;

/// <content>Pipelines.</content>
internal sealed partial class ShellExecutor
{
    private async Task ExecutePipeline(Pipeline pipeline)
    {
        if (pipeline.Commands.Count == 1)
        {
            await Condition(pipeline.Commands[0]);
        }
        else
        {
            await RunPipeline(pipeline);
        }

        if (pipeline.IsNegated && _flow == Flow.None)
        {
            State.Status = State.Status == 0 ? 1 : 0;
        }
    }

    private async Task RunPipeline(Pipeline pipeline)
    {
        var children = new List<long>();
        ShellException? failure = null;
        int input = -1;
        for (int n = 0; n < pipeline.Commands.Count && failure is null; n++)
        {
            bool isLast = n == pipeline.Commands.Count - 1;
            (long result, int reader, int writer) = isLast ? (0, -1, -1) : await _libc.Pipe();
            if (result < 0)
            {
                failure = new ShellException($"can't create pipe: {ErrnoText.Of(result)}", 2);
                break;
            }

            var places = new SortedDictionary<int, int>();
            if (input >= 0)
            {
                places[0] = input;
            }

            if (writer >= 0)
            {
                places[1] = writer;
            }

            try
            {
                children.Add(await Fork(pipeline.Commands[n], places));
            }
            catch (ShellException exception)
            {
                failure = exception;
            }

            await CloseIfOpen(input);
            await CloseIfOpen(writer);
            input = reader;
        }

        // What was started sees the end of its pipe and ends; nobody is left behind.
        await CloseIfOpen(input);
        Foreground.AddRange(children.Select(child => (int)child));
        foreach (long child in children)
        {
            State.Status = await WaitFor(child);
        }

        Foreground.Clear();
        if (failure is not null)
        {
            throw failure;
        }
    }

    private async Task CloseIfOpen(int descriptor)
    {
        if (descriptor >= 0)
        {
            await _libc.Close(descriptor);
        }
    }
}
