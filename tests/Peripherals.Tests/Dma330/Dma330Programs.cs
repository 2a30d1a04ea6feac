namespace Emulator.Peripherals.Tests;

/// <summary>Programs that drivers run and that the interpreter's tests run, each as source and as bytes.</summary>
internal static class Dma330Programs
{
    /// <summary>Name, source, bytes. The sources use every notation there is; the bytes are what must come out.</summary>
    public static readonly TheoryData<string, string, string> All = new()
    {
        {
            "VFIO test driver, 4096 bytes",
            """
                DMAMOV CCR, SB16 SS128 SAI SP2 DB16 DS128 DAI DP2
                DMAMOV SAR, 0x0000
                DMAMOV DAR, 0x1000
                DMALP 16
                  DMALD
                  DMARMB
                  DMAST
                  DMAWMB
                DMALPEND
                DMASEV 0
                DMAEND
                """,
            "BC 01 F9 42 BE 00 BC 00 00 00 00 00 BC 02 00 10 00 00 20 0F 04 12 08 13 38 04 34 00 00"
        },
        {
            "VFIO test driver, 512 bursts, closes its outer loop with the wrong counter",
            """
                DMAMOV CCR, SB16 SS128 SAI SP2 DB16 DS128 DAI DP2
                DMAMOV SAR, 0
                DMAMOV DAR, 0x0010_0000
                DMALP LC1, 2
                DMALP LC0, 256
                DMALD
                DMARMB
                DMAST
                DMAWMB
                DMALPEND LC0, #-4
                DMALPEND LC0, #-8
                DMASEV E0
                DMAEND
                """,
            "BC 01 F9 42 BE 00 BC 00 00 00 00 00 BC 02 00 00 10 00 22 01 20 FF 04 12 08 13 38 04 38 08 34 00 00"
        },
        {
            "Linux memcpy, 4096 bytes, as the driver prints it",
            """
                DMAMOV CCR 0x3dc0f7
                DMAMOV SAR 0x10000000
                DMAMOV DAR 0x20000000
                DMALP_1 31
                DMALDA
                DMASTA
                DMALPENDA_1 bjmpto_2
                DMASEV 0
                DMAEND
                """,
            "BC 01 F7 C0 3D 00 BC 00 00 00 00 10 BC 02 00 00 00 20 22 1F 04 08 3C 02 34 00 00"
        },
        {
            "Linux memcpy, 1 MB, two loops",
            """
                DMAMOV CCR, SB16 SS64 DB16 DS64
                DMAMOV SAR, 0x10000000
                DMAMOV DAR, 0x20000000
                DMALP 32
                  DMALP 256
                    DMALD
                    DMAST
                  DMALPEND
                DMALPEND
                DMASEV 0
                DMAEND
                """,
            "BC 01 F7 C0 3D 00 BC 00 00 00 00 10 BC 02 00 00 00 20 20 1F 22 FF 04 08 3C 02 38 06 34 00 00"
        },
        {
            "Linux cyclic transfer, mem to dev, burst",
            """
                DMAMOV CCR, SB4 SS32 DB4 DS32 DAF
                DMAMOV SAR, 0x10000000
                DMAMOV DAR, 0x9000
                DMALP_0 3
                DMAFLUSHP 22
                DMAWFPB 22
                DMALDB
                DMASTPB 22
                DMALPENDA_0 bjmpto_7
                DMASEV 3
                DMALPFEA_1 bjmpto_1b
                """,
            "BC 01 35 00 0D 00 BC 00 00 00 00 10 BC 02 00 90 00 00 20 03 35 B0 32 B0 07 2B B0 38 07 34 18 2C 1B"
        },
        {
            "T1 basic copy",
            """
                dmamov ccr, ss32 ds32
                dmamov sar, 0x2000
                dmamov dar, 0x3000
                dmald
                dmast
                dmawmb
                dmasev e0
                dmaend
                """,
            "BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 34 00 00"
        },
        {
            "T2 loop of bursts",
            """
                DMAMOV CCR, SB4 SS32 DB4 DS32
                DMAMOV SAR, 0x2000
                DMAMOV DAR, 0x3000
                DMALP LC0, 4
                DMALD
                DMAST
                DMALPEND LC0
                DMAWMB
                DMAEND
                """,
            "BC 01 35 40 0D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 20 03 04 08 38 02 13 00"
        },
        {
            "T3 nested loops",
            """
                        DMAMOV CCR, SB1 DB1      ; one byte at a time
                        DMAMOV SAR, 0x2000
                        DMAMOV DAR, 0x3000
                        DMALP  LC1, 3
                rows:   DMALP  LC0, 2
                bytes:  DMALD
                        DMAST
                        DMALPEND LC0, bytes
                        DMAADDH  DAR, 14         // to the next row
                        DMALPEND rows
                        DMAEND
                """,
            "BC 01 01 40 00 00 BC 00 00 20 00 00 BC 02 00 30 00 00 22 02 20 01 04 08 38 02 56 0E 00 3C 09 00"
        },
        {
            "T4 unaligned source",
            """
                DMAMOV CCR, SB4 SS32 DB15 DS8
                DMAMOV SAR, 0x2001
                DMAMOV DAR, 0x3003
                DMALD
                DMAST
                DMAWMB
                DMAEND
                """,
            "BC 01 35 40 38 00 BC 00 01 20 00 00 BC 02 03 30 00 00 04 08 13 00"
        },
        {
            "T5 unaligned destination",
            """
                DMAMOV CCR, SB3 SS8 DB1 DS32
                DMAMOV SAR, 0x2000
                DMAMOV DAR, 0x3001
                DMALD
                DMAST
                DMAWMB
                DMAEND
                """,
            "BC 01 21 40 01 00 BC 00 00 20 00 00 BC 02 01 30 00 00 04 08 13 00"
        },
        {
            "T6 fill from a fixed source",
            """
                DMAMOV CCR, SB16 SS32 SAF DB16 DS32
                DMAMOV SAR, 0x2000
                DMAMOV DAR, 0x3000
                DMALD
                DMAST
                DMAWMB
                DMAEND
                """,
            "BC 01 F4 40 3D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 00"
        },
        {
            "T7 zeros",
            """
                DMAMOV CCR, DB16 DS64
                DMAMOV DAR, 0x3000
                DMALP 2
                DMASTZ
                DMALPEND
                DMAWMB
                DMAEND
                """,
            "BC 01 01 C0 3D 00 BC 02 00 30 00 00 20 01 0C 38 01 13 00"
        },
        {
            "T8 adding to addresses",
            """
                DMAMOV SAR, 0x2010
                DMAMOV DAR, 0x3000
                DMAADDH SAR, 0x1234
                DMAADNH DAR, -16
                DMAEND
                """,
            "BC 00 10 20 00 00 BC 02 00 30 00 00 54 34 12 5E F0 FF 00"
        },
        {
            "T9 channel 0 waits for an event",
            """
                DMAMOV CCR, SB1 SS8 SAI DB1 DS8 DAI
                DMAMOV SAR, 0x2000
                DMAMOV DAR, 0x3000
                DMAWFE 5
                DMALD
                DMAST
                DMAWMB
                DMAEND
                """,
            "BC 01 01 40 00 00 BC 00 00 20 00 00 BC 02 00 30 00 00 36 28 04 08 13 00"
        },
        {
            "T9 channel 1 signals it",
            """
                DMAMOV CCR, 0x4001
                DMAMOV SAR, 0x2000 + 0x10
                DMAMOV DAR, 0x2000
                DMALD
                DMAST
                DMAWMB
                DMASEV E5
                DMAEND
                """,
            "BC 01 01 40 00 00 BC 00 10 20 00 00 BC 02 00 20 00 00 04 08 13 34 28 00"
        },
        {
            "T10 device to memory, single requests",
            """
                DMAMOV CCR, SS32 SAF DS32
                DMAMOV SAR, 0x9000
                DMAMOV DAR, 0x3000
                DMALP 4
                  DMAFLUSHP P2
                  DMAWFP P2, single
                  DMALDPS P2
                  DMAST
                DMALPEND
                DMAWMB
                DMASEV 1
                DMAEND
                """,
            "BC 01 04 40 01 00 BC 00 00 90 00 00 BC 02 00 30 00 00 20 03 35 10 30 10 25 10 08 38 07 13 34 08 00"
        },
        {
            "T10b the same as Linux has it",
            """
                DMAMOV CCR 0x14004
                DMAMOV SAR 0x9000
                DMAMOV DAR 0x3000
                DMALP_1 3
                DMAFLUSHP 2
                DMAWFPS 2
                DMALDPS 2
                DMASTS
                DMALPENDA_1 bjmpto_7
                DMASEV 1
                DMAEND
                """,
            "BC 01 04 40 01 00 BC 00 00 90 00 00 BC 02 00 30 00 00 22 03 35 10 30 10 25 10 09 3C 07 34 08 00"
        },
        {
            "T10c single and burst forms",
            """
                DMAMOV CCR, SB4 SS32 DB4 DS32
                DMAMOV SAR, 0x2000
                DMAMOV DAR, 0x3000
                DMAWFP 0, single
                DMALDS
                DMASTS
                DMAWFP 0, burst
                DMALDB
                DMASTB
                DMAWMB
                DMAEND
                """,
            "BC 01 35 40 0D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 30 00 05 09 32 00 07 0B 13 00"
        },
        {
            "T11 memory to device until the last request",
            """
                DMAMOV CCR, SB4 SS32 DB4 DS32 DAF
                DMAMOV SAR, 0x2000
                DMAMOV DAR, 0x9000
                DMAFLUSHP 0
                DMALPFE
                  DMAWFP 0, periph
                  DMALDB
                  DMASTPB 0
                  DMALDS
                  DMASTPS 0
                DMALPEND
                DMAWMB
                DMAEND
                """,
            "BC 01 35 00 0D 00 BC 00 00 20 00 00 BC 02 00 90 00 00 35 00 31 00 07 2B 00 05 29 00 2C 08 13 00"
        },
        { "F1 undefined instruction", "DMANOP\n.byte 0xFF", "18 FF" },
        { "F2 peripheral 31", "DMANOP\nDMAFLUSHP P31", "18 35 F8" },
        {
            "F3 store without enough data",
            "DMAMOV CCR, SS32 DS32 DB2\nDMAMOV SAR,0x2000\nDMAMOV DAR,0x3000\nDMALD\nDMAST\nDMAEND",
            "BC 01 05 40 05 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 00"
        },
        {
            "F4 burst larger than the MFIFO",
            "DMAMOV CCR, SB16 SS128 DB16 DS128\nDMAMOV SAR,0x2000\nDMAMOV DAR,0x3000\nDMALD\nDMAST\nDMAEND",
            "BC 01 F9 40 3E 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 00"
        },
        { "F5 secure event", "DMAMOV CCR, SS32 SP2 DS32 DP2\nDMASEV 3\nDMAEND", "BC 01 05 42 81 00 34 18 00" },
        { "F6 secure CCR", "DMAMOV CCR, SS32 DS32\nDMAEND", "BC 01 05 40 01 00 00" },
        {
            "F8 two bursts for one burst's room",
            "DMAMOV CCR, 0x003D_C0F7\nDMAMOV SAR, 0x2000\nDMALD\nDMALD\nDMAEND",
            "BC 01 F7 C0 3D 00 BC 00 00 20 00 00 04 04 00"
        },
        { "K1 forever", "DMANOP\nDMALPEND FE, #-1\nDMAEND", "18 2C 01 00" },
        {
            "K3 wait with data in the MFIFO",
            "DMAMOV CCR, SS32 DS32\nDMAMOV SAR, 0x2000\nDMALD\nDMAWFE 5\nDMAEND",
            "BC 01 05 40 01 00 BC 00 00 20 00 00 04 36 28 00"
        },
        {
            "D1 end with data in the MFIFO",
            "DMAMOV CCR, SS32 DS32\nDMAMOV SAR, 0x2000\nDMALD\nDMAEND",
            "BC 01 05 40 01 00 BC 00 00 20 00 00 04 00"
        },
        { "Endian swap", "DMAMOV CCR, SS32 DS32 ES32", "BC 01 05 40 01 20" },
    };
}
