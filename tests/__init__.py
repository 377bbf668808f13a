"""Tests mirror the package; real servers live in tests/servers."""
