"""Tests of proxy.cpi."""
