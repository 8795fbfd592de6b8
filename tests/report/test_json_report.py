import json
from pathlib import Path

import jsonschema
import pytest

from lifesigns.report.json_report import schema, to_json

ROOT = Path(__file__).parents[2]


def strict(told) -> dict:
    return json.loads(json.dumps(to_json(told.diagnosis, told.trace), allow_nan=False))


def test_the_report_is_valid_by_its_schema(told, quiet) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    for one in (told, quiet):
        jsonschema.Draft202012Validator(schema()).validate(strict(one))


@pytest.mark.parametrize("key", ["outcome", "causes", "coverage"])
def test_the_schema_refuses_a_report_that_lacks_a_part(told, key: str) -> None:
    value = strict(told)
    del value[key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema())


def test_values_that_are_not_finite_are_strings(told) -> None:
    value = strict(told)
    evidence = value["defects"][0]["finding"]["evidence"][0]
    assert (evidence["value"], evidence["limit"], evidence["step"]) == ("nan", "inf", 100.0)
    assert value["meta"]["last"] == "nan"


def test_every_location_has_file_line_and_text(told) -> None:
    value = strict(told)
    assert value["defects"][0]["finding"]["location"]["file"] == "/home/me/train.py"
    assert value["subjects"]["loss/0"]["location"]["line"] == 12
    assert set(value["causes"][0]["location"]) == {"file", "line", "text"}


def test_the_order_of_causes_and_their_findings_is_kept(told) -> None:
    value = strict(told)
    assert [c["cause"] for c in value["causes"]] == [c.cause for c in told.diagnosis.causes]
    assert value["causes"][0]["findings"][0]["code"] == "D901"
    assert {v["status"] for v in value["verdicts"]} == {"fired", "clear", "blind", "crashed"}


def test_the_schemas_in_the_docs_are_those_in_the_package() -> None:
    kept = sorted((ROOT / "src/lifesigns/report").glob("*.schema.json"))
    names = {"campaign", "comparison", "diagnosis", "env", "learn", "lint"}
    assert {f.name.partition(".")[0] for f in kept} == names
    for file in kept:
        jsonschema.Draft202012Validator.check_schema(json.loads(file.read_text("utf-8")))
        assert (ROOT / "docs" / file.name).read_text("utf-8") == file.read_text("utf-8")
