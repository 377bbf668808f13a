"""Counting of log events: prefix of a line, moments, counters, delays, top destinations. Pure."""
