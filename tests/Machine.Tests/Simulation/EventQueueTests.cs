using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Machine.Tests;

public sealed class EventQueueTests
{
    private readonly EventQueue _queue = new();
    private readonly Recorder _target = new();

    [Fact]
    public void An_empty_queue_has_no_next_time_and_nothing_to_take()
    {
        _queue.Count.Should().Be(0);
        _queue.NextTime.Should().Be(VirtualTime.Never);
        _queue.Pending.Should().BeEmpty();
        FluentActions.Invoking(_queue.Take).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void Events_come_out_in_the_order_of_their_times()
    {
        foreach (int time in new[] { 30, 10, 50, 20, 40 })
        {
            Add(time, code: time);
        }

        TakeAll().Should().Equal(10, 20, 30, 40, 50);
    }

    [Fact]
    public void Events_of_the_same_time_come_out_in_the_order_in_which_they_were_scheduled()
    {
        for (int code = 0; code < 100; code++)
        {
            Add(time: code % 2, code);
        }

        IEnumerable<int> evenThenOdd = Enumerable.Range(0, 100).OrderBy(code => code % 2).ThenBy(code => code);
        _queue.Pending.Select(pending => pending.Code).Should().Equal(evenThenOdd);
        TakeAll().Should().Equal(evenThenOdd);
    }

    [Fact]
    public void An_event_is_taken_as_it_was_put_in()
    {
        _queue.Add(7, _target, 3, ulong.MaxValue);
        PendingEvent taken = _queue.Take();
        taken.Time.Should().Be(7);
        taken.Target.Should().BeSameAs(_target);
        taken.Code.Should().Be(3);
        taken.Argument.Should().Be(ulong.MaxValue);
    }

    [Fact]
    public void A_cancelled_event_is_gone_and_the_others_keep_their_order()
    {
        EventHandle[] handles = [.. Enumerable.Range(0, 40).Select(code => Add(time: code * 7 % 40, code))];
        foreach (int code in new[] { 0, 39, 17, 5, 23 })
        {
            _queue.Cancel(handles[code]).Should().BeTrue();
        }

        TakeAll()
            .Should()
            .Equal(
                Enumerable
                    .Range(0, 40)
                    .Where(code => code is not (0 or 39 or 17 or 5 or 23))
                    .OrderBy(code => code * 7 % 40)
            );
    }

    [Fact]
    public void Cancelling_twice_does_nothing_the_second_time()
    {
        EventHandle handle = Add(1, 1);
        _queue.Cancel(handle).Should().BeTrue();
        _queue.Cancel(handle).Should().BeFalse();
    }

    [Fact]
    public void An_event_that_has_happened_cannot_be_cancelled()
    {
        EventHandle handle = Add(1, 1);
        _queue.Take();
        _queue.Cancel(handle).Should().BeFalse();
    }

    [Fact]
    public void An_old_handle_does_not_cancel_the_event_that_took_its_place()
    {
        EventHandle old = Add(1, 1);
        _queue.Take();
        EventHandle young = Add(2, 2);
        young.Slot.Should().Be(old.Slot, "places are used again");
        _queue.Cancel(old).Should().BeFalse();
        _queue.Count.Should().Be(1);
        _queue.Cancel(young).Should().BeTrue();
    }

    [Fact]
    public void The_default_handle_names_no_event()
    {
        Add(1, 1);
        _queue.Cancel(default).Should().BeFalse();
        _queue.Cancel(new EventHandle(12, 1)).Should().BeFalse();
        _queue.Count.Should().Be(1);
    }

    [Fact]
    public void Any_sequence_of_operations_gives_what_a_sorted_list_gives()
    {
        Gen<int[]> scripts = Gen.Choose(0, int.MaxValue).ArrayOf(400);
        Prop.ForAll(scripts.ToArbitrary(), Replay).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    private static void Replay(int[] script)
    {
        var queue = new EventQueue();
        var model = new List<(long Time, long Order, int Code)>();
        var handles = new List<(EventHandle Handle, long Order)>();
        var target = new Recorder();
        long order = 0;
        foreach (int step in script)
        {
            int number = step / 4;
            switch (step % 4)
            {
                case 0 or 1:
                    long time = number % 50;
                    handles.Add((queue.Add(time, target, number, 0), ++order));
                    model.Add((time, order, number));
                    model.Sort((a, b) => (a.Time, a.Order).CompareTo((b.Time, b.Order)));
                    break;
                case 2 when handles.Count > 0:
                    (EventHandle handle, long which) = handles[number % handles.Count];
                    queue.Cancel(handle).Should().Be(model.RemoveAll(entry => entry.Order == which) == 1);
                    break;
                case 3 when model.Count > 0:
                    PendingEvent taken = queue.Take();
                    (taken.Time, taken.Code).Should().Be((model[0].Time, model[0].Code));
                    model.RemoveAt(0);
                    break;
                default:
                    break;
            }

            queue.Count.Should().Be(model.Count);
            queue.NextTime.Should().Be(model.Count == 0 ? VirtualTime.Never : model[0].Time);
        }

        queue.Pending.Select(pending => pending.Code).Should().Equal(model.Select(entry => entry.Code));
    }

    private EventHandle Add(long time, int code) => _queue.Add(time, _target, code, 0);

    private List<int> TakeAll()
    {
        var codes = new List<int>();
        while (_queue.Count > 0)
        {
            codes.Add(_queue.Take().Code);
        }

        return codes;
    }
}
