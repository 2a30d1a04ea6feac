namespace Emulator.KernelShim.Tests;

/// <summary>The groups of random trees are those of a naive transcription of the rules, whatever the order of joining.</summary>
public sealed class GroupingPropertyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_trees_are_grouped_as_the_rules_say(int part)
    {
        const int trees = 120;
        Kernel kernel = BootedKernel.BootWithoutPciHost();
        var iommus = (IommuCore)kernel.Iommus;
        iommus.Register(new FakeIommu());
        for (int n = 0; n < trees; n++)
        {
            int seed = part * 1_000 + n;
            Check(kernel, seed, isShuffled: n % 2 == 1);
        }
    }

    [Fact]
    public void A_decision_says_which_port_lacks_which_bits()
    {
        Kernel kernel = BootedKernel.BootWithoutPciHost();
        ((IommuCore)kernel.Iommus).Register(new FakeIommu());
        var tree = new FakeTree();
        var port = new FakeFunction(0x08, isBridge: true, PciExpressType.RootPort, (0x5F, 0x11));
        port.Below.Add(new FakeFunction(0, type: PciExpressType.Endpoint));
        tree.Root.Add(port);
        PciHost host = kernel.Pci.AddHost(tree, 1);
        PciDevice root = host.Root.Devices[0];
        PciDevice card = root.Subordinate!.Devices[0];
        kernel.Iommus.OnProbe(root);
        kernel.Iommus.OnProbe(card);
        GroupingDecision decision = kernel.Iommus.DecisionFor(card)!;
        decision.IsNew.Should().BeFalse();
        decision.Group.Should().Be(root.Group!.Id);
        GroupingStep.Port looked = decision.Steps.OfType<GroupingStep.Port>().Single();
        looked.Device.Should().BeSameAs(root);
        looked.Verdict.Reason.Should().Be(AcsReason.SwitchedOff);
        looked.Verdict.SwitchedOff.Should().Be(AcsFlags.RequestRedirect | AcsFlags.CompletionRedirect);
        looked.Verdict.Missing.Should().Be(AcsFlags.None);
        decision.Steps[^1].Should().BeOfType<GroupingStep.Climb>().Which.Group.Should().Be(root.Group.Id);
    }

    private static void Check(Kernel kernel, int seed, bool isShuffled)
    {
        FakeTree tree = new RandomTrees(seed).Make();
        PciHost host = kernel.Pci.AddHost(tree, seed);
        List<(FakeFunction Fake, PciDevice Device)> all = [];
        Pair(tree.Root, host.Root, all);
        if (isShuffled)
        {
            (FakeFunction, PciDevice)[] shuffled = [.. all];
            new Random(seed).Shuffle(shuffled);
            all = [.. shuffled];
        }

        var naive = new NaiveGroups(tree.Root);
        foreach ((FakeFunction fake, PciDevice device) in Joined(kernel, all))
        {
            int wanted = naive.Join(fake);
            device.Group.Should().NotBeNull();
            device.Group!.Id.Should().Be(wanted, "{0} of the tree of seed {1} joins", device.Name, seed);
        }

        foreach (PciDevice device in host.Root.Devices.ToArray())
        {
            kernel.Pci.StopAndRemove(device);
        }

        kernel.Iommus.Groups.Should().BeEmpty();
    }

    /// <summary>Functions join one by one; those that a driver was probed on at discovery did so in its order.</summary>
    private static IEnumerable<(FakeFunction Fake, PciDevice Device)> Joined(
        Kernel kernel,
        List<(FakeFunction Fake, PciDevice Device)> all
    )
    {
        foreach ((FakeFunction fake, PciDevice device) in all)
        {
            kernel.Iommus.OnProbe(device);
            yield return (fake, device);
        }
    }

    private static void Pair(List<FakeFunction> fakes, PciBus bus, List<(FakeFunction Fake, PciDevice Device)> all)
    {
        foreach (FakeFunction fake in fakes)
        {
            PciDevice device = bus.Find(fake.Devfn)!;
            device.Should().NotBeNull();
            all.Add((fake, device));
            if (device.Subordinate is { } below)
            {
                Pair(fake.Below, below, all);
            }
        }
    }
}
