"""A provider that has the schemas of a file and does nothing: for `validate`, and for tests' mocks.

Terraform itself judges names, types, and what is required; here is judged only what it leaves to
providers: that nothing is set that can be read alone.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tf import iface, runner
from tf.gen import tfplugin_pb2 as pb
from tf.utils import Diagnostics

Block = Mapping[str, Any]


class Schema:
    """One schema of the file, as the `tf` package asks for it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.block: Block = schema["block"]

    def to_pb(self) -> pb.Schema:
        """As it goes over the wire."""
        return pb.Schema(version=0, block=_block(self.block))


def _block(block: Block) -> pb.Schema.Block:
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(name=name, **{**said, "type": json.dumps(said["type"]).encode()})
            for name, said in block["attributes"].items()
        ],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                nesting=said["nesting_mode"].upper(),
                block=_block(said["block"]),
                min_items=said.get("min_items", 0),
                max_items=said.get("max_items", 0),
            )
            for name, said in block["block_types"].items()
        ],
    )


def set_though_read_only(block: Block, config: Mapping[str, Any]) -> Iterator[list[str]]:
    """The paths of what a configuration sets, and only the provider may."""
    for name, said in block["attributes"].items():
        if not (said.get("optional") or said.get("required")) and config.get(name) is not None:
            yield [name]
    for name, said in block["block_types"].items():
        for each in _listed(config.get(name)):
            yield from ([name, *path] for path in set_though_read_only(said["block"], each))


def _listed(value: Any) -> list[Mapping[str, Any]]:
    """Blocks as a list; those whose number is not known yet as none."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


class Kind:
    """A resource or a data source; `name` and `schema` come with a class of its own for each."""

    name: str
    schema: Schema

    def __init__(self, provider: iface.Provider) -> None:
        """Nothing is kept of the provider."""

    @classmethod
    def get_name(cls) -> str:
        """The type's name."""
        return cls.name

    @classmethod
    def get_schema(cls) -> Schema:
        """The type's schema."""
        return cls.schema

    def validate(self, diags: Diagnostics, type_name: str, config: dict[str, Any]) -> None:
        """Judge one block of a configuration."""
        for path in set_though_read_only(self.schema.block, config):
            diags.add_error(f"{type_name}: {'.'.join(path)} can be read alone", path=path[:1])


class Aws:
    """What `runner` asks of a provider."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def get_model_prefix(self) -> str:
        """Nothing: names are whole in the file."""
        return ""

    def full_name(self) -> str:
        """The provider for which this stands."""
        return "registry.terraform.io/hashicorp/aws"

    def get_provider_schema(self, diags: Diagnostics) -> Schema:
        """Of the block `provider`."""
        return Schema(self._schemas["provider"])

    def validate_config(self, diags: Diagnostics, config: dict[str, Any]) -> None:
        """Whatever fits the schema is fine."""

    def configure_provider(self, diags: Diagnostics, config: dict[str, Any]) -> None:
        """Refuse: here nothing can be planned but with mocks, which never come here."""
        diags.add_error("This provider has schemas alone: plan with mock_provider.")

    def get_resources(self) -> list[type[Kind]]:
        """A class for each type."""
        return _kinds(self._schemas["resource_schemas"])

    def get_data_sources(self) -> list[type[Kind]]:
        """A class for each type."""
        return _kinds(self._schemas["data_source_schemas"])

    def get_functions(self) -> list[Any]:
        """None."""
        return []

    def new_resource(self, kind: type[Kind]) -> Kind:
        """One that judges a block."""
        return kind(self)

    new_data_source = new_resource


def _kinds(schemas: Mapping[str, Any]) -> list[type[Kind]]:
    return [
        type(name, (Kind,), {"name": name, "schema": Schema(schema)})
        for name, schema in schemas.items()
    ]


if __name__ == "__main__":
    runner.run_provider(Aws(json.loads(Path(sys.argv[1]).read_text())), [sys.argv[0]])
