namespace Emulator.Machine.Tests.DeviceTrees;

/// <summary>Small sources, each for a corner of the language; dtc and this reader must agree on all of them.</summary>
internal static class SourceSamples
{
    public static readonly IReadOnlyDictionary<string, string> Accepted = new Dictionary<string, string>(
        StringComparer.Ordinal
    )
    {
        ["empty"] = "/dts-v1/;\n/ { };",
        ["values"] = """
            /dts-v1/;
            first: /memreserve/ 0x1 0x2;
            /memreserve/ 0x100000000 (1 << 20);
            / {
                p1: a = <0x01 &n 2>, "hi\tx\x01y", [00 11 L: 22], &n, <&{/n@1}>;
                b = /bits/ 16 <1 2 0xffff (-1)>, /bits/ 8 <3 'a'>, /bits/ 64 <4 (-1) 0xffffffffffffffff>;
                c = "one", "two", "";
                d;
                e = <1 m: 2 &n 3 k:>;
                f = <1>, <2 3>, <&n &n>, <&n>;
                g = "a", x: "b";
                h = <>;
                i = [], <1>;
                j = [de ad beef 01];
                q = "a\0b\\\"\a\b\v\f\r\n\101\7\q";
                l: n: n@1 { reg = <1>; };
            };
            &n { q = <0x10>; };
            """,
        ["revival"] = """
            /dts-v1/;
            / { n { a; b; x { c; }; y { }; }; };
            / { n { /delete-property/ a; /delete-node/ x; }; };
            / { n { c; }; };
            / { n { a = <1>; x { d; }; }; };
            """,
        ["vain deletion"] = """
            /dts-v1/;
            / { a = <1>; /delete-property/ a; /delete-property/ b; n { /delete-node/ m; m { }; /delete-node/ o; }; };
            """,
        ["labels"] = """
            /dts-v1/;
            / { a: b: c: n { d: e: p; v = <x1: 1>, x2: "s"; }; };
            &a { d1: q; };
            f: &a { e1: p; };
            g: &{/n} { };
            """,
        ["phandles"] = """
            /dts-v1/;
            / {
                r = <&c &a &b>;
                a: a { phandle = <2>; };
                b: b { linux,phandle = <1>; };
                c: c { };
                d: d { phandle = <&d>; };
                e { phandle = <&{/e}>; x = <&{/}>; };
            };
            """,
        ["omission"] = """
            /dts-v1/;
            / {
                r = <&used>; s = &path;
                /omit-if-no-ref/ used: used { };
                /omit-if-no-ref/ unused: unused { child { r = <&both>; }; };
                l: /omit-if-no-ref/ both: both { };
                path: path { };
            };
            /omit-if-no-ref/ &path;
            """,
        ["deletion by reference"] = """
            /dts-v1/;
            / { a: a { }; b { c { d; }; e { }; }; };
            /delete-node/ &a;
            /delete-node/ &{/b/c};
            """,
        ["names"] = """
            /dts-v1/;
            / {
                \reg = <1>; #address-cells = <1>; 0foo = "x"; a,b.c_d+e*f#g?h-i;
                delete-node; name = "";
                a,b.c_d+e-i@0,1 { };
                1234 { name = "1234"; };
                \foo { };
            };
            """,
        ["path insertion"] = """
            /dts-v1/;
            / { p = "x", &a, l: <1 &a>, &{/}, m: &a n:; q = &a, <&a>; a: alpha@1 { b { p = &a; }; }; };
            """,
        ["boot cpu"] = "/dts-v1/; / { cpus { cpu@7 { reg = <7>; }; }; };",
        ["line markers"] = "/dts-v1/;\n# 30 \"foo.h\" 1\n/ {\n# 1 \"b\"\n#line 7 \"c\"\na = <1>; };\n# 3 \"x\"",
        ["comments"] =
            "/dts-v1/; // one\n/* two\n * three */ / /**/ { a /*x*/ = /*y*/ <1 /* z */ 2>; // last\n};\n// end\n",
        ["suffixes"] = "/dts-v1/; / { a = <1U 2L 3UL 4LL 5ULL 0x6UL 010 0XaBc>; };",
        ["guess"] = """
            /dts-v1/;
            / {
                a = [61 00 62 00 00 00]; b = [00]; c = [00 00]; d = [00 00 61 00]; e = [61 00 61 00 62];
                f = [ff 00]; g = [0a 00]; h = [1b 00]; i = [61 62 63 64]; j = [7f 00 00 00]; k = [00 61 00]; l = [61];
            };
            """,
    };

    public static readonly IReadOnlyDictionary<string, string> Refused = new Dictionary<string, string>(
        StringComparer.Ordinal
    )
    {
        ["defined and deleted"] = "/dts-v1/; / { m { }; /delete-node/ m; };",
        ["star in node"] = "/dts-v1/; / { a*b { }; };",
        ["no header"] = "/ { };",
        ["no root"] = "/dts-v1/;",
        ["property after child"] = "/dts-v1/; / { n { }; a; };",
        ["property after deletion of child"] = "/dts-v1/; / { /delete-node/ n; a; };",
        ["twice a property"] = "/dts-v1/; / { a; a; };",
        ["twice a node"] = "/dts-v1/; / { a { }; a { }; };",
        ["twice a label"] = "/dts-v1/; / { l: a { }; l: b { }; };",
        ["label on node and property"] = "/dts-v1/; / { l: a; l: b { }; };",
        ["label in value"] = "/dts-v1/; / { a = <l: 1 l: 2>; };",
        ["unknown label"] = "/dts-v1/; / { a = <&x>; };",
        ["unknown path"] = "/dts-v1/; / { a = <&{/x}>; };",
        ["unknown label as path"] = "/dts-v1/; / { a = &x; };",
        ["extension of unknown"] = "/dts-v1/; / { }; &x { };",
        ["extension before root"] = "/dts-v1/; &{/} { };",
        ["deletion of unknown"] = "/dts-v1/; / { }; /delete-node/ &x;",
        ["two ats"] = "/dts-v1/; / { a@b@c { }; };",
        ["at in property"] = "/dts-v1/; / { a@b; };",
        ["phandle 0"] = "/dts-v1/; / { phandle = <0>; };",
        ["phandle -1"] = "/dts-v1/; / { phandle = <0xffffffff>; };",
        ["long phandle"] = "/dts-v1/; / { phandle = <1 2>; };",
        ["same phandles"] = "/dts-v1/; / { a { phandle = <1>; }; b { phandle = <1>; }; };",
        ["different phandles"] = "/dts-v1/; / { a { phandle = <1>; linux,phandle = <2>; }; };",
        ["phandle of another"] = "/dts-v1/; / { a: a { }; b { phandle = <&a>; }; };",
        ["wrong name"] = "/dts-v1/; / { a { name = \"b\"; }; };",
        ["cell too large"] = "/dts-v1/; / { a = <0x100000000>; };",
        ["byte too large"] = "/dts-v1/; / { a = /bits/ 8 <256>; };",
        ["odd bits"] = "/dts-v1/; / { a = /bits/ 24 <1>; };",
        ["reference in bytes"] = "/dts-v1/; / { b: b { a = /bits/ 8 <&b>; }; };",
        ["division by zero"] = "/dts-v1/; / { a = <(1 / 0)>; };",
        ["remainder by zero"] = "/dts-v1/; / { a = <(1 || 1 % 0)>; };",
        ["octal 9"] = "/dts-v1/; / { a = <09>; };",
        ["65 bits"] = "/dts-v1/; / { a = <0x10000000000000000>; };",
        ["long character"] = "/dts-v1/; / { a = <'ab'>; };",
        ["empty character"] = "/dts-v1/; / { a = <''>; };",
        ["half byte"] = "/dts-v1/; / { a = [1]; };",
        ["open string"] = "/dts-v1/; / { a = \"x; };",
        ["open comment"] = "/dts-v1/; / { }; /* x",
        ["open node"] = "/dts-v1/; / { a { };",
        ["no semicolon"] = "/dts-v1/; / { }",
        ["macro"] = "/dts-v1/; / { a = <FOO>; };",
        ["directive"] = "#include <x.h>\n/dts-v1/; / { };",
        ["late memreserve"] = "/dts-v1/; / { }; /memreserve/ 1 2;",
        ["mixed headers"] = "/dts-v1/; /dts-v1/; /plugin/; / { };",
        ["bad escape"] = "/dts-v1/; / { a = \"\\xg\"; };",
        ["escaped line end"] = "/dts-v1/; / { a = \"x\\\ny\"; };",
        ["naked expression"] = "/dts-v1/; / { a = <1 + 2>; };",
    };
}
