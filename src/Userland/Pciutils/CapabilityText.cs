namespace Emulator.Userland;

/// <summary>A piece of a capability's text.</summary>
/// <param name="Text">The text.</param>
/// <param name="When">When it is written; always, if null.</param>
internal readonly record struct CapabilityLine(Func<CapabilityView, string> Text, Func<CapabilityView, bool>? When);

/// <summary>Registers of a capability that are read together, and the text of them.</summary>
/// <param name="At">The first byte.</param>
/// <param name="Bytes">How many bytes; 0 when nothing more is to be read.</param>
/// <param name="Lines">The text.</param>
internal sealed record CapabilityStage(int At, Func<CapabilityView, int> Bytes, CapabilityLine[] Lines)
{
    public CapabilityStage(int at, int bytes, params CapabilityLine[] lines)
        : this(at, _ => bytes, lines) { }

    /// <summary>When there is such a stage; where there is none, no later one is either.</summary>
    public Func<CapabilityView, bool>? When { get; init; }

    /// <summary>Whether it is shown without -vv as well.</summary>
    public bool IsAlwaysShown { get; init; }
}

/// <summary>A capability's text, as a table: a title, and registers in stages of what is read.</summary>
/// <param name="Title">What is written before anything more is read.</param>
/// <param name="Stages">The registers.</param>
internal sealed record CapabilityText(Func<CapabilityView, string> Title, params CapabilityStage[] Stages)
{
    public CapabilityText(string title, params CapabilityStage[] stages)
        : this(_ => title, stages) { }

    /// <summary>What is written where registers cannot be read.</summary>
    public string Unreadable { get; init; } = "";

    /// <summary>A template's text of 8 bits.</summary>
    public static CapabilityLine Byte(int at, string template, Func<CapabilityView, bool>? when = null) =>
        Register(at, 1, template, when);

    /// <summary>A template's text of 16 bits.</summary>
    public static CapabilityLine Word(int at, string template, Func<CapabilityView, bool>? when = null) =>
        Register(at, 2, template, when);

    /// <summary>A template's text of 32 bits.</summary>
    public static CapabilityLine Long(int at, string template, Func<CapabilityView, bool>? when = null) =>
        Register(at, 4, template, when);

    /// <summary>A text that no template can say.</summary>
    public static CapabilityLine Computed(Func<CapabilityView, string> text, Func<CapabilityView, bool>? when = null) =>
        new(text, when);

    /// <summary>A text without a value.</summary>
    public static CapabilityLine Plain(string text, Func<CapabilityView, bool>? when = null) => new(_ => text, when);

    /// <summary>A title of the flags of an ordinary capability.</summary>
    public static CapabilityText OfFlags(string template, params CapabilityStage[] stages) =>
        new(view => RegisterText.Render(template, view.Flags), stages);

    /// <summary>Writes it.</summary>
    public async Task Write(CapabilityView view)
    {
        view.Print(Title(view));
        foreach (CapabilityStage stage in Stages)
        {
            if (!(view.IsDetailed || stage.IsAlwaysShown) || stage.When?.Invoke(view) == false)
            {
                return;
            }

            int bytes = stage.Bytes(view);
            if (bytes > 0 && !await view.Fetch(stage.At, bytes))
            {
                view.Print(Unreadable);
                return;
            }

            foreach (CapabilityLine line in stage.Lines.Where(line => line.When?.Invoke(view) != false))
            {
                view.Print(line.Text(view));
            }
        }
    }

    private static CapabilityLine Register(int at, int bytes, string template, Func<CapabilityView, bool>? when) =>
        new(view => RegisterText.Render(template, view.Value(at, bytes)), when);
}
