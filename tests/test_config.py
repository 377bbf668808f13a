"""The configuration: one file for each rule, good and bad."""

from __future__ import annotations

import contextlib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter import config, strict_yaml
from smtpq_exporter.errors import ConfigError

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "config"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("valid-*.yml")), ids=lambda path: path.stem)
def test_valid_files(path: Path) -> None:
    """Each valid file gives a Config."""
    assert isinstance(config.load_file(path), config.Config)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("invalid-*.yml")), ids=lambda path: path.stem)
def test_invalid_files(path: Path) -> None:
    """Each invalid file gives exactly the error in its first line, with the file's name before it."""
    with pytest.raises(ConfigError) as caught:
        config.load_file(path)
    expected = path.read_text("utf-8").splitlines()[0].removeprefix("# expected: ")
    assert str(caught.value) == f"{path}: {expected}"


def test_the_defaults() -> None:
    """An empty file, and one with keys without values, mean what no file means."""
    for name in ("empty", "only-comments", "keys-without-values"):
        assert config.load_file(GOLDEN / f"valid-{name}.yml") == config.Config()
    default = config.Config()
    assert default.web.listen_addresses == (("", 10125),)
    assert (default.sampling.interval, default.sampling.duty, default.mtas) == (15.0, 0.05, None)


def test_values_arrive_in_their_units() -> None:
    """Durations are seconds, shares are ratios, addresses are pairs."""
    made = config.parse(
        "sampling: {interval: 1m, timeout: 1h, duty: 2.5 %, max_staleness: 1d12h}\n"
        'web: {listen_addresses: ["[::1]:9", "127.0.0.1:8"]}\n'
        "mtas: [{mta: postfix, name: out, interval: 5m, queue_directory: /q/, options: {a: b}}]\n"
    )
    assert (made.sampling.interval, made.sampling.timeout, made.sampling.duty) == (60.0, 3600.0, 0.025)
    assert made.sampling.max_staleness == 129_600.0
    assert made.web.listen_addresses == (("::1", 9), ("127.0.0.1", 8))
    assert made.mtas is not None
    found = made.mtas[0]
    assert (found.name, found.interval, found.queue_directory, found.options) == (
        "out",
        300.0,
        "/q",
        (("a", "b"),),
    )


def test_yaml_traps_are_closed() -> None:
    """on, NO, 010 and dates are text; a list that is empty is not the same as one that is left out."""
    made = config.load_file(GOLDEN / "valid-words-are-text.yml")
    assert made.mtas is not None
    assert [one.name for one in made.mtas] == ["on", "NO", "010"]
    assert config.load_file(GOLDEN / "valid-no-mail-server.yml").mtas == ()
    assert strict_yaml.load("[2026-11-24, 0x10, 1e3, .5, 1_000, =, <<, 12:30:45]") == [
        "2026-11-24",
        "0x10",
        "1e3",
        ".5",
        "1_000",
        "=",
        "<<",
        "12:30:45",
    ]


def test_the_example_is_loaded_and_shows_every_key() -> None:
    """docs/smtpq.example.yml is a valid configuration, complete, and its defaults are the defaults."""
    path = ROOT / "docs" / "smtpq.example.yml"
    made, default = config.load_file(path), config.Config()
    written = strict_yaml.load(path.read_text("utf-8"))
    assert set(written) == {one.name for one in fields(config.Config)}
    for name in ("web", "sampling", "logs", "host"):
        assert set(written[name]) == {one.name for one in fields(getattr(default, name))}
    assert (made.web, made.host, made.top_destinations) == (
        default.web,
        default.host,
        default.top_destinations,
    )
    assert (made.sampling.interval, made.sampling.timeout, made.sampling.duty) == (15.0, 30.0, 0.05)
    assert made.sampling.max_staleness == 3 * default.sampling.interval
    assert made.mtas is not None
    assert [one.name for one in made.mtas] == ["postfix", "postfix-out"]
    assert {key for entry in written["mtas"] for key in entry} == {
        one.name for one in fields(config._Mta) if one.name != "options"
    }


def test_patterns_that_could_take_forever_are_refused() -> None:
    """The classifier itself looks at the user's rules when the configuration is checked."""
    with pytest.raises(ConfigError, match=r"reasons\[0\].*repeats something that repeats"):
        config.parse('reasons:\n  - {pattern: "(a+)+b", reason: greylisted}\n')


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a directory and other encodings are errors with the path."""
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read: No such file"):
        config.load_file(tmp_path / "none.yml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        config.load_file(tmp_path)
    (tmp_path / "latin.yml").write_bytes(b"web: \xe4\n")
    with pytest.raises(ConfigError, match="is not UTF-8 at byte 5"):
        config.load_file(tmp_path / "latin.yml")


def test_a_huge_file_is_refused() -> None:
    """The size is bounded, and so is the depth."""
    with pytest.raises(ConfigError, match="larger than"):
        config.parse("#" * (strict_yaml.LARGEST + 1))
    with pytest.raises(ConfigError):
        config.parse("web: " + "[" * 5000)
    with pytest.raises(ConfigError, match="nested too deeply"):
        config.parse("web: " + "[" * 30 + "]" * 30)


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    """Whatever stands in the file, the answer is a Config or a sentence."""
    with contextlib.suppress(ConfigError):
        config.parse(text)


@given(st.sampled_from(sorted(GOLDEN.glob("*.yml"))), st.integers(0, 200))
def test_files_cut_anywhere(path: Path, end: int) -> None:
    """Half a file is a Config or a ConfigError."""
    with contextlib.suppress(ConfigError):
        config.parse(path.read_text("utf-8")[:end])
