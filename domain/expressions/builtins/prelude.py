"""Built-in functions that are written in jq itself, as in jq's own `builtin.jq`."""

from __future__ import annotations

import re

_TEXT = r"""
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type | . == "array" or . == "object");
def scalars: select(type | . != "array" and . != "object");
def finites: select(isfinite);
def normals: select(isnormal);
def recurse: recurse(.[]?);
def recurse(f; cond): recurse(f | select(cond));
def add(f): reduce f as $x (null; . + $x);
def with_entries(f): to_entries | map(f) | from_entries;
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def leaf_paths: paths(scalars);
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def range($x): range(0; $x);
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $y | [$x] + $y end;
def combinations(n): . as $dot | [range(n) | $dot] | combinations;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;
def all: all(.[]; .);
def any: any(.[]; .);
def all(f): all(.[]; f);
def any(f): any(.[]; f);
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else first(skip($n; f)) end;
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def JOIN($idx; f): [.[] | [., $idx[f]]];
def JOIN($idx; stream; f): stream | [., $idx[f]];
def JOIN($idx; stream; f; g): stream | [., $idx[f]] | g;
def ascii: [.] | implode;
def capture(re): capture(re; null);
def scan($re): scan($re; null);
def match(re): match(re; null);
def test(re): test(re; null);
def splits($re): split($re; null) | .[];
def splits($re; $flags): split($re; $flags) | .[];
def sub($re; f): sub($re; f; "");
def gsub($re; f): sub($re; f; "g");
def gsub($re; f; $flags): sub($re; f; $flags + "g");
def tostream:
  path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init;
      if .e then $init else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream | . as $input
  | if (.[0] | length) > $n then setpath([0]; $input[0][$n:]) else empty end;
def truncate_stream($n; stream): $n | truncate_stream(stream);
def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p)));
def del(f): delpaths([path(f)]);
"""


def _parted() -> dict[str, str]:
    parts: dict[str, str] = {}
    for text in re.split(r"(?m)^(?=def )", _TEXT.strip()):
        found = re.match(r"def (\w+)(?:\(([^)]*)\))?:", text)
        if found:
            arity = len(found[2].split(";")) if found[2] else 0
            parts[f"{found[1]}/{arity}"] = text + "\n."
    return parts


PRELUDE: dict[str, str] = _parted()
"""Source of each, by name and number of arguments; compiled when first used."""
