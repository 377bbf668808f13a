"""The monitoring plugins: acquire a sample, evaluate it purely, present it.

A plugin starts thousands of times a day, so nothing here imports dataclasses, typing, logging, argparse
or anything heavier at run time; tests/checks/test_imports.py asserts it.
Source of the rules: Monitoring Plugins Development Guidelines; draft-kaestle-monitoring-plugins-interface-03.
"""
