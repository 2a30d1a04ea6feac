namespace Emulator.Machine.Tests;

public sealed class InterruptLineTests
{
    private readonly Simulation _simulation = new();
    private readonly List<bool> _changes = [];
    private readonly InterruptInput _input;

    public InterruptLineTests() => _input = new InterruptInput("gic SPI 64", _changes.Add);

    [Fact]
    public void A_line_drives_the_input_it_is_wired_to()
    {
        InterruptLine line = Line("irq[0]");
        line.Connect(_input);
        line.Set(true);
        _input.Level.Should().BeTrue();
        line.Set(false);
        _input.Level.Should().BeFalse();
        _changes.Should().Equal(true, false);
    }

    [Fact]
    public void Setting_a_level_again_changes_nothing()
    {
        InterruptLine line = Line("irq[0]");
        line.Connect(_input);
        line.Set(false);
        line.Set(true);
        line.Set(true);
        _changes.Should().Equal(true);
    }

    [Fact]
    public void An_input_that_lines_share_is_high_while_any_of_them_is()
    {
        InterruptLine[] lines = [Line("a"), Line("b"), Line("c")];
        foreach (InterruptLine line in lines)
        {
            line.Connect(_input);
        }

        lines[0].Set(true);
        lines[1].Set(true);
        lines[0].Set(false);
        _input.Level.Should().BeTrue();
        lines[2].Set(true);
        lines[1].Set(false);
        lines[2].Set(false);
        _input.Level.Should().BeFalse();
        _changes.Should().Equal(true, false);
    }

    [Fact]
    public void A_line_that_is_high_when_it_is_wired_raises_the_input_at_once()
    {
        InterruptLine line = Line("irq[0]");
        line.Set(true);
        line.Connect(_input);
        _changes.Should().Equal(true);
    }

    [Fact]
    public void A_line_that_is_wired_to_nothing_keeps_its_level()
    {
        InterruptLine line = Line("irq_abort");
        line.Set(true);
        line.Level.Should().BeTrue();
        line.Input.Should().BeNull();
    }

    [Fact]
    public void A_line_is_wired_once()
    {
        InterruptLine line = Line("irq[0]");
        line.Connect(_input);
        FluentActions
            .Invoking(() => line.Connect(new InterruptInput("gic SPI 65", _ => { })))
            .Should()
            .Throw<InvalidOperationException>()
            .WithMessage("dma0 irq[0] is wired to gic SPI 64 already.");
    }

    [Fact]
    public void Changes_are_traced_with_where_they_go()
    {
        var tail = new TailTraceSink(10);
        _simulation.Trace.Add(tail);
        InterruptLine wired = Line("irq[0]");
        wired.Connect(_input);
        wired.Set(true);
        wired.Set(false);
        Line("irq_abort").Set(true);
        tail.Events.Select(happened => $"{happened.Source} {happened.Message}")
            .Should()
            .Equal(
                "dma0 irq[0] high -> gic SPI 64",
                "dma0 irq[0] low -> gic SPI 64",
                "dma0 irq_abort high -> not wired"
            );
    }

    private InterruptLine Line(string pin) => new(_simulation.Trace, "dma0", pin);
}
