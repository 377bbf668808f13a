"""Tests of smtpq_exporter/web."""
