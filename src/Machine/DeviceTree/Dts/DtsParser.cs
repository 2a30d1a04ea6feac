namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// The grammar of source files (Devicetree Specification v0.4, chapter 6, and what dtc 1.6.1 accepts beyond it): top level and nodes.
/// </summary>
internal sealed class DtsParser
{
    private readonly DtsTokenStream _tokens;
    private readonly DtsValueParser _values;
    private readonly DtsMerge _merge;
    private readonly DeviceTree _tree;
    private readonly bool _isPatch;
    private int _orphans;
    private int _depth;
    private bool _hasRoot;

    public DtsParser(DtsTokenStream tokens, DtsIncludeResolver? resolver, DeviceTree tree, bool isPatch)
    {
        _tokens = tokens;
        _values = new DtsValueParser(tokens, resolver);
        _tree = tree;
        _isPatch = isPatch;
        _hasRoot = isPatch;
        _tree.IsPlugin = !isPatch && TakeHeader();
        if (isPatch && _tokens.Current.Is("/dts-v1/") && TakeHeader())
        {
            throw tokens.Fatal(
                tokens.Last,
                "this is a /plugin/: apply it as an overlay, or leave /plugin/ out to edit the tree"
            );
        }
        _merge = new DtsMerge(tokens, refuseVainDeletions: isPatch || _tree.IsPlugin);
    }

    /// <summary>Parses up to the end of the text; deleted things are gone, references not yet resolved.</summary>
    public void ParseAll()
    {
        ParseReservations();
        while (_tokens.Current.Kind != DtsTokenKind.End)
        {
            ParseTopLevel();
        }
        if (!_hasRoot)
        {
            throw _tokens.Unexpected("the root node, '/ { ... };'");
        }
        _tokens.ThrowIfErrors();
        if (!_isPatch)
        {
            _tree.BootCpuId = GuessBootCpu(_tree.Root);
        }
        _merge.Purge(_tree.Root);
        _tokens.ThrowIfErrors();
    }

    private static uint GuessBootCpu(DeviceTreeNode root)
    {
        DeviceTreeNode? cpus = root.FindExactChild("cpus");
        DeviceTreeProperty? reg = cpus?.ChildList.FirstOrDefault()?.FindProperty("reg");
        return reg is { LengthBytes: 4 } ? reg.ReadUInt32() : 0;
    }

    private bool TakeHeader()
    {
        bool plugin = false;
        bool first = true;
        do
        {
            _tokens.Expect("/dts-v1/", "at the beginning of the source ('/dts-v1/;')");
            _tokens.Expect(";", "after /dts-v1/");
            bool isPlugin = _tokens.TryTake("/plugin/");
            if (isPlugin)
            {
                _tokens.Expect(";", "after /plugin/");
            }
            if (!first && isPlugin != plugin)
            {
                throw _tokens.Fatal(
                    _tokens.Last,
                    "this header does not match the earlier one: give /plugin/ in both or in none"
                );
            }
            plugin = isPlugin;
            first = false;
        } while (_tokens.Current.Is("/dts-v1/"));
        return plugin;
    }

    private void ParseReservations()
    {
        List<string> labels = [];
        while (_tokens.Current.Is("/memreserve/") || (_tokens.Current.Kind == DtsTokenKind.Label && !_hasRoot))
        {
            if (_tokens.Current.Kind == DtsTokenKind.Label)
            {
                labels.Add(_tokens.Take().Text);
                continue;
            }
            _ = _tokens.Take();
            ulong address = _values.Expression.Primary("as the address of /memreserve/");
            ulong length = _values.Expression.Primary("as the length of /memreserve/");
            _tokens.Expect(";", "after /memreserve/");
            _tree.MemoryReservations.Add(
                new MemoryReservation(address, length) { Labels = [.. labels.Distinct(StringComparer.Ordinal)] }
            );
            labels.Clear();
        }
        if (labels.Count > 0)
        {
            throw _tokens.Unexpected("/memreserve/ after a label here");
        }
    }

    private void ParseTopLevel()
    {
        DtsToken token = _tokens.Current;
        if (_tokens.TryTake("/"))
        {
            DeviceTreeNode node = ParseNode("");
            if (_hasRoot)
            {
                _merge.Merge(_tree.Root, node);
            }
            else
            {
                // Not merged: what the first definition gives twice is a mistake, not a correction.
                _tree.Root.LocationList.AddRange(node.LocationList);
                node.PropertyList.ForEach(_tree.Root.Append);
                node.ChildList.ForEach(_tree.Root.Append);
            }
            _hasRoot = true;
        }
        else if (token.Kind == DtsTokenKind.Reference)
        {
            _ = _tokens.Take();
            ParseExtension(token, label: null);
        }
        else if (token.Kind == DtsTokenKind.Label && _hasRoot)
        {
            string label = _tokens.Take().Text;
            DtsToken reference = _tokens.Expect(DtsTokenKind.Reference, "a reference to a node after a label here");
            ParseExtension(reference, label);
        }
        else if (_hasRoot && _tokens.TryTake("/delete-node/"))
        {
            ParseTopLevelDeletion();
        }
        else if (_hasRoot && _tokens.TryTake("/omit-if-no-ref/"))
        {
            DtsToken reference = _tokens.Expect(DtsTokenKind.Reference, "a reference to a node");
            if (Find(reference) is { } target)
            {
                target.OmitIfUnreferenced = true;
            }
            _tokens.Expect(";", "after /omit-if-no-ref/");
        }
        else if (token.Is("/memreserve/"))
        {
            throw _tokens.Fatal(token.Location, "/memreserve/ must come before the root node");
        }
        else
        {
            throw _tokens.Unexpected(
                _hasRoot ? "'/ { ... };', '&label { ... };' or /delete-node/" : "the root node, '/ { ... };'"
            );
        }
    }

    private void ParseExtension(in DtsToken reference, string? label)
    {
        DeviceTreeNode node = ParseNode("");
        bool isPath = reference.Text.StartsWith('/');
        // In an overlay a path always means the base's node, and so does a label that the overlay itself does not define.
        bool isFragment = _tree.IsPlugin && label is null;
        DeviceTreeNode? target = !_hasRoot || (isFragment && isPath) ? null : FindByReference(reference.Text);
        if (target is not null)
        {
            if (label is not null)
            {
                target.AddLabel(label);
            }
            _merge.Merge(target, node);
        }
        else if (isFragment)
        {
            AddFragment(reference.Text, node);
            _hasRoot = true;
        }
        else
        {
            ReportMissing(reference);
        }
    }

    private void AddFragment(string reference, DeviceTreeNode overlay)
    {
        DtsValueBuilder value = new();
        bool isPath = reference.StartsWith('/');
        if (isPath)
        {
            value.Mark(PropertyMarkerKind.String, reference);
            value.Append(System.Text.Encoding.UTF8.GetBytes(reference));
            value.Append([0]);
        }
        else
        {
            value.Mark(PropertyMarkerKind.PhandleReference, reference);
            value.AppendInteger(uint.MaxValue, 32);
        }
        DeviceTreeNode fragment = new($"fragment@{_orphans++}", overlay.Location);
        fragment.Append(value.Build(isPath ? "target-path" : "target", overlay.Location));
        overlay.SetName("__overlay__");
        fragment.Append(overlay);
        _tree.Root.Append(fragment);
    }

    private void ParseTopLevelDeletion()
    {
        DtsToken reference = _tokens.Expect(
            DtsTokenKind.Reference,
            "a reference after /delete-node/ (outside of nodes it is '/delete-node/ &label;')"
        );
        if (Find(reference) is { } target)
        {
            if (ReferenceEquals(target, _tree.Root))
            {
                throw _tokens.Fatal(reference.Location, "the root node cannot be deleted");
            }
            DtsMerge.Delete(target);
        }
        _tokens.Expect(";", "after /delete-node/");
    }

    private DeviceTreeNode? Find(in DtsToken reference)
    {
        DeviceTreeNode? target = FindByReference(reference.Text);
        if (target is null)
        {
            ReportMissing(reference);
        }
        return target;
    }

    private DeviceTreeNode? FindByReference(string reference) =>
        DtsReferences.Find(_tree, reference, useSymbols: _isPatch);

    private void ReportMissing(in DtsToken reference) =>
        _tokens.Report(
            reference.Location,
            reference.Text.StartsWith('/')
                ? $"there is no node {reference.Text} up to here"
                : $"there is no label '{reference.Text}' up to here"
        );

    private DeviceTreeNode ParseNode(string name)
    {
        SourceLocation start = _tokens.Current.Location;
        if (_depth > DtsReader.MaximumDepth)
        {
            throw _tokens.Fatal(start, $"nodes are nested more than {DtsReader.MaximumDepth} deep");
        }
        _tokens.Expect("{", "to open the node");
        _depth++;
        DeviceTreeNode node = new(name);
        bool sawChild = false;
        while (!_tokens.TryTake("}"))
        {
            ParseMember(node, ref sawChild);
        }
        _depth--;
        _tokens.Expect(";", "after the closing brace of a node");
        node.LocationList.Add(start.To(_tokens.Last));
        return node;
    }

    private void ParseMember(DeviceTreeNode node, ref bool sawChild)
    {
        SourceLocation start = _tokens.Current.Location;
        List<string> labels = [];
        bool omit = false;
        while (_tokens.Current.Kind == DtsTokenKind.Label || _tokens.Current.Is("/omit-if-no-ref/"))
        {
            if (_tokens.Current.Kind == DtsTokenKind.Label)
            {
                labels.Add(_tokens.Take().Text);
            }
            else
            {
                omit = true;
                _ = _tokens.Take();
            }
        }
        if (!omit && _tokens.TryTake("/delete-property/"))
        {
            DtsToken victim = _tokens.Expect(DtsTokenKind.Name, "the name of a property after /delete-property/");
            _tokens.Expect(";", "after /delete-property/");
            RefuseAfterChild(start, sawChild);
            node.Append(
                new DeviceTreeProperty(victim.Text, [], location: start.To(_tokens.Last))
                {
                    IsDeleted = true,
                    IsDeletion = true,
                }
            );
            return;
        }
        if (_tokens.TryTake("/delete-node/"))
        {
            DtsToken victim = _tokens.Expect(
                DtsTokenKind.Name,
                "the name of a child after /delete-node/ (inside a node it is '/delete-node/ name;')"
            );
            _tokens.Expect(";", "after /delete-node/");
            node.Append(
                new DeviceTreeNode(victim.Text, start.To(_tokens.Last)) { IsDeleted = true, IsDeletion = true }
            );
            sawChild = true;
            return;
        }
        DtsToken name = _tokens.Expect(DtsTokenKind.Name, "a property, a node, or '}'");
        if (_tokens.Current.Is("{"))
        {
            DeviceTreeNode child = ParseNode(name.Text);
            child.OmitIfUnreferenced = omit;
            AddLabels(child.LabelList, labels);
            node.Append(child);
            sawChild = true;
            return;
        }
        if (omit)
        {
            throw _tokens.Unexpected("'{': only a node can be omitted");
        }
        DeviceTreeProperty property = _values.ParseProperty(name);
        RefuseAfterChild(start, sawChild);
        AddLabels(property.LabelList, labels);
        node.Append(property);
    }

    private void RefuseAfterChild(in SourceLocation start, bool sawChild)
    {
        if (sawChild)
        {
            throw _tokens.Fatal(start, "properties must precede subnodes: move this one above the first child node");
        }
    }

    private static void AddLabels(List<string> list, List<string> labels) =>
        list.AddRange(labels.Distinct(StringComparer.Ordinal));
}
