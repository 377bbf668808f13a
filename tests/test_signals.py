"""The daemon and the signals that it gets."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.servers.sink import free_port
from tests.wait import wait_for


def test_signals_at_any_moment_neither_block_nor_end_it(tmp_path) -> None:
    """Hundreds of SIGHUPs, whatever they interrupt, are survived; then SIGINT ends it with exit code 0."""
    config = tmp_path / "smtpq.yml"
    config.write_text("mtas: []\nhost:\n  enabled: false\n")
    output = tmp_path / "out"
    argv = [sys.executable, "-m", "smtpq_exporter", f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{free_port()}"]
    with output.open("wb") as out, subprocess.Popen(argv, stdout=out, stderr=out) as daemon:
        try:
            wait_for(lambda: "for Prometheus" in output.read_text() or daemon.poll() is not None, 30)
            for _ in range(400):
                daemon.send_signal(signal.SIGHUP)
            before = output.read_text().count("reloaded")
            daemon.send_signal(signal.SIGHUP)
            wait_for(lambda: output.read_text().count("reloaded") > before or daemon.poll() is not None, 30)
            daemon.send_signal(signal.SIGINT)
            assert daemon.wait(20) == 0
        finally:
            daemon.kill()
