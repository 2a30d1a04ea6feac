namespace Emulator.Machine.Tests;

public sealed class SimulationTests
{
    private readonly Simulation _simulation = new();
    private readonly Recorder _target = new();

    [Fact]
    public void The_clock_stands_at_an_event_while_it_happens()
    {
        List<long> times = [];
        _target.Then = (_, _) => times.Add(_simulation.Now);
        _simulation.Schedule(30, _target);
        _simulation.ScheduleAfter(10, _target);
        _simulation.RunUntil(100);
        times.Should().Equal(10, 30);
        _simulation.Now.Should().Be(100);
    }

    [Fact]
    public void Code_and_argument_come_back_to_the_target()
    {
        _simulation.Schedule(5, _target, 7, 0xFFFF_FFFF_FFFF_FFFF);
        _simulation.RunFor(5);
        _target.Events.Should().Equal((7, ulong.MaxValue));
    }

    [Fact]
    public void Nothing_can_be_scheduled_in_the_past()
    {
        _simulation.RunUntil(100);
        FluentActions.Invoking(() => _simulation.Schedule(99, _target)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions
            .Invoking(() => _simulation.ScheduleAfter(-1, _target))
            .Should()
            .Throw<ArgumentOutOfRangeException>();
        _simulation.Events.Count.Should().Be(0);
        _simulation.Schedule(100, _target);
        _simulation.Events.Count.Should().Be(1);
    }

    [Fact]
    public void The_clock_does_not_run_backwards()
    {
        _simulation.RunUntil(100);
        FluentActions.Invoking(() => _simulation.RunUntil(99)).Should().Throw<ArgumentOutOfRangeException>();
        _simulation.RunUntil(() => false, deadline: 50).Should().Be(RunResult.DeadlinePassed);
        _simulation.Now.Should().Be(100);
    }

    [Fact]
    public void Running_to_a_time_includes_the_events_of_that_time_and_no_later_ones()
    {
        _simulation.Schedule(10, _target, 1);
        _simulation.Schedule(11, _target, 2);
        _simulation.RunUntil(10);
        _target.Codes.Should().Equal(1);
        _simulation.Events.Count.Should().Be(1);
    }

    [Fact]
    public void An_event_may_schedule_others_at_its_own_time_and_they_follow()
    {
        _target.Then = (code, _) =>
        {
            if (code < 3)
            {
                _simulation.Schedule(_simulation.Now, _target, code + 1);
            }
        };
        _simulation.Schedule(10, _target, 1);
        _simulation.Schedule(10, _target, 9);
        _simulation.RunUntil(10);
        _target.Codes.Should().Equal(1, 9, 2, 3);
    }

    [Fact]
    public void A_cancelled_event_never_happens()
    {
        EventHandle handle = _simulation.Schedule(10, _target);
        _simulation.Cancel(handle).Should().BeTrue();
        _simulation.RunUntil(20);
        _target.Events.Should().BeEmpty();
        _simulation.Cancel(handle).Should().BeFalse();
    }

    [Fact]
    public void One_step_is_one_event()
    {
        _simulation.Schedule(10, _target, 1);
        _simulation.Schedule(20, _target, 2);
        _simulation.RunOne().Should().BeTrue();
        _simulation.Now.Should().Be(10);
        _simulation.RunOne(limit: 19).Should().BeFalse("the next event is later");
        _simulation.Now.Should().Be(10);
        _simulation.RunOne(limit: 20).Should().BeTrue();
        _simulation.RunOne().Should().BeFalse();
        _target.Codes.Should().Equal(1, 2);
    }

    [Fact]
    public void A_condition_that_holds_already_runs_nothing()
    {
        _simulation.Schedule(0, _target);
        _simulation.RunUntil(() => true).Should().Be(RunResult.Reached);
        _target.Events.Should().BeEmpty();
    }

    [Fact]
    public void Running_until_a_condition_stops_at_the_event_that_made_it_true()
    {
        for (int time = 1; time <= 10; time++)
        {
            _simulation.Schedule(time, _target, time);
        }

        _simulation.RunUntil(() => _target.Events.Count == 4).Should().Be(RunResult.Reached);
        _simulation.Now.Should().Be(4);
    }

    [Fact]
    public void When_the_deadline_passes_the_clock_stands_at_it()
    {
        _simulation.Schedule(10, _target);
        _simulation.Schedule(30, _target);
        _simulation.RunUntil(() => false, deadline: 20).Should().Be(RunResult.DeadlinePassed);
        _simulation.Now.Should().Be(20);
        _target.Events.Should().HaveCount(1);
    }

    [Fact]
    public void With_a_deadline_an_empty_queue_lets_time_pass_up_to_it()
    {
        _simulation.RunUntil(() => false, deadline: 20).Should().Be(RunResult.DeadlinePassed);
        _simulation.Now.Should().Be(20);
    }

    [Fact]
    public void Without_a_deadline_an_empty_queue_means_that_nothing_is_left()
    {
        _simulation.Schedule(10, _target);
        _simulation.RunUntil(() => false).Should().Be(RunResult.NothingLeft);
        _simulation.Now.Should().Be(10);
    }

    [Fact]
    public void What_is_scheduled_for_never_does_not_happen()
    {
        _simulation.ScheduleAfter(VirtualTime.Never, _target);
        _simulation.RunUntil(() => _target.Events.Count > 0).Should().Be(RunResult.NothingLeft);
        _simulation.Now.Should().Be(0);
        _simulation.RunOne().Should().BeFalse();
    }

    [Fact]
    public void A_device_may_run_ahead_to_the_next_event_or_the_end_of_the_run()
    {
        List<long> horizons = [];
        _target.Then = (_, _) => horizons.Add(_simulation.Horizon);
        _simulation.Schedule(10, _target);
        _simulation.Schedule(30, _target);
        _simulation.RunUntil(50);
        horizons.Should().Equal(30, 50);

        _simulation.Schedule(60, _target);
        _simulation.RunUntil(() => horizons.Count == 3, deadline: 70);
        _simulation.Schedule(80, _target);
        _simulation.RunUntil(() => horizons.Count == 4);
        horizons.Should().Equal(30, 50, 70, VirtualTime.Never);
        _simulation.Horizon.Should().Be(VirtualTime.Never);
    }

    [Fact]
    public void An_event_of_the_same_time_is_the_horizon()
    {
        List<long> horizons = [];
        _target.Then = (_, _) => horizons.Add(_simulation.Horizon);
        _simulation.Schedule(10, _target);
        _simulation.Schedule(10, _target);
        _simulation.RunUntil(() => horizons.Count == 1);
        horizons.Should().Equal(10);
    }

    [Fact]
    public void A_target_that_throws_leaves_the_simulation_usable()
    {
        _target.Then = (code, _) => throw new InvalidOperationException($"event {code}");
        _simulation.Schedule(10, _target, 1);
        FluentActions
            .Invoking(() => _simulation.RunUntil(50))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("event 1");
        _simulation.Now.Should().Be(10);
        _simulation.Horizon.Should().Be(VirtualTime.Never);
        _simulation.RunUntil(60);
        _simulation.Now.Should().Be(60);
    }
}
