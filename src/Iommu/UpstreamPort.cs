using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>The upstream side: where the masters' transactions enter.</content>
public sealed partial class Smmu
{
    /// <summary>
    /// The upstream side. An access of any length is looked up page by page of 4 KiB, as AXI bursts never cross one.
    /// The first page that is refused ends it with that answer, with everything before it done; a page that is
    /// terminated without an error reads zeros or is dropped, and the access goes on.
    /// </summary>
    [DebuggerDisplay("upstream of {Smmu.Name,nq}")]
    private sealed class UpstreamPort(Smmu smmu) : IBusTarget
    {
        private Smmu Smmu => smmu;

        /// <inheritdoc/>
        public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
        {
            if ((address & PageMask) + (uint)sizeBytes > PageMask + 1)
            {
                return ReadAcrossPages(address, sizeBytes, out value, transaction);
            }

            if (
                smmu.TryTranslate(address, KindOf(false, transaction), transaction, out ulong physical, out Fault fault)
            )
            {
                return transaction.IsSecure
                    ? smmu._bus.ReadWord(physical, sizeBytes, out value, AsNonSecure(transaction))
                    : smmu._bus.ReadWord(physical, sizeBytes, out value, transaction);
            }

            value = 0;
            return smmu.Refuse(fault, transaction, isWrite: false);
        }

        /// <inheritdoc/>
        public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
        {
            if ((address & PageMask) + (uint)sizeBytes > PageMask + 1)
            {
                return WriteAcrossPages(address, sizeBytes, value, transaction);
            }

            if (smmu.TryTranslate(address, KindOf(true, transaction), transaction, out ulong physical, out Fault fault))
            {
                return transaction.IsSecure
                    ? smmu._bus.WriteWord(physical, sizeBytes, value, AsNonSecure(transaction))
                    : smmu._bus.WriteWord(physical, sizeBytes, value, transaction);
            }

            return smmu.Refuse(fault, transaction, isWrite: true);
        }

        /// <inheritdoc/>
        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            Transaction signals = AsNonSecure(transaction);
            AccessKind kind = KindOf(false, transaction);
            while (!data.IsEmpty)
            {
                int length = RoomInPage(address, data.Length);
                BusStatus status;
                if (smmu.TryTranslate(address, kind, transaction, out ulong physical, out Fault fault))
                {
                    status = smmu._bus.Read(physical, data[..length], signals);
                }
                else
                {
                    data[..length].Clear();
                    status = smmu.Refuse(fault, transaction, isWrite: false);
                }

                if (status != BusStatus.Okay)
                {
                    return status;
                }

                data = data[length..];
                address += (ulong)length;
            }

            return BusStatus.Okay;
        }

        /// <inheritdoc/>
        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            Transaction signals = AsNonSecure(transaction);
            AccessKind kind = KindOf(true, transaction);
            while (!data.IsEmpty)
            {
                int length = RoomInPage(address, data.Length);
                BusStatus status = smmu.TryTranslate(address, kind, transaction, out ulong physical, out Fault fault)
                    ? smmu._bus.Write(physical, data[..length], signals)
                    : smmu.Refuse(fault, transaction, isWrite: true);
                if (status != BusStatus.Okay)
                {
                    return status;
                }

                data = data[length..];
                address += (ulong)length;
            }

            return BusStatus.Okay;
        }

        /// <inheritdoc/>
        /// <remarks>
        /// Only what the TLB knows (or nothing translates) is lent, as far as the mapping reaches, and nothing while a
        /// trace listens: every translation shows in a trace.
        /// </remarks>
        public bool TryGetDirectSpan(
            ulong address,
            DirectAccess access,
            in Transaction transaction,
            out DirectSpan span
        )
        {
            span = default;
            AccessKind kind = KindOf(access == DirectAccess.Write, transaction);
            if (
                smmu.Trace.IsOn
                || !smmu.TryFindKnown(address, kind, transaction, out Translation known)
                || !smmu._bus.TryGetDirectSpan(known.Physical, access, AsNonSecure(transaction), out DirectSpan inner)
            )
            {
                return false;
            }

            span = known.SizeBits == 64 ? inner : Clip(in inner, known.Input, known.Output, known.SizeBits);
            return true;
        }

        /// <inheritdoc/>
        public bool TryReachDirectly(
            ulong address,
            DirectAccess access,
            in Transaction transaction,
            out DirectSpan span
        ) => smmu.TryReach(address, access, transaction, out span);

        /// <summary>The part of lent memory that a mapping leads to, as the master sees it.</summary>
        internal static DirectSpan Clip(in DirectSpan inner, ulong input, ulong output, int sizeBits)
        {
            ulong first = Math.Max(inner.Start, output);
            ulong end = Math.Min(inner.Start + (ulong)inner.LengthBytes, output + (1UL << sizeBits));
            return new DirectSpan(
                input + (first - output),
                inner.Array,
                inner.Offset + (int)(first - inner.Start),
                (int)(end - first)
            );
        }

        private BusStatus ReadAcrossPages(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
        {
            Span<byte> bytes = stackalloc byte[8];
            bytes.Clear();
            BusStatus status = Read(address, bytes[..sizeBytes], transaction);
            value = BitConverter.ToUInt64(bytes);
            return status;
        }

        private BusStatus WriteAcrossPages(ulong address, int sizeBytes, ulong value, in Transaction transaction)
        {
            Span<byte> bytes = stackalloc byte[8];
            BitConverter.TryWriteBytes(bytes, value);
            return Write(address, bytes[..sizeBytes], transaction);
        }

        private static int RoomInPage(ulong address, int wanted) =>
            (int)Math.Min((ulong)wanted, PageMask + 1 - (address & PageMask));

        /// <summary>A non-secure stream makes non-secure accesses, whatever the master put on AxPROT[1].</summary>
        internal static Transaction AsNonSecure(in Transaction transaction) =>
            transaction with
            {
                Flags = transaction.Flags & ~TransactionFlags.Secure,
            };
    }
}
