"""Tests of smtpq_exporter.reasons."""
