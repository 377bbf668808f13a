"""The faces for people and for Prometheus: routes, status page, and the HTTP server under them."""
