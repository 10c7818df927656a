"""Tests of proxy.upstream."""
