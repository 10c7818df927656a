"""Tests of proxy.cli."""
