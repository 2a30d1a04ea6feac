using Emulator.Machine;

namespace Emulator.KernelShim;

/// <content>chown.</content>
public sealed partial class Syscalls
{
    private Attempt ChOwnCore(Process process, ulong path, int userId, int groupId, bool follow)
    {
        if (ReadPath(process, "chown", path, out string text) is { } refused)
        {
            return refused;
        }

        Lookup found = Files.Walk(process, text, follow);
        if (found.Error != 0)
        {
            return found.Error;
        }

        if (found.Inode is not { } inode)
        {
            return process.Refuse(Errno.ENOENT, "filename_lookup", $"{text} does not exist");
        }

        // An owner may keep the owner and change to a group of its own; processes here are in the group of their user alone.
        bool keepsOwner = userId == -1 || (userId == inode.UserId && process.UserId == inode.UserId);
        bool keepsGroup = groupId == -1 || groupId == inode.GroupId;
        if (!(keepsOwner && keepsGroup) && !process.Has(Capabilities.Chown))
        {
            return process.Refuse(Errno.EPERM, "inode_change_ok", "changing the owner or the group needs CAP_CHOWN");
        }

        inode.UserId = userId == -1 ? inode.UserId : userId;
        inode.GroupId = groupId == -1 ? inode.GroupId : groupId;
        return 0;
    }
}
