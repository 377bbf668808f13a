"""The configuration that packages install: read by the real loader, and nothing in it is invented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import yaml

from smtpq_exporter import config

FILE = Path(__file__).parents[2] / "packaging" / "config" / "smtpq.yml"


def switched_on() -> str:
    """The file with the "#" before every key removed; sentences keep theirs."""
    return re.sub(r"^#(?=[a-z_]+:|  )", "", FILE.read_text("utf-8"), flags=re.MULTILINE)


def test_as_installed_it_changes_nothing() -> None:
    """Every line is a comment: the installed file means the same as no file."""
    assert config.load_file(FILE) == config.Config()


def test_every_key_that_it_shows_is_understood() -> None:
    """With every "#" before a key removed the real loader takes the file."""
    loaded = config.parse(switched_on())
    assert loaded.mtas is not None
    assert [instance.name for instance in loaded.mtas] == ["postfix", "postfix-out"]
    assert loaded.reasons[0].reason == "rate_limited"


def test_what_it_shows_as_default_is_the_default() -> None:
    """The value behind each "#" is the one that counts without the file."""
    shown, default = config.parse(switched_on()), config.Config()
    assert shown.web == default.web
    assert shown.host == default.host
    assert shown.top_destinations == default.top_destinations
    assert (shown.sampling.interval, shown.sampling.timeout, shown.sampling.duty) == (
        default.sampling.interval, default.sampling.timeout, default.sampling.duty)
    assert (shown.logs.enabled, shown.logs.start) == (default.logs.enabled, default.logs.start)


def test_it_shows_every_key() -> None:
    """A key that the program takes and the file does not explain would be found by nobody."""
    shown = yaml.safe_load(switched_on())
    assert set(shown) == {field.name for field in fields(config.Config)}
    for name, part in (("web", config.Web), ("sampling", config.Sampling), ("logs", config.Logs),
                       ("host", config.Host)):
        assert set(shown[name]) == {field.name for field in fields(part)}, name
