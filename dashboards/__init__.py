"""Grafana dashboards and Prometheus rules, and the generator that makes what is not written by hand."""
