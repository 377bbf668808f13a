"""The format of web.config.file: one file for each rule, named as in the exporter toolkit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.web import toolkit

GOLDEN = Path(__file__).parents[1] / "golden" / "web"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.good.yml")), ids=lambda path: path.name)
def test_good_files(path: Path) -> None:
    """What the toolkit takes is taken."""
    assert isinstance(toolkit.parse(path.read_text("utf-8")), toolkit.WebConfig)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.bad.yml")), ids=lambda path: path.name)
def test_bad_files(path: Path) -> None:
    """Each bad file gives exactly the error in its first line."""
    content = path.read_text("utf-8")
    with pytest.raises(ConfigError) as caught:
        toolkit.parse(content)
    assert str(caught.value) == content.splitlines()[0].removeprefix("# expected: ")


@pytest.mark.server("prometheus")
@pytest.mark.parametrize("name", ["users", "empty"])
def test_promtool_takes_the_same_files(name: str) -> None:
    """Files that we call good are good for Prometheus' own tool too."""
    path = GOLDEN / f"web_config_{name}.good.yml"
    done = subprocess.run(
        ["promtool", "check", "web-config", str(path)], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
