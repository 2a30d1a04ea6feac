namespace Emulator.Scenarios.Tests;

/// <summary>Every step with its mistakes: place, word, and how to mend it. The steps begin on line 5, column 3.</summary>
public sealed class StepMistakeTests
{
    [Theory]
    [InlineData("- mmio", "5:5: a step is '- kind: ...', not 'mmio'")]
    [InlineData(
        "- {}",
        "5:5: an empty step; write one of: mmio, sysreg, memory, press, release, tables, explain, groups, dma330, wait, expect, never, let, repeat, host, process, kill, vfio, map, unmap, regs, irq, reset, open, ioctl, close"
    )]
    [InlineData(
        "- note: x",
        "5:5: an empty step; write one of: mmio, sysreg, memory, press, release, tables, explain, groups, dma330, wait, expect, never, let, repeat, host, process, kill, vfio, map, unmap, regs, irq, reset, open, ioctl, close"
    )]
    [InlineData("- { note: [x], let: { a: 1 } }", "5:13: 'note:' takes a text, not a list")]
    [InlineData(
        "- { let: { a: 1 }, wait: { time: 1ns } }",
        "5:22: this step is 'let' already; begin 'wait:' with its own '- '"
    )]
    public void A_step_is_one_kind(string step, string error) => Check(step, error);

    [Theory]
    [InlineData("- let: 5", "5:10: let takes { name: number, ... }, not '5'")]
    [InlineData("- let: { 1a: 5 }", "5:12: '1a' is not a name; use letters, digits and _")]
    [InlineData("- let: { a.b: 5 }", "5:12: 'a.b' is not a name; use letters, digits and _")]
    [InlineData("- let: { a: b }", "5:15: there is no variable 'b' here")]
    [InlineData("- let: { abc: 1, d: ab }", "5:23: there is no variable 'ab' here; did you mean 'abc'?")]
    [InlineData("- let: { a: [1] }", "5:15: a number is expected, not a list")]
    [InlineData("- let: { a: 1 + x }", "5:15: there is no variable 'x' here")]
    [InlineData("- let: { a: 1 + }", "5:18: a number or a variable is expected, found nothing")]
    public void Let(string step, string error) => Check(step, error);

    [Theory]
    [InlineData("- mmio: {}", "5:11: mmio needs one of: write:, read:")]
    [InlineData("- mmio: 5", "5:11: mmio takes keys and values, { key: value, ... }, not '5'")]
    [InlineData("- mmio: { write: { 0x8000_0000: 1 }, read: 0 }", "5:40: mmio takes 'write:' or 'read:', not both")]
    [InlineData(
        "- mmio: { raed: 0x8000_0000 }",
        "5:11: mmio needs one of: write:, read:",
        "5:13: unknown key 'raed' in mmio; did you mean 'read'? Valid keys: size, write, read, secure, fails"
    )]
    [InlineData("- mmio: { write: {} }", "5:20: 'write:' takes { name: value, ... }, not an empty mapping")]
    [InlineData("- mmio: { write: { [1]: 2 } }", "5:22: a key of 'write:' must be a word")]
    [InlineData(
        "- mmio: { read: smu.sCR0 }",
        "5:19: board fvp-ve has no device 'smu'; did you mean 'smmu'? See: emulator boards show fvp-ve"
    )]
    [InlineData("- mmio: { read: smmu.sCRR }", "5:19: smmu has no register 'sCRR'; did you mean 'sCR0'?")]
    [InlineData("- mmio: { read: smmu.CB8_FSR }", "5:19: smmu has no register 'CB8_FSR'; did you mean 'CB0_FSR'?")]
    [InlineData("- mmio: { read: smmu.CB0_SCTLR.Mm }", "5:19: smmu.CB0_SCTLR has no field 'Mm'; did you mean 'M'?*")]
    [InlineData(
        "- mmio: { read: flash@0.X }",
        "5:19: flash@0 is not modelled, so it has no register names; use an address"
    )]
    [InlineData(
        "- mmio: { read: a.b.c.d }",
        "5:19: 'a.b.c.d' is neither a number nor a register; write device.REGISTER, such as dma0.CSR0, or an address"
    )]
    [InlineData("- mmio: { read: 0x8000_0000, size: 3 }", "5:38: 'size:' cannot be '3'; valid words: 1, 2, 4, 8")]
    [InlineData(
        "- mmio: { read: 0x8000_0000, fails: SLVER }",
        "5:39: 'fails:' cannot be 'SLVER'; did you mean 'SLVERR'? Valid words: SLVERR, DECERR"
    )]
    [InlineData("- mmio: { read: 0x8000_0000, secure: yes }", "5:40: 'secure:' is true or false, not 'yes'")]
    [InlineData("- mmio: { read: 0x8000_0000, as: 5x }", "5:36: 'as:' takes a name of letters, digits and _, not '5x'")]
    [InlineData(
        "- mmio: { read: 0x4, fails: DECERR, as: v }",
        "5:31: an access that fails gives no value; leave 'as:' and 'equals:' out"
    )]
    [InlineData(
        "- mmio: { read: 0x4, as: v, mask: 1 }",
        "5:37: 'mask:' selects the bits that 'equals:' compares; there is no 'equals:'"
    )]
    public void Mmio(string step, params string[] errors) => Check(step, errors);

    [Theory]
    [InlineData("- memory: { size: 4 }", "5:13: memory needs 'at:'")]
    [InlineData("- memory: { at: 0x8000_0000, as: a }", "5:13: memory needs 'size:'")]
    [InlineData(
        "- memory: { at: 0x8000_0000, size: 4 }",
        "5:13: memory does nothing: give it a name with 'as:' or bytes with fill, bytes, words, quads, text, file"
    )]
    [InlineData(
        "- memory: { at: 0x8000_0000, size: 4, fill: 5 }",
        "5:47: fill takes keys and values, { key: value, ... }, not '5'"
    )]
    [InlineData(
        "- memory: { at: 0x8000_0000, size: 4, fill: {} }",
        "5:47: fill needs one of: random:, byte:, count:, word:"
    )]
    [InlineData(
        "- memory: { at: 0x8000_0000, size: 4, fill: { ranodm: 1 } }",
        "5:47: fill needs one of: random:, byte:, count:, word:",
        "5:49: unknown key 'ranodm' in fill; did you mean 'random'? Valid keys: random, byte, count, word"
    )]
    [InlineData(
        "- memory: { at: 0x8000_0000, bytes: abc }",
        "5:39: 'bytes:' takes pairs of hexadecimal digits such as 'de ad be ef', not 'abc'"
    )]
    [InlineData("- memory: { at: 0x8000_0000, words: 5 }", "5:39: 'words:' takes a list, not '5'")]
    [InlineData("- memory: { at: 0x8000_0000, words: [x] }", "5:40: there is no variable 'x' here")]
    public void Memory(string step, params string[] errors) => Check(step, errors);

    [Theory]
    [InlineData("- tables: { as: t }", "5:13: tables needs one of: at:, edit:")]
    [InlineData(
        "- tables: { at: 0x8000_0000 }",
        "5:13: tables needs 'as:', the name under which other steps find them"
    )]
    [InlineData("- tables: { edit: t }", "5:21: no 'tables:' step before this one has 'as: t'")]
    [InlineData(
        "- tables: { at: 0x8000_0000, as: t, format: v8 }",
        "5:47: 'format:' cannot be 'v8'; valid words: lpae-stage-2, aarch64-stage-1, aarch64-stage-2"
    )]
    [InlineData("- tables: { at: 0x8000_0000, as: t, map: { iova: 0 } }", "5:44: 'map:' takes a list, not a mapping")]
    [InlineData("- tables: { at: 0x8000_0000, as: t, map: [{ iova: 0, to: 0 }] }", "5:45: map needs 'size:'")]
    [InlineData(
        "- tables: { at: 0x8000_0000, as: t, map: [{ iova: 0, to: 0, size: 4KiB, acess: ro }] }",
        "5:75: unknown key 'acess' in map; did you mean 'access'? Valid keys: iova, to, size, block, access, accessed, contiguous"
    )]
    [InlineData(
        "- tables: { at: 0x8000_0000, as: t, map: [{ iova: 0, to: 0, size: 4KiB, access: rx }] }",
        "5:83: 'access:' cannot be 'rx'; did you mean 'rw'? Valid words: rw, ro, wo, none"
    )]
    [InlineData("- tables: { at: 0x8000_0000, as: t, unmap: [{ size: 4KiB }] }", "5:47: unmap needs 'iova:'")]
    public void Tables(string step, params string[] errors) => Check(step, errors);

    [Theory]
    [InlineData("- wait: {}", "5:11: wait needs one of: interrupt:, register:, irq:, time:")]
    [InlineData("- wait: { interrupt: SPI 64 }", "5:11: wait needs 'within:'")]
    [InlineData(
        "- wait: { interrupt: 64, within: 1ms }",
        "5:24: an interrupt is written 'SPI 64', 'PPI 13', 'SGI 1' or 'INTID 96', not '64'"
    )]
    [InlineData("- wait: { interrupt: SPI 6 4, within: 1ms }", "5:30: '6 4' is not a number: '4' is left over")]
    [InlineData("- wait: { register: smmu.CB0_FSR, within: 1ms }", "5:11: wait needs 'equals:'")]
    [InlineData("- wait: { time: 5 }", "5:19: 'time:' takes a duration such as 250ns, 1.5us, 10ms or 2s, not '5'")]
    [InlineData("- never: { interrupt: SPI 64 }", "5:12: never needs 'within:'")]
    [InlineData("- never: { within: 1us }", "5:12: never needs one of: interrupt:, register:, irq:, changes:")]
    [InlineData(
        "- never: { changes: 0x8000_0000, within: 1us }",
        "5:12: 'changes: 0x8000_0000' is not a named memory, so 'size:' is needed"
    )]
    public void Wait_and_never(string step, params string[] errors) => Check(step, errors);

    [Theory]
    [InlineData(
        "- expect: {}",
        "5:13: expect needs one of: memory:, registers:, interrupts:, fault:, value:, trace:, dmesg:, path:, irqs:, same_group:, own_groups:"
    )]
    [InlineData(
        "- expect: { memory: 0x8000_0000, size: 4 }",
        "5:13: expect memory needs what it equals: 'equals:' another memory, or one of fill:, bytes:, words:, quads:, text:, file:"
    )]
    [InlineData(
        "- expect: { memory: 0x8000_0000, fill: { byte: 0 } }",
        "5:13: 'memory: 0x8000_0000' is not a named memory, so 'size:' is needed"
    )]
    [InlineData(
        "- expect: { registers: { gic.GICC_IAR: 0 } }",
        "5:28: reading gic.GICC_IAR changes something; read it with 'mmio: { read: gic.GICC_IAR, as: value }'"
    )]
    [InlineData("- expect: { registers: { smmu.sCR0: { mask: 1 } } }", "5:39: a register's value needs 'equals:'")]
    [InlineData("- expect: { registers: {} }", "5:26: 'registers:' takes { name: value, ... }, not an empty mapping")]
    [InlineData("- expect: { interrupts: {} }", "5:27: interrupts is { pending: [SPI 64, ...], idle: [...] }")]
    [InlineData(
        "- expect: { interrupts: { pendign: [] } }",
        "5:27: interrupts is*",
        "5:29: unknown key 'pendign' in interrupts; did you mean 'pending'? Valid keys: pending, idle"
    )]
    [InlineData("- expect: { value: 1 }", "5:13: expect needs 'equals:'")]
    [InlineData("- expect: { trace: dirty }", "5:22: 'trace:' cannot be 'dirty'; valid words: clean")]
    [InlineData("- expect: { trace: {} }", "5:22: trace is 'clean', or { errors: N, warnings: N }")]
    [InlineData(
        "- expect: { fault: { on: smmu } }",
        "5:22: fault needs 'kind:', one of: none, invalid-context, unidentified-stream, stream-conflict, unimplemented-bank, unimplemented-interrupt, configuration-access, external"
    )]
    [InlineData(
        "- expect: { fault: { on: smmu, bank: 0, kind: permision } }",
        "5:49: 'kind:' cannot be 'permision'; did you mean 'permission'? Valid words: none, translation, access-flag, permission, external, tlb-conflict, tlb-lock, address-size"
    )]
    [InlineData(
        "- expect: { fault: { on: smmu, kind: none, level: 1 } }",
        "5:46: unknown key 'level' in fault; valid keys: on, bank, kind, write, multiple, address, stream"
    )]
    [InlineData("- expect: { fault: { on: gic, kind: none } }", "5:28: gic has no register 'sGFSR'*")]
    public void Expect(string step, params string[] errors) => Check(step, errors);

    [Theory]
    [InlineData("- repeat: { steps: [] }", "5:13: repeat needs 'times:'")]
    [InlineData("- repeat: { times: 3 }", "5:13: repeat needs 'steps:'")]
    [InlineData(
        "- repeat: { times: 3, steps: [{ frobnicate: 1 }] }",
        "5:35: unknown step 'frobnicate'; valid steps: *"
    )]
    [InlineData(
        "- repeat: { times: 3, step: [] }",
        "5:13: repeat needs 'steps:'",
        "5:25: unknown key 'step' in repeat; did you mean 'steps'? Valid keys: times, as, steps"
    )]
    public void Repeat(string step, params string[] errors) => Check(step, errors);

    [Theory]
    [InlineData("- dma330: { at: 0x8000_0000, bytes: '00' }", "5:13: dma330 needs 'on:'")]
    [InlineData(
        "- dma330: { on: dmac0, kill: true }",
        "5:19: board fvp-ve has no device 'dmac0'; did you mean 'dma0'? See: emulator boards show fvp-ve"
    )]
    [InlineData("- dma330: { on: smmu, kill: true }", "5:19: smmu has no register 'DBGCMD'*")]
    public void Dma330(string step, params string[] errors) => Check(step, errors);

    [Fact]
    public void An_error_in_a_program_has_its_own_line_and_column()
    {
        string[] errors = Bench.StepErrors(
            """
              - dma330:
                  on: smmu
                  at: 0x8000_0000
                  program: |
                    DMAMOV CCR, 0x0
                    DMAEDN
            """
        );

        errors
            .Should()
            .Contain(
                error => error.StartsWith("test.yaml:10:9: ", StringComparison.Ordinal),
                string.Join('\n', errors)
            );
    }

    private static void Check(string step, params string[] errors)
    {
        string[] found = Bench.StepErrors("  " + step);

        string all = string.Join('\n', found);
        found.Should().HaveCount(errors.Length, all);
        foreach (string error in errors)
        {
            bool isStart = error.EndsWith('*');
            string text = "test.yaml:" + error.TrimEnd('*');
            found
                .Should()
                .Contain(
                    line =>
                        isStart
                            ? line.StartsWith(text, StringComparison.Ordinal)
                            : string.Equals(line, text, StringComparison.Ordinal),
                    $"{text} is expected in\n{all}"
                );
        }
    }
}
