"""Tests of smtpq_exporter/metrics."""
