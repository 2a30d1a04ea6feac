namespace Emulator.Machine.Tests.DeviceTrees;

/// <summary>A made-up board with everything that the bindings cover: buses, an SMMU, an ITS, PCIe, legacy masters, clocks and GPIOs.</summary>
internal static class BoardSource
{
    public const string Text = """
        /dts-v1/;

        /memreserve/ 0x80000000 0x00010000;

        / {
            model = "Test board";
            compatible = "test,board", "test,soc";
            interrupt-parent = <&gic>;
            #address-cells = <2>;
            #size-cells = <2>;

            aliases { serial0 = &uart0; dma = "/soc/dma@2c0a0000"; };
            chosen { stdout-path = "serial0:115200n8"; };

            cpus {
                #address-cells = <1>;
                #size-cells = <0>;
                cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a15"; reg = <0>; };
                cpu@1 { device_type = "cpu"; compatible = "arm,cortex-a15"; reg = <1>; status = "disabled"; };
            };

            memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x80000000>, <8 0 1 0>; };

            gic: interrupt-controller@2c001000 {
                compatible = "arm,gic-v3";
                #interrupt-cells = <3>;
                #address-cells = <2>;
                #size-cells = <2>;
                ranges;
                interrupt-controller;
                reg = <0 0x2c001000 0 0x1000>, <0 0x2c002000 0 0x2000>;

                its: msi-controller@2c020000 {
                    compatible = "arm,gic-v3-its";
                    msi-controller;
                    #msi-cells = <1>;
                    reg = <0 0x2c020000 0 0x20000>;
                };
            };

            refclk: clock { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <24000000>; };
            pll: pll { #clock-cells = <2>; };

            soc {
                compatible = "simple-bus";
                #address-cells = <1>;
                #size-cells = <1>;
                ranges = <0x20000000 0 0x20000000 0x20000000>, <0x0 0x1 0x0 0x1000>;
                dma-ranges = <0x0 0x8 0x0 0x80000000>;

                uart0: serial@2c090000 {
                    compatible = "arm,pl011", "arm,primecell";
                    reg = <0x2c090000 0x1000>;
                    interrupts = <0 5 4>;
                    clocks = <&refclk>, <&pll 1 2>;
                    clock-names = "uartclk", "apb_pclk";
                };

                dma1: dma@2c0a0000 {
                    compatible = "arm,pl330", "arm,primecell";
                    reg = <0x2c0a0000 0x1000>;
                    interrupts = <0 88 4>, <0 89 4>;
                    #stream-id-cells = <2>;
                    iommus = <&smmu 3>, <&smmu 4>;
                    dma-coherent;
                };

                low: device@10 { reg = <0x10 0x8>; interrupts-extended = <&gic 0 7 4>, <&gpio 3 1>; };

                gpio: gpio@2c0c0000 {
                    reg = <0x2c0c0000 0x100>;
                    gpio-controller;
                    #gpio-cells = <2>;
                    interrupt-controller;
                    #interrupt-cells = <2>;
                    interrupts = <0 9 4>;
                };

                smmu: iommu@2c100000 {
                    compatible = "arm,mmu-500";
                    reg = <0x2c100000 0x10000>;
                    #iommu-cells = <1>;
                    mmu-masters = <&dma1 0x20 0x21>, <&low_master 7>;
                };

                hidden {
                    #address-cells = <1>;
                    #size-cells = <0>;
                    low_master: spi@5 { reg = <5>; #stream-id-cells = <1>; };
                };
            };

            keys { button { gpios = <&gpio 5 1>; reset-gpios = <0>, <&gpio 6 0>; }; };

            pcie: pcie@40000000 {
                compatible = "pci-host-ecam-generic";
                device_type = "pci";
                reg = <0 0x40000000 0 0x10000000>;
                #address-cells = <3>;
                #size-cells = <2>;
                #interrupt-cells = <1>;
                ranges = <0x01000000 0 0x0 0 0x50000000 0 0x10000>,
                         <0x02000000 0 0x50010000 0 0x60010000 0 0x10000000>;
                interrupt-map-mask = <0x1800 0 0 7>;
                interrupt-map = <0x0000 0 0 1 &gic 0 0 0 100 4>, <0x0000 0 0 2 &gic 0 0 0 101 4>,
                                <0x0800 0 0 1 &gic 0 0 0 102 4>, <0x0800 0 0 2 &gic 0 0 0 103 4>;
                iommu-map = <0x0 &smmu 0x100 0x10>, <0x100 &smmu 0x200 0x100>;
                iommu-map-mask = <0xfff8>;
                msi-map = <0 &its 0x1000 0x10000>;
                msi-parent = <&its 0>;

                card@1,0 { reg = <0x0800 0 0 0 0>; interrupts = <2>; };
            };
        };

        &uart0 { status = "okay"; };
        """;
}
