"""The API is what its description says: asked by schemathesis with hundreds of made-up requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok

load_all_checks()
LEFT_OUT = {"positive_data_acceptance"}  # dates, cursors and globs are texts that are not all taken


@pytest.fixture
def description(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json").json()
    return found


def test_every_path_is_described(description: dict[str, Any], client: httpx.Client, shelf: Any) -> None:
    for path in description["paths"]:
        asked = path.replace("{id}", shelf.ids["talks/first talk.wav"])
        assert client.get(asked, params={"q": "human"} if "search" in path else {}).status_code == 200
    assert len(description["paths"]) == 7


def test_a_token_is_described(serve: Any, own_shelf: Any) -> None:
    token = "correct horse battery staple"
    client = serve(own_shelf, token=token)
    answer = client.get("/api/openapi.json", headers={"authorization": f"Bearer {token}"}).json()
    assert answer["security"] == [{"token": []}]
    assert all("401" in one["get"]["responses"] for one in answer["paths"].values())


def test_answers_are_as_described(description: dict[str, Any], url: str, shelf: Any) -> None:
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=url)
    checks = [check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ not in LEFT_OUT]
    identities = list(shelf.ids.values())
    asked = 0

    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        if case.path_parameters and asked % 2:  # most ids that are made up are nobody's
            case.path_parameters["id"] = identities[asked % len(identities)]
        case.call_and_validate(checks=checks)

    limits = settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    modes: Any = schemathesis.GenerationMode  # an enum.StrEnum, which mypy does not know for Python 3.10
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        for mode in modes:
            if mode is modes.POSITIVE or operation.definition.raw["parameters"]:
                limits(given(operation.as_strategy(generation_mode=mode))(ask))()
    assert asked > 150
