"""A simulated mail server for a host that has none: a real Postfix-format queue and log, with invented mail.

world.py decides what happens (pure), disk.py writes it as Postfix would, server.py lets time pass. The
ordinary readers read it; nothing else in this program knows that it is a demonstration, but it says so.
"""

from smtpq_exporter.demo.server import Demo

__all__ = ["Demo"]
