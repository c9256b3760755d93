"""Requests that change something conform to the OpenAPI document."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok

load_all_checks()
EXCLUDED_CHECKS = {
    "positive_data_acceptance",  # not every string is a folder of the library
    "ignored_auth",  # test_guard; this check takes the token of the client for one of its own
}


def test_responses_conform_to_the_description(site: Any) -> None:
    schema = schemathesis.openapi.from_dict(site.client.get("/api/openapi.json").json())
    headers = {"authorization": site.client.headers["authorization"]}
    schema.config.update(base_url=str(site.client.base_url), headers=headers)
    checks = [each for each in schemathesis.checks.CHECKS.get_all() if each.__name__ not in EXCLUDED_CHECKS]
    limits = settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    requests = 0

    def check(case: Any) -> None:
        nonlocal requests
        requests += 1
        case.call_and_validate(checks=checks)

    modes: Any = schemathesis.GenerationMode
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        raw = operation.definition.raw
        if operation.method == "delete" or "additions" in operation.path or "uploads" in operation.path:
            for mode in (modes.POSITIVE, *([modes.NEGATIVE] if raw.get("parameters") else [])):
                limits(given(operation.as_strategy(generation_mode=mode))(check))()
    assert requests > 50
