"""The same work done by this program and by its peers, side by side; see `make bench`."""
