"""Write what follows from the plugins' own options: Icinga 2 commands, and check_smtpq.pyz.

    python3 checks/generate.py            writes checks/icinga2/smtpq-commands.conf
    python3 checks/generate.py --pyz FILE also writes all plugins as one file that needs only Python 3.11

Deterministic: the same options give the same bytes. A test compares the committed file with what this writes.
"""

from __future__ import annotations

import argparse
import io
import py_compile
import stat
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from smtpq_exporter.checks import deferrals, exporter, growth, host, latency, queue  # noqa: E402
from smtpq_exporter.checks.manual import COMMON  # noqa: E402
from smtpq_exporter.checks.options import Option, flat  # noqa: E402

if TYPE_CHECKING:
    from smtpq_exporter.checks.manual import Check

CHECKS: tuple[Check, ...] = (queue, deferrals, growth, latency, host, exporter)
ICINGA = ROOT / "checks" / "icinga2" / "smtpq-commands.conf"
#: Not for a definition: they end with help, or change the form of the output.
LEFT_OUT = {"help", "version", "output", "service"}
SHEBANG = b"#!/usr/bin/python3 -IS\n"
HEAD = """\
/* Icinga 2 commands of smtpq_exporter, written by checks/generate.py.
   Copy to /etc/icinga2/conf.d/ (or a zone) and use them as smtpq-services.conf does. */"""
MAIN = "from smtpq_exporter.checks.cli import main\n\nmain()\n"


def icinga() -> str:
    """The CheckCommands, with the help of each option as its description."""
    blocks = [HEAD]
    for check in CHECKS:
        lines = [
            f'object CheckCommand "smtpq_{check.NAME}" {{',
            f'  command = [ PluginDir + "/check_smtpq_{check.NAME}" ]',
            "  timeout = 30s  // the plugin gives up after 10 s by itself",
            "  arguments = {",
        ]
        table = flat(check.OPTIONS) + [option for option in COMMON if option.dest not in LEFT_OUT]
        for option in table:
            lines += _argument(option)
        lines += ["  }", "  vars.smtpq_verbose = true", "}"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _argument(option: Option) -> list[str]:
    flag = next(flag for flag in reversed(option.flags) if flag.startswith("--"))
    name = f"smtpq_{option.dest}" + ("s" if option.repeat else "")
    lines = [f'    "{flag}" = {{']
    lines.append(f'      set_if = "${name}$"' if option.kind is None else f'      value = "${name}$"')
    if option.repeat:
        lines.append("      repeat_key = true")
    text = option.help or "the critical limit of the same"
    lines.append(f'      description = "{text.replace(chr(34), chr(39))}"')
    return [*lines, "    }"]


def pyz(path: Path) -> None:
    """All plugins in one executable file: sources, and the compiled form for this Python, not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "__main__.py", MAIN.encode())
        for source in sorted((ROOT / "smtpq_exporter").rglob("*.py")):
            _add(archive, source.relative_to(ROOT).as_posix(), source.read_bytes(), compiled=True)
    path.write_bytes(SHEBANG + buffer.getvalue())
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _add(archive: zipfile.ZipFile, name: str, data: bytes, *, compiled: bool = False) -> None:
    archive.writestr(zipfile.ZipInfo(name), data)
    if compiled:
        with tempfile.TemporaryDirectory() as directory:
            source, target = Path(directory) / "source.py", Path(directory) / "source.pyc"
            source.write_bytes(data)
            py_compile.compile(str(source), str(target), dfile=name, doraise=True,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            # Another Python finds a foreign magic number there and takes the source.
            archive.writestr(zipfile.ZipInfo(f"{name}c"), target.read_bytes())


def main() -> int:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Write the files that follow from the plugins' options.")
    parser.add_argument("--pyz", type=Path, metavar="FILE", help="where to write check_smtpq.pyz")
    args = parser.parse_args()
    ICINGA.write_text(icinga(), encoding="utf-8")
    if args.pyz:
        pyz(args.pyz)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
