"""Schemas out of the bindings, and that the check finds what is wrong, as a misspelt argument."""

import base64
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from cloud.terraform.check import __main__ as check
from cloud.terraform.check import bindings

PYTHON = check.REPO / "build/terraform/bin/python"

GATE = """
export interface AwsGateConfig extends cdktn.TerraformMetaArguments {
  readonly name: string;
  /**
  * arm block
  */
  readonly arm?: AwsGate.ArmProperty;
}
export class AwsGate extends cdktn.TerraformResource {
  // arn - computed: true, optional: false, required: false
  public get arn() {
    return this.getStringAttribute('arn');
  }

  // name - computed: false, optional: false, required: true
  private _name?: string;
  public get name() {
    return this.getStringAttribute('name');
  }

  // plates - computed: true, optional: true, required: false
  private _plates?: string[];
  public get plates() {
    return cdktn.Fn.tolist(this.getListAttribute('plates'));
  }

  // opened - computed: true, optional: false, required: false
  public get opened() {
    return cdktn.Fn.tolist(this.getNumberListAttribute('opened'));
  }

  // marks - computed: true, optional: false, required: false
  private _marks = new cdktn.StringMap(this, "marks");
  public get marks() {
    return this._marks;
  }

  // loop - computed: true, optional: true, required: false
  private _loop = new AwsGate.LoopPropertyList(this, "loop", true);
  public get loop() {
    return this._loop;
  }

  // arm - computed: false, optional: false, required: true
  private _arm = new AwsGate.ArmPropertyOutputReference(this, "arm");
  public get arm() {
    return this._arm;
  }

  // =========
  // SYNTHESIS
  // =========
  protected synthesizeHclAttributes(): { [name: string]: any } {
    const attrs = {
      name: {
        value: cdktn.stringToHclTerraform(this._name),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      plates: {
        value: cdktn.listMapperHcl(cdktn.stringToHclTerraform, false)(this._plates),
        isBlock: false,
        type: "set",
        storageClassType: "stringList",
      },
      loop: {
        value: cdktn.listMapperHcl(awsGateLoopPropertyToHclTerraform, false)(this._loop),
        isBlock: true,
        type: "set",
        storageClassType: "AwsGate.LoopPropertyList",
      },
      arm: {
        value: awsGateArmPropertyToHclTerraform(this._arm.internalValue),
        isBlock: true,
        type: "list",
        storageClassType: "AwsGate.ArmPropertyList",
      },
    };
  }
}
export function awsGateArmPropertyToHclTerraform(struct?: AwsGate.ArmPropertyOutputReference): any {
  const attrs = {
    seconds: {
      value: cdktn.numberToHclTerraform(struct!.seconds),
      isBlock: false,
      type: "simple",
      storageClassType: "number",
    },
  };
}
export function awsGateLoopPropertyToHclTerraform(struct?: AwsGate.LoopProperty): any {
  const attrs = {
    wired: {
      value: cdktn.booleanToHclTerraform(struct!.wired),
      isBlock: false,
      type: "simple",
      storageClassType: "boolean",
    },
  };
}
export namespace AwsGate {
export interface ArmProperty {
  readonly seconds?: number;
}
export class ArmPropertyOutputReference extends cdktn.ComplexObject {
  // seconds - computed: false, optional: true, required: false
  private _seconds?: number;
  public get seconds() {
    return this.getNumberAttribute('seconds');
  }
}
export interface LoopProperty {
  readonly wired?: boolean;
}
export class LoopPropertyOutputReference extends cdktn.ComplexObject {
  // wired - computed: false, optional: true, required: false
  private _wired?: boolean;
  public get wired() {
    return this.getBooleanAttribute('wired');
  }
}
}
"""
PROVIDER = """
export interface AwsProviderConfig {
  /**
  * tags block
  */
  readonly tags?: AwsProvider.TagsProperty[];
}
export class AwsProvider extends cdktn.TerraformProvider {
  // alias - computed: false, optional: true, required: false
  private _alias?: string;

  // tags - computed: false, optional: true, required: false
  private _tags?: AwsProvider.TagsProperty[];

  // =========
  protected synthesizeHclAttributes(): { [name: string]: any } {
    const attrs = {
      alias: {
        value: cdktn.stringToHclTerraform(this._alias),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      tags: {
        value: cdktn.listMapperHcl(awsProviderTagsPropertyToHclTerraform, true)(this._tags),
        isBlock: true,
        type: "list",
        storageClassType: "AwsProvider.TagsPropertyList",
      },
    };
  }
}
export function awsProviderTagsPropertyToHclTerraform(struct?: AwsProvider.TagsProperty): any {
  const attrs = {
    rows: {
      value: cdktn.hashMapperHcl(cdktn.anyToHclTerraform)(struct!.rows),
      isBlock: false,
      type: "map",
      storageClassType: "stringListMap",
    },
  };
}
"""


def compiled(kind: str, text: str) -> bytes:
    """A source as the package holds it."""
    mapped = base64.b64encode(json.dumps({"sourcesContent": [text]}).encode())
    head = f"terraformResourceType: '{kind}'\n//# sourceMappingURL=data:application/json;base64,"
    return head.encode() + mapped


def packed(folder: Path, **sources: str) -> Path:
    """The package's archive, with the sources by type."""
    path = folder / "aws.jsii.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for kind, text in sources.items():
            data = compiled(kind, text)
            member = tarfile.TarInfo(f"package/lib/gate/{kind}.js")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


class TestBindings:
    block = bindings.Source(GATE).block()

    def test_tell_what_is_required_and_what_can_be_read_alone(self) -> None:
        told = self.block["attributes"]
        assert told["name"] == {"type": "string", "required": True}
        assert told["arn"] == {"type": "string", "computed": True}
        assert told["plates"] == {"type": ["set", "string"], "computed": True, "optional": True}

    def test_tell_the_types_of_what_can_be_read_alone(self) -> None:
        told = self.block["attributes"]
        assert told["opened"]["type"] == ["set", "number"]
        assert told["marks"]["type"] == ["map", "string"]

    def test_tell_a_block_from_an_attribute_that_holds_objects(self) -> None:
        assert self.block["attributes"]["loop"]["type"] == ["set", ["object", {"wired": "bool"}]]
        inner = {"attributes": {"seconds": {"type": "number", "optional": True}}, "block_types": {}}
        assert self.block["block_types"] == {
            "arm": {"nesting_mode": "list", "min_items": 1, "max_items": 1, "block": inner}
        }

    def test_give_the_provider_and_the_wanted_types_alone(self, tmp_path: Path) -> None:
        found = bindings.schemas(
            packed(tmp_path, aws=PROVIDER, aws_gate=GATE, aws_other=GATE), {"aws_gate"}
        )
        assert found["resource_schemas"] == {"aws_gate": {"version": 0, "block": self.block}}
        assert found["data_source_schemas"] == {}
        assert found["provider"]["block"]["attributes"] == {}
        tags = found["provider"]["block"]["block_types"]["tags"]
        assert tags["block"]["attributes"]["rows"]["type"] == ["map", ["list", "string"]]

    def test_of_another_form_are_refused(self) -> None:
        with pytest.raises(bindings.UnknownFormError, match="no class"):
            bindings.Source("export const nothing = 1;")
        unknown = GATE.replace("this.getStringAttribute('arn')", "this.divined('arn')")
        with pytest.raises(bindings.UnknownFormError, match="arn: no getter"):
            bindings.Source(unknown).block()


def test_every_module_and_environment_is_looked_at() -> None:
    root = check.REPO / "cloud/terraform"
    found = {folder.name for folder in check.folders(root)}
    assert found == {
        path.name for kind in ("modules", "environments") for path in (root / kind).iterdir()
    }
    assert {"aws_kinesis_stream", "aws_iam_policy_document"} <= check.types(root)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A module of ours, to be spoilt."""
    if not shutil.which("terraform"):
        pytest.skip("inherent: needs terraform, which no registry that CI uses has")
    if not PYTHON.exists():
        pytest.skip("the provider's types are not installed: make terraform")
    root = tmp_path / "terraform"
    shutil.copytree(check.REPO / "cloud/terraform/modules/kinesis", root / "modules/kinesis")
    return root


def spoil(root: Path, right: str, wrong: str) -> None:
    """Write the wrong thing into the module in the place of the right one."""
    path = root / "modules/kinesis/main.tf"
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))


def judged(root: Path, *steps: str) -> subprocess.CompletedProcess[str]:
    """What `make terraform` says of another tree."""
    command = [PYTHON, "-m", "cloud.terraform.check", "--root", root, *steps]
    return subprocess.run(
        [*command, "--work", root.parent / "work"],
        cwd=check.REPO,
        capture_output=True,
        text=True,
    )


@pytest.mark.proof
@pytest.mark.timeout(300)
class TestCheck:
    def test_lets_ours_pass(self, tree: Path) -> None:
        run = judged(tree, "fmt", "validate", "actions")
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stdout.split("\n")[:2] == ["ok   fmt all", "ok   validate kinesis"]

    @pytest.mark.parametrize(
        ("right", "wrong", "told"),
        [
            ("kms_key_id", "kms_key", 'An argument named "kms_key" is not expected here'),
            ("retention_period", "arn_of = 1\n  retention_period", 'argument named "arn_of"'),
            ("  name             =", "  name_prefix      =", 'The argument "name" is required'),
            ("var.retention_hours", '["a day"]', "Inappropriate value for attribute"),
            ("aws_kinesis_stream.events.arn", "aws_kinesis_stream.events.number", "no argument"),
            (
                'resource "aws_iam_policy" "write" {',
                'resource "aws_iam_policy" "write" {\n  policy_id = "x"',
                "policy_id can be read alone",
            ),
        ],
    )
    def test_finds(self, tree: Path, right: str, wrong: str, told: str) -> None:
        spoil(tree, right, wrong)
        run = judged(tree, "validate")
        assert run.returncode == 1
        assert "failed: validate kinesis" in run.stderr
        assert told in " ".join(run.stdout.split())

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ("kinesis:PutRecrods", "main.tf: kinesis:PutRecrods: AWS has no such action"),
            ("kafka:GetBootstrapBrokers", "kafka:GetBootstrapBrokers: it takes no resource"),
        ],
    )
    def test_finds_actions_that_are_never_granted(self, tree: Path, wrong: str, told: str) -> None:
        spoil(tree, "kinesis:PutRecords", wrong)
        run = judged(tree, "actions")
        assert run.returncode == 1
        assert told in run.stdout

    def test_lints(self, tree: Path) -> None:
        spoil(tree, 'encryption_type = "KMS"', 'encryption_type = "NONE"')
        run = judged(tree, "lint")
        assert run.returncode == 1, run.stdout
        assert "CKV_AWS_43" in run.stdout
