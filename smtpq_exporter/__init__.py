"""smtpq_exporter: says that mail is late, why, and what to do.

The version is a literal so that a check plugin, which starts thousands of times a day,
does not pay for importlib.metadata.
"""

__version__ = "0.1.0"
