"""docs/http-api.md says what is there, all of it."""

from __future__ import annotations

import re
from pathlib import Path

import recado.web
from recado.web.asking import NotifyRequest
from recado.web.metrics import Metrics
from recado.web.problems import STATUS
from tests.web.conftest import Connect

PAGE = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text()


async def test_every_route_is_documented(connect: Connect) -> None:
    """And no other one."""

    async def process(request: object) -> None: ...

    described = (await connect(process=process).get("/openapi.json")).json()["paths"]
    there = {
        re.sub(r"{\w+}", "{}", f"{method.upper()} {path}")
        for path, methods in described.items()
        for method in methods
    }
    told = re.findall(r"^\| `([A-Z]+ [^`]+)` \|", PAGE, re.MULTILINE)
    assert {re.sub(r"{\w+}", "{}", route) for route in told} == there


def test_every_code_is_documented_with_its_status() -> None:
    """Codes of errors, and those the web side makes itself."""
    rows = dict(re.findall(r"^\| (\d{3}) \| (.+) \|$", PAGE, re.MULTILINE))
    for code, status in STATUS.items():
        assert f"`{code}`" in rows[str(status)], code
    source = "".join(path.read_text() for path in Path(recado.web.__path__[0]).glob("*.py"))
    own = re.findall(r'HttpProblem\(\s*(\d{3}),\s*"(\w+)"', source)
    assert len(own) > 10
    for status, code in own:
        assert f"`{code}`" in rows[status], code


def test_every_field_is_documented() -> None:
    """What can be asked of POST /api/notify."""
    for name in NotifyRequest.model_fields:
        assert re.search(rf"^\|.*`{name}`.*\|", PAGE, re.MULTILINE), name


def test_every_metric_is_documented() -> None:
    """With the name it is scraped under."""
    told = set(re.findall(r"^\| `(recado_\w+)` \|", PAGE, re.MULTILINE))
    there = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
    }
    assert told == there
