namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Lays a later definition of a node over an earlier one, as dtc does while it parses. What is deleted keeps its place until the
/// whole source is read: a node or property defined again afterwards is found where it first stood.
/// </summary>
internal sealed class DtsMerge(DtsTokenStream tokens, bool refuseVainDeletions)
{
    /// <summary>Moves all of <paramref name="added"/> into <paramref name="target"/>.</summary>
    public void Merge(DeviceTreeNode target, DeviceTreeNode added)
    {
        target.IsDeleted = false;
        foreach (string label in added.LabelList)
        {
            target.AddLabel(label);
        }
        target.LocationList.AddRange(added.LocationList);
        foreach (DeviceTreeProperty property in added.PropertyList)
        {
            MergeProperty(target, property);
        }
        foreach (DeviceTreeNode child in added.ChildList)
        {
            MergeChild(target, child);
        }
    }

    public static void Delete(DeviceTreeNode node)
    {
        node.IsDeleted = true;
        node.LabelList.Clear();
        foreach (DeviceTreeProperty property in node.PropertyList)
        {
            Delete(property);
        }
        foreach (DeviceTreeNode child in node.ChildList)
        {
            Delete(child);
        }
    }

    /// <summary>Drops what is deleted; reports deletions that met nothing, where these count as mistakes.</summary>
    public void Purge(DeviceTreeNode node)
    {
        if (refuseVainDeletions)
        {
            foreach (
                DeviceTreeProperty vain in node.PropertyList.Where(property =>
                    property.IsDeleted && property.IsDeletion
                )
            )
            {
                ReportVain(vain.Location, "property", vain.Name);
            }
            foreach (DeviceTreeNode vain in node.ChildList.Where(child => child.IsDeleted && child.IsDeletion))
            {
                ReportVain(vain.Location, "node", vain.Name);
            }
        }
        foreach (DeviceTreeNode deletion in node.ChildList.Where(child => child.IsDeleted && child.IsDeletion))
        {
            int live = node.ChildList.FindIndex(child =>
                !child.IsDeleted && string.Equals(child.Name, deletion.Name, StringComparison.Ordinal)
            );
            if (live >= 0 && live < node.ChildList.IndexOf(deletion))
            {
                tokens.Report(
                    deletion.Location,
                    $"node '{deletion.Name}' is defined and deleted between the same braces: drop one of the two"
                );
            }
        }
        node.PropertyList.RemoveAll(property => property.IsDeleted);
        node.ChildList.RemoveAll(child => child.IsDeleted);
        foreach (DeviceTreeNode child in node.ChildList)
        {
            Purge(child);
        }
    }

    private static void Delete(DeviceTreeProperty property)
    {
        property.IsDeleted = true;
        property.LabelList.Clear();
    }

    private void MergeProperty(DeviceTreeNode target, DeviceTreeProperty added)
    {
        if (added.IsDeleted)
        {
            if (target.FindProperty(added.Name) is { } victim)
            {
                Delete(victim);
            }
            else if (refuseVainDeletions && added.IsDeletion)
            {
                ReportVain(added.Location, "property", added.Name);
            }
            return;
        }
        DeviceTreeProperty? old = target.PropertyList.Find(property =>
            string.Equals(property.Name, added.Name, StringComparison.Ordinal)
        );
        if (old is null)
        {
            target.Append(added);
            return;
        }
        foreach (string label in added.LabelList)
        {
            if (!old.LabelList.Contains(label, StringComparer.Ordinal))
            {
                old.LabelList.Insert(0, label);
            }
        }
        old.Replace(added.Bytes, added.MarkerArray, added.Location);
        old.IsUnresolved = added.IsUnresolved;
        old.IsDeleted = false;
    }

    private void MergeChild(DeviceTreeNode target, DeviceTreeNode added)
    {
        if (added.IsDeleted)
        {
            if (target.FindExactChild(added.Name) is { } victim)
            {
                Delete(victim);
            }
            else if (refuseVainDeletions && added.IsDeletion)
            {
                ReportVain(added.Location, "node", added.Name);
            }
            return;
        }
        DeviceTreeNode? old = target.ChildList.Find(child =>
            string.Equals(child.Name, added.Name, StringComparison.Ordinal)
        );
        if (old is null)
        {
            target.Append(added);
        }
        else
        {
            Merge(old, added);
        }
    }

    private void ReportVain(in SourceLocation at, string what, string name) =>
        tokens.Report(
            at,
            $"there is no {what} '{name}' here to delete (an overlay cannot delete from its base: a blob has no form for it)"
        );
}
