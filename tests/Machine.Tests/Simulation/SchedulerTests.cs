using System.Diagnostics.CodeAnalysis;

namespace Emulator.Machine.Tests;

public sealed class SchedulerTests
{
    private readonly Simulation _simulation = new();
    private readonly WaitQueue _queue = new("pipe_read");
    private readonly List<string> _log = [];

    private Scheduler Scheduler => _simulation.Scheduler;

    [Fact]
    public void A_program_begins_when_the_simulation_next_runs()
    {
        SimulatedProcess process = Scheduler.Start("sh", Says("hello"));
        _log.Should().BeEmpty();
        Scheduler.Processes.Should().Equal(process);
        _simulation.RunOne().Should().BeTrue();
        _log.Should().Equal("hello");
        process.HasEnded.Should().BeTrue();
        process.Condition.Should().Be("has ended");
        Scheduler.Processes.Should().BeEmpty();
    }

    [Fact]
    public void Programs_run_in_the_order_in_which_they_became_ready()
    {
        Scheduler.Start("a", Says("a"));
        Scheduler.Start("b", Says("b"));
        Scheduler.Start("c", Says("c"));
        _simulation.RunFor(0);
        _log.Should().Equal("a", "b", "c");
    }

    [Fact]
    public void A_call_that_does_not_block_has_its_value_at_once()
    {
        SimulatedProcess process = Scheduler.Create("test");
        Scheduler.Call(process, _ => 42).Should().Be(42);
        _simulation.Now.Should().Be(0);
    }

    [Fact]
    public void A_waiting_process_is_woken_at_its_deadline()
    {
        SimulatedProcess process = Scheduler.Create("test");
        List<WakeReason> reasons = [];
        long value = Scheduler.Call(
            process,
            reason =>
            {
                reasons.Add(reason);
                return reason == WakeReason.Deadline ? -110 : Attempt.Block(_queue, deadline: 500);
            }
        );
        value.Should().Be(-110);
        reasons.Should().Equal(WakeReason.FirstAttempt, WakeReason.Deadline);
        _simulation.Now.Should().Be(500);
        _queue.Waiters.Should().BeEmpty();
    }

    [Fact]
    public void Any_of_several_queues_wakes_and_none_keeps_the_process()
    {
        var other = new WaitQueue("eventfd_read");
        int attempts = 0;
        Scheduler.Start(
            "poll",
            async self =>
            {
                await self.Do(_ => ++attempts < 3 ? Attempt.BlockOnAny([_queue, other]) : 0);
                _log.Add("done");
            }
        );
        _simulation.RunFor(0);

        other.WakeAll();
        _simulation.RunFor(0);
        attempts.Should().Be(2);
        _queue.WakeOne();
        _simulation.RunFor(0);

        _log.Should().Equal("done");
        _queue.Waiters.Should().BeEmpty();
        other.Waiters.Should().BeEmpty();
    }

    [Fact]
    public void A_process_that_was_ended_does_not_go_on_when_its_queue_is_woken()
    {
        SimulatedProcess process = Scheduler.Start(
            "sleeper",
            async self =>
            {
                int attempts = 0;
                await self.Do(_ => attempts++ == 0 ? Attempt.Block(_queue, 500) : 0);
                _log.Add("went on");
            }
        );
        _simulation.RunFor(0);

        Scheduler.End(process);

        _queue.Waiters.Should().BeEmpty();
        _queue.WakeAll();
        _simulation.RunFor(1000);
        _log.Should().BeEmpty();
    }

    [Fact]
    public void A_process_that_was_ended_while_ready_does_not_go_on()
    {
        SimulatedProcess process = Scheduler.Start("late", Says("went on"));

        Scheduler.End(process);

        _simulation.RunFor(1000);
        _log.Should().BeEmpty();
    }

    [Fact]
    public void A_deadline_that_has_passed_already_wakes_at_once()
    {
        _simulation.RunUntil(100);
        Scheduler.Call(Scheduler.Create("test"), Until(WakeReason.Deadline, deadline: 20)).Should().Be(1);
        _simulation.Now.Should().Be(100);
    }

    [Fact]
    public void A_process_that_was_woken_in_time_is_not_woken_by_its_deadline_too()
    {
        var alarm = new Recorder { Then = (_, _) => _queue.WakeAll() };
        _simulation.Schedule(100, alarm);
        Scheduler.Call(Scheduler.Create("test"), Until(WakeReason.Condition, deadline: 500)).Should().Be(1);
        _simulation.Now.Should().Be(100);
        _simulation.Events.Count.Should().Be(0, "the deadline was cancelled");
    }

    [Fact]
    public void Waking_one_wakes_the_one_who_has_waited_longest()
    {
        Start3Waiters();
        _queue.Waiters.Select(process => process.Name).Should().Equal("a", "b", "c");
        _queue.WakeOne().Should().BeTrue();
        _simulation.RunFor(0);
        _log.Should().Equal("a: Condition");
        _queue.WakeOne().Should().BeTrue();
        _queue.WakeOne().Should().BeTrue();
        _queue.WakeOne().Should().BeFalse();
        _simulation.RunFor(0);
        _log.Should().Equal("a: Condition", "b: Condition", "c: Condition");
    }

    [Fact]
    public void Waking_all_wakes_everybody_in_order_of_arrival()
    {
        Start3Waiters();
        _queue.WakeAll();
        _queue.Waiters.Should().BeEmpty();
        _simulation.RunFor(0);
        _log.Should().Equal("a: Condition", "b: Condition", "c: Condition");
    }

    [Fact]
    public void A_process_is_attempted_again_after_a_spurious_wake_and_keeps_waiting()
    {
        bool available = false;
        int attempts = 0;
        SimulatedProcess process = Scheduler.Start(
            "reader",
            async self =>
            {
                long value = await self.Do(_ =>
                {
                    attempts++;
                    return available ? 7 : Attempt.Block(_queue);
                });
                _log.Add($"read {value}");
            }
        );
        _simulation.RunFor(0);
        _queue.WakeAll();
        _simulation.RunFor(0);
        attempts.Should().Be(2);
        process.Condition.Should().Be("waits in pipe_read");
        available = true;
        _queue.WakeAll();
        _simulation.RunFor(0);
        attempts.Should().Be(3);
        _log.Should().Equal("read 7");
    }

    [Fact]
    public void Two_programs_that_wake_each_other_take_turns()
    {
        var other = new WaitQueue("other");
        Scheduler.Start("ping", self => Turns(self, "ping", mine: _queue, theirs: other));
        Scheduler.Start("pong", self => Turns(self, "pong", mine: other, theirs: _queue));
        for (int turn = 0; turn < 6; turn++)
        {
            _simulation.RunOne();
        }

        _log.Take(6).Should().Equal("ping", "pong", "ping", "pong", "ping", "pong");
    }

    [Fact]
    public void A_signal_wakes_a_waiting_process()
    {
        SimulatedProcess process = Scheduler.Start("sleeper", Waits("sleeper"));
        _simulation.RunFor(0);
        process.Signal();
        _simulation.RunFor(0);
        _log.Should().Equal("sleeper: Signal");
    }

    [Fact]
    public void A_signal_sent_before_the_wait_ends_the_wait_at_once()
    {
        SimulatedProcess process = Scheduler.Start("sleeper", Waits("sleeper"));
        process.Signal();
        _simulation.RunFor(0);
        _log.Should().Equal("sleeper: Signal");
    }

    [Fact]
    public void A_signal_is_delivered_once()
    {
        SimulatedProcess process = Scheduler.Create("test");
        process.Signal();
        process.Signal();
        Scheduler.Call(process, Until(WakeReason.Signal)).Should().Be(1);
        FluentActions
            .Invoking(() => Scheduler.Call(process, Until(WakeReason.Signal)))
            .Should()
            .Throw<NothingCanHappenException>();
    }

    [Fact]
    public void Of_a_signal_and_a_condition_the_first_is_what_a_process_learns()
    {
        SimulatedProcess process = Scheduler.Start("sleeper", Waits("sleeper"));
        _simulation.RunFor(0);
        _queue.WakeAll();
        process.Signal();
        _simulation.RunFor(0);
        _log.Should().Equal("sleeper: Condition");
    }

    [Fact]
    public void Processes_that_wait_for_each_other_are_named_with_what_they_wait_for()
    {
        Scheduler.Start("qemu", self => WaitsIn(self, new WaitQueue("vfio_wait")));
        Scheduler.Start("sh", self => WaitsIn(self, new WaitQueue("do_wait")));
        FluentActions
            .Invoking(() => Scheduler.Call(Scheduler.Create("step 3"), Until(WakeReason.Condition)))
            .Should()
            .Throw<NothingCanHappenException>()
            .WithMessage(
                "Nothing can ever happen again: no event is pending and no process is ready. "
                    + "qemu waits in vfio_wait; sh waits in do_wait; step 3 waits in pipe_read."
            );
    }

    [Fact]
    public void A_driver_whose_call_could_not_end_waits_no_longer_and_may_call_again()
    {
        SimulatedProcess process = Scheduler.Create("test");
        FluentActions
            .Invoking(() => Scheduler.Call(process, Until(WakeReason.Condition)))
            .Should()
            .Throw<NothingCanHappenException>();
        process.WaitsOn.Should().BeNull();
        _queue.Waiters.Should().BeEmpty();

        _simulation.ScheduleAfter(10, new Recorder { Then = (_, _) => _queue.WakeAll() });
        Scheduler.Call(process, Until(WakeReason.Condition)).Should().Be(1);
        _queue.Waiters.Should().BeEmpty();
    }

    [Fact]
    public void An_event_that_throws_during_a_call_leaves_no_waiter_and_no_deadline_behind()
    {
        SimulatedProcess process = Scheduler.Create("test");
        _simulation.Schedule(10, new Recorder { Then = (_, _) => throw new InvalidOperationException("broken") });
        FluentActions
            .Invoking(() => Scheduler.Call(process, Until(WakeReason.Condition, deadline: 100)))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("broken");
        _queue.Waiters.Should().BeEmpty();
        _simulation.Events.Count.Should().Be(0);
        Scheduler.Call(process, _ => 3).Should().Be(3);
    }

    [Fact]
    public void An_exception_of_a_program_surfaces_where_the_world_is_run()
    {
        SimulatedProcess process = Scheduler.Start("sh", _ => throw new InvalidOperationException("no such command"));
        FluentActions
            .Invoking(() => _simulation.RunFor(0))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("no such command");
        process.HasEnded.Should().BeTrue();
    }

    [Fact]
    public void An_exception_after_a_wait_surfaces_as_well()
    {
        Scheduler.Start(
            "sh",
            async self =>
            {
                await self.Do(Until(WakeReason.Deadline, deadline: 50));
                throw new InvalidOperationException("late");
            }
        );
        FluentActions
            .Invoking(() => _simulation.RunFor(100))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("late");
        _simulation.Now.Should().Be(50);
    }

    [Fact]
    public void Of_two_programs_that_fail_in_one_turn_neither_is_lost()
    {
        Scheduler.Start("a", _ => throw new InvalidOperationException("a failed"));
        Scheduler.Start("b", _ => throw new InvalidOperationException("b failed"));
        Scheduler.Start("c", Says("c"));
        Action run = () => _simulation.RunFor(0);
        run.Should().Throw<InvalidOperationException>().WithMessage("a failed");
        run.Should().Throw<InvalidOperationException>().WithMessage("b failed");
        run.Should().NotThrow();
        _log.Should().Equal("c");
    }

    [Fact]
    public void A_program_can_catch_what_its_call_throws_when_it_is_attempted_again()
    {
        SimulatedProcess process = Scheduler.Start(
            "sh",
            async self =>
            {
                try
                {
                    await self.Do(reason =>
                        reason == WakeReason.FirstAttempt
                            ? Attempt.Block(_queue)
                            : throw new InvalidOperationException("the device is gone")
                    );
                }
                catch (InvalidOperationException exception)
                {
                    _log.Add(exception.Message);
                }
            }
        );
        _simulation.RunFor(0);
        _queue.WakeAll();
        _simulation.RunFor(0);
        _log.Should().Equal("the device is gone");
        process.HasEnded.Should().BeTrue();
    }

    [Fact]
    public void What_a_call_throws_when_it_is_attempted_again_ends_the_program_and_surfaces()
    {
        SimulatedProcess process = Scheduler.Start(
            "sh",
            async self =>
                await self.Do(reason =>
                    reason == WakeReason.FirstAttempt
                        ? Attempt.Block(_queue)
                        : throw new InvalidOperationException("the device is gone")
                )
        );
        _simulation.RunFor(0);
        _queue.WakeAll();
        FluentActions
            .Invoking(() => _simulation.RunFor(0))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("the device is gone");
        process.HasEnded.Should().BeTrue();
        Scheduler.Processes.Should().BeEmpty();
    }

    [Fact]
    public void A_running_program_may_not_wait_by_call()
    {
        Scheduler.Start(
            "sh",
            self =>
            {
                Scheduler.Call(self, _ => 1);
                return Task.CompletedTask;
            }
        );
        FluentActions
            .Invoking(() => _simulation.RunFor(0))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("Only the outermost driver may wait by Call*");
    }

    [Fact]
    public void A_call_within_a_call_is_refused()
    {
        SimulatedProcess process = Scheduler.Create("test");
        _simulation.Schedule(10, new Recorder { Then = (_, _) => Scheduler.Call(process, _ => 1) });
        FluentActions
            .Invoking(() => Scheduler.Call(Scheduler.Create("step"), Until(WakeReason.Condition)))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("Only the outermost driver may wait by Call*");
    }

    [Fact]
    public void Programs_run_while_a_driver_waits()
    {
        var pipe = new Queue<int>();
        Scheduler.Start(
            "writer",
            async self =>
            {
                await self.Do(Sleep(100));
                pipe.Enqueue(65);
                _queue.WakeOne();
            }
        );
        long value = Scheduler.Call(
            Scheduler.Create("test"),
            _ => pipe.TryDequeue(out int found) ? found : Attempt.Block(_queue)
        );
        value.Should().Be(65);
        _simulation.Now.Should().Be(100);
    }

    [Fact]
    public void The_processes_of_a_host_and_of_its_guest_take_turns_on_one_clock()
    {
        Scheduler.Start("host: qemu", self => SleepsThrice(self, "host", 10));
        Scheduler.Start("guest: init", self => SleepsThrice(self, "guest", 15));
        _simulation.RunUntil(100);
        _log.Should().Equal("host at 10", "guest at 15", "host at 20", "guest at 30", "host at 30", "guest at 45");
    }

    [Fact]
    public void Every_process_has_a_number_of_its_own()
    {
        SimulatedProcess first = Scheduler.Create("a");
        Scheduler.End(first);
        SimulatedProcess second = Scheduler.Create("b");
        second.Id.Should().NotBe(first.Id);
        first.HasEnded.Should().BeTrue();
        Scheduler.Processes.Should().Equal(second);
    }

    [Fact]
    [SuppressMessage("Reliability", "CA2008", Justification = "The point is that the scheduler does not care.")]
    public void The_caller_s_synchronization_context_is_neither_used_nor_lost()
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        var context = new NeverContext();
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            int thread = Environment.CurrentManagedThreadId;
            Scheduler.Start(
                "sh",
                async self =>
                {
                    for (int n = 0; n < 3; n++)
                    {
                        await Nested(self);
                        _log.Add(Environment.CurrentManagedThreadId == thread ? "same thread" : "another thread");
                    }
                }
            );
            _simulation.RunFor(100);
            SynchronizationContext.Current.Should().BeSameAs(context);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        _log.Should().Equal("same thread", "same thread", "same thread");
        context.Posts.Should().Be(0);

        async Task Nested(SimulatedProcess self) => await self.Do(Sleep(10));
    }

    [Fact]
    public void The_same_programs_give_the_same_trace_on_every_run()
    {
        List<string> first = RunOnce();
        RunOnce().Should().Equal(first);
        first.Should().HaveCount(200);

        static List<string> RunOnce()
        {
            var test = new SchedulerTests();
            for (int n = 0; n < 20; n++)
            {
                int number = n;
                test.Scheduler.Start(
                    $"p{n}",
                    async self =>
                    {
                        for (int turn = 0; turn < 10; turn++)
                        {
                            await self.Do(test.Sleep(1 + (number * 7 + turn * 3) % 11));
                            test._log.Add($"{self.Name} at {test._simulation.Now}");
                        }
                    }
                );
            }

            test._simulation.RunUntil(() => test.Scheduler.Processes.Count == 0);
            return test._log;
        }
    }

    private Func<SimulatedProcess, Task> Says(string text) =>
        _ =>
        {
            _log.Add(text);
            return Task.CompletedTask;
        };

    /// <summary>A call that blocks until it is woken for this reason.</summary>
    private Func<WakeReason, Attempt> Until(WakeReason wanted, long deadline = VirtualTime.Never) =>
        reason => reason == wanted ? 1 : Attempt.Block(_queue, deadline);

    private Func<WakeReason, Attempt> Sleep(long duration)
    {
        long until = _simulation.Now + duration;
        return reason => reason == WakeReason.Deadline ? 0 : Attempt.Block(new WaitQueue("hrtimer_nanosleep"), until);
    }

    private async Task SleepsThrice(SimulatedProcess self, string name, long duration)
    {
        for (int n = 0; n < 3; n++)
        {
            await self.Do(Sleep(duration));
            _log.Add($"{name} at {_simulation.Now}");
        }
    }

    private Func<SimulatedProcess, Task> Waits(string name) =>
        async self =>
        {
            WakeReason why = WakeReason.FirstAttempt;
            await self.Do(reason =>
            {
                why = reason;
                return reason == WakeReason.FirstAttempt ? Attempt.Block(_queue) : 0;
            });
            _log.Add($"{name}: {why}");
        };

    private static async Task WaitsIn(SimulatedProcess self, WaitQueue queue) =>
        await self.Do(_ => Attempt.Block(queue));

    private async Task Turns(SimulatedProcess self, string name, WaitQueue mine, WaitQueue theirs)
    {
        while (true)
        {
            _log.Add(name);
            theirs.WakeAll();
            await self.Do(reason => reason == WakeReason.FirstAttempt ? Attempt.Block(mine) : 0);
        }
    }

    private void Start3Waiters()
    {
        foreach (string name in new[] { "a", "b", "c" })
        {
            Scheduler.Start(name, Waits(name));
        }

        _simulation.RunFor(0);
    }

    /// <summary>A context in which nothing that is posted ever runs.</summary>
    private sealed class NeverContext : SynchronizationContext
    {
        public int Posts { get; private set; }

        public override void Post(SendOrPostCallback d, object? state) => Posts++;

        public override void Send(SendOrPostCallback d, object? state) => Posts++;
    }
}
