"""`python -m smtpq_exporter` is smtpq-exporter."""

from __future__ import annotations

import sys

from smtpq_exporter.cli import main

if __name__ == "__main__":
    sys.exit(main())
