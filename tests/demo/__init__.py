"""Tests of smtpq_exporter/demo."""
